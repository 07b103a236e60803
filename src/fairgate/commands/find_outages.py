"""Find outages in the samples, put them on record, and move the deadlines that they touch."""

from datetime import datetime, timedelta

import psycopg

from fairgate.commands.acting import place
from fairgate.commands.deadlines import Deadlines
from fairgate.commands.record import record
from fairgate.core import outages
from fairgate.core.deadlines import Outage, Paused
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.places import moment, shown
from fairgate.core.sealing import Chance
from fairgate.store import evidence, offers, profiles

# How far before the earliest open window samples are looked at: far enough for an outage to be seen from its start.
BEFORE = timedelta(hours=2)


def find_outages(conn: psycopg.Connection, *, now: datetime, chance: Chance) -> int:
    """Bring outages and deadlines up to date with all samples; how many deadlines moved.

    What is on record only ever grows, and so no deadline moves back.
    """
    with conn.transaction():
        evidence.lock_outages(conn)
        windows = offers.windows_unsettled(conn)
        since = min([w.opened_at for w in windows], default=now) - BEFORE
        _record(conn, since, now, chance)
        return move_deadlines(conn, now=now, chance=chance)


def _record(conn: psycopg.Connection, since: datetime, now: datetime, chance: Chance) -> None:
    recorded = evidence.outages(conn, since)
    samples = evidence.samples(conn, since, now)
    found = outages.find(samples)
    healthy = outages.healthy_since(samples)
    done: list[tuple[int | None, Outcome]] = []
    for place_, outage in outages.reconcile([r.outage for r in recorded], found, healthy):
        if place_ is None:
            evidence.add_outage(conn, outage, now)
        else:
            evidence.change_outage(conn, recorded[place_].id, outage)
        end = None if outage.end is None else moment(outage.end)
        done.append((None, Done("outage", None, {"start": moment(outage.start), "end": end})))
    record(conn, done, now=now, chance=chance)


def move_deadlines(conn: psycopg.Connection, *, now: datetime, chance: Chance) -> int:
    """Recompute the deadline of every window with open offers; how many moved. Their holders are told."""
    windows = offers.windows_unsettled(conn)
    deadlines = Deadlines(conn, [w.opened_at for w in windows])
    profile = profiles.current(conn)
    moved = []
    for window in windows:
        deadline = deadlines.of(window.program, window.opened_at, window.zone)
        if (None if isinstance(deadline, Paused) else deadline) != window.deadline:
            offers.move_deadline(conn, window.id, deadline, profile.program(window.program).policy)
            moved.append(window.id)
    said: list[tuple[int | None, Outcome]] = []
    for offer in offers.open_in(conn, moved):
        held = place(offer)
        assert held is not None
        deadline = deadlines.of(offer.program, offer.opened_at, offer.zone)
        said.append(
            (offer.registration_id, Done("extended", offer.number, {**held.facts, "deadline": shown(deadline)}))
        )
    record(conn, said, now=now, chance=chance)
    return len(moved)


def covered(conn: psycopg.Connection, start: datetime, end: datetime) -> bool:
    """Whether health is shown, or an outage is on record, for every moment from `start` to `end`."""
    known: list[Outage] = [r.outage for r in evidence.outages(conn, start - BEFORE)]
    return outages.covered(evidence.samples(conn, start - BEFORE, end + outages.GAP), known, start, end)
