"""People are told of an outage some at a time, by several workers at once: each of them once, and all of them."""

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg

from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.evidence import RecordSample, record_notices, record_samples, tell_of_outages, tellable
from fairgate.commands.extend import extend
from fairgate.commands.find_outages import find_outages
from fairgate.core.lifecycle import Done, Outcome
from fairgate.store import evidence, notices, offers
from meeting import Meeting
from world import World

HOUR = timedelta(hours=1)
GROUPS = 9  # as many as the two ports of the test's world hold
TELLERS = 4


def over(conn: psycopg.Connection) -> World:
    """Nine open offers, and an outage of an hour that is over."""
    world = World(conn)
    for _ in range(GROUPS):
        world.asking()
    world.drawn()
    start = world.now
    world.samples(start - HOUR, start + HOUR)
    world.broken(start + HOUR, start + 2 * HOUR)
    world.now = start + 3 * HOUR
    world.samples(start + 2 * HOUR, world.now)
    find_outages(conn, **world.clock)
    return world


def told(world: World) -> list[tuple[int, int]]:
    """For each registration and each end that it was told of, how often."""
    query = "SELECT registration_id, count(*) FROM notice WHERE kind = 'outage over' GROUP BY 1, facts ORDER BY 1"
    return world.conn.execute(query).fetchall()


def test_they_are_told_some_at_a_time_and_the_clock_stands_until_all_are(conn: psycopg.Connection) -> None:
    world = over(conn)
    counts = []
    while True:
        counts.append(tell_of_outages(conn, now=world.now, most=4))
        notices.sent(conn, [n.id for n in notices.due(conn, world.now, 100)], world.now)
        if counts[-1] < 4:
            break
        assert tellable(conn) == [], "somebody has not been told"
    assert counts == [4, 4, 1]
    assert len(tellable(conn)) == 1
    assert [times for _, times in told(world)] == [1] * GROUPS
    assert tell_of_outages(conn, now=world.now, most=4) == 0


def test_several_at_once_tell_everybody_once(
    conn: psycopg.Connection, make_conn: Callable[..., psycopg.Connection]
) -> None:
    world = over(conn)
    begin = threading.Barrier(TELLERS + 1)

    def tell(teller: psycopg.Connection) -> None:
        begin.wait(10)
        for _ in range(3 * GROUPS):
            tell_of_outages(teller, now=world.now, most=1)

    threads = [threading.Thread(target=tell, args=(make_conn(),)) for _ in range(TELLERS)]
    for thread in threads:
        thread.start()
    begin.wait(10)
    for i in range(10):  # meanwhile outages are looked for, and this one turns out longer
        late = [RecordSample(world.now - HOUR + i * timedelta(seconds=10), "late", 0, 99)]
        record_samples(conn, late, now=world.now)
        find_outages(conn, **world.clock)
    for thread in threads:
        thread.join(30)
    world.now += HOUR
    world.samples(world.now - HOUR, world.now)
    find_outages(conn, **world.clock)
    while tell_of_outages(conn, now=world.now, most=2):
        pass
    assert all(times == 1 for _, times in told(world)), "of each end once"
    [last] = evidence.untold(conn)
    query = "SELECT count(*) FROM notice WHERE kind = 'outage over' AND (facts ->> 'end')::timestamptz = %s"
    assert world.one(query, last.outage.end) == GROUPS
    notices.sent(conn, [n.id for n in notices.due(conn, world.now, 1000)], world.now)
    [outcome] = record_notices(conn, tellable(conn), **world.clock)
    assert world.one('SELECT count(*) FROM "window" WHERE deadline IS NULL') == 0, outcome


def test_who_confirms_while_holders_are_told_is_not_told_that_there_is_more_time(
    conn: psycopg.Connection, meeting: Meeting
) -> None:
    world = over(conn)
    holders = [row[0] for row in conn.execute("SELECT number FROM registration ORDER BY id")]
    elsewhere = world.on(conn)

    def confirms(other: psycopg.Connection) -> list[Outcome]:
        return confirm(other, [Confirm(holders[0], world.program)], **elsewhere.clock)

    told_of, confirmed = meeting.of(
        lambda other: extend(other, **world.clock), confirms, pause_after=(offers, "open_untold")
    )
    assert not meeting.second_waited
    assert isinstance(confirmed[0], Done)
    assert sorted(outcome.number for outcome in told_of) == sorted(holders[1:])
