"""Note that groups did not come, and close the rounds of days that are over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg

from fairgate.commands.acting import Batch, Decide, act_on_offers, place
from fairgate.commands.record import record
from fairgate.core import places
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused, Subject, refuse_unless_possible
from fairgate.core.profile import Profile
from fairgate.core.sealing import Chance
from fairgate.store import offers, profiles, rounds
from fairgate.store.offers import Offer, today_at


@dataclass(frozen=True, slots=True)
class Miss:
    number: str
    program: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """The round of a date that is over at all of its ports."""

    program: str
    date: date


def miss(conn: psycopg.Connection, acts: Sequence[Miss], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Note that nobody came, once the day is over at the port; no penalty, the request stands again."""

    def decision(_: Batch) -> Decide[Miss]:
        profile = profiles.current(conn)

        def decide(_act: Miss, offer: Offer | None) -> Outcome:
            return places.miss(place(offer), day_over=offer is not None and _day_over(profile, offer, now))

        return decide

    return act_on_offers(conn, acts, decision, now=now, chance=chance)


def close(conn: psycopg.Connection, acts: Sequence[Close], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Close rounds whose day is over; appointments that were not kept are missed."""
    outcomes: list[Outcome] = []
    for act in acts:
        with conn.transaction():
            outcomes.append(_close(conn, act, now, chance))
    return outcomes


def _close(conn: psycopg.Connection, act: Close, now: datetime, chance: Chance) -> Outcome:
    found = rounds.lock(conn, act.program, act.date)
    if found is None:
        return Refused(Reason.UNKNOWN_ROUND, {"program": act.program, "date": act.date.isoformat()})
    refusal = refuse_unless_possible(Subject.ROUND, "close", found.state)
    if refusal:
        return refusal
    profile = profiles.current(conn)
    held = offers.live_of_round(conn, found.id)
    day_over = found.due_at is not None and now >= found.due_at
    if not day_over or any(offer.state == "offered" or not _day_over(profile, offer, now) for offer in held):
        return Refused(Reason.NOT_DUE, {"program": act.program, "date": act.date.isoformat()})
    missed = miss(conn, [Miss(offer.number, act.program) for offer in held], now=now, chance=chance)
    rounds.close(conn, found.id, now)
    count = sum(isinstance(outcome, Done) for outcome in missed)  # who was cancelled meanwhile is not missed
    done = Done("closed", None, {"program": act.program, "round": act.date.isoformat(), "missed": count})
    record(conn, [(None, done)], now=now, chance=chance)
    return done


def _day_over(profile: Profile, offer: Offer, now: datetime) -> bool:
    """Whether the day of the appointment is over at its port, whatever the time is where people wait."""
    return today_at(now, profile.port(offer.port).zone) > offer.date
