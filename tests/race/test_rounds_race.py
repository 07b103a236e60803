"""Races about the places of a round: what happens without the lock, then that the lock cures it.

| race | without the lock |
| --- | --- |
| two draws of one round | both draw; only the primary key of `result` stops the second, with an error |
| two backfills for one freed place | both offer it to the same group; a unique constraint stops the second |
| a place freed during a backfill | the mark that it is free is wiped out: nobody ever gets it |
| capacity lowered during a sealing | the sealed list promises places that are not there, and can never be drawn |
| capacity lowered during a draw | the agency is told that nobody comes to the slot, and a group does |
| a group that grows during a sealing | a larger group is offered a place than the sealed list says |
| two openings of one round | the second finds it: refused (here the unique constraint is the lock) |
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from fairgate.commands.amend import Amend, amend
from fairgate.commands.backfill import Backfill, backfill
from fairgate.commands.decline import Decline, decline
from fairgate.commands.draw import Draw, draw
from fairgate.commands.rounds import Open, SetCapacity, open_rounds, set_capacity
from fairgate.core import schedule
from fairgate.core.lifecycle import Done, Reason, Refused
from fairgate.store import lists, registrations, rounds, slots
from meeting import Meeting, without_lock
from world import DAY, World, member

Command = Callable[[psycopg.Connection], Any]


def drawing(world: World) -> Command:
    return lambda conn: draw(conn, [Draw(world.program, DAY)], now=world.now, chance=world.on(conn).chance)[0]


def filling(world: World, port: str = "AAA") -> Command:
    act = Backfill(world.round().id, port)
    return lambda conn: backfill(conn, [act], now=world.now, chance=world.on(conn).chance)[0]


def declining(world: World, *numbers: str) -> Command:
    acts = [Decline(number, world.program) for number in numbers]
    return lambda conn: decline(conn, acts, now=world.now, chance=world.on(conn).chance)[0]


def lowering(world: World, capacity: int = 0, *, slot: int = 0) -> Command:
    found = slots.of_day(world.conn, world.program, DAY)[slot]
    act = SetCapacity(world.program, DAY, found.id, capacity)
    return lambda conn: set_capacity(conn, [act], now=world.now, chance=world.on(conn).chance)[0]


def live(world: World) -> int:
    return int(world.one("SELECT count(*) FROM offer WHERE state IN ('offered', 'confirmed')"))


def of_state(world: World, numbers: list[str], state: str) -> list[str]:
    return [number for number in numbers if world.state(number) == state]


# -- two draws of one round ---------------------------------------------------------------------


def test_without_the_lock_a_round_is_drawn_twice_until_a_key_stops_it(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    world.asking()
    world.now = world.seeded().draw_at
    without_lock(monkeypatch, rounds, "LOCK")
    first, second = meeting.of(drawing(world), drawing(world), pause_after=(lists, "entries"))
    assert isinstance(second, Done)
    assert isinstance(first, psycopg.errors.UniqueViolation)
    assert "result_pkey" in str(first)


def test_a_round_is_drawn_once(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    world.asking()
    world.now = world.seeded().draw_at
    first, second = meeting.of(drawing(world), drawing(world), pause_after=(lists, "entries"))
    assert meeting.second_waited
    assert isinstance(first, Done)
    assert isinstance(second, Refused)
    assert second.reason is Reason.WRONG_STATE
    assert live(world) == 1
    assert world.one("SELECT count(*) FROM statement WHERE kind = 'drawn'") == 1


# -- two backfills for one freed place ----------------------------------------------------------


def freed(world: World) -> None:
    """Port AAA (6 places) is full of single persons, two wait, and one place there comes free."""
    numbers = [world.asking(1, ["AAA"]) for _ in range(8)]
    world.drawn()
    declining(world, of_state(world, numbers, "offered")[0])(world.conn)
    assert live(world) == 5


def port_locked(keywords: dict[str, Any]) -> bool:
    return keywords.get("lock") is not None


def without_giving_out_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    without_lock(monkeypatch, rounds, "LOCK_ID")
    without_lock(monkeypatch, rounds, "LOCK_PORTS")
    without_lock(monkeypatch, registrations, "LOCK_IDS")


def test_without_the_locks_a_backfill_that_has_not_counted_yet_offers_nothing(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    freed(world)
    without_giving_out_locks(monkeypatch)
    first, second = meeting.of(filling(world), filling(world), pause_after=(lists, "reserve"))
    assert second.facts["persons"] == 1
    assert isinstance(first, Done), "what is used is read again after the reserve list: nobody is offered anything"
    assert first.repeated


def test_one_freed_place_is_offered_once(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    freed(world)
    first, second = meeting.of(filling(world), filling(world), pause_after=(rounds, "ports"), when=port_locked)
    assert meeting.second_waited
    assert (first.facts["persons"], second.facts["persons"]) == (1, 0)
    assert second.repeated
    assert live(world) == 6
    assert world.one("SELECT count(*) FROM offer WHERE phase = 'reserve'") == 1


def test_without_the_locks_one_place_is_offered_twice_until_a_key_stops_it(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    freed(world)
    without_giving_out_locks(monkeypatch)
    first, second = meeting.of(filling(world), filling(world), pause_after=(rounds, "ports"), when=port_locked)
    assert second.facts["persons"] == 1
    assert isinstance(first, psycopg.errors.UniqueViolation)
    assert "offer_" in str(first)
    assert live(world) == 6


# -- a place that comes free during a backfill --------------------------------------------------


def two_freed(world: World) -> tuple[str, Command]:
    """One place is free; the act gives back another. Two groups wait for them."""
    numbers = [world.asking(1, ["AAA"]) for _ in range(8)]
    world.drawn()
    one, other, *_ = of_state(world, numbers, "offered")
    declining(world, one)(world.conn)
    return other, declining(world, other)


def free_and_forgotten(world: World) -> bool:
    query = "SELECT used < places AND backfill_due_at IS NULL FROM round_port WHERE port = 'AAA'"
    return bool(world.one(query))


def test_without_the_lock_a_place_freed_during_a_backfill_is_forgotten(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    _, giving_back = two_freed(world)
    without_giving_out_locks(monkeypatch)
    filled, declined = meeting.of(filling(world), giving_back, pause_after=(rounds, "ports"), when=port_locked)
    assert isinstance(declined, Done)
    assert filled.facts["persons"] == 1
    assert free_and_forgotten(world)


def test_a_place_freed_during_a_backfill_is_filled_by_the_next(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    _, giving_back = two_freed(world)
    filled, declined = meeting.of(filling(world), giving_back, pause_after=(rounds, "ports"), when=port_locked)
    assert meeting.second_waited
    assert isinstance(declined, Done)
    assert filled.facts["persons"] == 1
    assert not free_and_forgotten(world)
    [outcome] = world.backfilled()
    assert outcome.facts["persons"] == 1
    assert live(world) == 6


# -- capacity lowered ---------------------------------------------------------------------------


def sealing(world: World) -> Command:
    return lambda conn: world.on(conn).sealed()


def giving_out(world: World) -> Command:
    return lambda conn: world.on(conn).drawn()


def full_day(world: World) -> None:
    """More ask for port AAA, which has two slots of three persons, than it takes."""
    for _ in range(9):
        world.asking(1, ["AAA"])
    world.now = world.opened().closes_at


def test_without_the_lock_a_sealed_list_promises_places_that_are_not_there(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    full_day(world)
    without_lock(monkeypatch, rounds, "LOCK")
    without_lock(monkeypatch, slots, "LOCK_OF_DAY")
    [slot, _] = [s for s in slots.of_day(conn, world.program, DAY) if s.port == "AAA"]
    conn.execute("UPDATE slot SET overshoot = 0")  # as in a program that admits single persons only
    monkeypatch.setattr(slots, "admit", lambda *_: None)
    _, lowered = meeting.of(sealing(world), lowering(world), pause_after=(slots, "of_day"), when=bool)
    assert isinstance(lowered, Done)
    assert (lowered.facts["was"], slot.capacity) == (3, 3)
    promised = world.one("SELECT places FROM round_port WHERE port = 'AAA'")
    there = world.one("SELECT sum(capacity) FROM slot WHERE port = 'AAA'")
    assert (promised, there) == (6, 3)
    with pytest.raises(psycopg.errors.CheckViolation, match="slot_never_oversold"):
        world.drawn()


def test_capacity_is_not_lowered_while_a_round_is_sealed(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    full_day(world)
    _, lowered = meeting.of(sealing(world), lowering(world), pause_after=(slots, "of_day"), when=bool)
    assert meeting.second_waited
    assert isinstance(lowered, Refused)
    assert lowered.reason is Reason.ROUND_SEALED
    world.drawn()
    assert live(world) == 6


def test_without_the_lock_a_slot_is_closed_to_which_a_group_comes(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    full_day(world)
    without_lock(monkeypatch, rounds, "LOCK")
    without_lock(monkeypatch, slots, "LOCK_OF_DAY")
    lowered, _ = meeting.of(lowering(world), giving_out(world), pause_after=(slots, "of_day"), when=bool)
    assert isinstance(lowered, Done)
    assert lowered.facts["capacity"] == 0
    assert world.one("SELECT taken FROM slot WHERE capacity = 0") == 3


def test_a_draw_waits_for_a_capacity_that_is_just_being_lowered(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    full_day(world)
    lowered, _ = meeting.of(lowering(world), giving_out(world), pause_after=(slots, "of_day"), when=bool)
    assert meeting.second_waited
    assert isinstance(lowered, Done)
    assert world.one("SELECT taken FROM slot WHERE capacity = 0") == 0
    assert live(world) == 3


def test_capacity_is_not_lowered_below_who_comes_when_a_draw_was_faster(
    conn: psycopg.Connection, meeting: Meeting
) -> None:
    world = World(conn)
    full_day(world)
    world.now = world.seeded().draw_at
    _, lowered = meeting.of(drawing(world), lowering(world), pause_after=(lists, "entries"))
    assert meeting.second_waited
    assert lowered == Refused(Reason.BELOW_TAKEN, {"taken": 3, "capacity": 0})


# -- a group that grows -------------------------------------------------------------------------


def growing(world: World, number: str) -> Command:
    act = Amend(number, members=[member(n) for n in range(700, 704)])
    return lambda conn: amend(conn, [act], keys=world.keys, now=world.now, chance=world.on(conn).chance)[0]


def sizes(world: World) -> tuple[int, int]:
    """Persons that the sealed list says, and persons that are offered a place."""
    return world.one("SELECT size FROM entry"), world.one("SELECT size FROM offer")


def test_without_the_lock_a_group_is_larger_when_drawn_than_when_sealed(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    number = world.asking()
    world.now = world.opened().closes_at
    without_lock(monkeypatch, rounds, "LOCK_UNDRAWN")
    grown, _ = meeting.of(growing(world, number), sealing(world), pause_after=(lists, "in_sealed"))
    assert isinstance(grown, Done)
    world.drawn()
    assert sizes(world) == (1, 4)


def test_a_sealing_waits_for_a_group_that_just_grows(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    number = world.asking()
    world.now = world.opened().closes_at
    grown, _ = meeting.of(growing(world, number), sealing(world), pause_after=(lists, "in_sealed"))
    assert meeting.second_waited
    assert isinstance(grown, Done)
    world.drawn()
    assert sizes(world) == (4, 4)


# -- two openings -------------------------------------------------------------------------------


def test_a_round_is_opened_once(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)

    def opening(own: psycopg.Connection) -> Any:
        act = Open(world.program, DAY + timedelta(days=1))
        return open_rounds(own, [act], now=world.now, chance=world.on(own).chance)[0]

    first, second = meeting.of(opening, opening, pause_after=(schedule, "slots"))
    assert sorted([isinstance(first, Done), isinstance(second, Done)]) == [False, True]
    refused = first if isinstance(first, Refused) else second
    assert refused.reason is Reason.ROUND_EXISTS
