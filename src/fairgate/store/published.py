"""What the tables for the public are made from. Everything here only reads, and locks nothing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import psycopg
from psycopg.rows import args_row, class_row

from fairgate.core.places import time_of_day
from fairgate.core.published.service import ALL, Before, Closure, Line, Offered, Room

ROUNDS_MOST: Final = 400  # a good year of days
OUTAGES_MOST: Final = 1000
PATIENCE_S: Final = 60  # for one statement: then there is no new edition, and nobody else has waited for it
# Rounds that gave out places, the latest date first; watchers' are nobody's.
DRAWN = """
    SELECT r.id, r.program, r.date, r.state, r.drawn_at, sum(t.places)::int AS places
      FROM round r JOIN program p ON p.program = r.program JOIN round_port t ON t.round_id = r.id
     WHERE NOT p.hidden AND r.state IN ('drawn', 'closed')
     GROUP BY r.id ORDER BY r.date DESC, r.program LIMIT %s
"""
TOTALS = """
    SELECT count(*) AS groups, coalesce(sum(e.size), 0)::int AS people,
           count(*) FILTER (WHERE t.outcome = 'offered') AS offers,
           coalesce(sum(e.size) FILTER (WHERE t.outcome = 'offered'), 0)::int AS offered_people,
           count(*) FILTER (WHERE t.outcome = 'reserve') AS reserve
      FROM entry e JOIN result t ON t.round_id = e.round_id AND t.ticket = e.ticket WHERE e.round_id = %s
"""
# Who was passed over never had an offer: one from the reserve list is left out, one of the draw is told apart. Left
# out is who was missing from the list and has a place beside it: that stands in honoured.csv of the draw.
OFFERED = """
    SELECT o.round_id, o.port,
           sum(o.size) FILTER (WHERE o.phase <> 'reserve'), sum(o.size) FILTER (WHERE o.phase = 'reserve'),
           sum(o.size) FILTER (WHERE o.state = 'offered'), sum(o.size) FILTER (WHERE o.state = 'confirmed'),
           sum(o.size) FILTER (WHERE o.state = 'checked_in'), sum(o.size) FILTER (WHERE o.state = 'missed'),
           sum(o.size) FILTER (WHERE o.state = 'declined' AND o.why IS NULL),
           sum(o.size) FILTER (WHERE o.state = 'lapsed'), sum(o.size) FILTER (WHERE o.state = 'cancelled'),
           sum(o.size) FILTER (WHERE o.state = 'declined' AND o.why IS NOT NULL)
      FROM offer o
     WHERE o.round_id = ANY(%s) AND o.phase <> 'honoured'
       AND NOT (o.phase = 'reserve' AND o.state = 'declined' AND o.why IS NOT NULL)
     GROUP BY o.round_id, o.port
"""
# People to whom the draw gave a place, as its bundle has them: groups may have got smaller since the list was sealed.
DRAWN_PEOPLE = """
    SELECT t.round_id, t.port, sum(e.size)::int FROM result t
      JOIN entry e ON e.round_id = t.round_id AND e.ticket = t.ticket
     WHERE t.round_id = ANY(%s) AND t.outcome = 'offered' GROUP BY t.round_id, t.port
"""
# Of a request that was made anew since, nobody knows any more how long the first one had stood.
WAITED = """
    SELECT o.port,
           CASE WHEN q.asked_at <= o.offered_at THEN extract(epoch FROM o.offered_at - q.asked_at)::bigint / 86400 END,
           extract(epoch FROM o.offered_at - r.registered_at)::bigint / 86400
      FROM offer o JOIN registration r ON r.id = o.registration_id
      JOIN request q ON q.registration_id = o.registration_id AND q.program = o.program
     WHERE o.round_id = %s AND o.phase IN ('seniority', 'lottery')
"""
LAST_LIST = """
    SELECT id, drawn_at IS NOT NULL AS drawn, coalesce(drawn_at, sealed_at) AS as_of FROM round
     WHERE program = %s AND state IN ('sealed', 'drawn', 'closed') ORDER BY date DESC LIMIT 1
"""
# Of a drawn round those on its reserve list wait, of a sealed one all.
LINES = f"""
    WITH waiting AS (
        SELECT e.ports, e.size,
               greatest(0, extract(epoch FROM %(as_of)s - q.asked_at)::bigint / 86400)::int AS asked,
               greatest(0, extract(epoch FROM %(as_of)s - r.registered_at)::bigint / 86400)::int AS registered
          FROM entry e JOIN registration r ON r.id = e.registration_id
          JOIN request q ON q.registration_id = e.registration_id AND q.program = %(program)s
         WHERE e.round_id = %(round)s
           AND (NOT %(drawn)s
                OR e.ticket IN (SELECT ticket FROM result WHERE round_id = %(round)s AND outcome = 'reserve')))
    SELECT port, count(*), sum(size)::int,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY asked), max(asked), max(registered)
      FROM waiting CROSS JOIN LATERAL unnest(ports || '{ALL}'::text) AS named (port) GROUP BY port
"""
# Every standing request, whether its group waits or holds a place; materialized, or that is looked up for each port.
BEFORE = f"""
    WITH standing AS MATERIALIZED (
        SELECT q.ports, r.size, r.registered_at > %(now)s - interval '7 days' AS new,
               EXISTS (SELECT 1 FROM offer o WHERE o.registration_id = q.registration_id
                          AND o.program = q.program AND o.live) AS holds
          FROM request q JOIN registration r ON r.id = q.registration_id
         WHERE q.program = %(program)s AND q.state = 'standing')
    SELECT port, coalesce(sum(size) FILTER (WHERE NOT holds), 0)::int, coalesce(sum(size) FILTER (WHERE holds), 0)::int,
           coalesce(sum(size) FILTER (WHERE new), 0)::int
      FROM standing CROSS JOIN LATERAL unnest(ports || '{ALL}'::text) AS named (port) GROUP BY port
"""
# Offers that lapsed, those alike in one row. `attempt_at` is the first try of their holder that failed.
LAPSED = """
    SELECT o.program, d.date, w.opened_at, w.zone, w.promised, o.decided_at,
           (SELECT min(a.at) FROM attempt a WHERE a.registration_id = o.registration_id AND a.program = o.program
               AND a.at >= w.opened_at AND a.at <= o.decided_at) AS attempt_at, sum(o.size)::int AS people
      FROM offer o JOIN "window" w ON w.id = o.window_id JOIN round d ON d.id = o.round_id
     WHERE o.round_id = ANY(%s) AND o.state = 'lapsed' GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
OUTAGES = """
    SELECT o.start_at, o.end_at, o.notice_at, i.number, coalesce(i.groups, 0), coalesce(i.persons, 0)
      FROM outage o LEFT JOIN incident_outage m ON m.outage_id = o.id LEFT JOIN incident i ON i.id = m.incident_id
     ORDER BY o.start_at DESC, o.id DESC LIMIT %s
"""
OPENED = """
    SELECT r.date, r.state, s.port, s.time, s.capacity
      FROM round r JOIN slot s ON s.program = r.program AND s.date = r.date WHERE r.program = %s AND r.date >= %s
"""
CLOSURES = """
    SELECT number, program, port, start_at, end_at FROM incident
     WHERE kind IN ('port closed', 'program stopped') AND merged_into IS NULL AND (end_at IS NULL OR end_at >= %s)
     ORDER BY start_at, id
"""


class Drawn(NamedTuple):
    id: int
    program: str
    date: date
    state: str
    drawn_at: datetime
    places: int


class Totals(NamedTuple):
    """What a draw comes to; `offers` and `reserve` in groups."""

    groups: int
    people: int
    offers: int
    offered_people: int
    reserve: int


class Waited(NamedTuple):
    """Whole days from asking, if that is known, and from registering to the offer."""

    port: str
    request: int | None
    registration: int


class List(NamedTuple):
    """The newest list of a program: its round, whether it is drawn, and when it was, or was sealed."""

    id: int
    drawn: bool
    as_of: datetime


class Lapsed(NamedTuple):
    program: str
    date: date
    opened_at: datetime
    zone: str
    promised: datetime | None
    decided_at: datetime
    attempt_at: datetime | None
    people: int


class Broken(NamedTuple):
    """An outage, and the incident that it belongs to with whom that touched."""

    start_at: datetime
    end_at: datetime | None
    notice_at: datetime | None
    incident: str | None
    groups: int
    people: int


@contextmanager
def reading(conn: psycopg.Connection) -> Iterator[None]:
    """One state of everything for the length of the block; nothing can be written, and no statement takes long."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        conn.execute(f"SET LOCAL statement_timeout = '{PATIENCE_S}s'")
        yield


def drawn(conn: psycopg.Connection) -> list[Drawn]:
    """Rounds that gave out places, the latest date first."""
    with conn.cursor(row_factory=args_row(Drawn)) as cursor:
        return cursor.execute(DRAWN, [ROUNDS_MOST]).fetchall()


def totals(conn: psycopg.Connection, round_id: int) -> Totals:
    with conn.cursor(row_factory=args_row(Totals)) as cursor:
        found = cursor.execute(TOTALS, [round_id]).fetchone()
    assert found is not None
    return found


def offered(conn: psycopg.Connection, round_ids: Sequence[int]) -> dict[int, dict[str, Offered]]:
    """What became of the offers, by round and port.

    Who left a group between sealing and draw counts as passed over, so that the numbers agree with the bundle's.
    """
    drawn_people = {
        (round_id, port): people for round_id, port, people in conn.execute(DRAWN_PEOPLE, [list(round_ids)])
    }
    found: dict[int, dict[str, Offered]] = {round_id: {} for round_id in round_ids}
    for round_id, port, *people in conn.execute(OFFERED, [list(round_ids)]):
        counted = Offered(*(number or 0 for number in people))
        left = max(0, drawn_people.get((round_id, port), 0) - counted.drawn)
        found[round_id][port] = counted._replace(drawn=counted.drawn + left, passed_over=counted.passed_over + left)
    return found


def waited(conn: psycopg.Connection, round_id: int) -> list[Waited]:
    """The waits of those to whom a draw gave a place."""
    with conn.cursor(row_factory=args_row(Waited)) as cursor:
        return cursor.execute(WAITED, [round_id]).fetchall()


def last_list(conn: psycopg.Connection, program: str) -> List | None:
    with conn.cursor(row_factory=args_row(List)) as cursor:
        return cursor.execute(LAST_LIST, [program]).fetchone()


def lines(conn: psycopg.Connection, program: str, of: List) -> dict[str, Line]:
    """Who waits for each port that somebody named, and for any (ALL)."""
    values = {"program": program, "round": of.id, "drawn": of.drawn, "as_of": of.as_of}
    return {port: Line(*line) for port, *line in conn.execute(LINES.encode(), values)}


def before(conn: psycopg.Connection, program: str, now: datetime) -> dict[str, Before]:
    """Whom somebody who asks now finds in the line for each port that somebody named, and for any (ALL)."""
    rows = conn.execute(BEFORE.encode(), {"program": program, "now": now})
    return {port: Before(*people) for port, *people in rows}


def lapsed(conn: psycopg.Connection, round_ids: Sequence[int]) -> list[Lapsed]:
    with conn.cursor(row_factory=args_row(Lapsed)) as cursor:
        return cursor.execute(LAPSED, [list(round_ids)]).fetchall()


def outages(conn: psycopg.Connection) -> list[Broken]:
    """The newest first."""
    with conn.cursor(row_factory=args_row(Broken)) as cursor:
        return cursor.execute(OUTAGES, [OUTAGES_MOST]).fetchall()


def opened(conn: psycopg.Connection, program: str, since: date) -> Mapping[date, tuple[str, Sequence[Room]]]:
    """State and slots of the rounds there are, by date."""
    found: dict[date, tuple[str, list[Room]]] = {}
    for day, state, port, at, capacity in conn.execute(OPENED, [program, since]):
        found.setdefault(day, (state, []))[1].append(Room(port, time_of_day(at), capacity))
    return found


def closures(conn: psycopg.Connection, now: datetime) -> list[Closure]:
    """What closes ports now or later."""
    with conn.cursor(row_factory=class_row(Closure)) as cursor:
        return cursor.execute(CLOSURES, [now - timedelta(days=1)]).fetchall()


def went_on(conn: psycopg.Connection, since: datetime) -> bool:
    """Whether a round was sealed, drawn or closed since then."""
    row = conn.execute(
        "SELECT EXISTS (SELECT 1 FROM round r JOIN program p ON p.program = r.program WHERE NOT p.hidden"
        " AND greatest(r.sealed_at, r.drawn_at, r.closed_at) > %s)",
        [since],
    ).fetchone()
    return bool(row and row[0])
