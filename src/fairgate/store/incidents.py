"""Incidents and their timelines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from fairgate.core.deadlines import Outage
from fairgate.core.incidents import Kind

_COLUMNS = "id, number, kind, program, port, start_at, end_at, recorded_at, declared_by, groups, persons, ports, rounds"
SINCE = f"""
    SELECT {_COLUMNS} FROM incident
     WHERE merged_into IS NULL AND (end_at IS NULL OR end_at >= %s) ORDER BY start_at DESC, id DESC LIMIT %s
"""
OF_OUTAGES = f"""
    SELECT {_COLUMNS} FROM incident
     WHERE kind = 'outage' AND merged_into IS NULL AND (end_at IS NULL OR end_at >= %s) ORDER BY start_at, id
"""
# Those with an outage that lasts, or of whose end people are still to be told.
UNTOLD = f"""
    SELECT {_COLUMNS} FROM incident i
     WHERE kind = 'outage' AND merged_into IS NULL
       AND EXISTS (SELECT 1 FROM incident_outage m JOIN outage o ON o.id = m.outage_id
                    WHERE m.incident_id = i.id AND o.notice_at IS NULL)
     ORDER BY start_at, id
"""
STANDS_FOR = f"""
    WITH RECURSIVE way AS (
        SELECT id, merged_into FROM incident WHERE number = %s
        UNION SELECT i.id, i.merged_into FROM way JOIN incident i ON i.id = way.merged_into)
    SELECT {_COLUMNS} FROM incident WHERE id = (SELECT id FROM way WHERE merged_into IS NULL)
"""
TIMELINES = """
    WITH RECURSIVE part AS (
        SELECT id AS stands, id FROM incident WHERE id = ANY(%s)
        UNION SELECT part.stands, i.id FROM part JOIN incident i ON i.merged_into = part.id)
    SELECT part.stands, e.at, e.kind, e.facts, e.texts, e.written_by
      FROM part JOIN incident_entry e ON e.incident_id = part.id ORDER BY part.stands, e.at, e.id
"""
# Of offers that are open now: whose deadline the incident is about. Watchers are nobody.
TOUCHED = """
    WITH touched AS (
        SELECT o.port, r.date, count(*) AS groups, sum(o.size) AS persons
          FROM offer o JOIN "window" w ON w.id = o.window_id JOIN program p ON p.program = o.program
          JOIN round r ON r.id = o.round_id
         WHERE NOT w.settled AND o.state = 'offered' AND NOT p.hidden
           AND w.opened_at < coalesce((SELECT end_at FROM incident WHERE id = %(id)s), 'infinity')
         GROUP BY o.port, r.date)
    UPDATE incident SET
        groups = greatest(groups, (SELECT coalesce(sum(t.groups), 0)::int FROM touched t)),
        persons = greatest(persons, (SELECT coalesce(sum(t.persons), 0)::int FROM touched t)),
        ports = ARRAY(SELECT unnest(ports) UNION SELECT port FROM touched ORDER BY 1),
        rounds = ARRAY(SELECT unnest(rounds) UNION SELECT date FROM touched ORDER BY 1)
     WHERE id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Incident:
    """Whose open offers it touched (`groups`, `persons`), and where. No `declared_by`: found by the machinery."""

    id: int
    number: str
    kind: str
    program: str | None
    port: str | None
    start_at: datetime
    end_at: datetime | None
    recorded_at: datetime
    declared_by: str | None
    groups: int
    persons: int
    ports: Sequence[str] = ()
    rounds: Sequence[date] = ()

    def lasts(self, now: datetime) -> bool:
        """Whether it has begun and is not over."""
        return self.start_at <= now and (self.end_at is None or self.end_at > now)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the timeline; `texts` by language where somebody wrote it."""

    at: datetime
    kind: str
    facts: Mapping[str, str | int | None]
    texts: Mapping[str, str] | None
    written_by: str | None


def lock(conn: psycopg.Connection) -> None:
    """Let one transaction at a time write incidents: their numbers follow one another. Readers are not kept waiting."""
    conn.execute("LOCK TABLE incident IN SHARE ROW EXCLUSIVE MODE")


def count(conn: psycopg.Connection, year: int) -> int:
    """How many were put on record in a year, by universal time."""
    span = [datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)]
    row = conn.execute("SELECT count(*) FROM incident WHERE recorded_at >= %s AND recorded_at < %s", span).fetchone()
    assert row is not None
    return int(row[0])


def insert(
    conn: psycopg.Connection,
    number: str,
    kind: Kind,
    *,
    program: str | None,
    port: str | None,
    start_at: datetime,
    end_at: datetime | None,
    now: datetime,
    by: str | None,
) -> int:
    """A new incident; its id."""
    row = conn.execute(
        "INSERT INTO incident (number, kind, program, port, start_at, end_at, recorded_at, declared_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        [number, kind, program, port, start_at, end_at, now, by],
    ).fetchone()
    assert row is not None
    return int(row[0])


def change(conn: psycopg.Connection, incident_id: int, start_at: datetime, end_at: datetime | None) -> None:
    conn.execute("UPDATE incident SET start_at = %s, end_at = %s WHERE id = %s", [start_at, end_at, incident_id])


def merge(conn: psycopg.Connection, merged: int, stands: int) -> None:
    """One incident turned out to be part of another, which gets its outages."""
    conn.execute("UPDATE incident SET merged_into = %s WHERE id = %s", [stands, merged])
    conn.execute("UPDATE incident_outage SET incident_id = %s WHERE incident_id = %s", [stands, merged])


def add_outage(conn: psycopg.Connection, incident_id: int, outage_id: int) -> None:
    conn.execute("INSERT INTO incident_outage (outage_id, incident_id) VALUES (%s, %s)", [outage_id, incident_id])


def of_outage(conn: psycopg.Connection, outage_id: int) -> int | None:
    """The incident that an outage belongs to; None for one from before there were incidents."""
    row = conn.execute("SELECT incident_id FROM incident_outage WHERE outage_id = %s", [outage_id]).fetchone()
    return None if row is None else int(row[0])


def outages_of(conn: psycopg.Connection, incident_id: int) -> list[Outage]:
    """The outages of an incident, by start."""
    rows = conn.execute(
        "SELECT o.start_at, o.end_at, o.notice_at FROM incident_outage i JOIN outage o ON o.id = i.outage_id"
        " WHERE i.incident_id = %s ORDER BY o.start_at, o.id",
        [incident_id],
    )
    return [Outage(*row) for row in rows]


def touched(conn: psycopg.Connection, incident_id: int) -> None:
    """Count whose open offers an incident touches, and where; nothing of it is taken back as people confirm."""
    conn.execute(TOUCHED, {"id": incident_id})


def of_outages(conn: psycopg.Connection, since: datetime) -> list[Incident]:
    """Incidents that are outages and had not ended before `since`, by start."""
    with conn.cursor(row_factory=class_row(Incident)) as cursor:
        return cursor.execute(OF_OUTAGES, [since]).fetchall()


def untold(conn: psycopg.Connection) -> list[Incident]:
    """Incidents that are outages, and that last or are to be told of, by start."""
    with conn.cursor(row_factory=class_row(Incident)) as cursor:
        return cursor.execute(UNTOLD).fetchall()


def since(conn: psycopg.Connection, moment: datetime, limit: int) -> list[Incident]:
    """Incidents that had not ended before a moment, the newest first."""
    with conn.cursor(row_factory=class_row(Incident)) as cursor:
        return cursor.execute(SINCE, [moment, limit]).fetchall()


def find(conn: psycopg.Connection, number: str) -> Incident | None:
    """The incident with this number, or the one that it was merged into."""
    with conn.cursor(row_factory=class_row(Incident)) as cursor:
        return cursor.execute(STANDS_FOR, [number]).fetchone()


def add_entry(
    conn: psycopg.Connection,
    incident_id: int,
    kind: str,
    facts: Mapping[str, str | int | None],
    now: datetime,
    *,
    texts: Mapping[str, str] | None = None,
    by: str | None = None,
) -> None:
    conn.execute(
        "INSERT INTO incident_entry (incident_id, at, kind, facts, texts, written_by) VALUES (%s, %s, %s, %s, %s, %s)",
        [incident_id, now, kind, Jsonb(facts), None if texts is None else Jsonb(texts), by],
    )


def entries(conn: psycopg.Connection, incident_ids: Sequence[int]) -> dict[int, list[Entry]]:
    """The timelines of these incidents, oldest line first, with what was said of those that were merged into them."""
    found: dict[int, list[Entry]] = {incident_id: [] for incident_id in incident_ids}
    for incident_id, *entry in conn.execute(TIMELINES, [list(incident_ids)]):
        found[incident_id].append(Entry(*entry))
    return found
