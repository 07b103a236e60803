"""The append-only record: one leaf an act, and beside it the statement that the leaf stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import count

import psycopg

from fairgate.store import bulk

GROW = "UPDATE ledger SET size = size + %s RETURNING size"

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


def append(conn: psycopg.Connection, statements: Sequence[Statement], salts: Sequence[bytes], now: datetime) -> int:
    """Append one leaf a statement, in order; the index of the first.

    The ledger's one row is locked from here to the end of the transaction, so indexes
    have no holes and follow the order of the commits. Append last, commit soon.
    """
    grown = conn.execute(GROW, [len(statements)]).fetchone()
    assert grown is not None
    first: int = grown[0] - len(statements)
    if not statements:
        return first
    leaves = [(i, leaf_data(salt, s.body), now) for i, s, salt in zip(count(first), statements, salts, strict=False)]
    rows = [
        (i, s.registration_id, s.kind, salt, s.body)
        for i, s, salt in zip(count(first), statements, salts, strict=False)
    ]
    assert len(leaves) == len(statements)
    bulk.insert(conn, "leaf", ("index", "data", "at"), leaves)
    bulk.insert(conn, "statement", ("leaf", "registration_id", "kind", "salt", "body"), rows)
    return first


def of_kinds(
    conn: psycopg.Connection, asked: Sequence[tuple[int, str]]
) -> list[tuple[int, str, int, bytes, datetime, str]]:
    """Statements of these (registration, kind), newest first: registration, kind, leaf, salt, time, body."""
    rows = conn.execute(OF_KINDS, [[owner for owner, _ in asked], [kind for _, kind in asked]])
    return [(owner, kind, leaf, bytes(salt), at, body) for owner, kind, leaf, salt, at, body in rows]


def history(conn: psycopg.Connection, registration_id: int, limit: int = 50) -> list[Mapping[str, object]]:
    """The newest statements about a registration: leaf, kind, time, body."""
    rows = conn.execute(
        "SELECT s.leaf, s.kind, l.at, s.body FROM statement s JOIN leaf l ON l.index = s.leaf"
        " WHERE s.registration_id = %s ORDER BY s.leaf DESC LIMIT %s",
        [registration_id, limit],
    )
    return [{"leaf": leaf, "kind": kind, "at": at, "body": body} for leaf, kind, at, body in rows]
