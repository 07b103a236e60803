"""How a replay ended for everybody: who has the place, who can still confirm it, who lost it as the service failed.

A holder **lost a place by system fault** who tried while there was a right to the place, was failed, has not got it,
and had less than twelve hours of working service afterwards in which to come back: until the right ended, or until they
came back and were refused. Who had those twelve hours and did not come is counted apart. The same is asked of the
old rule, a deadline that is fixed: of the same tries of the same people, only what was decided by then counts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import psycopg

from fairgate.commands.deadlines import Deadlines
from fairgate.core.deadlines import Policy, Verdict, decide
from fairgate.sim.holders import Holder, Try
from fairgate.sim.replay import Replayed
from fairgate.sim.scenario import Scenario
from fairgate.store import evidence, offers
from fairgate.store.offers import Offer

TIME_TO_COME_BACK = timedelta(hours=12)  # of working service after the last try that failed


class End(StrEnum):
    """What became of an offer."""

    ON_TIME = "confirmed on time"
    IN_LINE = "confirmed in line"
    HELD = "confirmed, held for them"
    OPEN = "can still be confirmed"
    NEVER_TRIED = "never tried"
    TOO_LATE = "tried only when it was over"
    STAYED_AWAY = "failed once, had 12 h to come back, did not"
    LOST = "lost by system fault"


CONFIRMED = {"on time": End.ON_TIME, "in line": End.IN_LINE, "held": End.HELD}


class Count(NamedTuple):
    """Groups, and the persons in them: places are counted in persons."""

    groups: int = 0
    places: int = 0


class Window(NamedTuple):
    """Offers that were opened together in a zone: until when they were to be confirmed first, and in the end."""

    opened_at: datetime
    zone: str
    first: datetime
    last: datetime | None


class Ending(NamedTuple):
    """`ours` is what happened, `fixed` what the same tries come to with a deadline that does not move."""

    ours: Mapping[End, Count]
    fixed: Mapping[End, Count]
    windows: Sequence[Window]


def ending(conn: psycopg.Connection, made: Replayed) -> Ending:
    """Look at every holder of a replay."""
    last = _last_state(conn, made.holders)
    ours = [(holder, _ours(conn, holder, last[holder.offer.id], made)) for holder in made.holders]
    window = made.program.policy.window
    fixed = [(holder, _fixed(holder, window, made.scenario)) for holder in made.holders]
    opened = {
        Window(offer.opened_at, offer.zone, offer.opened_at + window, offer.deadline)
        for offer in last.values()
        if offer.phase != "reserve"
    }
    return Ending(_count(ours), _count(fixed), sorted(opened, key=lambda one: (one.opened_at, one.zone)))


def _last_state(conn: psycopg.Connection, holders: Iterable[Holder]) -> dict[int, Offer]:
    """The offers as they are now, by id."""
    owners = sorted({holder.offer.registration_id for holder in holders})
    return {offer.id: offer for owner in owners for offer in offers.history(conn, owner)}


def _ours(conn: psycopg.Connection, holder: Holder, offer: Offer, made: Replayed) -> End:
    if holder.how is not None:
        assert offer.state == "confirmed", "who was told that it is confirmed has the place"
        return CONFIRMED[holder.how]
    if offer.state == "offered":
        deadline = Deadlines(conn, [offer.opened_at]).of(offer)
        tried = evidence.attempts(conn, offer.program, [(offer.registration_id, offer.opened_at)])
        attempt_at, policy = tried.get(offer.registration_id), made.program.policy
        until = made.scenario.until
        verdict = decide(deadline, now=until, page_opened_at=None, attempt_at=attempt_at, policy=policy)
        if verdict is not Verdict.TOO_LATE:
            return End.OPEN
    ended_at = offer.decided_at if offer.state == "lapsed" else _granted_until(offer, made.program.policy)
    assert ended_at is not None, "what has lapsed did so at some time"
    return _without_place(holder.tries, ended_at, made.scenario)


def _granted_until(offer: Offer, policy: Policy) -> datetime:
    assert offer.deadline is not None, "with a deadline that is paused anybody may confirm"
    return offer.deadline + policy.in_line


def _fixed(holder: Holder, window: timedelta, scenario: Scenario) -> End:
    """The same tries, and a deadline that does not move."""
    deadline = holder.offer.opened_at + window
    in_time = [one for one in holder.tries if one.at <= deadline]
    if any(one.through for one in in_time):
        return End.ON_TIME
    if deadline > scenario.until:
        return End.OPEN
    return _without_place(holder.tries, deadline, scenario)


def _without_place(tries: Sequence[Try], ended_at: datetime, scenario: Scenario) -> End:
    """What it was for somebody whose right ended at `ended_at` without the place."""
    failed = [one.at for one in tries if not one.through and one.at <= ended_at]
    if not failed:
        return End.TOO_LATE if tries else End.NEVER_TRIED
    refused = (one.at for one in tries if one.through and one.at > failed[-1])
    until = min(ended_at, next(refused, ended_at))
    return End.STAYED_AWAY if scenario.working(failed[-1], until) >= TIME_TO_COME_BACK else End.LOST


def _count(ends: Iterable[tuple[Holder, End]]) -> dict[End, Count]:
    groups: Counter[End] = Counter()
    places: Counter[End] = Counter()
    for holder, end in ends:
        groups[end] += 1
        places[end] += holder.offer.size
    return {end: Count(groups[end], places[end]) for end in End if end in groups}
