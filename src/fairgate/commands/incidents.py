"""Incidents: opened by the machinery when an outage is found; declared, explained and ended by staff.

No command here touches a deadline. What staff write is told in every language of the profile or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg

from fairgate.commands.record import record
from fairgate.core import incidents as rules
from fairgate.core.deadlines import Outage
from fairgate.core.incidents import Kind, Span
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.places import moment
from fairgate.core.profile import Profile
from fairgate.core.sealing import Chance
from fairgate.store import incidents, profiles
from fairgate.store.incidents import Incident


class Changed(NamedTuple):
    """An outage on record as it is now, and as it was before; None: it was not there."""

    id: int
    outage: Outage
    before: Outage | None


@dataclass(frozen=True, slots=True)
class Declare:
    """A disturbance that people know of. No `program`: all; no `port`: none in particular; no `end_at`: it lasts."""

    kind: Kind
    program: str | None
    port: str | None
    start_at: datetime
    texts: Mapping[str, str]
    by: str
    end_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """What staff have to say about an incident, by language."""

    number: str
    texts: Mapping[str, str]
    by: str


@dataclass(frozen=True, slots=True)
class End:
    """A declared incident is over. One of outages ends by itself, when confirming is shown to work."""

    number: str
    by: str


def declare(conn: psycopg.Connection, acts: Sequence[Declare], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Put incidents on record that no machine can see: a port that is closed, slots that move, a program that stops."""
    with conn.transaction():
        incidents.lock(conn)
        profile = profiles.current(conn)
        outcomes = [_declare(conn, profile, act, now) for act in acts]
        record(conn, [(None, outcome) for outcome in outcomes], now=now, chance=chance)
    return outcomes


def write(conn: psycopg.Connection, acts: Sequence[Write], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Add what staff have to say to the timelines of incidents."""
    with conn.transaction():
        incidents.lock(conn)
        languages = profiles.current(conn).languages
        outcomes: list[Outcome] = []
        for act in acts:
            found, fault = incidents.find(conn, act.number), rules.texts_fault(act.texts, languages)
            if found is None:
                outcomes.append(Refused(Reason.UNKNOWN_INCIDENT))
            elif fault is not None:
                outcomes.append(fault)
            else:
                incidents.add_entry(conn, found.id, "written", {}, now, texts=_kept(act.texts, languages), by=act.by)
                outcomes.append(Done("incident explained", None, {"incident": found.number}))
        record(conn, [(None, outcome) for outcome in outcomes], now=now, chance=chance)
    return outcomes


def end(conn: psycopg.Connection, acts: Sequence[End], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Say of declared incidents that they are over."""
    with conn.transaction():
        incidents.lock(conn)
        outcomes = [_end(conn, act, now) for act in acts]
        record(conn, [(None, outcome) for outcome in outcomes], now=now, chance=chance)
    return outcomes


def count_touched(conn: psycopg.Connection) -> None:
    """Count whose open offers the outages that last, or of which people are still to be told, touch."""
    for found in incidents.untold(conn):
        incidents.touched(conn, found.id)


def note_outages(conn: psycopg.Connection, changed: Sequence[Changed], *, now: datetime) -> list[Outcome]:
    """Open, lengthen, end and merge the incidents of outages that changed, within the transaction that changed them.

    What is to go into the ledger: each incident as it is now.
    """
    if not changed:
        return []
    incidents.lock(conn)
    since = min(one.outage.start for one in changed) - rules.ONE_WITHIN
    touched = {_note(conn, one, since, now) for one in sorted(changed, key=lambda one: one.outage.start)}
    for incident_id in touched:
        span = rules.over(incidents.outages_of(conn, incident_id))
        incidents.change(conn, incident_id, span.start, span.end)
    _merge(conn, since, now)
    return [_said(found) for found in incidents.of_outages(conn, since) if found.id in touched]


def note_told(conn: psycopg.Connection, outage_id: int, notice_at: datetime, *, now: datetime) -> None:
    """Everyone affected by an outage has been told that it is over."""
    incident_id = incidents.of_outage(conn, outage_id)
    if incident_id is not None:
        incidents.add_entry(conn, incident_id, "told", {"notice_at": moment(notice_at)}, now)


# -- outages ------------------------------------------------------------------------------------


def _note(conn: psycopg.Connection, changed: Changed, since: datetime, now: datetime) -> int:
    """The incident of an outage, made if there is none, with what changed in its timeline."""
    outage, before = changed.outage, changed.before
    incident_id = incidents.of_outage(conn, changed.id)
    if incident_id is None:
        open_ones = incidents.of_outages(conn, since)
        near = rules.belongs_to(outage, [Span(one.start_at, one.end_at) for one in open_ones])
        incident_id = _opened(conn, outage, now) if near is None else open_ones[near].id
        incidents.add_outage(conn, incident_id, changed.id)
    for kind, facts in _what_changed(outage, before):
        incidents.add_entry(conn, incident_id, kind, facts, now)
    return incident_id


def _what_changed(outage: Outage, before: Outage | None) -> list[tuple[str, dict[str, str | int | None]]]:
    start, end_at = moment(outage.start), None if outage.end is None else moment(outage.end)
    lines: list[tuple[str, dict[str, str | int | None]]] = []
    if before is None:
        lines.append(("outage began", {"start": start}))
    elif outage.start != before.start:
        lines.append(("outage began earlier", {"start": start}))
    if outage.end is None and before is not None and before.end is not None:
        lines.append(("outage goes on", {"start": start}))
    if end_at is not None and (before is None or outage.end != before.end):
        lines.append(("outage ended", {"start": start, "end": end_at}))
    return lines


def _opened(conn: psycopg.Connection, outage: Outage, now: datetime) -> int:
    name = _next_number(conn, now)
    return incidents.insert(
        conn, name, Kind.OUTAGE, program=None, port=None, start_at=outage.start, end_at=outage.end, now=now, by=None
    )


def _next_number(conn: psycopg.Connection, now: datetime) -> str:
    return rules.number(now, incidents.count(conn, now.astimezone(UTC).year))


def _merge(conn: psycopg.Connection, since: datetime, now: datetime) -> None:
    known = incidents.of_outages(conn, since)
    for stands, merged in rules.together([Span(one.start_at, one.end_at) for one in known]):
        first = known[stands]
        for place in merged:
            incidents.merge(conn, known[place].id, first.id)
            incidents.add_entry(conn, first.id, "merged", {"number": known[place].number}, now)
        span = rules.over(incidents.outages_of(conn, first.id))
        incidents.change(conn, first.id, span.start, span.end)


# -- what staff say -----------------------------------------------------------------------------


def _declare(conn: psycopg.Connection, profile: Profile, act: Declare, now: datetime) -> Outcome:
    fault = _fault(profile, act) or rules.texts_fault(act.texts, profile.languages)
    if fault is not None:
        return fault
    name = _next_number(conn, now)
    incident_id = incidents.insert(
        conn,
        name,
        act.kind,
        program=act.program,
        port=act.port,
        start_at=act.start_at,
        end_at=act.end_at,
        now=now,
        by=act.by,
    )
    facts = {"start": moment(act.start_at)}
    incidents.add_entry(conn, incident_id, "declared", facts, now, texts=_kept(act.texts, profile.languages), by=act.by)
    found = incidents.find(conn, name)
    assert found is not None
    return _said(found)


def _fault(profile: Profile, act: Declare) -> Refused | None:
    assert act.kind in rules.DECLARED, "outages are found, not declared"
    if act.program is not None and profile.find_program(act.program) is None:
        return Refused(Reason.UNKNOWN_PROGRAM, {"program": act.program[:60]})
    if act.end_at is not None and act.end_at <= act.start_at:
        return Refused(Reason.END_BEFORE_START)
    known = {port.port for port in profile.ports}
    if act.port not in known if act.kind is Kind.PORT_CLOSED else act.port is not None and act.port not in known:
        return Refused(Reason.UNKNOWN_PORT, {"port": (act.port or "")[:60]})
    return None


def _end(conn: psycopg.Connection, act: End, now: datetime) -> Outcome:
    found = incidents.find(conn, act.number)
    if found is None:
        return Refused(Reason.UNKNOWN_INCIDENT)
    if found.kind == Kind.OUTAGE:
        return Refused(Reason.INCIDENT_LASTS, {"incident": found.number})
    if found.end_at is not None and found.end_at <= now:
        return Refused(Reason.INCIDENT_OVER, {"incident": found.number})
    incidents.change(conn, found.id, min(found.start_at, now), now)
    incidents.add_entry(conn, found.id, "ended", {"end": moment(now)}, now, by=act.by)
    ended = incidents.find(conn, found.number)
    assert ended is not None
    return _said(ended)


def _said(found: Incident) -> Done:
    """The incident as the ledger keeps it."""
    facts = {"incident": found.number, "what": found.kind, "program": found.program, "port": found.port}
    ended = None if found.end_at is None else moment(found.end_at)
    return Done("incident", None, {**facts, "start": moment(found.start_at), "end": ended})


def _kept(texts: Mapping[str, str], languages: Sequence[str]) -> dict[str, str]:
    return {language: texts[language].strip() for language in languages}
