"""Deliveries: each notice's way to each person of the group, over each channel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg
from psycopg.rows import args_row, class_row

from fairgate.store import bulk

ADD = """
    INSERT INTO delivery (notice_id, channel, recipient, state, reason, created_at, due_at, changed_at)
    SELECT notice_id, channel, recipient, CASE WHEN reason IS NULL THEN 'waiting' ELSE 'failed' END, reason,
           %(now)s, %(now)s, %(now)s
      FROM unnest(%(notices)s::bigint[], %(channels)s::text[], %(recipients)s::bytea[], %(reasons)s::text[])
           AS d (notice_id, channel, recipient, reason)
    ON CONFLICT DO NOTHING
"""
DUE = """
    SELECT d.id, d.notice_id, n.registration_id, r.number, r.language, n.kind, n.facts, d.recipient, d.tries,
           (SELECT o.port FROM offer o WHERE o.registration_id = n.registration_id
             ORDER BY o.live DESC, o.id DESC LIMIT 1) AS port
      FROM delivery d JOIN notice n ON n.id = d.notice_id JOIN registration r ON r.id = n.registration_id
     WHERE d.channel = %(channel)s AND d.state = 'waiting' AND d.due_at <= %(now)s AND d.tries < %(tries)s
     ORDER BY d.due_at, d.id LIMIT %(most)s FOR UPDATE OF d SKIP LOCKED
"""
WRITE = """
    UPDATE delivery d SET state = w.state, reason = w.reason, due_at = coalesce(w.due_at, d.due_at),
           provider = w.provider, reference = w.reference, changed_at = %(now)s
      FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(dues)s::timestamptz[],
                  %(providers)s::text[], %(references)s::text[]) AS w (id, state, reason, due_at, provider, reference)
     WHERE d.id = w.id AND d.state = 'waiting'
"""
# A notice waits while one of its deliveries does, is sent when somebody has it, and has failed when nobody has.
FOLLOW = """
    UPDATE notice n SET state = s.state, sent_at = CASE s.state WHEN 'sent' THEN coalesce(n.sent_at, %(now)s) END
      FROM (SELECT notice_id, CASE WHEN bool_or(state = 'waiting') THEN 'waiting'
                                   WHEN bool_or(state IN ('sent', 'delivered')) THEN 'sent' ELSE 'failed' END AS state
              FROM delivery WHERE notice_id = ANY(%(notices)s::bigint[]) GROUP BY notice_id) s
     WHERE n.id = s.notice_id AND n.state <> s.state
"""
REPORT = """
    UPDATE delivery d SET state = w.state, provider = coalesce(d.provider, w.provider), changed_at = %(now)s,
           reason = CASE w.state WHEN 'failed' THEN %(reason)s END
      FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(providers)s::text[]) AS w (id, state, provider)
     WHERE d.id = w.id AND d.state <> w.state
"""
# Claimed so often that it should have been given up: whoever tried it was killed each time.
# Or waiting for a channel that nobody sends over any more.
STUCK = """
    SELECT id, notice_id, channel FROM delivery
     WHERE state = 'waiting' AND (due_at <= %(now)s AND tries >= %(tries)s
           OR due_at <= %(long_ago)s AND channel <> ALL(%(channels)s::text[]))
     ORDER BY id LIMIT %(most)s
"""
LATE = """
    SELECT count(*), min(at) FROM (
        SELECT n.created_at AS at FROM delivery d JOIN notice n ON n.id = d.notice_id
         WHERE d.state = 'waiting' AND n.created_at <= %(since)s
        UNION ALL
        SELECT created_at FROM notice WHERE state = 'waiting' AND planned_at IS NULL AND created_at <= %(since)s) late
"""
FAILED = """
    SELECT r.number, n.kind, d.channel, d.reason, d.changed_at AS at, n.state AS notice
      FROM delivery d JOIN notice n ON n.id = d.notice_id JOIN registration r ON r.id = n.registration_id
     WHERE d.state = 'failed' ORDER BY d.id DESC LIMIT %s
"""
# Those whose deliveries could not even be planned.
UNPLANNED = """
    SELECT r.number, n.kind, NULL AS channel, NULL AS reason, n.due_at AS at, n.state AS notice
      FROM notice n JOIN registration r ON r.id = n.registration_id
     WHERE n.state = 'failed' AND n.planned_at IS NULL ORDER BY n.id DESC LIMIT %s
"""


class New(NamedTuple):
    """A delivery to be made; with a `reason` it has failed before it began."""

    notice_id: int
    channel: str
    recipient: bytes
    reason: str | None


class Written(NamedTuple):
    """What became of a waiting delivery."""

    id: int
    state: str
    reason: str | None
    due_at: datetime | None
    provider: str | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to make, and what its notice says. `port` is that of the person's offer, if there is one."""

    id: int
    notice_id: int
    registration_id: int
    number: str
    language: str
    kind: str
    facts: Mapping[str, object]
    recipient: bytes
    tries: int
    port: str | None


@dataclass(frozen=True, slots=True)
class Sight:
    """A delivery that failed, as staff see it: no address. `notice` is the state of its notice."""

    number: str
    kind: str
    channel: str | None
    reason: str | None
    at: datetime
    notice: str


def add(conn: psycopg.Connection, rows: Sequence[New], now: datetime) -> None:
    """Deliveries, due at once; one that is there already is left as it is."""
    given = {
        "notices": [row.notice_id for row in rows],
        "channels": [row.channel for row in rows],
        "recipients": [row.recipient for row in rows],
        "reasons": [row.reason for row in rows],
        "now": now,
    }
    conn.execute(ADD, given)


def due(conn: psycopg.Connection, channel: str, now: datetime, *, tries: int, most: int) -> list[Due]:
    """Waiting deliveries over a channel that are due and were tried less than `tries` times.

    They are locked until the end of the transaction; others skip them.
    """
    given = {"channel": channel, "now": now, "tries": tries, "most": most}
    with conn.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(DUE, given).fetchall()


def claim(conn: psycopg.Connection, ids: Sequence[int], until: datetime) -> None:
    """Put deliveries aside while they are being made: due again at `until` if nobody reports back."""
    conn.execute(
        "UPDATE delivery SET due_at = %s, tries = tries + 1 WHERE id = ANY(%s::bigint[]) AND state = 'waiting'",
        [until, bulk.whole(ids)],
    )


def give_back(conn: psycopg.Connection, ids: Sequence[int], now: datetime) -> None:
    """Deliveries that were put aside and not tried after all are due again at once."""
    conn.execute(
        "UPDATE delivery SET due_at = %(now)s, tries = tries - 1"
        " WHERE id = ANY(%(ids)s::bigint[]) AND state = 'waiting' AND due_at > %(now)s",
        {"ids": bulk.whole(ids), "now": now},
    )


def write(conn: psycopg.Connection, rows: Sequence[Written], now: datetime) -> None:
    """What became of these; those that do not wait any more are left as they are. Their notices are locked."""
    given = {
        "ids": [row.id for row in rows],
        "states": [row.state for row in rows],
        "reasons": [row.reason for row in rows],
        "dues": [row.due_at for row in rows],
        "providers": [row.provider for row in rows],
        "references": [row.reference for row in rows],
        "now": now,
    }
    conn.execute(WRITE, given)


class Known(NamedTuple):
    """How far a delivery is, for a report about it."""

    id: int
    notice_id: int
    state: str
    provider: str | None


def known(conn: psycopg.Connection, ids: Sequence[int]) -> dict[int, Known]:
    """Text messages by their id; others, and those that do not exist, are left out."""
    query = "SELECT id, notice_id, state, provider FROM delivery WHERE channel = 'sms' AND id = ANY(%s::bigint[])"
    with conn.cursor(row_factory=args_row(Known)) as cursor:
        return {row.id: row for row in cursor.execute(query, [bulk.whole(ids)])}


def report(conn: psycopg.Connection, rows: Sequence[tuple[int, str, str]], reason: str, now: datetime) -> None:
    """Write (id, state, provider) of what was reported; `reason` for those that failed. Their notices are locked."""
    ids, states, names = ([row[i] for row in rows] for i in range(3))
    conn.execute(REPORT, {"ids": ids, "states": states, "providers": names, "reason": reason, "now": now})


def follow(conn: psycopg.Connection, notices: Iterable[int], now: datetime) -> None:
    """Let notices say what their deliveries say. A statement of its own, after the notices were locked."""
    conn.execute(FOLLOW, {"notices": bulk.whole(notices), "now": now})


def stuck(
    conn: psycopg.Connection, *, channels: Sequence[str], tries: int, now: datetime, long_ago: datetime, most: int
) -> list[tuple[int, int, str]]:
    """Deliveries that will never be made, as (id, notice, channel)."""
    given = {"channels": list(channels), "tries": tries, "now": now, "long_ago": long_ago, "most": most}
    return conn.execute(STUCK, given).fetchall()


def late(conn: psycopg.Connection, now: datetime, by: timedelta) -> tuple[int, datetime | None]:
    """How many notices and deliveries have waited for longer than `by`, tried or not, and since when the first has."""
    row = conn.execute(LATE, {"since": now - by}).fetchone()
    assert row is not None
    return row[0], row[1]


def failed(conn: psycopg.Connection, limit: int) -> list[Sight]:
    """The latest that failed, those first whose deliveries could not be planned."""
    found: list[Sight] = []
    with conn.cursor(row_factory=class_row(Sight)) as cursor:
        for query in (UNPLANNED, FAILED):
            found += cursor.execute(query, [limit - len(found)]).fetchall()
    return found
