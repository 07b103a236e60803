"""Samples, outages, and telling people that they are over."""

from datetime import datetime, timedelta

import psycopg

from fairgate.commands.evidence import (
    RecordNotice,
    RecordSample,
    record_notices,
    record_samples,
    tell_of_outages,
    tellable,
)
from fairgate.commands.extend import extend
from fairgate.commands.find_outages import find_outages
from fairgate.core.deadlines import Outage
from fairgate.core.lifecycle import Done, Reason, Refused
from fairgate.store import evidence, notices
from world import World

HOUR = timedelta(hours=1)


def told(world: World) -> None:
    """Everybody is told of what is over, and that is put on record."""
    tell_of_outages(world.conn, now=world.now)
    handed_over(world)
    outcomes = record_notices(world.conn, tellable(world.conn), **world.clock)
    assert all(isinstance(outcome, Done) for outcome in outcomes)


def handed_over(world: World) -> None:
    notices.sent(world.conn, [n.id for n in notices.due(world.conn, world.now, 100)], world.now)


def deadline(world: World) -> datetime | None:
    found = world.one('SELECT deadline FROM "window"')
    assert found is None or isinstance(found, datetime)
    return found


def broken_for_an_hour(world: World) -> tuple[datetime, datetime]:
    """An open offer, then an outage that is over; its start and end. Time is a quarter of an hour after it."""
    start = world.now
    broken, mended = start + 2 * HOUR, start + 3 * HOUR
    world.samples(start - HOUR, broken)
    world.broken(broken, mended)
    world.now = mended + timedelta(minutes=15)
    return broken, mended


# -- samples ------------------------------------------------------------------------------------


def test_a_sample_twice_is_one_and_what_cannot_be_is_refused(conn: psycopg.Connection) -> None:
    world = World(conn)
    good = RecordSample(world.now, "a", 1, 0)
    acts = [
        good,
        good,
        RecordSample(world.now, "a", 5, 5),
        RecordSample(world.now, "b", 1, 0),
        RecordSample(world.now, "c", -1, 0),
        RecordSample(world.now + timedelta(seconds=31), "c", 1, 0),
        RecordSample(world.now + timedelta(seconds=30), "c", 1, 0),
    ]
    outcomes = record_samples(conn, acts, now=world.now)
    assert [isinstance(outcome, Done) for outcome in outcomes] == [True, True, True, True, False, False, True]
    assert evidence.samples(conn, world.now, world.now) == [(world.now, 2, 5)], "the worse of a source counts"
    assert record_samples(conn, [], now=world.now) == []


# -- outages ------------------------------------------------------------------------------------


def test_an_outage_is_on_record_and_pauses_every_open_deadline(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    start = world.now
    world.samples(start - HOUR, start + HOUR)
    world.samples(start + HOUR + timedelta(seconds=10), start + 2 * HOUR, ok=0, failed=1, every_s=10)
    world.now = start + 2 * HOUR
    assert find_outages(conn, **world.clock) == 1
    [found] = evidence.outages(conn, start)
    assert (found.outage.start, found.outage.end) == (start + HOUR, None)
    assert deadline(world) is None
    [told] = extend(conn, **world.clock)
    assert isinstance(told, Done)
    assert told.leaf is not None
    assert extend(conn, **world.clock) == [], "nothing is said twice"
    kinds = [row[0] for row in conn.execute("SELECT kind FROM notice ORDER BY id").fetchall()]
    assert kinds == ["offered", "extended"]
    assert world.one("SELECT facts ->> 'deadline' FROM notice WHERE kind = 'extended'") == "paused"
    assert find_outages(conn, **world.clock) == 0, "nothing is said twice"
    assert world.one("SELECT count(*) FROM statement WHERE kind = 'outage'") == 1
    assert world.state(number) == "offered"


def test_a_settled_window_is_left_alone(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.confirmed()
    conn.execute('UPDATE "window" SET settled = true')
    before = deadline(world)
    broken_for_an_hour(world)
    assert find_outages(conn, **world.clock) == 0
    assert deadline(world) == before
    assert world.one("SELECT count(*) FROM outage") == 1


# -- telling ------------------------------------------------------------------------------------


def test_the_clock_stands_until_everybody_was_told(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.offered()
    broken, mended = broken_for_an_hour(world)
    find_outages(conn, **world.clock)
    [found] = evidence.outages(conn, broken)
    assert (found.outage.start, found.outage.end) == (broken, mended)
    act = RecordNotice(found.id)
    too_early = Refused(Reason.NOT_DUE, {"outage": found.id})
    assert record_notices(conn, [act], **world.clock) == [too_early], "nobody has been told"
    assert tell_of_outages(conn, now=world.now) == 1
    assert tell_of_outages(conn, now=world.now) == 0
    assert record_notices(conn, [act], **world.clock) == [too_early], "the notice still waits"
    assert deadline(world) is None
    handed_over(world)
    [outcome] = record_notices(conn, [act], **world.clock)
    assert isinstance(outcome, Done)
    assert deadline(world) is not None
    assert record_notices(conn, [act, RecordNotice(999)], **world.clock) == [
        too_early,
        Refused(Reason.NOT_DUE, {"outage": 999}),
    ]


def test_only_those_whose_offer_was_open_are_told(conn: psycopg.Connection) -> None:
    world = World(conn)
    broken_for_an_hour(world)
    world.now += HOUR
    world.samples(world.now - HOUR, world.now)
    find_outages(conn, **world.clock)
    world.offered()  # long after
    assert tell_of_outages(conn, now=world.now) == 0
    assert world.one("SELECT count(*) FROM outage") == 1
    assert len(tellable(conn)) == 1


def test_an_outage_that_turns_out_longer_is_told_of_anew(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.offered()
    _, mended = broken_for_an_hour(world)
    find_outages(conn, **world.clock)
    told(world)
    first = deadline(world)
    assert first is not None
    # A watcher that was cut off brings its samples: for ten minutes more, nothing worked for most people.
    late = [RecordSample(mended + timedelta(seconds=10 * i), "late", 0, 99) for i in range(60)]
    record_samples(conn, late, now=world.now)
    world.now += HOUR
    world.samples(mended + timedelta(minutes=10), world.now, every_s=10)
    find_outages(conn, **world.clock)
    assert deadline(world) is None
    assert tellable(conn) == [], "nobody knows of the new end"
    told(world)
    assert world.one("SELECT count(*) FROM notice WHERE kind = 'outage over'") == 2
    second = deadline(world)
    assert second is not None
    assert second >= first


def test_nobody_is_told_that_it_works_again_while_another_outage_lasts(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.offered()
    start = world.now
    evidence.add_outage(conn, Outage(start + HOUR, start + 2 * HOUR), world.now)
    lasting = evidence.add_outage(conn, Outage(start + 3 * HOUR), world.now)
    world.now = start + 4 * HOUR
    assert tell_of_outages(conn, now=world.now) == 0
    evidence.change_outage(conn, lasting, Outage(start + 3 * HOUR, start + 4 * HOUR))
    assert tell_of_outages(conn, now=world.now) == 2
