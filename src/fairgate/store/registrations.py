"""Registrations and their people. A registration's row is the lock under which everything about it happens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import args_row, class_row

from fairgate.core.sealing import Sealed
from fairgate.store import bulk

LOCK = """
    SELECT id, number, code_hash, state, language, size, registered_at, amended_at
      FROM registration WHERE number = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
LOCK_IDS = """
    SELECT id, number, code_hash, state, language, size, registered_at, amended_at
      FROM registration WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
FIND = """
    SELECT id, number, code_hash, state, language, size, registered_at, amended_at
      FROM registration WHERE number = %s
"""
FIND_ALL = """
    SELECT id, number, code_hash, state, language, size, registered_at, amended_at
      FROM registration WHERE number = ANY(%s)
"""
PEOPLE = """
    SELECT registration_id, position, joined_at, adult_from, wrapped_key, blob
      FROM person WHERE registration_id = ANY(%s) ORDER BY registration_id, position
"""
AMEND = """
    UPDATE registration SET language = coalesce(%(language)s, language), size = coalesce(%(size)s, size),
           amended_at = %(now)s
     WHERE id = %(id)s AND state = 'registered'
"""


class Registration(NamedTuple):
    """A row of `registration`. A tuple, for thousands are read in a second."""

    id: int
    number: str
    code_hash: bytes
    state: str
    language: str
    size: int
    registered_at: datetime
    amended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Person:
    """A row of `person`, its data still sealed."""

    registration_id: int
    position: int
    joined_at: datetime
    adult_from: date
    wrapped_key: bytes
    blob: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(wrapped=self.wrapped_key, blob=self.blob)


@dataclass(frozen=True, slots=True)
class NewPerson:
    position: int
    joined_at: datetime
    adult_from: date
    identity: bytes
    sealed: Sealed


def lock(conn: psycopg.Connection, numbers: Iterable[str]) -> dict[str, Registration]:
    """Lock the registrations with these numbers, in key order; by number, unknown ones left out."""
    with conn.cursor(row_factory=args_row(Registration)) as cursor:
        return {row.number: row for row in cursor.execute(LOCK, [bulk.texts(sorted(set(numbers)))])}


def lock_ids(conn: psycopg.Connection, ids: Iterable[int]) -> dict[int, Registration]:
    """Lock the registrations with these ids, in key order; by id."""
    with conn.cursor(row_factory=args_row(Registration)) as cursor:
        return {row.id: row for row in cursor.execute(LOCK_IDS, [sorted(set(ids))])}


def find(conn: psycopg.Connection, number: str) -> Registration | None:
    with conn.cursor(row_factory=args_row(Registration)) as cursor:
        return cursor.execute(FIND, [number]).fetchone()


def find_all(conn: psycopg.Connection, numbers: Iterable[str]) -> dict[str, Registration]:
    """The registrations with these numbers, by number, not locked; unknown ones left out."""
    with conn.cursor(row_factory=args_row(Registration)) as cursor:
        return {row.number: row for row in cursor.execute(FIND_ALL, [list(set(numbers))])}


def taken_numbers(conn: psycopg.Connection, numbers: Sequence[str]) -> set[str]:
    rows = conn.execute("SELECT number FROM registration WHERE number = ANY(%s)", [list(numbers)])
    return {row[0] for row in rows}


def insert(conn: psycopg.Connection, rows: Sequence[tuple[int, str, bytes, str, int, datetime]]) -> None:
    """Rows of (id, number, code_hash, language, size, registered_at)."""
    bulk.insert(conn, "registration", ("id", "number", "code_hash", "language", "size", "registered_at"), rows)


def insert_people(conn: psycopg.Connection, people: Iterable[tuple[int, NewPerson]]) -> None:
    """People with the id of their registration."""
    columns = ("registration_id", "position", "joined_at", "adult_from", "identity", "wrapped_key", "blob")
    bulk.insert(
        conn,
        "person",
        columns,
        (
            (owner, p.position, p.joined_at, p.adult_from, p.identity, p.sealed.wrapped, p.sealed.blob)
            for owner, p in people
        ),
    )


def people(conn: psycopg.Connection, ids: Iterable[int]) -> dict[int, list[Person]]:
    """The people of each registration, by position."""
    found: dict[int, list[Person]] = {}
    with conn.cursor(row_factory=class_row(Person)) as cursor:
        for row in cursor.execute(PEOPLE, [list(ids)]):
            found.setdefault(row.registration_id, []).append(row)
    return found


def replace_people(conn: psycopg.Connection, registration_id: int, people: Sequence[NewPerson]) -> None:
    """Put these people in the place of the earlier ones, whose keys are destroyed with their rows."""
    conn.execute("DELETE FROM person WHERE registration_id = %s", [registration_id])
    insert_people(conn, [(registration_id, person) for person in people])


def amend(
    conn: psycopg.Connection, registration_id: int, *, language: str | None, size: int | None, now: datetime
) -> None:
    """Write what changed; None leaves as it is. The day of registering, and so the place in the line, stays."""
    changed = conn.execute(AMEND, {"id": registration_id, "language": language, "size": size, "now": now})
    assert changed.rowcount == 1, "an amended registration is locked and registered"
