"""However samples come in, no deadline is earlier than one that was told before, and outages only grow.

The real commands on PostgreSQL: watchers that are cut off bring in what they saw later, out of order, twice, and some
of it is about the same time and says something else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairgate.commands.evidence import RecordSample, record_notices, record_samples, tell_of_outages, tellable
from fairgate.commands.find_outages import find_outages
from fairgate.store import evidence, notices
from fairgate.store.evidence import Recorded
from world import World, with_policy

TICK = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)


@contextmanager
def undone(conn: psycopg.Connection) -> Iterator[None]:
    """What happens in the block has not happened."""
    with conn.transaction(force_rollback=True):
        yield


def tell(world: World, outage: int | None = None) -> None:
    """Notices go out, of all outages that are over or of one."""
    conn = world.conn
    while tell_of_outages(conn, now=world.now):
        pass
    due = notices.due(conn, world.now, 1000)
    notices.sent(conn, [n.id for n in due if outage is None or n.outage_id == outage], world.now)
    record_notices(conn, tellable(conn), **world.clock)


class Story:
    """Two days of samples of three watchers, which come in bit by bit; after each bit outages are looked for."""

    def __init__(self, world: World, chance: Random) -> None:
        self.world = world
        self.chance = chance
        self.start = world.now - timedelta(hours=1)
        self.promised: dict[int, datetime] = {}
        self.recorded: dict[int, Recorded] = {}
        self.look()

    def samples(self) -> list[RecordSample]:
        """A stretch of one watcher, good or bad, somewhere before now."""
        first = self.start + self.chance.randrange(max(1, (self.world.now - self.start) // TICK)) * TICK
        bad = self.chance.random() < 0.4
        length, apart = self.chance.choice([(3, 1), (40, 1), (30, 12), (90, 20)])
        source = self.chance.choice("abc")
        found = [RecordSample(first + i * apart * TICK, source, int(not bad), int(bad)) for i in range(length)]
        found = [act for act in found if act.at <= self.world.now]
        self.chance.shuffle(found)
        return found

    def step(self) -> None:
        self.world.now += self.chance.choice([0, 1, 20, 240]) * MINUTE
        for _ in range(self.chance.randint(1, 3)):
            acts = self.samples()
            record_samples(self.world.conn, acts + acts[:2], now=self.world.now)
        find_outages(self.world.conn, **self.world.clock)
        self.look()
        if self.chance.random() < 0.6:
            self.tell()
            self.look()

    def tell(self) -> None:
        tell(self.world)

    def look(self) -> None:
        """What must hold after every command."""
        for window, deadline in self.world.conn.execute('SELECT id, deadline FROM "window"'):
            if deadline is not None:
                assert deadline >= self.promised.get(window, deadline), "a deadline that was told moved back"
                self.promised[window] = deadline
        now_recorded = {one.id: one for one in evidence.outages(self.world.conn, self.start - timedelta(days=1))}
        for known, before in self.recorded.items():
            after = now_recorded[known].outage
            assert after.start <= before.outage.start
            assert after.end is None or before.outage.end is None or after.end >= before.outage.end
        self.recorded = now_recorded


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_however_late_samples_come_no_deadline_moves_back(conn: psycopg.Connection, seed: int) -> None:
    with undone(conn):
        world = World(conn)
        world.asking()
        world.drawn()
        story = Story(world, Random(seed))
        for _ in range(12):
            story.step()


def test_the_stories_hold_outages_that_are_told_of_and_grow(conn: psycopg.Connection) -> None:
    """Else they would show nothing: of twelve, several end with a deadline later than the first."""
    moved = 0
    for seed in range(12):
        with undone(conn):
            world = World(conn)
            world.asking()
            world.drawn()
            [first] = [row[0] for row in conn.execute('SELECT deadline FROM "window"')]
            story = Story(world, Random(seed))
            for _ in range(12):
                story.step()
            moved += any(deadline > first for deadline in story.promised.values())
    assert moved >= 3


def test_an_outage_that_grows_into_the_next_takes_nothing_back_that_was_told(conn: psycopg.Connection) -> None:
    """Where the formula alone goes back (docs/decisions/0012): of the first people were told late, then it grew.

    Opened at 0:00. Two outages, 2:00 to 2:02, told at 20:40, and 2:21 to 2:51, told at 8:00, are 19 minutes apart and
    give their times back one after the other: 20:40 + 12 h + 30 min, rounded up to 34:00. The first turns out to have
    lasted until 2:05, and 16 minutes apart they count as one of 51 minutes. Told anew at 20:45 that is 33:00.
    """
    world = World(conn)
    with_policy(world, merge_gap="17 min", quiet_from="00:00", quiet_to="00:00")
    world.asking()
    world.drawn()
    opened: datetime = world.one('SELECT opened_at FROM "window"')
    world.samples(opened - 60 * MINUTE, opened + 120 * MINUTE, every_s=10)
    world.broken(opened + 120 * MINUTE, opened + 122 * MINUTE)
    world.samples(opened + 137 * MINUTE, opened + 141 * MINUTE, every_s=10)
    world.broken(opened + 141 * MINUTE, opened + 171 * MINUTE)
    world.now = opened + 190 * MINUTE
    find_outages(conn, **world.clock)
    first, second = [one.id for one in evidence.outages(conn, opened)]
    world.now = opened + 8 * 60 * MINUTE
    tell(world, second)
    world.now = opened + 20 * 60 * MINUTE + 40 * MINUTE
    tell(world, first)
    told: datetime = world.one('SELECT deadline FROM "window"')
    assert told == opened + 34 * 60 * MINUTE
    world.now += 4 * MINUTE
    late = [RecordSample(opened + 122 * MINUTE + i * TICK, "late", 0, 99) for i in range(13)]
    record_samples(conn, late, now=world.now)
    find_outages(conn, **world.clock)
    assert world.one('SELECT deadline FROM "window"') is None
    world.now += MINUTE
    tell(world)
    assert [(one.outage.start, one.outage.end) for one in evidence.outages(conn, opened)] == [
        (opened + 120 * MINUTE, opened + 125 * MINUTE),
        (opened + 141 * MINUTE, opened + 171 * MINUTE),
    ]
    assert world.one('SELECT deadline FROM "window"') == told
