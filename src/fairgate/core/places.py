"""What may be done with an offer and the appointment that it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

from fairgate.core.deadlines import Deadline, Outage, Paused, Policy, Verdict, decide
from fairgate.core.lifecycle import Done, Fact, Outcome, Reason, Refused, Subject, refuse_unless_possible

HOW = {Verdict.CONFIRMED: "on time", Verdict.IN_LINE: "in line", Verdict.HELD: "held"}


@dataclass(frozen=True, slots=True)
class Place:
    """An offer as far as deciding needs it; `time` is the slot's local time, "09:00"."""

    number: str
    program: str
    state: str
    port: str
    date: date
    time: str
    size: int
    how: str | None = None

    @property
    def facts(self) -> dict[str, Fact]:
        return {
            "program": self.program,
            "port": self.port,
            "date": self.date.isoformat(),
            "time": self.time,
            "size": self.size,
        }


@lru_cache(maxsize=1024)
def time_of_day(at: time) -> str:
    """A slot's local time, "09:00"."""
    return at.strftime("%H:%M")


@lru_cache(maxsize=1024)  # the acts of a batch have one time
def moment(at: datetime) -> str:
    """A time as files and statements write it: UTC, whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(deadline: Deadline) -> str:
    return "paused" if isinstance(deadline, Paused) else moment(deadline)


def confirm(
    place: Place | None,
    *,
    now: datetime,
    deadline: Deadline,
    outages: Sequence[Outage],
    page_opened_at: datetime | None,
    attempt_at: datetime | None,
    policy: Policy,
) -> Outcome:
    """Decide on a confirmation that arrives at `now`; confirming again what is confirmed is the same answer."""
    if place is None:
        return Refused(Reason.NO_OFFER)
    if place.state in ("confirmed", "checked_in"):
        return Done("confirmed", place.number, {**place.facts, "how": place.how}, repeated=True)
    if place.state not in ("offered", "lapsed"):
        return Refused(Reason.NO_OFFER, {"state": place.state, **place.facts})
    verdict = decide(deadline, now=now, page_opened_at=page_opened_at, attempt_at=attempt_at, policy=policy)
    if verdict is Verdict.TOO_LATE or place.state == "lapsed":
        return Refused(Reason.TOO_LATE, {**place.facts, "deadline": shown(deadline), "outages": told(outages)})
    return Done("confirmed", place.number, {**place.facts, "how": HOW[verdict]})


def told(outages: Sequence[Outage]) -> list[dict[str, str | None]]:
    """Outages as facts, so that the person can be shown each of them."""

    def text(at: datetime | None) -> str | None:
        return None if at is None else moment(at)

    return [{"start": text(o.start), "end": text(o.end), "notice_at": text(o.notice_at)} for o in outages]


def _end(place: Place | None, act: str, kind: str, **more: Any) -> Outcome:
    if place is None:
        return Refused(Reason.NO_OFFER)
    refusal = refuse_unless_possible(Subject.OFFER, act, place.state)
    return refusal or Done(kind, place.number, {**place.facts, **more})


def decline(place: Place | None) -> Outcome:
    """Give an open offer back; declining again what is declined is the same answer."""
    if place is not None and place.state == "declined":
        return Done("declined", place.number, place.facts, repeated=True)
    if place is None or place.state != "offered":
        return Refused(Reason.NO_OFFER, {} if place is None else {"state": place.state, **place.facts})
    return _end(place, "decline", "declined")


def lapse(place: Place, deadline: Deadline) -> Outcome:
    """An open offer ends at a deadline that `may_lapse` has found to be over."""
    return _end(place, "lapse", "lapsed", deadline=shown(deadline))


def cancel(place: Place | None, why: str) -> Outcome:
    """The holder or the agency gives up an offer or an appointment; `why` says who and for what."""
    if place is not None and place.state == "cancelled":
        return Done("cancelled", place.number, {**place.facts, "why": why}, repeated=True)
    return _end(place, "cancel", "cancelled", why=why)


def check_in(place: Place | None, *, today: date) -> Outcome:
    """A group arrives; `today` is the date at the port. A scan repeated is the same answer."""
    if place is not None and place.state == "checked_in":
        return Done("checked in", place.number, place.facts, repeated=True)
    if place is not None and place.state == "confirmed" and place.date != today:
        return Refused(Reason.NOT_TODAY, place.facts)
    return _end(place, "check in", "checked in")


def miss(place: Place | None, *, day_over: bool) -> Outcome:
    """Nobody came; no penalty, the request stands again. Only once the day is over at the port."""
    if place is not None and place.state == "confirmed" and not day_over:
        return Refused(Reason.NOT_DUE, place.facts)
    return _end(place, "miss", "missed")
