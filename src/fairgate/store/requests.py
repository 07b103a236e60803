"""Standing requests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from fairgate.store import bulk

OF = """
    SELECT registration_id, program, state, ports, asked_at, withdrawn_at
      FROM request WHERE registration_id = ANY(%s) ORDER BY registration_id, program
"""
# Lists of ports travel as text, for an array of arrays cannot be ragged; no port's code has a blank.
CHANGE = """
    UPDATE request q SET state = c.state, ports = string_to_array(c.ports, ' '), asked_at = c.asked_at,
           withdrawn_at = c.withdrawn_at
      FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
           AS c (registration_id, program, was, state, ports, asked_at, withdrawn_at)
     WHERE q.registration_id = c.registration_id AND q.program = c.program AND q.state = c.was
"""


@dataclass(frozen=True, slots=True)
class Request:
    registration_id: int
    program: str
    state: str
    ports: list[str]
    asked_at: datetime
    withdrawn_at: datetime | None


def of(conn: psycopg.Connection, registration_ids: Iterable[int]) -> dict[tuple[int, str], Request]:
    """Requests by (registration, program); read under the lock of the registration where it matters."""
    with conn.cursor(row_factory=class_row(Request)) as cursor:
        return {(r.registration_id, r.program): r for r in cursor.execute(OF, [bulk.whole(registration_ids)])}


def insert(conn: psycopg.Connection, requests: Sequence[Request]) -> None:
    columns = ("registration_id", "program", "state", "ports", "asked_at", "withdrawn_at")
    bulk.insert(
        conn,
        "request",
        columns,
        ((r.registration_id, r.program, r.state, r.ports, r.asked_at, r.withdrawn_at) for r in requests),
    )


def change(conn: psycopg.Connection, changes: Sequence[tuple[str, Request]]) -> None:
    """Write each request, whose state before is given beside it."""
    if not changes:
        return
    asked = [request for _, request in changes]
    given = [
        bulk.whole(r.registration_id for r in asked),
        bulk.texts(r.program for r in asked),
        bulk.texts(was for was, _ in changes),
        bulk.texts(r.state for r in asked),
        bulk.texts(" ".join(r.ports) for r in asked),
        bulk.times(r.asked_at for r in asked),
        bulk.times(r.withdrawn_at for r in asked),
    ]
    changed = conn.execute(CHANGE, given)
    assert changed.rowcount == len(changes), "a request changed under the lock of its registration"


def fulfil(conn: psycopg.Connection, arrived: Sequence[tuple[str, str]]) -> None:
    """The standing requests of these (number, program) have got what they asked for."""
    conn.execute(
        "UPDATE request q SET state = 'fulfilled'"
        " FROM unnest(%s::text[], %s::text[]) AS a (number, program) JOIN registration r USING (number)"
        " WHERE q.registration_id = r.id AND q.program = a.program AND q.state = 'standing'",
        [[number for number, _ in arrived], [program for _, program in arrived]],
    )
