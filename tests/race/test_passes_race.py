"""Races about passes: what happens without the locks, then that they cure it.

| race | without the locks |
| --- | --- |
| two workers | the second waits for the first, and then finds nothing left |
| a pass is made while its appointment is cancelled | somebody who has cancelled, and was told so, is given a pass |
"""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.issue_passes import issue_passes
from fairgate.core.lifecycle import Done
from fairgate.store import offers, passes, registrations
from meeting import Meeting, without_lock
from world import World

Command = Callable[[psycopg.Connection], Any]


def issuing(world: World) -> Command:
    return lambda conn: issue_passes(conn, keys=world.keys, now=world.now, chance=world.on(conn).chance)


def cancelling(world: World, number: str) -> Command:
    act = Cancel(number, world.program, "by holder")
    return lambda conn: cancel(conn, [act], now=world.now, chance=world.on(conn).chance)[0]


def given_out(world: World) -> int:
    return int(world.one("SELECT count(*) FROM statement WHERE kind = 'pass'"))


def without_place_in_the_ledger_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = " FOR NO KEY UPDATE SKIP LOCKED"
    assert passes.LOCK_NEXT.endswith(lock)
    monkeypatch.setattr(passes, "LOCK_NEXT", passes.LOCK_NEXT.removesuffix(lock))


def test_without_the_lock_the_second_of_two_workers_waits_for_nothing(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    world.confirmed()
    without_place_in_the_ledger_locked(monkeypatch)
    first, second = meeting.of(issuing(world), issuing(world), pause_after=(offers, "without_pass"))
    assert meeting.second_waited
    assert (len(first), second) == (1, [])
    assert given_out(world) == 1


def test_of_two_workers_one_makes_the_pass_and_the_other_goes_on_without_waiting(
    conn: psycopg.Connection, meeting: Meeting
) -> None:
    world = World(conn)
    world.confirmed()
    first, second = meeting.of(issuing(world), issuing(world), pause_after=(offers, "without_pass"))
    assert (len(first), second) == (1, [])
    assert not meeting.second_waited
    assert given_out(world) == 1


def test_without_the_lock_somebody_who_has_cancelled_is_given_a_pass(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    number = world.confirmed()
    without_lock(monkeypatch, registrations, "LOCK_IDS")
    given, cancelled = meeting.of(issuing(world), cancelling(world, number), pause_after=(offers, "without_pass"))
    assert isinstance(cancelled, Done)
    assert len(given) == 1
    kinds = [kind for (kind,) in conn.execute("SELECT kind FROM statement ORDER BY leaf DESC LIMIT 2")]
    assert kinds == ["pass", "cancelled"]


def test_who_cancels_while_a_pass_is_made_waits_and_the_pass_is_revoked(
    conn: psycopg.Connection, meeting: Meeting
) -> None:
    world = World(conn)
    number = world.confirmed()
    given, cancelled = meeting.of(issuing(world), cancelling(world, number), pause_after=(offers, "without_pass"))
    assert meeting.second_waited
    assert isinstance(cancelled, Done)
    [done] = given
    assert passes.revoked(conn, "here", world.now).appointments == {done.facts["appointment"]}
    kinds = [kind for (kind,) in conn.execute("SELECT kind FROM statement ORDER BY leaf DESC LIMIT 2")]
    assert kinds == ["cancelled", "pass"]


def test_who_has_cancelled_first_is_given_none(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    number = world.confirmed()
    cancelled, given = meeting.of(cancelling(world, number), issuing(world), pause_after=(offers, "latest"))
    assert meeting.second_waited
    assert isinstance(cancelled, Done)
    assert given == []
    assert given_out(world) == 0
