"""The outbox: what people are to be told, written in the transaction of the act."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from fairgate.core.places import moment
from fairgate.store import bulk
from fairgate.store.evidence import Recorded

DUE = """
    SELECT n.id, n.registration_id, r.number, r.language, n.kind, n.facts, n.tries, n.outage_id, n.created_at,
           (SELECT o.port FROM offer o WHERE o.registration_id = n.registration_id
             ORDER BY o.live DESC, o.id DESC LIMIT 1) AS port
      FROM notice n JOIN registration r ON r.id = n.registration_id
     WHERE n.state = 'waiting' AND n.planned_at IS NULL AND n.due_at <= %s
     ORDER BY n.due_at, n.id LIMIT %s FOR UPDATE OF n SKIP LOCKED
"""
ADD = """
    INSERT INTO notice (registration_id, kind, facts, created_at, due_at)
    SELECT registration_id, kind, facts::jsonb, %(now)s, %(now)s
      FROM ROWS FROM (unnest(%(owners)s::bigint[]), unnest(%(kinds)s::text[]), string_to_table(%(facts)s, E'\\n'))
           AS n (registration_id, kind, facts)
"""
# Those whose open offer an outage touched, and who have no notice of this end of it: people are told in the order of
# their registrations, and nobody comes to be touched by an outage that is over.
_UNTOLD = """
    SELECT DISTINCT o.registration_id FROM offer o JOIN "window" w ON w.id = o.window_id
     WHERE o.registration_id > %(told_up_to)s AND o.live AND o.state = 'offered'
       AND NOT w.settled AND w.opened_at < %(end)s
"""
ABOUT_OUTAGE = f"""
    WITH next AS ({_UNTOLD} ORDER BY o.registration_id LIMIT %(most)s),
         told AS (
             INSERT INTO notice (registration_id, kind, facts, outage_id, created_at, due_at)
             SELECT registration_id, 'outage over', %(facts)s, %(outage)s, %(now)s, %(now)s FROM next
             ON CONFLICT (outage_id, registration_id, facts) WHERE outage_id IS NOT NULL DO NOTHING RETURNING 1)
    SELECT (SELECT count(*) FROM told), (SELECT max(registration_id) FROM next)
"""
UNFINISHED = f"""
    SELECT EXISTS ({_UNTOLD}) OR EXISTS (SELECT 1 FROM notice WHERE outage_id = %(outage)s AND state = 'waiting')
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A notice whose deliveries are to be planned. `port`: of the person's offer, by whose clock people tell time."""

    id: int
    registration_id: int
    number: str
    language: str
    kind: str
    facts: Mapping[str, object]
    tries: int
    outage_id: int | None
    created_at: datetime
    port: str | None


def add(conn: psycopg.Connection, notices: Sequence[tuple[int, str, Mapping[str, object]]], now: datetime) -> None:
    """Notices as (registration, kind, facts), due at once."""
    if notices:
        given = {
            "owners": bulk.whole(owner for owner, _, _ in notices),
            "kinds": bulk.texts(kind for _, kind, _ in notices),
            "facts": bulk.lines(facts for _, _, facts in notices),
            "now": now,
        }
        conn.execute(ADD, given)


def about_outage(conn: psycopg.Connection, found: Recorded, now: datetime, most: int) -> tuple[int, int]:
    """Tell the next people whose open offer the outage touched that it is over, at most so many.

    How many, and up to which registration everybody has been told now.
    """
    row = conn.execute(ABOUT_OUTAGE, {**_over(found), "now": now, "most": most}).fetchone()
    assert row is not None
    return row[0], row[1] or found.told_up_to


def told_of(conn: psycopg.Connection, found: Recorded) -> bool:
    """Whether everyone whom `about_outage` would tell has a notice, and none is still to be handed over."""
    row = conn.execute(UNFINISHED, _over(found)).fetchone()
    return row is not None and not row[0]


def _over(found: Recorded) -> dict[str, object]:
    """An outage that has ended. One that ends anew, because it turned out to be longer, is told of anew."""
    assert found.outage.end is not None
    facts = {"start": moment(found.outage.start), "end": moment(found.outage.end)}
    over = {"outage": found.id, "end": found.outage.end, "facts": Jsonb(facts)}
    return {**over, "told_up_to": found.told_up_to}


def due(conn: psycopg.Connection, now: datetime, limit: int) -> list[Due]:
    """Waiting notices that are due to be planned, locked until the end of the transaction; others skip them."""
    with conn.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(DUE, [now, limit]).fetchall()


def claim(conn: psycopg.Connection, ids: Sequence[int], until: datetime) -> None:
    """Put notices aside while their deliveries are planned: due again at `until` if nobody reports back."""
    conn.execute(
        "UPDATE notice SET due_at = %s, tries = tries + 1 WHERE id = ANY(%s) AND state = 'waiting'", [until, list(ids)]
    )


def lock(conn: psycopg.Connection, ids: Iterable[int]) -> None:
    """Lock notices in key order: whoever changes a delivery holds its notice, so that the last one sees all others."""
    conn.execute(
        "SELECT 1 FROM notice WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE",
        [bulk.whole(sorted(set(ids)))],
    )


def planned(conn: psycopg.Connection, ids: Sequence[int], now: datetime) -> list[int]:
    """Note that these have their deliveries from now on; those of them that had not."""
    rows = conn.execute(
        "UPDATE notice SET planned_at = %s WHERE id = ANY(%s::bigint[]) AND state = 'waiting' AND planned_at IS NULL"
        " RETURNING id",
        [now, list(ids)],
    )
    return [row[0] for row in rows]


def unreachable(conn: psycopg.Connection, ids: Sequence[int]) -> None:
    """Nobody of these groups left an address."""
    conn.execute(
        "UPDATE notice SET state = 'unreachable' WHERE id = ANY(%s::bigint[]) AND state = 'waiting'", [list(ids)]
    )


def sent(conn: psycopg.Connection, ids: Sequence[int], now: datetime) -> None:
    conn.execute(
        "UPDATE notice SET state = 'sent', sent_at = %s WHERE id = ANY(%s::bigint[]) AND state = 'waiting'",
        [now, list(ids)],
    )


def failed(conn: psycopg.Connection, notice_id: int, *, now: datetime, retry_after: timedelta | None) -> None:
    """Plan again later, or give up when there is no later."""
    if retry_after is None:
        conn.execute("UPDATE notice SET state = 'failed' WHERE id = %s AND state = 'waiting'", [notice_id])
    else:
        conn.execute(
            "UPDATE notice SET due_at = %s WHERE id = %s AND state = 'waiting'", [now + retry_after, notice_id]
        )
