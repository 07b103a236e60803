"""Find outages in the samples, put them on record, and move the deadlines that they touch."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg

from fairgate.commands.deadlines import Deadlines
from fairgate.commands.incidents import Changed, note_outages
from fairgate.commands.record import record
from fairgate.core import outages
from fairgate.core.deadlines import Deadline, Paused, Policy
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.outages import Sample, Seen
from fairgate.core.places import moment
from fairgate.core.samples import OLDEST
from fairgate.core.sealing import Chance
from fairgate.store import evidence, offers, profiles
from fairgate.store.offers import Window

# How far before the earliest open window samples are looked at: far enough for an outage to be seen from its start.
BEFORE = timedelta(hours=2)
LOOKED_EVERY = timedelta(minutes=10)  # how often it is written down until when samples were looked at


def find_outages(conn: psycopg.Connection, *, now: datetime, chance: Chance) -> int:
    """Bring outages and deadlines up to date with all samples; how many deadlines moved.

    What is on record only ever grows, and so no deadline moves back.
    """
    with conn.transaction():
        return bring_up_to_date(conn, now=now, chance=chance).moved


class Brought(NamedTuple):
    """How many outages were written, how many deadlines moved, and the samples that were looked at."""

    outages: int
    moved: int
    samples: Sequence[Sample]


def bring_up_to_date(conn: psycopg.Connection, *, now: datetime, chance: Chance) -> Brought:
    """`find_outages` within a transaction, which holds the lock on outages until it ends.

    When it has written an outage the ledger is locked, and then no other row may be locked any more.
    """
    evidence.lock_outages(conn)
    windows = offers.windows_unsettled(conn)
    looked = max(evidence.lock_looking(conn), now - OLDEST)
    since = min([looked, now, *(w.opened_at for w in windows)]) - BEFORE
    samples, before = evidence.samples_leading_to(conn, since, now, outages.LOOK_BACK)
    found = _reconcile(conn, since, now, outages.seen(samples, max(0, before - 1)))
    if not now - LOOKED_EVERY <= looked <= now:
        evidence.looked(conn, now)
    moved = move_deadlines(conn, windows, now)
    record(conn, [(None, outcome) for outcome in found], now=now, chance=chance)
    return Brought(len(found), moved, samples)


def _reconcile(conn: psycopg.Connection, since: datetime, now: datetime, seen: Seen) -> list[Outcome]:
    """Write what samples say about outages and the record does not yet, and what follows for incidents."""
    recorded = evidence.outages(conn, since)
    said: list[Outcome] = []
    changed: list[Changed] = []
    for place, outage in outages.reconcile([r.outage for r in recorded], seen.outages, seen.healthy_since):
        if place is None:
            changed.append(Changed(evidence.add_outage(conn, outage, now), outage, None))
        else:
            evidence.change_outage(conn, recorded[place].id, outage)
            changed.append(Changed(recorded[place].id, outage, recorded[place].outage))
        end = None if outage.end is None else moment(outage.end)
        said.append(Done("outage", None, {"start": moment(outage.start), "end": end}))
    return [*said, *note_outages(conn, changed, now=now)]


def move_deadlines(conn: psycopg.Connection, windows: Sequence[Window], now: datetime) -> int:
    """Recompute the deadlines of these locked windows; how many moved. `extend` tells their holders."""
    deadlines = Deadlines(conn, [w.opened_at for w in windows])
    profile = profiles.current(conn)
    moved: list[tuple[int, Deadline, Policy]] = []
    for window in windows:
        deadline = deadlines.of(window)
        if (None if isinstance(deadline, Paused) else deadline) != window.deadline:
            moved.append((window.id, deadline, profile.program(window.program).policy))
    if moved:
        offers.move_deadlines(conn, moved, now)
    return len(moved)
