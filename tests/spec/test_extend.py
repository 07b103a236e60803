"""Holders are told of a deadline that moved some at a time: each of them, once, and of what holds now."""

from datetime import datetime, timedelta

import psycopg
import pytest

from fairgate.commands import extend as module
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.evidence import record_notices, tell_of_outages, tellable
from fairgate.commands.extend import extend
from fairgate.commands.find_outages import find_outages
from fairgate.core.lifecycle import Done
from fairgate.core.places import moment
from fairgate.store import notices
from world import World

HOUR = timedelta(hours=1)
GROUPS = 9  # as many as the two ports of the test's world hold


@pytest.fixture(autouse=True)
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OFFERS_AT_ONCE", 2)


def offered(conn: psycopg.Connection) -> tuple[World, list[str]]:
    world = World(conn)
    numbers = [world.asking() for _ in range(GROUPS)]
    world.drawn()
    world.samples(world.now - HOUR, world.now)
    return world, numbers


def broken(world: World) -> None:
    """From now on nothing works, for an hour."""
    start = world.now
    world.now += HOUR
    world.samples(start + timedelta(seconds=10), world.now, ok=0, failed=1, every_s=10)
    find_outages(world.conn, **world.clock)


def mended(world: World) -> datetime:
    """For half an hour all has worked, and everybody was told; the deadline that holds."""
    start = world.now + timedelta(seconds=10)
    world.now += HOUR / 2
    world.samples(start, world.now, every_s=10)
    find_outages(world.conn, **world.clock)
    tell_of_outages(world.conn, now=world.now)
    notices.sent(world.conn, [n.id for n in notices.due(world.conn, world.now, 1000)], world.now)
    record_notices(world.conn, tellable(world.conn), **world.clock)
    found: datetime = world.one('SELECT deadline FROM "window"')
    return found


def said(world: World) -> list[tuple[str, str]]:
    """Number and deadline of every extension on record, in its order."""
    bodies = world.conn.execute("SELECT body::jsonb FROM statement WHERE kind = 'extended' ORDER BY leaf")
    return [(body["number"], body["deadline"]) for (body,) in bodies]


def told_all(world: World) -> list[int]:
    counts = []
    while found := extend(world.conn, **world.clock):
        assert all(isinstance(outcome, Done) and outcome.leaf is not None for outcome in found)
        counts.append(len(found))
    return counts


def test_each_holder_is_told_once_two_at_a_time(conn: psycopg.Connection) -> None:
    world, numbers = offered(conn)
    broken(world)
    assert told_all(world) == [2, 2, 2, 2, 1]
    assert sorted(said(world)) == sorted((number, "paused") for number in numbers)
    assert told_all(world) == []
    assert world.one("SELECT count(*) FROM notice WHERE kind = 'extended'") == GROUPS


def test_when_it_moves_again_midway_all_are_told_of_what_holds_then(conn: psycopg.Connection) -> None:
    world, numbers = offered(conn)
    broken(world)
    assert len(extend(conn, **world.clock)) == 2
    deadline = mended(world)
    told_all(world)
    assert [when for _, when in said(world)] == ["paused"] * 2 + [moment(deadline)] * GROUPS
    assert sorted(number for number, _ in said(world)[2:]) == sorted(numbers)


def test_who_has_confirmed_meanwhile_is_not_told(conn: psycopg.Connection) -> None:
    world, numbers = offered(conn)
    broken(world)
    [outcome] = confirm(conn, [Confirm(numbers[4], world.program)], **world.clock)
    assert isinstance(outcome, Done)
    told_all(world)
    assert sorted(number for number, _ in said(world)) == sorted({*numbers} - {numbers[4]})
