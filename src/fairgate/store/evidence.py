"""Samples, outages and attempts: what is known of whether confirming worked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from fairgate.core.deadlines import Outage
from fairgate.core.outages import Sample
from fairgate.store import bulk

SAMPLES = """
    SELECT at, sum(ok)::int, sum(failed)::int FROM sample
     WHERE at >= %s AND at <= %s GROUP BY at HAVING sum(ok) + sum(failed) > 0 ORDER BY at
"""
ATTEMPTS = """
    SELECT a.registration_id, min(a.at)
      FROM unnest(%s::bigint[], %s::timestamptz[]) AS o (registration_id, opened_at)
      JOIN attempt a ON a.registration_id = o.registration_id AND a.at >= o.opened_at
     WHERE a.program = %s GROUP BY a.registration_id
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An outage on record."""

    id: int
    outage: Outage


def add_samples(conn: psycopg.Connection, samples: Sequence[tuple[datetime, str, int, int]]) -> int:
    """Samples as (at, source, ok, failed); one that is there already is left. How many were new."""
    with conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sample (at, source, ok, failed)"
            " SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::int[], %s::int[]) ON CONFLICT DO NOTHING",
            [list(column) for column in zip(*samples, strict=True)] if samples else [[], [], [], []],
        )
        return cursor.rowcount


def samples(conn: psycopg.Connection, since: datetime, until: datetime) -> list[Sample]:
    """Samples in order of time, those with the same time added up, empty ones left out."""
    return [Sample(*row) for row in conn.execute(SAMPLES, [since, until])]


def lock_outages(conn: psycopg.Connection) -> None:
    """Let one transaction at a time write outages; readers are not kept waiting."""
    conn.execute("LOCK TABLE outage IN SHARE ROW EXCLUSIVE MODE")


def outages(conn: psycopg.Connection, since: datetime) -> list[Recorded]:
    """Outages on record that had not ended before `since`, by start."""
    rows = conn.execute(
        "SELECT id, start_at, end_at, notice_at FROM outage WHERE end_at IS NULL OR end_at >= %s ORDER BY start_at, id",
        [since],
    )
    return [Recorded(row[0], Outage(*row[1:])) for row in rows]


def add_outage(conn: psycopg.Connection, outage: Outage, now: datetime) -> int:
    row = conn.execute(
        "INSERT INTO outage (start_at, end_at, notice_at, recorded_at) VALUES (%s, %s, %s, %s) RETURNING id",
        [outage.start, outage.end, outage.notice_at, now],
    ).fetchone()
    assert row is not None
    return int(row[0])


def change_outage(conn: psycopg.Connection, outage_id: int, outage: Outage) -> None:
    conn.execute(
        "UPDATE outage SET start_at = %s, end_at = %s, notice_at = %s WHERE id = %s",
        [outage.start, outage.end, outage.notice_at, outage_id],
    )


def add_attempts(conn: psycopg.Connection, attempts: Sequence[tuple[int, str, datetime, str]]) -> None:
    """Attempts as (registration, program, at, fault); the same one twice is one."""
    conn.execute(
        "INSERT INTO attempt (registration_id, program, at, fault)"
        " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[]) ON CONFLICT DO NOTHING",
        [list(column) for column in zip(*attempts, strict=True)] if attempts else [[], [], [], []],
    )


def attempts(conn: psycopg.Connection, program: str, opened: Sequence[tuple[int, datetime]]) -> dict[int, datetime]:
    """The earliest failed or unfinished attempt of each registration since its window opened."""
    owners, times = bulk.whole(owner for owner, _ in opened), bulk.times(at for _, at in opened)
    return dict(conn.execute(ATTEMPTS, [owners, times, program]).fetchall())


def untold(conn: psycopg.Connection) -> list[Recorded]:
    """Outages of whose end people have not been told yet, by start."""
    rows = conn.execute(
        "SELECT id, start_at, end_at, notice_at FROM outage WHERE notice_at IS NULL ORDER BY start_at, id"
    )
    return [Recorded(row[0], Outage(*row[1:])) for row in rows]
