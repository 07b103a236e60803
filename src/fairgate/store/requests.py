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
CHANGE = """
    UPDATE request SET state = %(state)s, ports = %(ports)s, asked_at = %(asked_at)s, withdrawn_at = %(withdrawn_at)s
     WHERE registration_id = %(registration_id)s AND program = %(program)s AND state = %(was)s
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
        return {(r.registration_id, r.program): r for r in cursor.execute(OF, [list(registration_ids)])}


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
    with conn.cursor() as cursor:
        cursor.executemany(
            CHANGE,
            [
                {
                    "was": was,
                    "state": r.state,
                    "ports": r.ports,
                    "asked_at": r.asked_at,
                    "withdrawn_at": r.withdrawn_at,
                    "registration_id": r.registration_id,
                    "program": r.program,
                }
                for was, r in changes
            ],
        )
        assert cursor.rowcount == len(changes), "a request changed under the lock of its registration"


def fulfil(conn: psycopg.Connection, arrived: Sequence[tuple[str, str]]) -> None:
    """The standing requests of these (number, program) have got what they asked for."""
    conn.execute(
        "UPDATE request q SET state = 'fulfilled'"
        " FROM unnest(%s::text[], %s::text[]) AS a (number, program) JOIN registration r USING (number)"
        " WHERE q.registration_id = r.id AND q.program = a.program AND q.state = 'standing'",
        [[number for number, _ in arrived], [program for _, program in arrived]],
    )
