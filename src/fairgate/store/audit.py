"""What has to agree in the database, read for whoever checks it: leaves with their statements, counters with offers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg

from fairgate.core.tree import leaf_hash

LEAVES = """
    SELECT l.index, l.data, s.salt, s.body FROM leaf l LEFT JOIN statement s ON s.leaf = l.index
     WHERE l.index >= %s AND l.index < coalesce(%s, l.index + 1) ORDER BY l.index
"""
ORPHAN = """
    SELECT s.leaf FROM statement s
     WHERE NOT EXISTS (SELECT 1 FROM leaf l WHERE l.index = s.leaf) ORDER BY s.leaf LIMIT 1
"""
SLOTS = """
    SELECT 'slot ' || s.id || ' (' || s.program || ' ' || s.date || ' ' || s.port || ' ' || to_char(s.time, 'HH24:MI')
           || ')', s.taken, coalesce(sum(o.size) FILTER (WHERE holds_place(o.state)), 0)
      FROM slot s LEFT JOIN offer o ON o.slot_id = s.id
     GROUP BY s.id HAVING s.taken <> coalesce(sum(o.size) FILTER (WHERE holds_place(o.state)), 0) ORDER BY s.id LIMIT 1
"""
PORTS = """
    SELECT 'port ' || p.port || ' of round ' || r.date || ' of ' || r.program, p.used,
           coalesce(sum(o.size) FILTER (WHERE holds_place(o.state) AND o.phase <> 'honoured'), 0)
      FROM round_port p JOIN round r ON r.id = p.round_id
      LEFT JOIN offer o ON o.round_id = p.round_id AND o.port = p.port
     GROUP BY p.round_id, p.port, r.date, r.program
    HAVING p.used <> coalesce(sum(o.size) FILTER (WHERE holds_place(o.state) AND o.phase <> 'honoured'), 0)
     ORDER BY p.round_id, p.port LIMIT 1
"""
OVER_CAPACITY = """
    SELECT 'over capacity at slot ' || s.id, s.honoured,
           coalesce(sum(o.size) FILTER (WHERE holds_place(o.state)), 0)
      FROM slot s LEFT JOIN offer o ON o.slot_id = s.id AND o.phase = 'honoured'
     GROUP BY s.id HAVING s.honoured <> coalesce(sum(o.size) FILTER (WHERE holds_place(o.state)), 0)
     ORDER BY s.id LIMIT 1
"""
AT_ONCE = 10_000


class Leaf(NamedTuple):
    """A leaf at its `place` in the tree; salt and body are None where its statement was destroyed."""

    place: int
    data: bytes
    salt: bytes | None
    body: str | None


class Counter(NamedTuple):
    """A counter that is not what the offers add up to."""

    what: str
    counted: int
    held: int


@contextmanager
def one_moment(conn: psycopg.Connection) -> Iterator[None]:
    """Let everything read in the block be of the same moment, whatever others write meanwhile."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def has_ledger(conn: psycopg.Connection) -> bool:
    """Whether there are tables at all."""
    row = conn.execute("SELECT to_regclass('public.ledger') IS NOT NULL").fetchone()
    return bool(row and row[0])


def size(conn: psycopg.Connection) -> int:
    """How many leaves the ledger says it has."""
    row = conn.execute("SELECT size FROM ledger").fetchone()
    assert row is not None
    return int(row[0])


def hash_at(conn: psycopg.Connection, place: int) -> bytes | None:
    """The leaf hash at this index; None where there is no such leaf."""
    row = conn.execute("SELECT data FROM leaf WHERE index = %s", [place]).fetchone()
    return None if row is None else leaf_hash(bytes(row[0]))


def leaves(conn: psycopg.Connection, start: int = 0, end: int | None = None) -> Iterator[Leaf]:
    """The leaves from `start` to below `end` (all, if it is None) by index, a part at a time; inside a transaction."""
    with conn.cursor("leaves") as cursor:
        cursor.itersize = AT_ONCE
        for index, data, salt, body in cursor.execute(LEAVES, [start, end]):
            yield Leaf(index, bytes(data), None if salt is None else bytes(salt), body)


def statement_at(conn: psycopg.Connection, place: int) -> Leaf | None:
    """The leaf at an index with its statement; None where that was destroyed."""
    row = conn.execute(
        "SELECT l.index, l.data, s.salt, s.body FROM leaf l JOIN statement s ON s.leaf = l.index WHERE l.index = %s",
        [place],
    ).fetchone()
    return None if row is None else Leaf(row[0], bytes(row[1]), bytes(row[2]), row[3])


def orphan(conn: psycopg.Connection) -> int | None:
    """The first index that has a statement and no leaf."""
    row = conn.execute(ORPHAN).fetchone()
    return None if row is None else int(row[0])


def wrong_counter(conn: psycopg.Connection) -> Counter | None:
    """The first counter of persons, at a slot or at a port of a round, that is not the sum over its offers."""
    found = (conn.execute(query).fetchone() for query in (SLOTS, PORTS, OVER_CAPACITY))
    row = next(filter(None, found), None)
    return None if row is None else Counter(*row)
