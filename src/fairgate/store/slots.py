"""Slots: the places of a date, and the programs whose rounds open by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from fairgate.store import bulk

OF_DAY = """
    SELECT id, program, port, date, time, capacity, taken, overshoot, honoured FROM slot
     WHERE program = %s AND date = %s ORDER BY id
"""
LOCK_OF_DAY = f"{OF_DAY} FOR NO KEY UPDATE"
DUE_PROGRAMS = """
    SELECT program, next_date, opens_at FROM program WHERE opens_at <= %s
     ORDER BY opens_at, program LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Slot:
    id: int
    program: str
    port: str
    date: date
    time: time
    capacity: int
    taken: int
    overshoot: int
    honoured: int


class DueProgram(NamedTuple):
    program: str
    next_date: date
    opens_at: datetime


def of_day(conn: psycopg.Connection, program: str, day: date, *, lock: bool = False) -> list[Slot]:
    """The slots of a date by port and time, locked (in key order) when they are about to be given out or changed."""
    with conn.cursor(row_factory=class_row(Slot)) as cursor:
        query = LOCK_OF_DAY if lock else OF_DAY
        found = cursor.execute(query.encode(), [program, day]).fetchall()
    return sorted(found, key=lambda slot: (slot.port, slot.time))


def insert(
    conn: psycopg.Connection, program: str, day: date, slots: Sequence[tuple[str, time, int]], group_max: int
) -> None:
    """New slots as (port, time of day, capacity)."""
    columns = ("program", "date", "port", "time", "capacity", "overshoot")
    bulk.insert(conn, "slot", columns, ((program, day, port, at, room, group_max - 1) for port, at, room in slots))


def set_capacity(conn: psycopg.Connection, slot_id: int, capacity: int) -> None:
    conn.execute("UPDATE slot SET capacity = %s WHERE id = %s", [capacity, slot_id])


def admit(conn: psycopg.Connection, program: str, day: date, group_max: int) -> None:
    """Let the slots of a date, which are locked, take groups of `group_max`, also where the profile changed since."""
    conn.execute(
        "UPDATE slot SET overshoot = %s WHERE program = %s AND date = %s AND overshoot <> %s",
        [group_max - 1, program, day, group_max - 1],
    )


def due_programs(conn: psycopg.Connection, now: datetime, limit: int) -> list[DueProgram]:
    """Programs whose next round is to be opened, locked; others skip them."""
    return [DueProgram(*row) for row in conn.execute(DUE_PROGRAMS, [now, limit])]


def schedule(conn: psycopg.Connection, program: str, next_date: date | None, opens_at: datetime | None) -> None:
    """Say which round of the program opens next, and when."""
    conn.execute("UPDATE program SET next_date = %s, opens_at = %s WHERE program = %s", [next_date, opens_at, program])


def scheduled(conn: psycopg.Connection, program: str) -> date | None:
    row = conn.execute("SELECT next_date FROM program WHERE program = %s", [program]).fetchone()
    return row[0] if row else None
