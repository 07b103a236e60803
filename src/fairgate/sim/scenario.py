"""Scenarios for `fairgate replay`: what happened to a service, and what people are taken to have done.

A scenario is a JSON file; docs/replay.md explains every key. Times are UTC, lengths are written "30 min" or "4 h",
shares are whole per cent. What is not known here, missing or cannot be right is refused with the place and the way out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from fairgate.core.canonical import read_json
from fairgate.core.clocks import read_moment
from fairgate.core.errors import shown
from fairgate.core.tables import Table

_LENGTH = re.compile(r"([1-9][0-9]{0,3}) (s|min|h)", re.ASCII)
_UNITS = {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1)}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
LONGEST = timedelta(days=14)  # of virtual time: 120,000 samples
MOST_GROUPS = 100_000
MOST_STAGES = 500
FLAPS = "flaps"


class Confirming(StrEnum):
    """What a try to confirm meets."""

    WORKS = "works"
    FAILS = "fails"
    """The gate answers; so many per cent of the tries fail, and each that does is on record."""
    AWAY = "database away"
    """The gate answers, every try fails; tries and samples lie on the hosts' disks until the database is back."""
    DARK = "dark"
    """Nothing runs: every try fails, and nothing is left of it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The service from `start` on. What was seen of it reaches the database at once, or only at `known_at`."""

    start: datetime
    confirming: Confirming
    percent: int = 0
    known_at: datetime | None = None

    @property
    def works(self) -> bool:
        return self.confirming is Confirming.WORKS

    @property
    def has_database(self) -> bool:
        return self.confirming in (Confirming.WORKS, Confirming.FAILS)


@dataclass(frozen=True, slots=True)
class Habits:
    """When people try. `first_try`: so many per cent of all holders by so long after the offer; the rest never do."""

    first_try: Sequence[tuple[timedelta, int]]
    again_after: timedelta
    after_notice: timedelta
    give_up_percent: int


@dataclass(frozen=True, slots=True)
class Telling:
    """How notices are handed over: so many a minute; `sms_only_percent` of people get none while `sms_down`."""

    a_minute: int
    sms_only_percent: int
    sms_down: Sequence[tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What has to be true at the end; places are counted in persons."""

    places_lost: int
    outages: int
    fixed_deadline_loses_at_least: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole file, checked. `stages` by start; before the first of them confirming works."""

    file: str
    title: str
    about: str
    seed: int
    groups: int
    places: int
    results: Sequence[date]
    until: datetime
    stages: Sequence[Stage]
    people: Habits
    notices: Telling
    expected: Expected

    def stage_at(self, at: datetime) -> Stage:
        """What holds for the ten seconds that end at `at`, and for who tries then."""
        found = Stage(datetime.min.replace(tzinfo=at.tzinfo), Confirming.WORKS)
        for stage in self.stages:
            if stage.start < at:
                found = stage
        return found

    def working(self, since: datetime, until: datetime) -> timedelta:
        """How much of the time between these two confirming worked for everyone."""
        broken = timedelta()
        for place, stage in enumerate(self.stages, start=1):
            end = self.stages[place].start if place < len(self.stages) else until
            if not stage.works:
                broken += max(timedelta(), min(end, until) - max(stage.start, since))
        return max(timedelta(), until - since - broken)


def parse(data: bytes, file: str) -> Scenario:
    """The scenario in the bytes of `file`; raises BadInput."""
    table = Table(file, read_json(file, data))
    results = _results(table)
    until = _until(table, results)
    found = Scenario(
        file=file,
        title=table.text("title"),
        about=table.text("about"),
        seed=table.number("seed", 0, 10**9),
        groups=table.number("groups", 1, MOST_GROUPS),
        places=table.number("places", 1, MOST_GROUPS),
        results=results,
        until=until,
        stages=_stages(table, until),
        people=_habits(table.table("people")),
        notices=_telling(table.table("notices")),
        expected=_expected(table.table("expected")),
    )
    table.end()
    return found


def _results(table: Table) -> Sequence[date]:
    days = []
    for text in table.list_of_texts("results", _DAY):
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            table.refuse("results", f"{shown(text)} is no day of the calendar", "correct it")
    if days != sorted(days):
        table.refuse("results", "are not in the order of time", "put the earliest first")
    return days


def _until(table: Table, results: Sequence[date]) -> datetime:
    until = _moment(table, "until")
    if not results[-1] < until.date() <= results[0] + LONGEST:
        way_out = f"end it after the last results, and at most {LONGEST.days} days after the first"
        table.refuse("until", f"{shown(str(table.peek('until')))} cannot be right", way_out)
    return until


def _stages(table: Table, until: datetime) -> Sequence[Stage]:
    """The stages of `service`, flapping ones written out."""
    parts = table.list_of_tables("service")
    starts = [_moment(part, "from") for part in parts]
    ends = [*starts[1:], until] if starts else []
    for part, start, following in zip(parts, starts, ends, strict=True):
        if start >= following:
            part.refuse("from", "is not before what follows it", "put the stages in the order of time, before until")
    return [stage for triple in zip(parts, starts, ends, strict=True) for stage in _stage(*triple)]


def _stage(part: Table, start: datetime, end: datetime) -> Iterator[Stage]:
    kind = part.text("confirming")
    if kind == FLAPS:
        fails, works = _length(part, "fails_for"), _length(part, "works_for")
        part.end()
        if (end - start) / (fails + works) > MOST_STAGES:
            part.refuse("fails_for", f"changes more than {MOST_STAGES} times", "give longer times")
        while start < end:
            yield Stage(start, Confirming.FAILS, 100)
            if start + fails < end:
                yield Stage(start + fails, Confirming.WORKS)
            start += fails + works
        return
    if kind not in list(Confirming):
        known = ", ".join([*Confirming, FLAPS])
        part.refuse("confirming", f"{shown(kind)} is not known here", f"write one of {known}")
    percent = part.number("percent", 1, 100) if kind == Confirming.FAILS else 0
    reported = kind in (Confirming.WORKS, Confirming.FAILS) and "known_at" in part
    known_at = _moment(part, "known_at") if reported else None
    part.end()
    if known_at is not None and known_at < end:
        part.refuse("known_at", "is before the stage is over", "give a time at or after the next stage's from")
    yield Stage(start, Confirming(kind), percent, known_at)


def _habits(table: Table) -> Habits:
    bands = []
    for part in table.list_of_tables("first_try"):
        bands.append((_length(part, "within"), part.number("percent", 1, 100)))
        part.end()
    if [within for within, _ in bands] != sorted({within for within, _ in bands}):
        table.refuse("first_try", "is not in the order of time", "put the earliest first, each once")
    if sum(percent for _, percent in bands) > 100:
        table.refuse("first_try", "sums to more than 100 per cent", "correct the shares; the rest never tries")
    found = Habits(
        first_try=bands,
        again_after=_length(table, "again_after"),
        after_notice=_length(table, "after_notice"),
        give_up_percent=table.number("give_up_percent", 0, 100),
    )
    table.end()
    return found


def _telling(table: Table) -> Telling:
    a_minute, sms_only = table.number("a_minute", 1, 10**6), table.number("sms_only_percent", 0, 100)
    down = []
    for part in table.list_of_tables("sms_down"):
        since, until = _moment(part, "from"), _moment(part, "until")
        if until <= since:
            part.refuse("until", "is not after from", "write a later time")
        down.append((since, until))
        part.end()
    table.end()
    return Telling(a_minute, sms_only, down)


def _expected(table: Table) -> Expected:
    bounds = table.number("fixed_deadline_loses_at_least", 0, MOST_GROUPS)
    found = Expected(table.number("places_lost", 0, MOST_GROUPS), table.number("outages", 0, MOST_STAGES), bounds)
    table.end()
    return found


def _moment(table: Table, key: str) -> datetime:
    return read_moment(table.text(key), table.place(key))


def _length(table: Table, key: str) -> timedelta:
    found = _LENGTH.fullmatch(table.text(key))
    if found is None:
        table.refuse(key, f"{shown(str(table.peek(key)))} is not a length of time", 'write it like "30 min" or "4 h"')
    return int(found[1]) * _UNITS[found[2]]
