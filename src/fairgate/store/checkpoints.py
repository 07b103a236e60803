"""The ledger's signed heads as they were published, and which of them shows that a round was sealed."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from fairgate.store.rounds import Round

_COLUMNS = "size, root, note, signed_at, witnessed_at"
NEWEST = f"SELECT {_COLUMNS} FROM checkpoint ORDER BY id DESC LIMIT 1"
# The first that the witnesses had seen. Cosignatures say whole seconds, so one of the second itself is not before it.
COVERING = f"""
    SELECT {_COLUMNS} FROM checkpoint
     WHERE size > %(leaf)s AND witnessed_at IS NOT NULL AND witnessed_at < %(before)s ORDER BY id LIMIT 1
"""
# Of a round `r`: that its list was sealed and is not seeded, and no witnessed checkpoint shows the sealing.
_NOT_SHOWN = """
    r.state = 'sealed' AND r.proof IS NULL AND r.sealed_leaf IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM checkpoint c WHERE c.size > r.sealed_leaf AND c.witnessed_at IS NOT NULL)
"""
UNCOVERED = f"SELECT min(r.seed_at) FROM round r WHERE {_NOT_SHOWN}"
UNSIGNED = f"SELECT at FROM leaf WHERE index = coalesce((SELECT size FROM ({NEWEST}) newest), 0)"
NOT_SHOWN = f"SELECT min(l.at) FROM round r JOIN leaf l ON l.index = r.sealed_leaf WHERE {_NOT_SHOWN}"


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint: `note` is the signed note; `witnessed_at` when the quorum was complete, None if it is not."""

    size: int
    root: bytes
    note: str
    signed_at: datetime
    witnessed_at: datetime | None


def newest(conn: psycopg.Connection) -> Published | None:
    with conn.cursor(row_factory=class_row(Published)) as cursor:
        return cursor.execute(NEWEST).fetchone()


def roots(conn: psycopg.Connection) -> list[tuple[int, bytes]]:
    """Size and root of every checkpoint on record, the smallest first."""
    rows = conn.execute("SELECT DISTINCT size, root FROM checkpoint ORDER BY size")
    return [(int(size), bytes(root)) for size, root in rows]


def covering(conn: psycopg.Connection, leaf: int, before: datetime) -> Published | None:
    """The first witnessed checkpoint over this leaf, if its quorum was complete before that time."""
    with conn.cursor(row_factory=class_row(Published)) as cursor:
        return cursor.execute(COVERING, {"leaf": leaf, "before": before}).fetchone()


def in_time(conn: psycopg.Connection, found: Round) -> bool:
    """Whether it was shown before its random value existed that the round's list was sealed."""
    return found.sealed_leaf is not None and covering(conn, found.sealed_leaf, found.seed_at) is not None


def awaited(conn: psycopg.Connection) -> datetime | None:
    """Until when a witnessed checkpoint is awaited by sealed rounds that have none; None where nothing waits."""
    row = conn.execute(UNCOVERED).fetchone()
    return row[0] if row else None


def unsigned_since(conn: psycopg.Connection) -> datetime | None:
    """When the first leaf was added that no checkpoint on record covers; of checkpoints one an hour is on record."""
    row = conn.execute(UNSIGNED).fetchone()
    return row[0] if row else None


def not_shown_since(conn: psycopg.Connection) -> datetime | None:
    """When the first of the sealed lists was sealed that no witnessed checkpoint shows; None where all are shown."""
    row = conn.execute(NOT_SHOWN).fetchone()
    return row[0] if row else None


def insert(conn: psycopg.Connection, made: Published) -> None:
    """Put a checkpoint on record; the database refuses one that contradicts an earlier one."""
    conn.execute(
        "INSERT INTO checkpoint (size, root, note, signed_at, witnessed_at) VALUES (%s, %s, %s, %s, %s)",
        [made.size, made.root, made.note, made.signed_at, made.witnessed_at],
    )
