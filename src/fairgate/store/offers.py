"""Offers and appointments, and the windows that they share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import args_row, class_row

from fairgate.core.deadlines import Deadline, Paused, Policy
from fairgate.store import bulk

_COLUMNS = """
    o.id, o.registration_id, r.number, o.program, o.round_id, o.port, o.slot_id, o.window_id, o.size, o.ord, o.phase,
    o.state, o.why, o.how, o.offered_at, o.decided_at, o.arrived_at, s.date, s.time, w.zone, w.opened_at, w.deadline,
    w.promised
"""
_FROM = """
    FROM offer o JOIN registration r ON r.id = o.registration_id
    JOIN slot s ON s.id = o.slot_id JOIN "window" w ON w.id = o.window_id
"""
# The live offer if there is one, else the newest; not those of people who were passed over, for they never had it.
LATEST = f"""
    SELECT DISTINCT ON (o.registration_id) {_COLUMNS} {_FROM}
     WHERE o.program = %(program)s AND o.registration_id = ANY(%(ids)s)
       AND NOT (o.state = 'declined' AND o.why IS NOT NULL)
     ORDER BY o.registration_id, o.live DESC, o.id DESC
"""
OPEN_IN = f"""
    SELECT {_COLUMNS} {_FROM} WHERE o.window_id = ANY(%s) AND o.state = 'offered' ORDER BY o.registration_id
"""
LIVE_OF_ROUND = f"""
    SELECT {_COLUMNS} {_FROM} WHERE o.round_id = %s AND o.live ORDER BY o.registration_id
"""
# Watchers come to no port.
OF_DAY = f"""
    SELECT {_COLUMNS} {_FROM} JOIN program p ON p.program = o.program
     WHERE s.date = %s AND o.port = %s AND o.state IN ('confirmed', 'checked_in', 'missed') AND NOT p.hidden
     ORDER BY s.time, r.number
"""
# Appointments that have no pass. Watchers come to no port.
WITHOUT_PASS = f"""
    SELECT {_COLUMNS} {_FROM} JOIN program p ON p.program = o.program
     WHERE o.registration_id = ANY(%s) AND o.live AND o.state = 'confirmed' AND NOT p.hidden
       AND NOT EXISTS (SELECT 1 FROM pass WHERE pass.offer_id = o.id)
     ORDER BY o.id
"""
HISTORY = f"""
    SELECT {_COLUMNS} {_FROM} WHERE o.registration_id = %s ORDER BY o.id DESC
"""
# Compare and set; the count of changed rows is checked.
MOVE = """
    UPDATE offer o SET state = m.state, how = m.how, why = m.why, decided_at = %(now)s,
           arrived_at = CASE WHEN m.state = 'checked_in' THEN %(now)s END
      FROM unnest(%(ids)s::bigint[], %(was)s::text[], %(states)s::text[], %(how)s::text[], %(why)s::text[])
           AS m (id, was, state, how, why)
     WHERE o.id = m.id AND o.state = m.was
"""
LOCK_UNSETTLED = """
    SELECT id, program, zone, opened_at, deadline, promised FROM "window"
     WHERE NOT settled AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s)) ORDER BY id FOR NO KEY UPDATE
"""
MOVE_DEADLINES = """
    UPDATE "window" w SET deadline = m.deadline, lapse_at = m.lapse_at, promised = coalesce(m.deadline, w.promised),
           moved_at = coalesce(w.moved_at, %s), told_offer = 0
      FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS m (id, deadline, lapse_at)
     WHERE w.id = m.id
"""
LOCK_MOVED = """
    SELECT id, told_offer FROM "window" WHERE moved_at IS NOT NULL
     ORDER BY moved_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
OPEN_UNTOLD = f"""
    SELECT {_COLUMNS} {_FROM} WHERE w.id = %s AND o.id > w.told_offer AND o.state = 'offered' ORDER BY o.id LIMIT %s
"""
TOLD_UP_TO = """
    UPDATE "window" w SET told_offer = coalesce(t.offer_id, 0),
           moved_at = CASE WHEN t.offer_id IS NOT NULL THEN w.moved_at END
      FROM unnest(%s::bigint[], %s::bigint[]) AS t (id, offer_id) WHERE w.id = t.id
"""
FREED = """
    UPDATE round_port p SET backfill_due_at = %s
      FROM unnest(%s::int[], %s::text[]) AS f (round_id, port)
     WHERE p.round_id = f.round_id AND p.port = f.port AND p.backfill_due_at IS NULL
"""


class Offer(NamedTuple):
    """An offer with its slot and window. A tuple, for thousands are read in a second."""

    id: int
    registration_id: int
    number: str
    program: str
    round_id: int
    port: str
    slot_id: int
    window_id: int
    size: int
    ord: int
    phase: str
    state: str
    why: str | None
    how: str | None
    offered_at: datetime
    decided_at: datetime | None
    arrived_at: datetime | None
    date: date
    time: time
    zone: str
    opened_at: datetime
    deadline: datetime | None
    promised: datetime | None


class Move(NamedTuple):
    """`offer` goes to `state`."""

    offer: Offer
    state: str
    how: str | None = None
    why: str | None = None


class NewOffer(NamedTuple):
    registration_id: int
    port: str
    slot_id: int
    window_id: int
    size: int
    ord: int
    phase: str
    state: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Window:
    id: int
    program: str
    zone: str
    opened_at: datetime
    deadline: datetime | None
    promised: datetime | None


def latest(conn: psycopg.Connection, program: str, registration_ids: Iterable[int]) -> dict[int, Offer]:
    """The live or else newest offer of each registration; decided on under the lock of the registration."""
    with conn.cursor(row_factory=args_row(Offer)) as cursor:
        cursor.execute(LATEST, {"program": program, "ids": bulk.whole(registration_ids)})
        return {offer.registration_id: offer for offer in cursor}


def _all(conn: psycopg.Connection, query: str, *args: object) -> list[Offer]:
    with conn.cursor(row_factory=args_row(Offer)) as cursor:
        return cursor.execute(query.encode(), args).fetchall()


def open_in(conn: psycopg.Connection, window_ids: Sequence[int]) -> list[Offer]:
    """The open offers of these windows."""
    return _all(conn, OPEN_IN, list(window_ids))


def live_of_round(conn: psycopg.Connection, round_id: int) -> list[Offer]:
    return _all(conn, LIVE_OF_ROUND, round_id)


def of_day(conn: psycopg.Connection, day: date, port: str) -> list[Offer]:
    """The appointments of a port on a date, by time of day."""
    return _all(conn, OF_DAY, day, port)


def without_pass(conn: psycopg.Connection, registration_ids: Sequence[int]) -> list[Offer]:
    """The appointments of these registrations that have no pass yet."""
    return _all(conn, WITHOUT_PASS, list(registration_ids))


def history(conn: psycopg.Connection, registration_id: int) -> list[Offer]:
    """All offers that a registration ever had, newest first."""
    return _all(conn, HISTORY, registration_id)


def live(conn: psycopg.Connection, program: str, registration_ids: Sequence[int]) -> set[int]:
    """Those of the registrations that hold a place of the program."""
    rows = conn.execute(
        "SELECT registration_id FROM offer WHERE program = %s AND registration_id = ANY(%s) AND live",
        [program, list(registration_ids)],
    )
    return {row[0] for row in rows}


def held_place_at(conn: psycopg.Connection, program: str, registration_id: int, at: datetime) -> bool:
    """Whether the registration held a place of the program at a time that is over."""
    row = conn.execute(
        "SELECT EXISTS (SELECT 1 FROM offer WHERE program = %s AND registration_id = %s AND offered_at <= %s"
        " AND NOT (state = 'declined' AND why IS NOT NULL) AND (live OR decided_at > %s))",
        [program, registration_id, at, at],
    ).fetchone()
    return bool(row and row[0])


def apply(conn: psycopg.Connection, moves: Sequence[Move], now: datetime) -> None:
    """Move each offer to its new state; places that come free are due for backfill."""
    if not moves:
        return
    changed = conn.execute(
        MOVE,
        {
            "now": now,
            "ids": bulk.whole(m.offer.id for m in moves),
            "was": bulk.texts(m.offer.state for m in moves),
            "states": bulk.texts(m.state for m in moves),
            "how": bulk.texts(m.how or m.offer.how for m in moves),
            "why": bulk.texts(m.why or m.offer.why for m in moves),
        },
    )
    assert changed.rowcount == len(moves), "an offer changed under the lock of its registration"
    freed = {(m.offer.round_id, m.offer.port) for m in moves if m.state in ("declined", "lapsed", "cancelled")}
    if freed:
        mark_freed(conn, sorted(freed), now)


def mark_freed(conn: psycopg.Connection, ports: Sequence[tuple[int, str]], now: datetime) -> None:
    """Places at (round, port) came free: a backfill is due."""
    conn.execute(FREED, [now, [round_id for round_id, _ in ports], [port for _, port in ports]])


def insert(conn: psycopg.Connection, program: str, round_id: int, offers: Sequence[NewOffer], now: datetime) -> None:
    columns = (
        *("registration_id", "port", "slot_id", "window_id", "size", "ord", "phase", "state", "why"),
        *("program", "round_id", "offered_at", "decided_at"),
    )
    if offers:
        rows = ((*o, program, round_id, now, None if o.state == "offered" else now) for o in offers)
        bulk.insert(conn, "offer", columns, rows)


def last_ord(conn: psycopg.Connection, round_id: int) -> int:
    row = conn.execute("SELECT coalesce(max(ord), 0) FROM offer WHERE round_id = %s", [round_id]).fetchone()
    assert row is not None
    return int(row[0])


def open_window(
    conn: psycopg.Connection, program: str, zone: str, opened_at: datetime, deadline: Deadline, policy: Policy
) -> int:
    """A new window; its id."""
    ends, lapses = _ends(deadline, policy)
    row = conn.execute(
        'INSERT INTO "window" (program, zone, opened_at, deadline, lapse_at, promised)'
        " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
        [program, zone, opened_at, ends, lapses, ends],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _ends(deadline: Deadline, policy: Policy) -> tuple[datetime | None, datetime | None]:
    return (None, None) if isinstance(deadline, Paused) else (deadline, deadline + policy.in_line)


def windows_unsettled(conn: psycopg.Connection, ids: Sequence[int] | None = None) -> list[Window]:
    """Lock the windows that still have open offers (only these ids, when given), in key order."""
    with conn.cursor(row_factory=class_row(Window)) as cursor:
        return cursor.execute(LOCK_UNSETTLED, {"ids": None if ids is None else list(ids)}).fetchall()


def windows_due(conn: psycopg.Connection, now: datetime, limit: int) -> list[int]:
    """Windows whose open offers may be over, oldest first, not locked."""
    rows = conn.execute(
        'SELECT id FROM "window" WHERE NOT settled AND lapse_at < %s ORDER BY lapse_at, id LIMIT %s', [now, limit]
    )
    return [row[0] for row in rows]


def move_deadlines(conn: psycopg.Connection, moved: Sequence[tuple[int, Deadline, Policy]], now: datetime) -> None:
    """Give windows, by id, another deadline; its policy says how long after it those in line have.

    From then on their holders are to be told, whatever their number: see `lock_moved`.
    """
    ends = [_ends(deadline, policy) for _, deadline, policy in moved]
    ids = bulk.whole(window_id for window_id, _, _ in moved)
    deadlines, lapses = bulk.times(deadline for deadline, _ in ends), bulk.times(lapses for _, lapses in ends)
    conn.execute(MOVE_DEADLINES, [now, ids, deadlines, lapses])


def lock_moved(conn: psycopg.Connection, limit: int) -> list[int]:
    """Lock windows that moved, and whose holders have not all been told; those that others are at are left out."""
    return [row[0] for row in conn.execute(LOCK_MOVED, [limit])]


def open_untold(conn: psycopg.Connection, window_ids: Sequence[int], limit: int) -> list[Offer]:
    """Open offers of locked windows whose holders have not been told of the deadline as it is now, by window and id.

    One window after the other: asked about all at once, PostgreSQL reads and sorts all of their offers.
    """
    found: list[Offer] = []
    for window in sorted(window_ids):
        if len(found) < limit:
            found += _all(conn, OPEN_UNTOLD, window, limit - len(found))
    return found


def told_up_to(conn: psycopg.Connection, told: Sequence[tuple[int, int | None]]) -> None:
    """Windows, by id, and the last offer whose holder was told; None: all of them were."""
    conn.execute(TOLD_UP_TO, [bulk.whole(window for window, _ in told), bulk.whole(offer for _, offer in told)])


def settle(conn: psycopg.Connection, window_ids: Sequence[int]) -> None:
    """Mark those windows settled in which no offer is open any more; no offer is ever added to a window."""
    conn.execute(
        'UPDATE "window" w SET settled = true WHERE w.id = ANY(%s) AND NOT w.settled'
        " AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.window_id = w.id AND o.state = 'offered')",
        [list(window_ids)],
    )


def today_at(now: datetime, zone: str) -> date:
    """The date at a port."""
    return now.astimezone(ZoneInfo(zone)).date()
