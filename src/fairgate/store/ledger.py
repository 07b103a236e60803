"""The append-only record: one leaf an act, and beside it the statement that the leaf stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import psycopg

from fairgate.store import bulk, heads

# One statement, one round trip: the ledger's row is locked by everyone who appends, and for no longer than it must be.
# What is said comes line by line (canonical JSON has no line break), data and salts one after another.
APPEND = """
    WITH grown AS (UPDATE ledger SET size = size + %(count)s RETURNING size - %(count)s AS first),
         said AS (
             SELECT first + ord - 1 AS leaf, ord::integer - 1 AS i, registration_id, kind, body
               FROM grown, ROWS FROM (unnest(%(owners)s::bigint[]), unnest(%(kinds)s::text[]),
                                      string_to_table(%(bodies)s, E'\\n'))
                    WITH ORDINALITY AS s (registration_id, kind, body, ord)),
         leaves AS (
             INSERT INTO leaf (index, data, at)
             SELECT leaf, substring(%(data)b FROM 32 * i + 1 FOR 32), %(now)s FROM said),
         statements AS (
             INSERT INTO statement (leaf, registration_id, kind, salt, body)
             SELECT leaf, registration_id, kind, substring(%(salts)b FROM 16 * i + 1 FOR 16), body FROM said)
    SELECT first FROM grown
"""
OF_KINDS = """
    SELECT s.registration_id, s.kind, s.leaf, s.salt, l.at, s.body
      FROM (SELECT DISTINCT * FROM unnest(%s::bigint[], %s::text[]) AS d (registration_id, kind)) asked
      JOIN statement s USING (registration_id, kind) JOIN leaf l ON l.index = s.leaf
     ORDER BY s.leaf DESC
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a leaf says: canonical JSON, and the registration it is about (None: about nobody)."""

    registration_id: int | None
    kind: str
    body: str


def leaf_data(salt: bytes, body: str) -> bytes:
    """SHA256(salt || statement), the 32 bytes that the tree holds."""
    return sha256(salt + body.encode()).digest()


def append(conn: psycopg.Connection, statements: Sequence[Statement], salts: bytes, now: datetime) -> int:
    """Append one leaf a statement, in order; the index of the first. `salts`: 16 bytes each, one after another.

    The ledger's one row is locked from here to the end of the transaction, so indexes
    have no holes and follow the order of the commits. Append last, commit soon. Raises OlderDatabase where the index is
    public already, as in a database that was restored from a backup under this connection.
    """
    assert len(salts) == 16 * len(statements), "a salt for each statement"
    bodies = [said.body for said in statements]
    given = {
        "count": len(statements),
        "owners": bulk.whole(said.registration_id for said in statements),
        "kinds": bulk.texts(said.kind for said in statements),
        "bodies": "\n".join(bodies),
        "data": b"".join(leaf_data(salts[16 * i : 16 * i + 16], body) for i, body in enumerate(bodies)),
        "salts": salts,
        "now": now,
    }
    row = conn.execute(APPEND, given).fetchone()
    assert row is not None
    first = int(row[0])
    heads.refuse_taken(conn, first)
    return first


def lock(conn: psycopg.Connection) -> int:
    """Let nobody append until the end of the transaction; how many leaves there are."""
    row = conn.execute("SELECT size FROM ledger FOR UPDATE").fetchone()
    assert row is not None
    return int(row[0])


def put_back(conn: psycopg.Connection, start: int, data: Sequence[bytes], now: datetime) -> None:
    """Leaves of which nothing is known but their data, from index `start`; the ledger is locked and ends there."""
    bulk.insert(conn, "leaf", ("index", "data", "at"), ((start + i, each, now) for i, each in enumerate(data)))
    conn.execute("UPDATE ledger SET size = size + %s", [len(data)])


def of_kinds(
    conn: psycopg.Connection, asked: Sequence[tuple[int, str]]
) -> list[tuple[int, str, int, bytes, datetime, str]]:
    """Statements of these (registration, kind), newest first: registration, kind, leaf, salt, time, body."""
    rows = conn.execute(OF_KINDS, [[owner for owner, _ in asked], [kind for _, kind in asked]])
    return [(owner, kind, leaf, bytes(salt), at, body) for owner, kind, leaf, salt, at, body in rows]


@dataclass(frozen=True, slots=True)
class Found:
    """A statement on record, with the salt (16 bytes) and the time of its leaf."""

    body: str
    salt: bytes
    at: datetime


def own(conn: psycopg.Connection, registration_id: int, leaf: int) -> Found | None:
    """The statement at a leaf, if it is about this registration and still kept."""
    row = conn.execute(
        "SELECT s.body, s.salt, l.at FROM statement s JOIN leaf l ON l.index = s.leaf"
        " WHERE s.leaf = %s AND s.registration_id = %s",
        [leaf, registration_id],
    ).fetchone()
    return Found(row[0], bytes(row[1]), row[2]) if row else None


def data_at(conn: psycopg.Connection, leaf: int) -> bytes | None:
    """The 32 bytes of a leaf; None where the ledger has not come so far."""
    row = conn.execute("SELECT data FROM leaf WHERE index = %s", [leaf]).fetchone()
    return bytes(row[0]) if row else None


def at(conn: psycopg.Connection, leaf: int) -> datetime | None:
    """The time of a leaf; None where the ledger has not come so far."""
    row = conn.execute("SELECT at FROM leaf WHERE index = %s", [leaf]).fetchone()
    return row[0] if row else None


def of_registration(
    conn: psycopg.Connection, registration_id: int, kinds: Sequence[str]
) -> list[tuple[int, str, datetime, str]]:
    """The statements of these kinds about a registration, oldest first: leaf, kind, time, body."""
    rows = conn.execute(
        "SELECT s.leaf, s.kind, l.at, s.body FROM statement s JOIN leaf l ON l.index = s.leaf"
        " WHERE s.registration_id = %s AND s.kind = ANY(%s) ORDER BY s.leaf",
        [registration_id, list(kinds)],
    )
    return rows.fetchall()


def history(conn: psycopg.Connection, registration_id: int, limit: int = 50) -> list[Mapping[str, object]]:
    """The newest statements about a registration: leaf, kind, time, body."""
    rows = conn.execute(
        "SELECT s.leaf, s.kind, l.at, s.body FROM statement s JOIN leaf l ON l.index = s.leaf"
        " WHERE s.registration_id = %s ORDER BY s.leaf DESC LIMIT %s",
        [registration_id, limit],
    )
    return [{"leaf": leaf, "kind": kind, "at": at, "body": body} for leaf, kind, at, body in rows]
