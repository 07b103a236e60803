"""Samples that are late, wrong, or say the same thing twice are refused or contained."""

from datetime import datetime, timedelta
from itertools import pairwise

import psycopg
import pytest

from fairgate.commands.evidence import RecordSample, record_samples
from fairgate.commands.find_outages import find_outages
from fairgate.core.deadlines import Outage
from fairgate.core.lifecycle import Done, Reason, Refused
from fairgate.core.outages import LOOK_BACK, Sample, find, seen
from fairgate.core.samples import MOST, NAME_MOST, OLDEST, SLACK, plausible
from fairgate.store import evidence
from world import LONG_AGO, World

HOUR, TICK = timedelta(hours=1), timedelta(seconds=10)
SECOND = timedelta(seconds=1)


def outages(world: World) -> list[Outage]:
    return [recorded.outage for recorded in evidence.outages(world.conn, LONG_AGO - timedelta(days=365))]


def look(world: World) -> None:
    find_outages(world.conn, **world.clock)


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("good", "at", "source", "ok", "failed"),
    [
        (True, timedelta(0), "watch a", 1, 0),
        (True, SLACK, "watch a", 0, 1),
        (False, SLACK + SECOND, "watch a", 1, 0),
        (True, -OLDEST, "watch a", 1, 0),
        (False, -OLDEST - SECOND, "watch a", 1, 0),
        (False, timedelta(days=-365 * 56), "watch a", 0, 1),
        (False, timedelta(0), "", 1, 0),
        (False, timedelta(0), " watch a", 1, 0),
        (False, timedelta(0), "watch\x00a", 1, 0),
        (False, timedelta(0), "watch\na", 1, 0),
        (False, timedelta(0), "watch \udcff", 1, 0),
        (True, timedelta(0), "w" * NAME_MOST, 1, 0),
        (False, timedelta(0), "w" * (NAME_MOST + 1), 1, 0),
        (True, timedelta(0), "puesto 7 de Nogales, ñ", 0, 0),
        (False, timedelta(0), "watch a", -1, 0),
        (False, timedelta(0), "watch a", 0, MOST + 1),
    ],
)
def test_what_no_watcher_can_have_seen_is_refused(good: bool, at: timedelta, source: str, ok: int, failed: int) -> None:
    assert plausible(LONG_AGO + at, source, ok, failed, now=LONG_AGO) is good


def test_a_time_without_a_zone_is_no_time() -> None:
    assert not plausible(LONG_AGO.replace(tzinfo=None), "watch a", 1, 0, now=LONG_AGO)


def test_a_refused_sample_harms_no_other_of_its_batch(conn: psycopg.Connection) -> None:
    world = World(conn)
    acts = [RecordSample(world.now, source, 1, 0) for source in ("a", "b\x00", "", "c" * 5000, "d")]
    outcomes = record_samples(conn, acts, now=world.now)
    assert [isinstance(outcome, Done) for outcome in outcomes] == [True, False, False, False, True]
    assert all(o.reason is Reason.BAD_SAMPLE for o in outcomes if isinstance(o, Refused))
    assert evidence.samples(conn, world.now, world.now) == [(world.now, 2, 0)]


# -- what is contained --------------------------------------------------------------------------


def test_a_clock_that_jumped_back_cannot_hide_a_failure_behind_a_good_sample(conn: psycopg.Connection) -> None:
    world = World(conn)
    start = world.now
    world.samples(start, start + HOUR, every_s=10)  # the clock was an hour ahead, and is set back
    for i in range(3):
        record_samples(conn, [RecordSample(start + HOUR - i * TICK, "test", 0, 1)], now=start + HOUR)
    world.now = start + HOUR
    look(world)
    assert outages(world) == [Outage(start + HOUR - 3 * TICK)]


def test_a_future_sample_counts_when_its_time_has_come(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.samples(world.now - HOUR, world.now - TICK, every_s=10)
    ahead = [RecordSample(world.now + i * TICK, "a", 0, 1) for i in (1, 2, 3)]
    assert all(isinstance(outcome, Done) for outcome in record_samples(conn, ahead, now=world.now))
    look(world)
    assert outages(world) == []
    world.now += SLACK
    look(world)
    assert outages(world) == [Outage(world.now - SLACK - TICK)]


def test_single_failures_with_wrong_times_are_no_outage_among_good_ones(conn: psycopg.Connection) -> None:
    """A watcher whose own clock is wrong, and that has never seen the database, tells of failures at odd times."""
    world = World(conn)
    world.samples(world.now - 2 * HOUR, world.now, every_s=10)
    odd = [RecordSample(world.now - HOUR + i * TICK + 3 * SECOND, "lost", 0, 1) for i in range(100)]
    record_samples(conn, odd, now=world.now)
    look(world)
    assert outages(world) == []


# -- what comes late ----------------------------------------------------------------------------


def test_samples_that_come_days_late_are_looked_at_from_their_beginning(conn: psycopg.Connection) -> None:
    world = World(conn)
    start = world.now
    world.samples(start - HOUR, start)
    world.now = start + timedelta(days=4)
    world.samples(start + timedelta(days=3), world.now)
    look(world)
    assert outages(world) == [Outage(start, start + timedelta(days=3))], "silence"
    world.now += HOUR
    world.samples(world.now - HOUR, world.now)
    look(world)
    # Now a watcher brings what it saw two days ago: it had worked until then, and for two hours it had not.
    late = [RecordSample(start - 5 * HOUR + i * TICK, "late", 0, 1) for i in range(720)]
    record_samples(conn, late, now=world.now)
    look(world)
    assert [o.start for o in outages(world)] == [start - 5 * HOUR, start]


def test_a_silence_that_began_long_before_the_first_open_window_is_an_outage(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.asking()
    world.sealed()
    last = world.round().draw_at - timedelta(hours=9)
    world.samples(last - HOUR, last)
    world.drawn()
    offer = world.offer(number)
    assert offer is not None
    world.now += 3 * HOUR
    back = world.now
    look(world)
    world.samples(back, back)
    look(world)
    assert outages(world) == [Outage(last)]
    found = world.offer(number)
    assert found is not None
    assert found.deadline is None


def test_the_edge_of_what_is_looked_at_makes_no_outage(conn: psycopg.Connection) -> None:
    """Three in a hundred failed for half a minute, after twelve hundred tries that all worked."""
    start = LONG_AGO
    before = [Sample(start - i * TICK, 200, 0) for i in range(LOOK_BACK, 0, -1)]
    odd = [Sample(start + i * TICK, 97, 3) for i in range(3)]
    after = [Sample(start + i * TICK, 200, 0) for i in range(3, 120)]
    assert find([*before, *odd, *after]) == []
    assert find([*odd, *after]) != []
    assert seen([*before, *odd, *after][1:], LOOK_BACK - 1).outages == []
    assert seen([*before, *odd, *odd], LOOK_BACK - 1).outages == find([*before, *odd, *odd])


def test_thousands_at_once_are_taken_and_looked_at(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.now += timedelta(days=3)
    acts = [RecordSample(LONG_AGO + i * TICK, "late", int(i < 8640), int(i >= 8640)) for i in range(3 * 8640)]
    assert all(isinstance(outcome, Done) for outcome in record_samples(conn, acts, now=world.now))
    look(world)
    assert outages(world) == [Outage(LONG_AGO + 8639 * TICK)]
    assert all(one <= two for one, two in pairwise(evidence.samples(conn, LONG_AGO, world.now)))
    record_samples(conn, acts, now=world.now)
    look(world)
    assert len(outages(world)) == 1


def test_looking_again_begins_where_the_last_look_ended(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.samples(world.now - HOUR, world.now)

    def since() -> datetime:
        with conn.transaction():
            return evidence.lock_looking(conn)

    look(world)
    assert since() == world.now
    world.now += timedelta(minutes=5)
    world.samples(world.now, world.now)
    look(world)
    assert since() == world.now - timedelta(minutes=5), "not written anew at every look"
    late = world.now - timedelta(days=2)
    record_samples(conn, [RecordSample(late, "late", 1, 0)], now=world.now)
    assert since() == late
    look(world)
    assert since() == world.now
