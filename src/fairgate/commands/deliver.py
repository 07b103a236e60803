"""Plan the deliveries of notices, take them to be made, and note what became of them.

Each of these is one short transaction. Between taking and noting, a delivery is made without a connection; it is due
again in a few minutes, unless somebody says before what became of it, so whoever is killed in between leaves
nothing behind that stands still. Who changes a delivery holds its notice, whose state follows from all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg

from fairgate.core.delivering import TRIES, Failed, Fault, Sent, pause, reported
from fairgate.store import deliveries, notices, subscriptions
from fairgate.store.deliveries import Due, New, Written

CLAIMED: Final = timedelta(minutes=5)  # longer than a batch is worked on
STUCK_FOR: Final = timedelta(hours=1)  # for a channel that nobody sends over
SWEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class Parcel:
    """One person over one channel; with a `fault` it cannot be delivered and nothing is tried."""

    channel: str
    recipient: bytes
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a notice goes: to nobody, when nobody of the group left an address."""

    notice: int
    parcels: tuple[Parcel, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try to make a delivery."""

    due: Due
    outcome: Sent | Failed


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider says, of its own accord, has become of a text message."""

    delivery: int
    provider: str
    delivered: bool


def take_notices(conn: psycopg.Connection, most: int, *, now: datetime) -> list[notices.Due]:
    """Notices whose deliveries are to be planned, put aside for whoever calls."""
    with conn.transaction():
        found = notices.due(conn, now, most)
        notices.claim(conn, [notice.id for notice in found], now + CLAIMED)
    return found


def plan(conn: psycopg.Connection, acts: Sequence[Plan], *, now: datetime) -> None:
    """Write down the deliveries of these notices. One that somebody else has planned meanwhile is left as it is."""
    with conn.transaction():
        notices.unreachable(conn, [act.notice for act in acts if not act.parcels])
        planned = {*notices.planned(conn, [act.notice for act in acts if act.parcels], now)}
        rows = [
            New(act.notice, parcel.channel, parcel.recipient, parcel.fault)
            for act in acts
            if act.notice in planned
            for parcel in act.parcels
        ]
        deliveries.add(conn, rows, now)
        deliveries.follow(conn, planned, now)


def skip(conn: psycopg.Connection, acts: Sequence[int], *, now: datetime) -> None:
    """Notices that no person is to be told of: done without a delivery."""
    with conn.transaction():
        notices.sent(conn, acts, now)


def postpone(conn: psycopg.Connection, acts: Sequence[notices.Due], *, now: datetime) -> None:
    """Notices that could not be planned: again later, and after four hours no more."""
    with conn.transaction():
        for notice in acts:
            notices.failed(conn, notice.id, now=now, retry_after=pause(notice.tries + 1))


def take(conn: psycopg.Connection, channel: str, most: int, *, now: datetime) -> list[Due]:
    """Deliveries to make over a channel, put aside for whoever calls. Those taken too often are the sweeper's."""
    with conn.transaction():
        found = deliveries.due(conn, channel, now, tries=TRIES, most=most)
        deliveries.claim(conn, [due.id for due in found], now + CLAIMED)
    return found


def settle(conn: psycopg.Connection, acts: Sequence[Tried], left: Sequence[Due] = (), *, now: datetime) -> None:
    """Note what came of tries, and give back what was `left`. What a report has settled meanwhile stays as it is.

    Devices that are gone are forgotten.
    """
    gone = [
        (act.due.registration_id, act.due.recipient)
        for act in acts
        if isinstance(act.outcome, Failed) and act.outcome.fault is Fault.GONE
    ]
    touched = [act.due.notice_id for act in acts]
    with conn.transaction():
        notices.lock(conn, touched)
        deliveries.write(conn, [_written(act, now) for act in acts], now)
        deliveries.give_back(conn, [due.id for due in left], now)
        deliveries.follow(conn, touched, now)
        if gone:
            subscriptions.remove(conn, gone)


def _written(act: Tried, now: datetime) -> Written:
    outcome = act.outcome
    if isinstance(outcome, Sent):
        return Written(act.due.id, "sent", None, None, outcome.provider, outcome.reference)
    wait = pause(act.due.tries + 1)
    fault = outcome.fault or (Fault.GIVEN_UP if wait is None else None)
    if fault is not None:
        return Written(act.due.id, "failed", fault, None, None, None)
    assert wait is not None, "without a fault it is tried again"
    return Written(act.due.id, "waiting", None, now + wait, None, None)


def report(conn: psycopg.Connection, acts: Sequence[Report], *, now: datetime) -> list[bool]:
    """Note what providers report; False for what is no message of ours, or not on record as sent yet."""
    with conn.transaction():
        ids = [act.delivery for act in acts]
        notices.lock(conn, [row.notice_id for row in deliveries.known(conn, ids).values()])
        known = deliveries.known(conn, ids)  # again: now nobody else changes them
        states = [_reported(known.get(act.delivery), act) for act in acts]
        written = [
            (act.delivery, state, act.provider) for act, state in zip(acts, states, strict=True) if state is not None
        ]
        deliveries.report(conn, written, Fault.UNDELIVERED, now)
        deliveries.follow(conn, [row.notice_id for row in known.values()], now)
    return [state is not None for state in states]


def _reported(known: deliveries.Known | None, act: Report) -> str | None:
    if known is None:
        return None
    return reported(known.state, known.provider, by=act.provider, delivered=act.delivered)


def sweep(conn: psycopg.Connection, channels: Sequence[str], *, now: datetime) -> int:
    """Let what stands still fail, so that staff see it and an outage's clock does not wait for it; how many.

    That is what was taken again and again by processes that were all killed over it, and what waits for a channel
    that is none of `channels`, those that are sent over.
    """
    with conn.transaction():
        found = deliveries.stuck(conn, channels=channels, tries=TRIES, now=now, long_ago=now - STUCK_FOR, most=SWEPT)
        touched = [notice for _, notice, _ in found]
        notices.lock(conn, touched)
        rows = [
            Written(each, "failed", Fault.GIVEN_UP if channel in channels else Fault.NO_CHANNEL, None, None, None)
            for each, _, channel in found
        ]
        deliveries.write(conn, rows, now)
        deliveries.follow(conn, touched, now)
    return len(found)
