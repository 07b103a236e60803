"""Until when an offer can be confirmed: the clock runs only while the door is open.

An offer gives its holder a number of hours of *working service* (`window`). While confirming does not work,
that clock stands still, and it starts again only when everyone affected has been told: the time of an outage
is given back, and whoever was affected has at least `notice_floor` from the notice that it is over
(`long_notice_floor` after a long one). A deadline that an outage moved is rounded up to a full hour and
kept out of the night, so that it can be remembered and met. One that nothing moved stays as it was told.

What this guarantees, whatever happens:

- the holder has at least `window` of time outside outages;
- an outage never makes a deadline earlier, nor does one that turns out longer or is found later, as
  long as people were told of the end of one outage before the next began (see below);
- the order in which outages were recorded does not matter.

Example, with the usual policy, in America/Tijuana (UTC-7):

    opened                    21 May 19:00 UTC
    + window 23 h             22 May 18:00 UTC    this is what the holder is told
    outage                    22 May 16:00 to 18:30 UTC, everyone told at 19:00 UTC
    + lost 2 h 30 min         22 May 20:30 UTC
    long: told + 24 h         23 May 19:00 UTC    later, so it holds
    rounded up to the hour    23 May 19:00 UTC    12:00 local, not at night: the deadline

Outages less than `merge_gap` apart count as one, from the first start to the last end; people were told of it
when they were told of the last. In one corner that costs time: if the first was long over before anyone
was told, and the second came and went meanwhile, then two give their times back one after the other and one
gives back only once. tests/property/test_deadline_properties.py holds the digits.

docs/rules/deadlines.md says the same in words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, time, timedelta
from enum import Enum, StrEnum
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from fairgate.core.clocks import read_time_of_day
from fairgate.core.errors import BadInput, shown

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_MOST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Policy:
    """How generous a program is; the defaults are the usual values of docs/rules/deadlines.md."""

    window: timedelta = timedelta(hours=23)
    round_to: timedelta = timedelta(minutes=60)
    notice_floor: timedelta = timedelta(hours=12)
    long_outage: timedelta = timedelta(minutes=60)
    long_notice_floor: timedelta = timedelta(hours=24)
    quiet_from: time = time(22)
    quiet_to: time = time(9)
    merge_gap: timedelta = timedelta(minutes=15)
    in_line: timedelta = timedelta(minutes=30)
    held: timedelta = timedelta(hours=24)

    def __post_init__(self) -> None:
        assert self.window > timedelta()
        assert self.round_to > timedelta()
        assert self.notice_floor <= self.long_notice_floor, "a longer outage must not give less time"
        assert self.in_line <= self.held, "a recorded attempt must not count less than an open page"

    @classmethod
    def from_json(cls, values: Mapping[str, Any], place: str = "policy") -> "Policy":
        """The policy with these values instead of defaults: lengths as "23 h", "60 min" or "90 s", times as "22:00".

        Raises BadInput naming `place` and the key.
        """
        known = {field.name: field.default for field in fields(cls)}
        read: dict[str, Any] = {}
        for key, value in values.items():
            if key not in known:
                raise BadInput(f"{place}, {shown(key)}", "is not part of a policy", f"use one of {', '.join(known)}")
            parse = read_time_of_day if isinstance(known[key], time) else _length
            read[key] = parse(value, f"{place}, {key}")
        both = {**known, **read}
        for key in ("window", "round_to"):
            if not both[key]:
                raise BadInput(f"{place}, {key}", "is nothing", "give more than 0")
        for less, more in (("notice_floor", "long_notice_floor"), ("in_line", "held")):
            if both[less] > both[more]:
                raise BadInput(f"{place}, {less}", f"is more than {more}", f"give at most {more}")
        return cls(**read)

    def to_json(self) -> dict[str, str]:
        """The whole policy in the form that `from_json` reads."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {key: f"{v:%H:%M}" if isinstance(v, time) else _in_words(v) for key, v in values}


def _length(value: object, place: str) -> timedelta:
    number, _, unit = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if not (number.isascii() and number.isdecimal() and len(number) < 9 and unit in _UNITS):
        raise BadInput(place, f"{shown(str(value))} is not a length of time", 'write it like "23 h" or "60 min"')
    length = int(number) * _UNITS[unit]
    if length > _MOST:
        raise BadInput(place, f"{shown(str(value))} is longer than a year", "give a shorter one")
    return length


def _in_words(length: timedelta) -> str:
    return next(f"{length // _UNITS[u]} {u}" for u in ("h", "min", "s") if not length % _UNITS[u])


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which confirming was not shown to work; aware datetimes.

    `end` is None while it lasts; `notice_at`, when the notice that it is over had been handed to
    every affected person's channels, is None before.
    """

    start: datetime
    end: datetime | None = None
    notice_at: datetime | None = None

    def __post_init__(self) -> None:
        assert self.end is None or self.end >= self.start


class Paused(Enum):
    """There is no deadline as long as an outage lasts or people have not been told that it is over."""

    PAUSED = "paused"


PAUSED: Final = Paused.PAUSED
Deadline = datetime | Literal[Paused.PAUSED]


class Because(StrEnum):
    """What a step of the sum does, and why."""

    OPENED = "opened"
    OVER_BEFORE = "over before opening"
    BEGAN_AFTER = "began after deadline"
    LASTS = "lasts"
    NOT_TOLD = "not told"
    MOVED = "moved"
    PROMISED = "promised"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the sum: `due` is the exact time and `deadline` what people are told from here on.

    A step about an outage has it, made of `merged` recorded ones. One that moved the deadline has what was
    `lost`, `told_until` = notice_at + floor, `rounded` = `due` rounded up, from which `deadline` differs only
    when that fell into the night.
    """

    because: Because
    due: datetime
    deadline: Deadline
    outage: Outage | None = None
    merged: int = 0
    lost: timedelta | None = None
    told_until: datetime | None = None
    rounded: datetime | None = None


def deadline(opened_at: datetime, outages: Iterable[Outage], policy: Policy, zone: ZoneInfo) -> Deadline:
    """Until when an offer opened at `opened_at` can be confirmed: a time in UTC, inclusive, or PAUSED."""
    return explain(opened_at, outages, policy, zone)[0]


def explain(
    opened_at: datetime, outages: Iterable[Outage], policy: Policy, zone: ZoneInfo
) -> tuple[Deadline, tuple[Step, ...]]:
    """The deadline, and the sum that leads to it: the opening first, then every outage by start."""
    opened_at = opened_at.astimezone(UTC)
    due = ends_at = opened_at + policy.window
    steps = [Step(Because.OPENED, due, ends_at)]
    for outage, merged in _merge(outages, policy.merge_gap):
        if outage.start > ends_at:
            steps.append(Step(Because.BEGAN_AFTER, due, ends_at, outage, merged))
        elif outage.end is not None and outage.end <= opened_at:
            steps.append(Step(Because.OVER_BEFORE, due, ends_at, outage, merged))
        elif outage.end is None or outage.notice_at is None:
            because = Because.LASTS if outage.end is None else Because.NOT_TOLD
            return PAUSED, (*steps, Step(because, due, PAUSED, outage, merged))
        else:
            lost = outage.end - max(outage.start, opened_at)
            floor = policy.long_notice_floor if lost >= policy.long_outage else policy.notice_floor
            told_until = (outage.notice_at + floor).astimezone(UTC)
            due = max(due + lost, told_until)
            rounded = EPOCH - (EPOCH - due) // policy.round_to * policy.round_to
            ends_at = _out_of_the_night(rounded, policy, zone)
            steps.append(Step(Because.MOVED, due, ends_at, outage, merged, lost, told_until, rounded))
    return ends_at, tuple(steps)


def keep_promise(
    explained: tuple[Deadline, tuple[Step, ...]], promised: datetime | None
) -> tuple[Deadline, tuple[Step, ...]]:
    """The explained deadline, or `promised` where people had been told that later time before.

    The formula alone can go back: when an outage grows until it is one with the next, and of the first people were
    told late, the notice of the two together may be earlier than what had been counted from the first.
    """
    ends_at, steps = explained
    if promised is None or isinstance(ends_at, Paused) or ends_at >= promised:
        return explained
    return promised, (*steps, Step(Because.PROMISED, ends_at, promised))


def _merge(outages: Iterable[Outage], gap: timedelta) -> list[tuple[Outage, int]]:
    """Outages by start, those less than `gap` apart made into one, each with how many it is made of."""
    merged: list[tuple[Outage, int]] = []
    for outage in sorted(outages, key=_order):
        last, count = merged[-1] if merged else (None, 0)
        if last is not None and (last.end is None or outage.start - last.end < gap):
            end = _latest(last.end, outage.end)
            merged[-1] = Outage(last.start, end, _latest(last.notice_at, outage.notice_at)), count + 1
        else:
            merged.append((outage, 1))
    return merged


def _order(outage: Outage) -> tuple[datetime, timedelta]:
    """By start; of those that start together the longest comes first, and the others lie within it."""
    return outage.start, timedelta.min if outage.end is None else outage.start - outage.end


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)


def _out_of_the_night(moment: datetime, policy: Policy, zone: ZoneInfo) -> datetime:
    if not _is_quiet(moment.astimezone(zone).time(), policy):
        return moment
    return _next_time_of_day(moment, policy, zone)


def _is_quiet(local: time, policy: Policy) -> bool:
    """Whether a local time is in [quiet_from, quiet_to), a window that may go over midnight; equal ends: never."""
    if policy.quiet_from <= policy.quiet_to:
        return policy.quiet_from <= local < policy.quiet_to
    return local >= policy.quiet_from or local < policy.quiet_to


def _next_time_of_day(moment: datetime, policy: Policy, zone: ZoneInfo) -> datetime:
    """The next moment at which clocks in `zone` show `quiet_to`, or jump over it out of the night."""
    today = moment.astimezone(zone).date()
    for days in range(4):  # a zone may leave out a day, as Samoa did on 30 December 2011
        for at in _moments(datetime.combine(today + timedelta(days=days), policy.quiet_to), zone):
            if at > moment and not _is_quiet(at.astimezone(zone).time(), policy):
                return at
    raise AssertionError("every time of day comes at least every other day")


def _moments(wanted: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """When clocks in `zone` show `wanted`: once, twice if they are set back, else when they jump over it."""
    first, second = (wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return first, second
    offset = first.astimezone(zone).utcoffset()
    while (first - timedelta(minutes=1)).astimezone(zone).utcoffset() == offset:
        first -= timedelta(minutes=1)
    return (first,)


class Verdict(StrEnum):
    """What becomes of a confirmation; HELD and IN_LINE are confirmed too."""

    CONFIRMED = "confirmed"
    IN_LINE = "in line"
    HELD = "held"
    TOO_LATE = "too late"


def decide(
    deadline: Deadline,
    *,
    now: datetime,
    page_opened_at: datetime | None,
    attempt_at: datetime | None,
    policy: Policy,
) -> Verdict:
    """What becomes of a confirmation that arrives at `now`; all bounds are inclusive.

    `page_opened_at` is from the page's signed token, `attempt_at` the earliest failed or unfinished attempt on
    record; None where there is none.
    """
    if isinstance(deadline, Paused) or now <= deadline:
        return Verdict.CONFIRMED
    line_ends_at = deadline + policy.in_line
    if page_opened_at is not None and page_opened_at <= deadline and now <= line_ends_at:
        return Verdict.IN_LINE
    if attempt_at is not None and attempt_at <= line_ends_at and now <= deadline + policy.held:
        return Verdict.HELD
    return Verdict.TOO_LATE


def may_lapse(
    deadline: Deadline, *, now: datetime, attempt_at: datetime | None, evidence: bool, policy: Policy
) -> bool:
    """Whether an offer may be taken back at `now`.

    `deadline` has just been recomputed from the recorded outages; `evidence` says that the service was shown to
    work, or is on record as broken, at every moment since the offer was made. Any attempt on record keeps the
    place until deadline + held, even one too late to be honoured: an outage not yet found may still make it good.
    """
    if isinstance(deadline, Paused) or not evidence:
        return False
    return now > deadline + (policy.in_line if attempt_at is None else policy.held)


def moved_by(steps: Sequence[Step]) -> list[Outage]:
    """The outages that moved a deadline, from the steps of `explain`."""
    return [step.outage for step in steps if step.because is Because.MOVED and step.outage is not None]
