"""Put on record what is known of the service: samples, failed attempts, and that people were told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg

from fairgate.commands.find_outages import move_deadlines
from fairgate.commands.record import record
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.places import moment
from fairgate.core.sealing import Chance
from fairgate.store import evidence, notices, registrations

CLOCK_SLACK = timedelta(seconds=30)  # a sample from further in the future comes from a clock that is wrong


@dataclass(frozen=True, slots=True)
class RecordSample:
    """Ten seconds that ended `at`: how many confirmations worked and failed, as `source` saw it."""

    at: datetime
    source: str
    ok: int
    failed: int


@dataclass(frozen=True, slots=True)
class RecordAttempt:
    """A try to confirm that failed or was never answered."""

    number: str
    program: str
    at: datetime
    fault: str


@dataclass(frozen=True, slots=True)
class RecordNotice:
    """Everyone affected by an outage has been told that it is over."""

    outage: int


def record_samples(conn: psycopg.Connection, acts: Sequence[RecordSample], *, now: datetime) -> list[Outcome]:
    """Samples on record; the same one twice is one. Numbers below 0 and times in the future are refused."""
    outcomes: list[Outcome] = []
    for act in acts:
        bad = act.ok < 0 or act.failed < 0 or act.at > now + CLOCK_SLACK
        facts = {"at": moment(act.at), "source": act.source}
        outcomes.append(Refused(Reason.BAD_SAMPLE, facts) if bad else Done("sampled", None, facts))
    kept = [act for act, outcome in zip(acts, outcomes, strict=True) if isinstance(outcome, Done)]
    with conn.transaction():
        evidence.add_samples(conn, [(act.at, act.source, act.ok, act.failed) for act in kept])
    return outcomes


def record_attempts(conn: psycopg.Connection, acts: Sequence[RecordAttempt], *, now: datetime) -> list[Outcome]:
    """Attempts on record, so that nobody's offer lapses over them."""
    with conn.transaction():
        locked = registrations.lock(conn, [act.number for act in acts])
        known = [act for act in acts if act.number in locked and act.at <= now + CLOCK_SLACK]
        evidence.add_attempts(conn, [(locked[act.number].id, act.program, act.at, act.fault) for act in known])
    return [
        Done("attempted", act.number, {"at": moment(act.at)}) if act in known else Refused(Reason.UNKNOWN_NUMBER)
        for act in acts
    ]


def tell_of_outages(conn: psycopg.Connection, *, now: datetime) -> int:
    """Put notices into the outbox for outages that are over and of which people were not told; how many."""
    with conn.transaction():
        evidence.lock_outages(conn)
        over = [r for r in evidence.untold(conn) if r.outage.end is not None]
        return sum(notices.about_outage(conn, r.id, now) for r in over)


def record_notices(
    conn: psycopg.Connection, acts: Sequence[RecordNotice], *, now: datetime, chance: Chance
) -> list[Outcome]:
    """Note when an outage's notices had all been handed over; deadlines run again from there."""
    outcomes: list[Outcome] = []
    with conn.transaction():
        evidence.lock_outages(conn)
        untold = {r.id: r for r in evidence.untold(conn)}
        for act in acts:
            found = untold.get(act.outage)
            if found is None or found.outage.end is None or notices.waiting(conn, act.outage):
                outcomes.append(Refused(Reason.NOT_DUE, {"outage": act.outage}))
                continue
            at = now.replace(microsecond=0) + timedelta(seconds=1)
            evidence.change_outage(conn, found.id, replace(found.outage, notice_at=at))
            outcomes.append(Done("told", None, {"outage": moment(found.outage.start), "notice_at": moment(at)}))
        record(conn, [(None, outcome) for outcome in outcomes], now=now, chance=chance)
        move_deadlines(conn, now=now, chance=chance)
    return outcomes


def tellable(conn: psycopg.Connection) -> list[RecordNotice]:
    """The outages whose end can be told as known to everyone: over, and no notice about them waits."""
    return [
        RecordNotice(r.id)
        for r in evidence.untold(conn)
        if r.outage.end is not None and not notices.waiting(conn, r.id)
    ]
