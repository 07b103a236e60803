"""Answers to acts that carried an idempotency key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import psycopg

from fairgate.store import bulk

OF = """
    SELECT a.registration_id, a.key, a.digest, a.kind, a.facts, a.at
      FROM unnest(%s::bigint[], %s::text[]) AS asked (registration_id, key) JOIN answer a USING (registration_id, key)
"""
# Facts come line by line, digests one after another.
ADD = """
    INSERT INTO answer (registration_id, key, digest, kind, facts, at)
    SELECT registration_id, key, substring(%(digests)b FROM 32 * ord::integer - 31 FOR 32), kind, facts::jsonb, %(now)s
      FROM ROWS FROM (unnest(%(owners)s::bigint[]), unnest(%(keys)s::text[]), unnest(%(kinds)s::text[]),
                      string_to_table(%(facts)s, E'\\n'))
           WITH ORDINALITY AS a (registration_id, key, kind, facts, ord)
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
    rows = conn.execute(OF, [bulk.whole(owner for owner, _ in keys), bulk.texts(key for _, key in keys)])
    return {(owner, key): Answer(bytes(asked), kind, facts, at) for owner, key, asked, kind, facts, at in rows}


def add(conn: psycopg.Connection, answers: Sequence[tuple[int, str, Answer]], now: datetime) -> None:
    """Answers under (registration, key)."""
    if answers:
        given = {
            "owners": bulk.whole(owner for owner, _, _ in answers),
            "keys": bulk.texts(key for _, key, _ in answers),
            "digests": b"".join(answer.digest for _, _, answer in answers),
            "kinds": bulk.texts(answer.kind for _, _, answer in answers),
            "facts": bulk.lines(answer.facts for _, _, answer in answers),
            "now": now,
        }
        conn.execute(ADD, given)
