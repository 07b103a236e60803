"""What is due: rows that say when their next step is, whichever table they are in, the longest due first."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

# Each branch reads the first few of a partial index. A key names the row that is due; those put aside are passed over.
DUE = """
    SELECT at, act, key, id, program, date, port FROM (
        (SELECT opens_at AS at, 'open' AS act, 'program ' || program AS key,
                0::bigint AS id, program, next_date AS date, NULL::text AS port
           FROM program
          WHERE opens_at <= %(now)s AND 'program ' || program <> ALL(%(aside)s)
          ORDER BY opens_at LIMIT %(limit)s)
        UNION ALL
        (SELECT due_at,
                CASE WHEN state = 'open' THEN 'seal' WHEN state = 'drawn' THEN 'close'
                     WHEN proof IS NULL THEN 'seed' ELSE 'draw' END,
                'round ' || id, id, program, date, NULL
           FROM round
          WHERE due_at <= %(now)s AND 'round ' || id <> ALL(%(aside)s)
          ORDER BY due_at LIMIT %(limit)s)
        UNION ALL
        (SELECT lapse_at, 'lapse', 'window ' || id, id, program, NULL, NULL
           FROM "window"
          WHERE NOT settled AND lapse_at < %(now)s - %(on_its_way)s AND 'window ' || id <> ALL(%(aside)s)
          ORDER BY lapse_at LIMIT %(limit)s)
        UNION ALL
        (SELECT p.backfill_due_at, 'backfill', 'port ' || p.round_id || ' ' || p.port, p.round_id, NULL, NULL, p.port
           FROM round_port p
          WHERE p.backfill_due_at <= %(now)s AND 'port ' || p.round_id || ' ' || p.port <> ALL(%(aside)s)
          ORDER BY p.backfill_due_at LIMIT %(limit)s)
    ) AS due
     ORDER BY at, date, id, port LIMIT %(limit)s
"""


# Somebody else is at it since then at the latest. Those that only read are not told apart from those about to write.
UNDER_WAY = """
    SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                      AND backend_type = 'client backend' AND xact_start <= %s)
"""

# Whoever came at the last moment may have got no answer. After this that they tried is on disk and has been read.
ON_ITS_WAY = timedelta(seconds=30)


class Due(NamedTuple):
    """`act` is due since `at`: "open", "seal", "seed", "draw", "close", "lapse" or "backfill".

    `id` is that of the round or window; `key` names the row among all tables.
    """

    at: datetime
    act: str
    key: str
    id: int
    program: str | None
    date: date | None
    port: str | None


def first(conn: psycopg.Connection, now: datetime, limit: int, aside: Collection[str] = ()) -> list[Due]:
    """What is due at `now`, the longest due first, without the keys that are put aside; nothing is locked."""
    with conn.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(
            DUE, {"now": now, "limit": limit, "aside": list(aside), "on_its_way": ON_ITS_WAY}
        ).fetchall()


def under_way(conn: psycopg.Connection, at: datetime) -> bool:
    """Whether a transaction that began at or before `at` is not over: what it will have done was done by then."""
    row = conn.execute(UNDER_WAY, [at]).fetchone()
    assert row is not None
    return bool(row[0])
