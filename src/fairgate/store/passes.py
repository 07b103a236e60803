"""Passes on record, and the public list of those that were revoked: home/public/revoked.json.

    {"at":"2026-12-14T18:00:10Z","ids":["03f1…","8a20…"],"issuer":"places.example.org/ledger"}

The list has the appointments whose passes have not expired and count no more. `at` is when that was so: it is written
anew also where nothing changed, so that whoever holds a copy can say how old it is. Whoever signs the ledger writes it
too, signed (core/revoked_note.py): home/public/revoked.note.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Leaf
from fairgate.core.passes import HOLDS, Revoked, parse_revoked
from fairgate.store import bulk
from fairgate.store.files import alone, flush_folder, put

MODE: Final = 0o644  # for everyone
TOGETHER: Final = timedelta(minutes=1)

# One worker at a time follows the ledger; another one has nothing to wait for.
LOCK_NEXT = "SELECT next_leaf FROM issuing FOR NO KEY UPDATE SKIP LOCKED"
# Leaves follow the order of the commits: below the size that was read first all are there.
CONFIRMED = """
    SELECT leaf, registration_id FROM statement
     WHERE leaf >= %(first)s AND leaf < %(end)s AND kind = 'confirmed' ORDER BY leaf LIMIT %(limit)s
"""
WAITING = "SELECT l.at FROM issuing i JOIN leaf l ON l.index = i.next_leaf"
OF_OFFER = "SELECT leaf, expires_at FROM pass WHERE offer_id = %s"
# One row for each registration that is there, of many at once, with the pass of its newest appointment.
HELD = """
    SELECT DISTINCT ON (r.id) r.number, p.leaf, s.salt, l.at, s.body, p.expires_at
      FROM registration r
      LEFT JOIN offer o ON o.registration_id = r.id AND o.program = %(program)s AND o.state = ANY(%(holds)s)
      LEFT JOIN pass p ON p.offer_id = o.id AND p.expires_at > clock_timestamp()
      LEFT JOIN statement s ON s.leaf = p.leaf
      LEFT JOIN leaf l ON l.index = s.leaf
     WHERE r.number = ANY(%(numbers)s) ORDER BY r.id, o.id DESC
"""
REVOKED = """
    SELECT p.appointment FROM pass p JOIN offer o ON o.id = p.offer_id
     WHERE p.expires_at > %s AND o.state <> ALL(%s)
"""


class NewPass(NamedTuple):
    offer_id: int
    registration_id: int
    appointment: str
    leaf: int
    expires_at: datetime


class Issued(NamedTuple):
    """Where a pass stands in the ledger, and until when it counts."""

    leaf: int
    expires_at: datetime


def lock_next(conn: psycopg.Connection) -> int | None:
    """The first leaf that was not looked at yet, locked; None while somebody else is looking."""
    row = conn.execute(LOCK_NEXT).fetchone()
    return None if row is None else int(row[0])


def confirmed(conn: psycopg.Connection, first: int, end: int, limit: int) -> list[tuple[int, int]]:
    """Leaves from `first` and before `end` that say "confirmed", in order, with their registrations."""
    return conn.execute(CONFIRMED, {"first": first, "end": end, "limit": limit}).fetchall()


def looked(conn: psycopg.Connection, next_leaf: int) -> None:
    """All leaves before this one were looked at."""
    conn.execute("UPDATE issuing SET next_leaf = %s", [next_leaf])


def waiting_since(conn: psycopg.Connection) -> datetime | None:
    """The time of the first leaf that was not looked at; None where all were."""
    row = conn.execute(WAITING).fetchone()
    return row[0] if row else None


def insert(conn: psycopg.Connection, made: Sequence[NewPass]) -> None:
    bulk.insert(conn, "pass", NewPass._fields, made)


def of_offer(conn: psycopg.Connection, offer_id: int) -> Issued | None:
    """The pass of an appointment; None while it has none."""
    row = conn.execute(OF_OFFER, [offer_id]).fetchone()
    return None if row is None else Issued(*row)


class Held(NamedTuple):
    """A pass on record: the statement that is signed, its leaf, and until when it counts."""

    body: str
    leaf: Leaf
    expires_at: datetime


def held(conn: psycopg.Connection, program: str, numbers: Sequence[str]) -> dict[str, Held | None]:
    """The pass of each registration's appointment, by number: None while there is none that counts, or where its
    statement was destroyed. Who is not there is left out.
    """
    rows = conn.execute(HELD, {"program": program, "holds": list(HOLDS), "numbers": list(numbers)})
    return {
        number: None if body is None else Held(body, Leaf(index, bytes(salt), at), expires_at)
        for number, index, salt, at, body, expires_at in rows
    }


def revoked(conn: psycopg.Connection, issuer: str, now: datetime) -> Revoked:
    """The passes that count no more though they have not expired."""
    rows = conn.execute(REVOKED, [now, list(HOLDS)])
    return Revoked(issuer, now, frozenset(row[0] for row in rows))


def revoked_path(home: Path) -> Path:
    return home / "public" / "revoked.json"


def publish(home: Path, found: Revoked) -> bool:
    """Write the public list, unless one that is a moment newer is there already; whether it was written.

    Two workers may read one after the other and write the other way round. A list of much later is none of that: it
    was written by a clock that was set back since, and would stand still until that time has come.
    """
    path = revoked_path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.parent):
        there = _newest(path)
        if there is not None and found.at < there.at <= found.at + TOGETHER:
            return False
        put(path, found.to_bytes(), MODE)
        flush_folder(path.parent)
    return True


def note_path(home: Path) -> Path:
    return home / "public" / "revoked.note"


def publish_note(home: Path, note: bytes) -> None:
    """Write the signed list; its only writer is whoever signs the ledger."""
    path = note_path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, note, MODE)
    flush_folder(path.parent)


def _newest(path: Path) -> Revoked | None:
    """The list that is there; None where there is none that can be read."""
    try:
        return parse_revoked(str(path), path.read_bytes())
    except (FileNotFoundError, BadInput):
        return None
