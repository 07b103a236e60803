"""Rows of the hidden program, in which a watcher confirms places. Nothing here is on the calendar or in a draw."""

from datetime import date, datetime
from typing import NamedTuple

import psycopg

from fairgate.core.profile import Program
from fairgate.core.schedule import round_times
from fairgate.store import rounds, slots

# A round of this program has no due_at: no step of it ever comes.
ROUND = """
    INSERT INTO round (program, date, state, opens_at, closes_at, seed_at, draw_at)
    VALUES (%s, %s, 'open', %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
SLOT = """
    INSERT INTO slot (program, port, date, time, capacity, overshoot) VALUES (%s, %s, %s, %s, %s, 0)
    ON CONFLICT DO NOTHING
"""
PORT = """
    INSERT INTO round_port (round_id, port, capacity, carry, places, overshoot) VALUES (%s, %s, %s, 0, %s, 0)
    ON CONFLICT DO NOTHING
"""


class Day(NamedTuple):
    """The round and the slot of a date; `window_id` and `ord` are those of its newest offer."""

    round_id: int
    slot_id: int
    port: str
    window_id: int | None
    ord: int


def lock_day(conn: psycopg.Connection, program: Program, day: date) -> Day:
    """The rows that offers of a date hang on, made where they are not there yet; the round is locked."""
    [places] = program.ports
    [(at, room)] = places.week[day.weekday()]
    if rounds.find(conn, program.program, day) is None:
        conn.execute(
            "INSERT INTO program (program, group_max, hidden) VALUES (%s, %s, true) ON CONFLICT DO NOTHING",
            [program.program, program.group_max],
        )
        times = round_times(program, day)
        conn.execute(ROUND, [program.program, day, times.opens_at, times.closes_at, times.seed_at, times.draw_at])
        conn.execute(SLOT, [program.program, places.port, day, at, room])
    found = rounds.lock(conn, program.program, day)
    assert found is not None, "the round is there or was just made"
    conn.execute(PORT, [found.id, places.port, room, room])
    [slot] = slots.of_day(conn, program.program, day)
    newest = conn.execute(
        "SELECT window_id, ord FROM offer WHERE round_id = %s ORDER BY ord DESC LIMIT 1", [found.id]
    ).fetchone()
    window_id, order = newest or (None, 0)
    return Day(found.id, slot.id, places.port, window_id, order)


def give_back(conn: psycopg.Connection, offer_id: int, now: datetime) -> None:
    """End the place of a turn that is over; nobody is offered what comes free."""
    conn.execute(
        "UPDATE offer SET state = 'cancelled', why = 'turn over', decided_at = %s WHERE id = %s AND live",
        [now, offer_id],
    )
