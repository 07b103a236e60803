"""Open and void rounds, and change the capacity of their slots."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import psycopg

from fairgate.commands.record import record
from fairgate.core import schedule
from fairgate.core.lifecycle import Done, Fact, Outcome, Reason, Refused, Subject, refuse_unless_possible
from fairgate.core.profile import Profile, Program
from fairgate.core.sealing import Chance
from fairgate.store import offers, profiles, rounds, slots

# Why the machinery voids a round, as it stands on record; pages say it in the person's language.
TOO_LATE: Final = "its day had come before the draw could be held"
SET_BACK: Final = "its list was public, and was lost with a database that was restored from a backup"


@dataclass(frozen=True, slots=True)
class Open:
    """Open the round of a date, with the slots that the profile gives it."""

    program: str
    date: date


@dataclass(frozen=True, slots=True)
class Void:
    """Give a round up before it is drawn; it stays visible with its reason."""

    program: str
    date: date
    reason: str


@dataclass(frozen=True, slots=True)
class SetCapacity:
    """`slot` is an id; only for dates that are not sealed and drawn."""

    program: str
    date: date
    slot: int
    capacity: int


def about(program: str, day: date) -> dict[str, Fact]:
    """How a round is named in facts and statements."""
    return {"program": program, "round": day.isoformat()}


def open_rounds(conn: psycopg.Connection, acts: Sequence[Open], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Open rounds; sealing is due when they close. One whose day has come could only be voided, in public: refused."""
    with conn.transaction():
        profile = profiles.current(conn)
        outcomes = [_refuse_past(conn, profile, act, now) or _open(conn, profile, act) for act in acts]
        record(conn, [(None, outcome) for outcome in outcomes], now=now, chance=chance)
    return outcomes


def _refuse_past(conn: psycopg.Connection, profile: Profile, act: Open, now: datetime) -> Refused | None:
    program = profile.find_program(act.program)
    if program is None or act.date > offers.today_at(now, program.zone):
        return None
    reason = Reason.TOO_LATE if rounds.find(conn, act.program, act.date) is None else Reason.ROUND_EXISTS
    return Refused(reason, about(act.program, act.date))


def _open(conn: psycopg.Connection, profile: Profile, act: Open) -> Outcome:
    program, day = profile.find_program(act.program), act.date
    if program is None:
        return Refused(Reason.UNKNOWN_PROGRAM, {"program": act.program[:60]})
    times = schedule.round_times(program, day)
    places = schedule.slots(program, day)
    moments = (times.opens_at, times.closes_at, times.seed_at, times.draw_at)
    if not rounds.insert(conn, program.program, day, moments):
        return Refused(Reason.ROUND_EXISTS, about(program.program, day))
    slots.insert(conn, program.program, day, places, program.group_max)
    return Done("opened", None, {**about(program.program, day), "places": sum(room for *_, room in places)})


def open_due(conn: psycopg.Connection, *, now: datetime, chance: Chance) -> list[Outcome]:
    """Open the next round of every program where it is due, and put the one after it on the calendar.

    Also one whose day has come, as after weeks of standing still: it is void then, and everyone sees that and why.
    """
    with conn.transaction():
        due = slots.due_programs(conn, now, 10)
        profile = profiles.current(conn)
        outcomes = [_open(conn, profile, Open(found.program, found.next_date)) for found in due]
        record(conn, [(None, outcome) for outcome in outcomes], now=now, chance=chance)
        for found in due:
            program = profile.program(found.program)
            following = schedule.next_date(program, found.next_date)
            slots.schedule(conn, found.program, following, schedule.round_times(program, following).opens_at)
    return outcomes


def start_calendar(conn: psycopg.Connection, program: Program, first: date) -> None:
    """Let rounds open by themselves, the one of `first` to begin with."""
    slots.schedule(conn, program.program, first, schedule.round_times(program, first).opens_at)


def void(conn: psycopg.Connection, acts: Sequence[Void], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Void rounds that are not drawn; who asked still asks, and is in the next round."""
    outcomes: list[Outcome] = []
    for act in acts:
        with conn.transaction():
            outcome = _void(conn, act)
            record(conn, [(None, outcome)], now=now, chance=chance)
            outcomes.append(outcome)
    return outcomes


def _void(conn: psycopg.Connection, act: Void) -> Outcome:
    found = rounds.lock(conn, act.program, act.date)
    if found is None:
        return Refused(Reason.UNKNOWN_ROUND, about(act.program, act.date))
    refusal = refuse_unless_possible(Subject.ROUND, "void", found.state)
    if refusal is None:
        rounds.void(conn, found, act.reason)
    return refusal or Done("voided", None, {**about(act.program, act.date), "why": act.reason})


def set_capacity(
    conn: psycopg.Connection, acts: Sequence[SetCapacity], *, now: datetime, chance: Chance
) -> list[Outcome]:
    """Change how many persons a slot takes: not between sealing and draw, and never below who has a place there."""
    outcomes: list[Outcome] = []
    for act in acts:
        with conn.transaction():
            outcome = _set_capacity(conn, act, now)
            record(conn, [(None, outcome)], now=now, chance=chance)
            outcomes.append(outcome)
    return outcomes


def _set_capacity(conn: psycopg.Connection, act: SetCapacity, now: datetime) -> Outcome:
    found = rounds.lock(conn, act.program, act.date)
    if found is not None:
        rounds.ports(conn, found.id, lock=sorted(rounds.ports(conn, found.id)))
    room = {slot.id: slot for slot in slots.of_day(conn, act.program, act.date, lock=True)}.get(act.slot)
    if found is None or room is None:
        return Refused(Reason.UNKNOWN_SLOT, {"slot": act.slot})
    if found.state == "sealed":
        return Refused(Reason.ROUND_SEALED, about(act.program, act.date))
    if act.capacity < min(room.taken, room.capacity):
        return Refused(Reason.BELOW_TAKEN, {"taken": room.taken, "capacity": act.capacity})
    slots.set_capacity(conn, act.slot, act.capacity)
    if act.capacity > room.capacity:
        offers.mark_freed(conn, [(found.id, room.port)], now)  # of what was sealed, more can be filled again
    facts: dict[str, Fact] = {**about(act.program, act.date), "port": room.port, "time": room.time.strftime("%H:%M")}
    return Done("capacity set", None, {**facts, "was": room.capacity, "capacity": act.capacity})
