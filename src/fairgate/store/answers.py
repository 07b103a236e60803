"""Answers to acts that carried an idempotency key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import psycopg
from psycopg.types.json import Jsonb

from fairgate.store import bulk

OF = """
    SELECT a.registration_id, a.key, a.digest, a.kind, a.facts, a.at
      FROM unnest(%s::bigint[], %s::text[]) AS asked (registration_id, key) JOIN answer a USING (registration_id, key)
"""


@dataclass(frozen=True, slots=True)
class Answer:
    digest: bytes
    kind: str
    facts: Mapping[str, object]
    at: datetime | None = None  # of one that is stored


def digest(*asked: str) -> bytes:
    """What was asked, as 32 bytes: the same key with another question is refused."""
    return sha256("|".join(asked).encode()).digest()


def of(conn: psycopg.Connection, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Answer]:
    """Stored answers by (registration, key); read under the lock of the registration."""
    if not keys:
        return {}
    rows = conn.execute(OF, [[owner for owner, _ in keys], [key for _, key in keys]])
    return {(owner, key): Answer(bytes(asked), kind, facts, at) for owner, key, asked, kind, facts, at in rows}


def add(conn: psycopg.Connection, answers: Sequence[tuple[int, str, Answer]], now: datetime) -> None:
    if answers:
        columns = ("registration_id", "key", "digest", "kind", "facts", "at")
        rows = ((owner, key, a.digest, a.kind, Jsonb(dict(a.facts)), now) for owner, key, a in answers)
        bulk.insert(conn, "answer", columns, rows)
