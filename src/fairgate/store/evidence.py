"""Samples, outages and attempts: what is known of whether confirming worked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from fairgate.core.deadlines import Outage
from fairgate.core.outages import Sample
from fairgate.store import bulk

# Of one that is there already the worse is believed: a clock that jumped may have counted the same time twice.
ADD_SAMPLES = """
    INSERT INTO sample (at, source, ok, failed)
    SELECT at, source, min(ok), max(failed)
      FROM unnest(%s::timestamptz[], %s::text[], %s::int[], %s::int[]) AS s (at, source, ok, failed)
     GROUP BY at, source ORDER BY at, source
    ON CONFLICT (at, source) DO UPDATE
          SET ok = least(sample.ok, excluded.ok), failed = greatest(sample.failed, excluded.failed)
        WHERE excluded.ok < sample.ok OR excluded.failed > sample.failed
"""
SAMPLES = """
    SELECT at, sum(ok)::int, sum(failed)::int FROM sample
     WHERE at >= %s AND at <= %s GROUP BY at HAVING sum(ok) + sum(failed) > 0 ORDER BY at
"""
BEGIN_BEFORE = """
    SELECT min(at), count(*)
      FROM (SELECT DISTINCT at FROM sample WHERE at < %s AND ok + failed > 0 ORDER BY at DESC LIMIT %s) AS before
"""
# Late ones only: those of the last hour are looked at anyway, and so nobody waits for this row.
LOOK_AGAIN = """
    UPDATE looking SET since = s.earliest
      FROM (SELECT min(at) AS earliest FROM unnest(%s::timestamptz[]) AS s (at)) s
     WHERE s.earliest < looking.since - interval '1 hour'
"""
UNTOLD = """
    SELECT id, start_at, end_at, notice_at, told_up_to FROM outage WHERE notice_at IS NULL ORDER BY start_at, id
"""
# Nobody is told that confirming works again while another outage lasts.
LOCK_OVER = """
    SELECT id, start_at, end_at, notice_at, told_up_to FROM outage WHERE notice_at IS NULL AND end_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM outage lasting WHERE lasting.end_at IS NULL)
     ORDER BY start_at, id FOR NO KEY UPDATE SKIP LOCKED
"""
ATTEMPTS = """
    SELECT a.registration_id, min(a.at)
      FROM unnest(%s::bigint[], %s::timestamptz[]) AS o (registration_id, opened_at)
      JOIN attempt a ON a.registration_id = o.registration_id AND a.at >= o.opened_at
     WHERE a.program = %s GROUP BY a.registration_id
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An outage on record; `told_up_to` is the last registration, by id, that has a notice about its end."""

    id: int
    outage: Outage
    told_up_to: int = 0


def add_samples(conn: psycopg.Connection, samples: Sequence[tuple[datetime, str, int, int]]) -> int:
    """Samples as (at, source, ok, failed); how many were new, or worse than what was there.

    Where they are from before what was looked at last, the next look for outages begins with them.
    """
    if not samples:
        return 0
    columns = [list(column) for column in zip(*samples, strict=True)]
    added = conn.execute(ADD_SAMPLES, columns).rowcount
    conn.execute(LOOK_AGAIN, [columns[0]])
    return added


def samples(conn: psycopg.Connection, since: datetime, until: datetime) -> list[Sample]:
    """Samples in order of time, those with the same time added up, empty ones left out."""
    return [Sample(*row) for row in conn.execute(SAMPLES, [since, until])]


def samples_of(conn: psycopg.Connection, source: str, since: datetime, until: datetime) -> list[Sample]:
    """Samples of one source, in order of time."""
    query = "SELECT at, ok, failed FROM sample WHERE source = %s AND at > %s AND at <= %s ORDER BY at"
    return [Sample(*row) for row in conn.execute(query, [source, since, until])]


def samples_leading_to(
    conn: psycopg.Connection, since: datetime, until: datetime, before: int
) -> tuple[list[Sample], int]:
    """Samples as from `samples`, and before them so many earlier ones, or as many as there are; and their number."""
    row = conn.execute(BEGIN_BEFORE, [since, before]).fetchone()
    assert row is not None
    begin, count = row
    return samples(conn, begin or since, until), count


def lock_looking(conn: psycopg.Connection) -> datetime:
    """Since when samples may say something new; late ones that come in meanwhile wait for this transaction."""
    row = conn.execute("SELECT since FROM looking FOR NO KEY UPDATE").fetchone()
    assert row is not None
    since: datetime = row[0]
    return since


def looked(conn: psycopg.Connection, now: datetime) -> None:
    """All samples until `now` were looked at."""
    conn.execute("UPDATE looking SET since = %s", [now])


def newest(conn: psycopg.Connection, until: datetime) -> datetime | None:
    """The time of the newest sample in which something was tried."""
    row = conn.execute(
        "SELECT at FROM sample WHERE at <= %s AND ok + failed > 0 ORDER BY at DESC LIMIT 1", [until]
    ).fetchone()
    return None if row is None else row[0]


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
    """Write an outage as it is from now on; whatever people were told of it, they have to be told anew."""
    conn.execute(
        "UPDATE outage SET start_at = %s, end_at = %s, notice_at = %s, told_up_to = 0 WHERE id = %s",
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
    return [_recorded(row) for row in conn.execute(UNTOLD)]


def lock_over(conn: psycopg.Connection) -> list[Recorded]:
    """Lock those of `untold` that are over, but for what others are telling people of; none while another lasts.

    Who looks for outages meanwhile waits until this transaction ends, and has to be waited for.
    """
    conn.execute("LOCK TABLE outage IN ROW EXCLUSIVE MODE")
    return [_recorded(row) for row in conn.execute(LOCK_OVER)]


def told_up_to(conn: psycopg.Connection, outage_id: int, registration_id: int) -> None:
    """Everybody up to this registration has a notice about the end of an outage."""
    conn.execute("UPDATE outage SET told_up_to = %s WHERE id = %s", [registration_id, outage_id])


def _recorded(row: tuple[Any, ...]) -> Recorded:
    return Recorded(row[0], Outage(*row[1:4]), row[4])
