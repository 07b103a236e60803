"""When a program's rounds happen, and which places each date has.

A round gives out the places of one date. All its moments hang on the results day, `lead_days` before that date, and are
local times of the program's zone: noon stays noon when clocks change. A local time that comes twice that day
is the first; one that is skipped counts from the last hour before, with the clock not yet set.

Example, southwest-border, the date 2 December 2024: the results day is 11 November; people may join or leave from
10 November 12:00 until 11 November 00:00, New York time, which is 10 November 17:00 to 11 November 05:00 UTC. The
random value is that of 11:30, and everyone sees the results at 12:00.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fairgate.core.profile import LocalTime, Program


@dataclass(frozen=True, slots=True)
class RoundTimes:
    """The moments of a round, in UTC; opens_at < closes_at < seed_at <= draw_at."""

    opens_at: datetime
    closes_at: datetime
    seed_at: datetime
    draw_at: datetime


class SlotPlaces(NamedTuple):
    """A slot of a date: local time of day at the port, capacity in persons."""

    port: str
    time: time
    capacity: int


def round_times(program: Program, day: date) -> RoundTimes:
    """When the round for the appointment date `day` opens, closes, is seeded and drawn."""
    results_day = day - timedelta(days=program.lead_days)
    zone = ZoneInfo(program.zone)

    def moment(local: LocalTime) -> datetime:
        there = datetime.combine(results_day + timedelta(days=local.day), local.time, zone)
        return there.astimezone(UTC)

    times = RoundTimes(moment(program.opens), moment(program.closes), moment(program.seed), moment(program.results))
    assert times.opens_at < times.closes_at < times.seed_at <= times.draw_at, f"{program.program} {day}: {times}"
    return times


def slots(program: Program, day: date) -> list[SlotPlaces]:
    """The slots of a date, ports in the profile's order, times in theirs; none on a date that is closed."""
    if day in program.closed:
        return []
    return [
        SlotPlaces(places.port, at, capacity)
        for places in program.ports
        for at, capacity in places.week[day.weekday()]
        if capacity
    ]


def next_date(program: Program, after: date) -> date:
    """The first date after `after` that has places."""
    day = after + timedelta(days=1)
    while not slots(program, day):  # ends: some weekday has places, and closed dates are few
        day += timedelta(days=1)
    return day


def next_to_open(program: Program, now: datetime) -> date:
    """The first date with places whose round opens at `now` or later."""
    day = now.astimezone(ZoneInfo(program.zone)).date()
    while round_times(program, day := next_date(program, day)).opens_at < now:
        pass
    return day
