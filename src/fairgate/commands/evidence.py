"""Put on record what is known of the service: samples, failed attempts, and that people were told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg

from fairgate.commands.find_outages import move_deadlines
from fairgate.commands.incidents import note_told
from fairgate.commands.record import record
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.places import moment
from fairgate.core.samples import NAME_MOST, plausible
from fairgate.core.sealing import Chance
from fairgate.store import evidence, notices, offers, profiles, registrations
from fairgate.store.evidence import Recorded

TOLD_AT_ONCE = 2000  # nobody finds an outage while these notices are written


@dataclass(frozen=True, slots=True)
class RecordSample:
    """Ten seconds that ended `at`: how many confirmations worked and failed, as `source` saw it."""

    at: datetime
    source: str
    ok: int
    failed: int


@dataclass(frozen=True, slots=True)
class RecordAttempt:
    """A try to confirm that failed or was never answered; no `program` is the first one that is not hidden.

    A gate that has no database does not know its name.
    """

    number: str
    program: str
    at: datetime
    fault: str


@dataclass(frozen=True, slots=True)
class RecordNotice:
    """Everyone affected by an outage has been told that it is over."""

    outage: int


def record_samples(conn: psycopg.Connection, acts: Sequence[RecordSample], *, now: datetime) -> list[Outcome]:
    """Samples on record; the same one twice is one. What no gate or watcher can have seen is refused.

    Two of one source about the same time that differ: the fewer that worked and the more that failed are believed.
    """
    outcomes: list[Outcome] = []
    for act in acts:
        good = plausible(act.at, act.source, act.ok, act.failed, now=now)
        facts = {"at": moment(act.at), "source": act.source[:NAME_MOST]}
        outcomes.append(Done("sampled", None, facts) if good else Refused(Reason.BAD_SAMPLE, facts))
    kept = [act for act, outcome in zip(acts, outcomes, strict=True) if isinstance(outcome, Done)]
    with conn.transaction():
        evidence.add_samples(conn, [(act.at, act.source, act.ok, act.failed) for act in kept])
    return outcomes


def record_attempts(conn: psycopg.Connection, acts: Sequence[RecordAttempt], *, now: datetime) -> list[Outcome]:
    """Attempts on record, so that nobody's offer lapses over them.

    One from the future comes from a clock that is wrong, and counts as made now: nobody is turned away for that.
    """
    outcomes: list[Outcome] = []
    with conn.transaction():
        profile = profiles.current(conn)
        locked = registrations.lock(conn, [act.number for act in acts])
        first = next((program.program for program in profile.programs if not program.hidden), "")
        tried: list[tuple[int, str, datetime, str]] = []
        for act in acts:
            at, program = min(act.at, now), act.program or first
            if act.number not in locked:
                outcomes.append(Refused(Reason.UNKNOWN_NUMBER))
            elif profile.find_program(program) is None:
                outcomes.append(Refused(Reason.UNKNOWN_PROGRAM, {"program": act.program[:60]}))
            else:
                tried.append((locked[act.number].id, program, at, act.fault))
                outcomes.append(Done("attempted", act.number, {"at": moment(at)}))
        evidence.add_attempts(conn, tried)
    return outcomes


def tell_of_outages(conn: psycopg.Connection, *, now: datetime, most: int = TOLD_AT_ONCE) -> int:
    """Put notices into the outbox for outages that are over and of which people were not told, at most so many.

    They say that confirming works again, so they wait while another outage lasts. How many; when none, everybody has
    been told. Whoever looks for outages waits for no more than these.
    """
    told = 0
    with conn.transaction():
        for found in evidence.lock_over(conn):
            count, up_to = notices.about_outage(conn, found, now, most - told)
            evidence.told_up_to(conn, found.id, up_to)
            told += count
            if told >= most:
                break
    return told


def record_notices(
    conn: psycopg.Connection, acts: Sequence[RecordNotice], *, now: datetime, chance: Chance
) -> list[Outcome]:
    """Note when an outage's notices had all been handed over; deadlines run again from there."""
    outcomes: list[Outcome] = []
    with conn.transaction():
        evidence.lock_outages(conn)
        untold = {r.id: r for r in evidence.untold(conn)}
        for act in acts:
            found = untold.pop(act.outage, None)
            if found is None or not _all_told(conn, found):
                outcomes.append(Refused(Reason.NOT_DUE, {"outage": act.outage}))
                continue
            at = now.replace(microsecond=0) + timedelta(seconds=1)
            evidence.change_outage(conn, found.id, replace(found.outage, notice_at=at))
            note_told(conn, found.id, at, now=now)
            outcomes.append(Done("told", None, {"outage": moment(found.outage.start), "notice_at": moment(at)}))
        move_deadlines(conn, offers.windows_unsettled(conn), now)
        record(conn, [(None, outcome) for outcome in outcomes], now=now, chance=chance)
    return outcomes


def _all_told(conn: psycopg.Connection, found: Recorded) -> bool:
    """Whether an outage is over and everyone affected has been told so: no notice is missing, none waits."""
    return found.outage.end is not None and notices.told_of(conn, found)


def tellable(conn: psycopg.Connection) -> list[RecordNotice]:
    """The outages that are over, and of which everyone affected has been told."""
    return [RecordNotice(r.id) for r in evidence.untold(conn) if _all_told(conn, r)]
