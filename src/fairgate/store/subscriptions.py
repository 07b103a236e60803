"""The devices that notices of a registration go to: subscriptions for web push, sealed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg
from psycopg.rows import class_row

from fairgate.core.sealing import Sealed

MOST: Final = 10  # devices of one registration; the one that was subscribed longest ago makes room

OF = """
    SELECT registration_id, endpoint_hash, wrapped_key, blob
      FROM push_subscription WHERE registration_id = ANY(%s) ORDER BY registration_id, id
"""
PUT = """
    INSERT INTO push_subscription (registration_id, endpoint_hash, wrapped_key, blob, made_at)
    VALUES (%(owner)s, %(hash)s, %(wrapped)s, %(blob)s, %(now)s)
    ON CONFLICT (registration_id, endpoint_hash)
    DO UPDATE SET wrapped_key = excluded.wrapped_key, blob = excluded.blob, made_at = excluded.made_at
"""
MAKE_ROOM = """
    DELETE FROM push_subscription WHERE id IN (
        SELECT id FROM push_subscription WHERE registration_id = %(owner)s
         ORDER BY made_at DESC, id DESC OFFSET %(most)s)
"""
REMOVE = """
    DELETE FROM push_subscription s USING unnest(%s::bigint[], %s::bytea[]) AS gone (owner, hash)
     WHERE s.registration_id = gone.owner AND s.endpoint_hash = gone.hash
"""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A row of `push_subscription`, its data still sealed."""

    registration_id: int
    endpoint_hash: bytes
    wrapped_key: bytes
    blob: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(wrapped=self.wrapped_key, blob=self.blob)


def of(conn: psycopg.Connection, ids: Iterable[int]) -> dict[int, list[Subscribed]]:
    """The devices of each registration, by its id."""
    found: dict[int, list[Subscribed]] = {}
    with conn.cursor(row_factory=class_row(Subscribed)) as cursor:
        for row in cursor.execute(OF, [list(ids)]):
            found.setdefault(row.registration_id, []).append(row)
    return found


def put(conn: psycopg.Connection, owner: int, endpoint_hash: bytes, sealed: Sealed, now: datetime) -> None:
    """A device of a registration, which is locked; the same one again takes the place of its row."""
    given = {"owner": owner, "hash": endpoint_hash, "wrapped": sealed.wrapped, "blob": sealed.blob, "now": now}
    conn.execute(PUT, given)
    conn.execute(MAKE_ROOM, {"owner": owner, "most": MOST})


def remove(conn: psycopg.Connection, gone: Sequence[tuple[int, bytes]]) -> None:
    """Forget devices, each as (registration, hash of its endpoint); those that are not there are none."""
    conn.execute(REMOVE, [[owner for owner, _ in gone], [hashed for _, hashed in gone]])
