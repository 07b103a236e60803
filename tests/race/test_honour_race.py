"""Races about who was missing from a list: what happens without the lock, then that the lock cures it.

| race | without the lock |
| --- | --- |
| one receipt is shown twice at once | both find nobody honoured; a primary key stops one of them, with an error |
| the reserve is read while its position there is put on record | it is read past it, and nobody looks again |
"""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from fairgate.commands.backfill import Backfill, backfill
from fairgate.commands.decline import Decline, decline
from fairgate.core.lifecycle import Done
from fairgate.store import honoured, lists, registrations, rounds
from invariants import Watch
from meeting import Meeting, without_lock
from missing import Crowd, Missing, honoured_now
from world import World

Command = Callable[[psycopg.Connection], Any]


def showing(world: World, who: Missing) -> Command:
    return lambda conn: honoured_now(world.on(conn), who)


def filling(world: World, port: str) -> Command:
    act = Backfill(world.round().id, port)
    return lambda conn: backfill(conn, [act], now=world.now, chance=world.on(conn).chance)[0]


# -- one receipt twice --------------------------------------------------------------------------


def test_without_the_locks_a_receipt_is_honoured_twice_until_a_key_stops_it(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(conn)
    show = showing(crowd.world, crowd.first("offered"))
    without_lock(monkeypatch, rounds, "LOCK")
    without_lock(monkeypatch, registrations, "LOCK")
    first, second = meeting.of(show, show, pause_after=(lists, "entries"))
    assert isinstance(second, Done)
    assert isinstance(first, psycopg.errors.UniqueViolation)
    assert "honoured_" in str(first)


def test_a_receipt_that_is_shown_twice_at_once_is_honoured_once(conn: psycopg.Connection, meeting: Meeting) -> None:
    crowd = Crowd(conn)
    show = showing(crowd.world, crowd.first("offered"))
    first, second = meeting.of(show, show, pause_after=(lists, "entries"))
    assert meeting.second_waited
    assert (first.repeated, second.repeated) == (False, True)
    assert first.leaf == second.leaf
    assert crowd.persons()[1] == 1
    Watch(conn).look(crowd.world.now)


# -- a receipt while the reserve is read --------------------------------------------------------


def about_to_be_passed(conn: psycopg.Connection) -> tuple[Crowd, Missing, str]:
    """Who was missing stands first on the reserve, and at a port as many places are free as would be given there."""
    crowd = Crowd(conn)
    reserve = [each for each in crowd.missing if crowd.share(each).outcome == "reserve"]
    who = min(reserve, key=lambda each: crowd.share(each).order)
    assert crowd.share(who).order == 1
    world = crowd.world
    holders = [n for n in crowd.listed if (offer := world.offer(n)) and offer.port == "AAA"]
    decline(conn, [Decline(holder, world.program) for holder in holders[:2]], **world.clock)
    return crowd, who, "AAA"


def test_without_the_lock_the_reserve_is_read_past_who_is_being_honoured_and_nobody_looks_again(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd, who, port = about_to_be_passed(conn)
    without_lock(monkeypatch, rounds, "LOCK")
    without_lock(monkeypatch, rounds, "LOCK_ID")
    filled, shown = meeting.of(filling(crowd.world, port), showing(crowd.world, who), pause_after=(lists, "reserve"))
    assert isinstance(filled, Done)
    assert isinstance(shown, Done)
    assert crowd.world.state(who.number) == "none"
    served = crowd.world.one("SELECT count(*) FROM offer WHERE phase = 'reserve'")
    assert served > 0, "somebody who stands after it was offered a place"
    assert crowd.world.one("SELECT count(*) FROM round_port WHERE port = 'AAA' AND backfill_due_at IS NOT NULL") == 0


def test_who_is_honoured_while_the_reserve_is_read_is_offered_a_place_because_it_was_read_past_them(
    conn: psycopg.Connection, meeting: Meeting
) -> None:
    crowd, who, port = about_to_be_passed(conn)
    filled, shown = meeting.of(filling(crowd.world, port), showing(crowd.world, who), pause_after=(lists, "reserve"))
    assert meeting.second_waited
    assert filled.facts["persons"] > 0
    assert shown.facts["outcome"] == "reserve"
    assert crowd.world.state(who.number) == "offered"
    Watch(conn).look(crowd.world.now)


def test_the_reserve_that_is_read_while_somebody_is_honoured_waits_and_finds_them(
    conn: psycopg.Connection, meeting: Meeting
) -> None:
    crowd, who, port = about_to_be_passed(conn)
    shown, filled = meeting.of(showing(crowd.world, who), filling(crowd.world, port), pause_after=(honoured, "find"))
    assert meeting.second_waited
    assert isinstance(shown, Done)
    assert isinstance(filled, Done)
    assert crowd.world.state(who.number) == "offered"
    Watch(conn).look(crowd.world.now)
