"""Bring back the leaves that a database restored from a backup has lost, from the public files of the ledger.

What the leaves stood for is lost with the backup's age; who holds a receipt of such an act can prove it. But every
index that was signed, or may have been given out after that, is taken: the leaves of the tiles are put back as they
are, and after them so many indexes are skipped as may have been on receipts before the last tile was written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from fairgate.commands.record import record
from fairgate.core.lifecycle import Done
from fairgate.core.sealing import Chance
from fairgate.store import audit, ledger

SKIP = 20_000  # more than are given out in two seconds at the highest rate that was measured
AT_ONCE = 1 << 14

Data = Callable[[int, int], list[bytes]]


@dataclass(frozen=True, slots=True)
class Recovered:
    """Indexes from `first`: so many leaves brought `back`, and so many `skipped` after them."""

    first: int
    back: int
    skipped: int


def first_difference(conn: psycopg.Connection, data: Data, size: int) -> int | None:
    """The first leaf that the database and the public files, which have `size`, both have and that differs."""
    with audit.one_moment(conn):
        both = min(size, audit.size(conn))
        for start in range(0, both, AT_ONCE):
            end = min(start + AT_ONCE, both)
            for leaf, public in zip(audit.leaves(conn, start, end), data(start, end), strict=True):
                if leaf.data != public:
                    return leaf.place
    return None


def recover(
    conn: psycopg.Connection, data: Data, size: int, *, skip: int = SKIP, now: datetime, chance: Chance
) -> Recovered:
    """Put back the leaves that the public files have and the database does not, all of them or none.

    `data(start, end)`: the leaves' data in the public files, which were checked against what was signed.
    """
    with conn.transaction():
        first = ledger.lock(conn)
        for start in range(first, size, AT_ONCE):
            ledger.put_back(conn, start, data(start, min(start + AT_ONCE, size)), now)
        back = max(0, size - first)
        ledger.put_back(conn, first + back, [chance(32) for _ in range(skip)], now)
        facts = {"first": first, "back": back, "skipped": skip}
        record(conn, [(None, Done("recovered", None, facts))], now=now, chance=chance)
    return Recovered(first, back, skip)
