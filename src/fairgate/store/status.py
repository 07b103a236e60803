"""The state of the service as everybody may know it, and as a public file: home/public/status.json.

    {"as_of": "2026-12-14T18:00:10Z", "confirming": "works",
     "outages": [{"start": …, "end": …, "notice_at": …}],
     "incidents": [{"number": "FG-2026-0017", "kind": "outage", "program": null, "port": null, "start": …, "end": …,
                    "groups": 120, "persons": 310, "functions": ["confirm", "decline"], "ports": ["SYS"],
                    "rounds": ["2026-12-14"], "timeline": [{"at": …, "kind": "outage began", …}]}]}

`confirming` is "works", "interrupted", or "not shown" when nobody has tried for a minute. Five minutes of that are an
outage, which comes on record when somebody tries again. Outages and incidents of ninety days, the newest first, are as
they are on record. Whoever reads it compares `as_of` with the clock: a file that is a minute old is itself a sign that
something is wrong.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg

from fairgate.core.canonical import canonical
from fairgate.core.deadlines import Outage
from fairgate.core.incidents import Kind
from fairgate.core.places import moment, told
from fairgate.core.profile import Profile
from fairgate.store import evidence, incidents, profiles
from fairgate.store.files import alone, put
from fairgate.store.incidents import Entry, Incident

DAYS: Final = timedelta(days=90)
INCIDENTS_MOST: Final = 500
SILENT: Final = timedelta(minutes=1)  # six watchers' tries; what was seen longer ago shows nothing of now
FEW: Final = 10  # fewer people than this are "fewer than 10": nobody is to be told by a number
NOT_TOLD: Final = "not told"  # ten people or more, but of so few groups that their number would follow
MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class State:
    """What holds `as_of`; `outages` by start, `incidents` newest first, `timelines` by the incident's id."""

    as_of: datetime
    profile: Profile
    outages: Sequence[Outage]
    incidents: Sequence[Incident] = ()
    timelines: Mapping[int, Sequence[Entry]] | None = None
    seen_at: datetime | None = None  # the newest sample: when somebody last tried

    @property
    def interrupted_since(self) -> datetime | None:
        """Since when confirming does not work; None: it works."""
        return next((outage.start for outage in self.outages if outage.end is None), None)

    @property
    def confirming(self) -> str:
        """What is known of it: silence is never taken for health."""
        if self.interrupted_since is not None:
            return "interrupted"
        return "works" if self.seen_at is not None and self.as_of - self.seen_at <= SILENT else "not shown"

    def timeline(self, incident: Incident) -> Sequence[Entry]:
        return (self.timelines or {}).get(incident.id, ())

    def broken(self, since: datetime, now: datetime) -> "State":
        """The same as somebody sees it who can reach no database, and for whom confirming has failed since then."""
        if self.interrupted_since is not None:
            return replace(self, as_of=now)
        return replace(self, as_of=now, outages=[*self.outages, Outage(since)])


def read(conn: psycopg.Connection, now: datetime) -> State:
    """What is on record of the last ninety days."""
    found = incidents.since(conn, now - DAYS, INCIDENTS_MOST)
    return State(
        as_of=now,
        profile=profiles.current(conn),
        outages=[one.outage for one in evidence.outages(conn, now - DAYS)],
        incidents=found,
        timelines=incidents.entries(conn, [one.id for one in found]),
        seen_at=evidence.newest(conn, now),
    )


def path(home: Path) -> Path:
    return home / "public" / "status.json"


def age(home: Path, now: datetime) -> timedelta | None:
    """How old the public file is; None where there is none that can be read."""
    try:
        as_of = json.loads(path(home).read_bytes())["as_of"]
        return now - datetime.fromisoformat(as_of).astimezone(UTC)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(home: Path, state: State) -> None:
    """Write what holds now."""
    said = {
        "as_of": moment(state.as_of),
        "confirming": state.confirming,
        "outages": told(state.outages)[::-1],
        "incidents": [_incident(state, one) for one in state.incidents],
    }
    file = path(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    with alone(file.parent):
        put(file, canonical(said).encode() + b"\n", MODE)


def _incident(state: State, one: Incident) -> dict[str, object]:
    return {
        "number": one.number,
        "kind": one.kind,
        "program": one.program,
        "port": one.port,
        "start": moment(one.start_at),
        "end": None if one.end_at is None else moment(one.end_at),
        "groups": few(one.groups),
        "persons": few(one.persons) if one.persons < FEW or one.groups >= FEW else NOT_TOLD,
        "functions": ["confirm", "decline"] if one.kind == Kind.OUTAGE else [],
        "ports": list(one.ports),
        "rounds": [day.isoformat() for day in one.rounds],
        "timeline": [_entry(entry) for entry in state.timeline(one)],
    }


def few(people: int) -> int | str:
    """A number of people as the public is told it."""
    return people if people == 0 or people >= FEW else f"fewer than {FEW}"


def _entry(entry: Entry) -> dict[str, object]:
    """A line of a timeline; who wrote it is nobody's business outside."""
    texts = {} if entry.texts is None else {"texts": dict(entry.texts)}
    return {"at": moment(entry.at), "kind": entry.kind, **entry.facts, **texts}
