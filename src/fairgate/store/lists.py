"""The lists of a round: who is to be in it, who was sealed in it, and what the draw said of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from fairgate.core.draw import Entry, Offered, Standing
from fairgate.store import bulk

# Whole weeks that the newest adult member of a group has been registered at `closes_at`. Adult is who was one
# then, or when joining after it: a round may be sealed late.
_WEEKS = """
    greatest(0, floor(extract(epoch FROM %(closes_at)s::timestamptz - coalesce(
        max(p.joined_at) FILTER (WHERE p.adult_from <= greatest(%(day)s, (p.joined_at AT TIME ZONE 'UTC')::date)),
        r.registered_at)) / 604800))::int
"""
# Standing requests at closing time, of those who hold no place.
ELIGIBLE = f"""
    SELECT q.registration_id, r.number, r.size, array_to_string(q.ports, '|'), {_WEEKS}
      FROM request q
      JOIN registration r ON r.id = q.registration_id
      JOIN person p ON p.registration_id = r.id
     WHERE q.program = %(program)s AND q.state = 'standing' AND q.asked_at <= %(closes_at)s
       AND r.size <= %(group_max)s
       AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.registration_id = q.registration_id
                          AND o.program = q.program AND o.live)
     GROUP BY q.registration_id, r.number, r.size, q.ports, r.registered_at
"""
WEEKS_OF = f"""
    SELECT {_WEEKS} FROM registration r JOIN person p ON p.registration_id = r.id
     WHERE r.id = %(registration_id)s AND p.joined_at <= %(closes_at)s GROUP BY r.registered_at
"""
# Reserve of a round for a port, in public order, without those who were offered a place in it. LATERAL and OFFSET keep
# PostgreSQL on the way down the list: joined at its own discretion, it reads the whole round for the first few.
RESERVE = """
    SELECT e.registration_id, t.ticket, e.size, e.weeks, e.ports, t.ord
      FROM result t
     CROSS JOIN LATERAL (
           SELECT registration_id, size, weeks, ports FROM entry
            WHERE round_id = t.round_id AND ticket = t.ticket OFFSET 0) e
     WHERE t.round_id = %(round)s AND t.outcome = 'reserve' AND %(port)s = ANY(e.ports)
       AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.round_id = t.round_id AND o.registration_id = e.registration_id)
     ORDER BY t.ord LIMIT %(limit)s
"""
# How long the reserve is: its order counts from 1, so that no list of hundreds of thousands is counted for a page.
LAST_RESULT = """
    SELECT r.date, t.ticket, t.outcome, t.ord, t.port, t.weeks, t.size, t.missing,
           coalesce((SELECT max(x.ord) FROM result x WHERE x.round_id = r.id AND x.outcome = 'reserve'), 0)
               AS reserve_length
      FROM (SELECT e.round_id, e.registration_id, e.ticket, s.outcome, s.ord, s.port, e.weeks, e.size, false AS missing
              FROM entry e JOIN result s ON s.round_id = e.round_id AND s.ticket = e.ticket
             WHERE e.registration_id = %(registration)s
             UNION ALL
            SELECT h.round_id, h.registration_id, h.ticket, h.outcome, h.ord, h.port, h.weeks, h.size, true
              FROM honoured h WHERE h.registration_id = %(registration)s) t
      JOIN round r ON r.id = t.round_id
     WHERE r.program = %(program)s AND r.state IN ('drawn', 'closed') ORDER BY r.date DESC LIMIT 1
"""


class _PortLists(dict[str, tuple[str, ...]]):
    """Port lists by their text "SYS|BRO", each read once: hundreds of thousands of rows hold a few hundred."""

    def __missing__(self, text: str) -> tuple[str, ...]:
        ports = self[text] = tuple(text.split("|"))
        return ports


class Eligible(NamedTuple):
    registration_id: int
    number: str
    size: int
    ports: tuple[str, ...]
    weeks: int


class Waiting(NamedTuple):
    """Somebody on the reserve, with the order there; who was missing stands before the one with the same order."""

    registration_id: int
    entry: Entry
    order: int


@dataclass(frozen=True, slots=True)
class LastResult:
    """What the last drawn round said of a registration that was in it, or `missing` from its list and honoured."""

    date: date
    ticket: str
    outcome: str
    ord: int
    port: str | None
    weeks: int
    size: int
    missing: bool
    reserve_length: int


def eligible(conn: psycopg.Connection, program: str, closes_at: datetime, group_max: int) -> list[Eligible]:
    """Everyone who is to be in a round that closes at `closes_at`."""
    with conn.cursor() as cursor:
        cursor.execute(
            ELIGIBLE.encode(),
            {"program": program, "closes_at": closes_at, "day": closes_at.date(), "group_max": group_max},
            binary=True,
        )
        lists = _PortLists()
        return [Eligible(owner, number, size, lists[names], weeks) for owner, number, size, names, weeks in cursor]


def weeks(conn: psycopg.Connection, registration_id: int, at: datetime) -> int:
    """The weeks that a round closing at `at` would count for a registration: of those in the group who had joined then.

    None of them may be there any more; then it is none.
    """
    values = {"closes_at": at, "day": at.date(), "registration_id": registration_id}
    row = conn.execute(WEEKS_OF.encode(), values).fetchone()
    return int(row[0]) if row else 0


def in_sealed(conn: psycopg.Connection, registration_ids: Sequence[int]) -> dict[int, date]:
    """Those of the registrations that are in a round which is sealed and not drawn, with its date."""
    rows = conn.execute(
        "SELECT e.registration_id, r.date FROM entry e JOIN round r ON r.id = e.round_id"
        " WHERE r.state = 'sealed' AND e.registration_id = ANY(%s)",
        [list(registration_ids)],
    )
    return dict(rows.fetchall())


def insert_entries(conn: psycopg.Connection, round_id: int, entries: Sequence[tuple[int, Entry]]) -> None:
    """The sealed list: entries with their registrations."""
    columns = ("round_id", "ticket", "registration_id", "size", "weeks", "ports")
    arrays = {ports: "{" + ",".join(ports) + "}" for ports in {e.ports for _, e in entries}}  # letters and digits only
    rows = ((round_id, e.ticket, owner, e.size, e.weeks, arrays[e.ports]) for owner, e in entries)
    bulk.insert(conn, "entry", columns, rows)


def entries(conn: psycopg.Connection, round_id: int) -> list[tuple[int, Entry]]:
    """The sealed list in the order of tickets, with registrations."""
    with conn.cursor() as cursor:
        cursor.execute(
            "SELECT registration_id, ticket, size, weeks, array_to_string(ports, '|') FROM entry"
            " WHERE round_id = %s ORDER BY ticket",
            [round_id],
            binary=True,
        )
        lists = _PortLists()
        return [(owner, Entry(ticket, size, weeks, lists[names])) for owner, ticket, size, weeks, names in cursor]


def standings(conn: psycopg.Connection, round_id: int) -> list[Standing]:
    """What the entries of a sealed round say beside their tickets, in no order."""
    with conn.cursor() as cursor:
        cursor.execute(
            "SELECT size, weeks, array_to_string(ports, '|') FROM entry WHERE round_id = %s", [round_id], binary=True
        )
        lists = _PortLists()
        return [Standing(size, weeks, lists[names]) for size, weeks, names in cursor]


def is_in(conn: psycopg.Connection, round_id: int, registration_id: int) -> str | None:
    """The ticket of a registration in the sealed list of a round; None if it is not in it."""
    row = conn.execute(
        "SELECT ticket FROM entry WHERE round_id = %s AND registration_id = %s", [round_id, registration_id]
    ).fetchone()
    return row[0] if row else None


def insert_results(conn: psycopg.Connection, round_id: int, offers: Sequence[Offered], reserve: Sequence[str]) -> None:
    offered = ((round_id, o.ticket, "offered", o.port, o.order, o.phase) for o in offers)
    waiting = ((round_id, ticket, "reserve", None, order, None) for order, ticket in enumerate(reserve, 1))
    columns = ("round_id", "ticket", "outcome", "port", "ord", "phase")
    bulk.insert(conn, "result", columns, offered)
    bulk.insert(conn, "result", columns, waiting)


def results(conn: psycopg.Connection, round_id: int) -> tuple[list[Offered], list[str]]:
    """Offers and reserve (tickets) of a drawn round, each in its public order."""
    rows = conn.execute(
        "SELECT outcome, ticket, port, ord, phase FROM result WHERE round_id = %s ORDER BY outcome, ord", [round_id]
    ).fetchall()
    offers = [
        Offered(ticket, port, order, phase) for outcome, ticket, port, order, phase in rows if outcome == "offered"
    ]
    return offers, [ticket for outcome, ticket, *_ in rows if outcome == "reserve"]


def reserve(conn: psycopg.Connection, round_id: int, port: str, limit: int) -> list[Waiting]:
    """The first of the reserve list who would take a place at `port`."""
    rows = conn.execute(RESERVE, {"round": round_id, "port": port, "limit": limit})
    return [
        Waiting(owner, Entry(ticket, size, weeks, tuple(names)), order)
        for owner, ticket, size, weeks, names, order in rows
    ]


def last_result(conn: psycopg.Connection, registration_id: int, program: str) -> LastResult | None:
    with conn.cursor(row_factory=class_row(LastResult)) as cursor:
        return cursor.execute(LAST_RESULT, {"registration": registration_id, "program": program}).fetchone()
