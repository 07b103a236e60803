"""Rounds: their steps, sealed lists and results."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from fairgate.core.bundle import PortPlaces
from fairgate.store import bulk

_COLUMNS = """
    id, program, date, state, opens_at, closes_at, seed_at, draw_at, due_at, wrapped_key, manifest, root, entry_count,
    sealed_at, proof, seeded_at, seed, results_hash, drawn_at, closed_at, void_reason, published_at,
    sealed_leaf, postponed, honoured
"""
LOCK = f"SELECT {_COLUMNS} FROM round WHERE program = %s AND date = %s FOR NO KEY UPDATE"
LOCK_ID = f"SELECT {_COLUMNS} FROM round WHERE id = %s FOR NO KEY UPDATE"
LOCK_UNDRAWN = "SELECT 1 FROM round WHERE state IN ('open', 'sealed') ORDER BY id FOR SHARE"
FIND = f"SELECT {_COLUMNS} FROM round WHERE program = %s AND date = %s"
LIST = f"SELECT {_COLUMNS} FROM round WHERE program = %s ORDER BY date DESC LIMIT %s"
DUE = f"""
    SELECT {_COLUMNS} FROM round
     WHERE due_at <= %s ORDER BY due_at, date, id LIMIT %s
"""
NEXT_STEP = """
    SELECT least((SELECT min(due_at) FROM round WHERE due_at > %(after)s),
                 (SELECT min(opens_at) FROM program WHERE opens_at > %(after)s))
"""
EARLIER = """
    SELECT date FROM round WHERE program = %s AND date < %s AND state IN ('open', 'sealed') ORDER BY date LIMIT 1
"""
UNPUBLISHED = f"""
    SELECT {_COLUMNS} FROM round
     WHERE published_at IS NULL AND state IN ('sealed', 'drawn', 'closed', 'void') AND manifest IS NOT NULL
       AND id <> ALL(%s)
     ORDER BY id LIMIT %s
"""
PUBLISHED = """
    UPDATE round SET published_at = %s
     WHERE id = %s AND state = %s AND seeded_at IS NOT DISTINCT FROM %s AND sealed_leaf IS NOT DISTINCT FROM %s
       AND honoured = %s
       AND (%s OR NOT EXISTS (SELECT 1 FROM checkpoint c
                               WHERE c.size > sealed_leaf AND c.size <= %s AND c.witnessed_at < seed_at))
"""
REACHED = """
    UPDATE round SET published_at = NULL
     WHERE published_at IS NOT NULL AND sealed_leaf IS NOT NULL
       AND EXISTS (SELECT 1 FROM checkpoint c
                    WHERE c.size > sealed_leaf AND c.size > %s AND c.size <= %s AND c.witnessed_at < seed_at)
"""
SHOWN = """
    UPDATE round SET published_at = NULL WHERE state = 'sealed' AND sealed_leaf < %s AND published_at IS NOT NULL
"""
CARRY = """
    SELECT DISTINCT ON (p.port) p.port, p.carry_out
      FROM round_port p JOIN round r ON r.id = p.round_id
     WHERE r.program = %s AND r.date < %s AND r.state IN ('drawn', 'closed') ORDER BY p.port, r.date DESC
"""
_PORT_COLUMNS = "port, capacity, carry, places, overshoot, used, carry_out, backfill_due_at"
PORTS = f"SELECT {_PORT_COLUMNS} FROM round_port WHERE round_id = %s ORDER BY port"
LOCK_PORTS = f"""
    SELECT {_PORT_COLUMNS} FROM round_port WHERE round_id = %s AND port = ANY(%s) ORDER BY port FOR NO KEY UPDATE
"""


@dataclass(frozen=True, slots=True)
class Round:
    id: int
    program: str
    date: date
    state: str
    opens_at: datetime
    closes_at: datetime
    seed_at: datetime
    draw_at: datetime
    due_at: datetime | None
    wrapped_key: bytes | None
    manifest: str | None
    root: bytes | None
    entry_count: int | None
    sealed_at: datetime | None
    proof: str | None
    seeded_at: datetime | None
    seed: bytes | None
    results_hash: bytes | None
    drawn_at: datetime | None
    closed_at: datetime | None
    void_reason: str | None
    published_at: datetime | None
    sealed_leaf: int | None
    postponed: int
    honoured: int

    @property
    def about(self) -> str:
        """What the wrapped ticket key is bound to."""
        return f"{self.program}|{self.date.isoformat()}"


@dataclass(frozen=True, slots=True)
class RoundPort:
    port: str
    capacity: int
    carry: int
    places: int
    overshoot: int
    used: int
    carry_out: int | None
    backfill_due_at: datetime | None


def _one(conn: psycopg.Connection, query: str, *args: object) -> Round | None:
    with conn.cursor(row_factory=class_row(Round)) as cursor:
        return cursor.execute(query.encode(), args).fetchone()


def _all(conn: psycopg.Connection, query: str, *args: object) -> list[Round]:
    with conn.cursor(row_factory=class_row(Round)) as cursor:
        return cursor.execute(query.encode(), args).fetchall()


def lock(conn: psycopg.Connection, program: str, day: date) -> Round | None:
    """The round, locked: whoever gives out its places holds this lock."""
    return _one(conn, LOCK, program, day)


def lock_id(conn: psycopg.Connection, round_id: int) -> Round:
    found = _one(conn, LOCK_ID, round_id)
    assert found is not None
    return found


def find(conn: psycopg.Connection, program: str, day: date) -> Round | None:
    return _one(conn, FIND, program, day)


def newest(conn: psycopg.Connection, program: str, limit: int) -> list[Round]:
    """The rounds of a program, latest date first."""
    return _all(conn, LIST, program, limit)


def due(conn: psycopg.Connection, now: datetime, limit: int) -> list[Round]:
    """Rounds with a step that is due, the longest due first; not locked, the command locks."""
    return _all(conn, DUE, now, limit)


def next_step(conn: psycopg.Connection, after: datetime) -> datetime | None:
    """When the next step of a round, or the opening of one, is due after `after`; None if nothing is."""
    row = conn.execute(NEXT_STEP, {"after": after}).fetchone()
    return row[0] if row else None


def unpublished(conn: psycopg.Connection, limit: int, aside: Collection[int] = ()) -> list[Round]:
    """Rounds whose files are behind what they are, without those whose ids are put aside."""
    return _all(conn, UNPUBLISHED, list(aside), limit)


def earlier_undrawn(conn: psycopg.Connection, program: str, day: date) -> date | None:
    """The first earlier round of the program that is still to be drawn; its carry is not known yet."""
    row = conn.execute(EARLIER, [program, day]).fetchone()
    return row[0] if row else None


def unfinished_places(conn: psycopg.Connection) -> list[tuple[str, str, date]]:
    """(program, port, date) of every place that a round with a step to come gives or gave out."""
    rows = conn.execute(
        "SELECT DISTINCT s.program, s.port, s.date FROM round r JOIN slot s USING (program, date)"
        " WHERE r.due_at IS NOT NULL ORDER BY 3, 1, 2"
    )
    return [(row[0], row[1], row[2]) for row in rows]


def insert(
    conn: psycopg.Connection,
    program: str,
    day: date,
    times: tuple[datetime, datetime, datetime, datetime],
) -> bool:
    """A new open round, and whether there was none yet.

    Times are opens_at, closes_at, seed_at, draw_at; sealing is due at closes_at.
    """
    made = conn.execute(
        "INSERT INTO round (program, date, state, opens_at, closes_at, seed_at, draw_at, due_at)"
        " VALUES (%s, %s, 'open', %s, %s, %s, %s, %s) ON CONFLICT (program, date) DO NOTHING",
        [program, day, *times, times[1]],
    )
    return made.rowcount == 1


def hold_undrawn(conn: psycopg.Connection) -> None:
    """Until the end of the transaction, let no round be sealed or drawn; wait for one that just is."""
    conn.execute(LOCK_UNDRAWN)


def carries(conn: psycopg.Connection, program: str, day: date) -> dict[str, int]:
    """The overshoot that the last round before `day` left at each port."""
    return dict(conn.execute(CARRY, [program, day]).fetchall())


def insert_ports(conn: psycopg.Connection, round_id: int, ports: Iterable[PortPlaces], group_max: int) -> None:
    columns = ("round_id", "port", "capacity", "carry", "places", "overshoot")
    rows = [(round_id, p.port, p.capacity, p.carry, max(0, p.capacity - p.carry), group_max - 1) for p in ports]
    bulk.insert(conn, "round_port", columns, rows)


def ports(conn: psycopg.Connection, round_id: int, *, lock: Sequence[str] | None = None) -> dict[str, RoundPort]:
    """The ports of a sealed round; or these of them, locked, so that nobody frees or takes a place there meanwhile."""
    with conn.cursor(row_factory=class_row(RoundPort)) as cursor:
        if lock is None:
            cursor.execute(PORTS, [round_id])
        else:
            cursor.execute(LOCK_PORTS, [round_id, list(lock)])
        return {row.port: row for row in cursor}


def backfills_due(conn: psycopg.Connection, now: datetime, limit: int) -> list[tuple[int, str]]:
    """(round, port) where places came free, the longest due first."""
    rows = conn.execute(
        "SELECT round_id, port FROM round_port WHERE backfill_due_at <= %s"
        " ORDER BY backfill_due_at, round_id, port LIMIT %s",
        [now, limit],
    )
    return [(row[0], row[1]) for row in rows]


def seal(
    conn: psycopg.Connection,
    round_id: int,
    *,
    wrapped_key: bytes,
    manifest: str,
    root: bytes,
    entry_count: int,
    now: datetime,
    seed_at: datetime,
) -> None:
    """The list is sealed; the random value is made at `seed_at`, and the draw is not before it."""
    _step(
        conn,
        round_id,
        "open",
        "state = 'sealed', wrapped_key = %(key)s, manifest = %(manifest)s, root = %(root)s,"
        " entry_count = %(count)s, sealed_at = %(now)s, seed_at = %(seed)s, due_at = %(seed)s,"
        " draw_at = greatest(draw_at, %(seed)s)",
        {"key": wrapped_key, "manifest": manifest, "root": root, "count": entry_count, "now": now, "seed": seed_at},
    )


def bind(conn: psycopg.Connection, round_id: int, leaf: int) -> None:
    """Where in the ledger manifest and root of a sealed round stand."""
    conn.execute("UPDATE round SET sealed_leaf = %s WHERE id = %s", [leaf, round_id])


def postpone(conn: psycopg.Connection, round_id: int, *, manifest: str, seed_at: datetime) -> None:
    """The random value is one of later: the manifest says which, and nothing else in it is another."""
    _step(
        conn,
        round_id,
        "sealed",
        "manifest = %(manifest)s, seed_at = %(seed)s, draw_at = greatest(draw_at, %(seed)s), due_at = %(seed)s,"
        " postponed = postponed + 1, sealed_leaf = NULL, published_at = NULL",
        {"manifest": manifest, "seed": seed_at},
    )


def seed(conn: psycopg.Connection, round_id: int, *, proof: str, now: datetime, due_at: datetime) -> None:
    _step(
        conn,
        round_id,
        "sealed",
        "proof = %(proof)s, seeded_at = %(now)s, due_at = %(due)s, published_at = NULL",
        {"proof": proof, "now": now, "due": due_at},
    )


def draw(
    conn: psycopg.Connection, round_id: int, *, seed: bytes, results_hash: bytes, now: datetime, due_at: datetime
) -> None:
    _step(
        conn,
        round_id,
        "sealed",
        "state = 'drawn', seed = %(seed)s, results_hash = %(hash)s, drawn_at = %(now)s, due_at = %(due)s,"
        " published_at = NULL",
        {"seed": seed, "hash": results_hash, "now": now, "due": due_at},
    )


def close(conn: psycopg.Connection, round_id: int, now: datetime) -> None:
    _step(conn, round_id, "drawn", "state = 'closed', closed_at = %(now)s, due_at = NULL", {"now": now})


def void(conn: psycopg.Connection, found: Round, reason: str) -> None:
    changes = "state = 'void', void_reason = %(reason)s, due_at = NULL, published_at = NULL"
    _step(conn, found.id, found.state, changes, {"reason": reason})


def carry_out(conn: psycopg.Connection, round_id: int, carried: dict[str, int]) -> None:
    conn.execute(
        "UPDATE round_port p SET carry_out = c.persons FROM unnest(%s::text[], %s::int[]) AS c (port, persons)"
        " WHERE p.round_id = %s AND p.port = c.port",
        [list(carried), list(carried.values()), round_id],
    )


def backfilled(conn: psycopg.Connection, round_id: int, port: str) -> None:
    conn.execute("UPDATE round_port SET backfill_due_at = NULL WHERE round_id = %s AND port = %s", [round_id, port])


def shown(conn: psycopg.Connection, size: int) -> None:
    """Let the files of sealed rounds be written anew that so many leaves of the ledger cover."""
    conn.execute(SHOWN, [size])


def published(conn: psycopg.Connection, found: Round, now: datetime, *, shown: bool, tiled: int) -> None:
    """Note that the files of the step at which the round was found are written.

    If it has gone on since they are to be written again: another worker may have written later ones before these.
    `shown`: whether what shows the sealing is among them. Where it is on record meanwhile, and the `tiled` leaves that
    the ledger's files hold reach so far, they are written once more.
    """
    values = [now, found.id, found.state, found.seeded_at, found.sealed_leaf, found.honoured, shown, tiled]
    if not conn.execute(PUBLISHED, values).rowcount:
        conn.execute("UPDATE round SET published_at = NULL WHERE id = %s AND published_at IS NOT NULL", [found.id])


def reached(conn: psycopg.Connection, start: int, end: int) -> None:
    """Let the files of rounds be written anew whose sealing is shown from here on: the tiles have grown so far."""
    conn.execute(REACHED, [start, end])


def honoured(conn: psycopg.Connection, round_id: int) -> None:
    """One more who was missing stands beside the round: its files are to be written again."""
    _step(conn, round_id, "drawn", "honoured = honoured + 1, published_at = NULL", {})


def _step(conn: psycopg.Connection, round_id: int, was: str, changes: str, values: dict[str, object]) -> None:
    query = f"UPDATE round SET {changes} WHERE id = %(id)s AND state = %(was)s"
    changed = conn.execute(query.encode(), {**values, "id": round_id, "was": was})
    assert changed.rowcount == 1, "a round changed under its lock"
