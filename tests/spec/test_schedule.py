"""When rounds happen, and which places a date has."""

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from fairgate.core.profile import Program, parse_profile
from fairgate.core.schedule import next_date, next_to_open, round_times, slots
from vectors import ROOT


def program(folder: str) -> Program:
    files = {f.name: tomllib.loads(f.read_text(encoding="utf-8")) for f in (ROOT / "profiles" / folder).glob("*.toml")}
    return parse_profile(files).programs[0]


ARRIVAL, CHECK_UP = program("southwest-border"), program("one-clinic")


@pytest.mark.parametrize(
    ("day", "opens", "closes", "seed", "results"),
    [
        ("2024-12-02", "2024-11-10 17:00", "2024-11-11 05:00", "2024-11-11 16:30", "2024-11-11 17:00"),  # winter
        ("2024-06-21", "2024-05-30 16:00", "2024-05-31 04:00", "2024-05-31 15:30", "2024-05-31 16:00"),  # summer
        ("2024-11-24", "2024-11-02 16:00", "2024-11-03 04:00", "2024-11-03 16:30", "2024-11-03 17:00"),  # set back
        ("2025-03-30", "2025-03-08 17:00", "2025-03-09 05:00", "2025-03-09 15:30", "2025-03-09 16:00"),  # set forward
    ],
)
def test_noon_in_new_york_stays_noon_when_clocks_change(day, opens, closes, seed, results):
    times = round_times(ARRIVAL, date.fromisoformat(day))
    found = (times.opens_at, times.closes_at, times.seed_at, times.draw_at)
    assert found == tuple(datetime.fromisoformat(f"{text}:00+00:00") for text in (opens, closes, seed, results))


def test_every_moment_of_every_round_of_ten_years_is_in_order():
    for folder in (ARRIVAL, CHECK_UP):
        rounds = [round_times(folder, date(2024, 1, 1) + timedelta(days=i)) for i in range(3653)]
        for times in rounds:
            assert times.opens_at < times.closes_at < times.seed_at <= times.draw_at
            assert times.opens_at.tzinfo is UTC
        for one, next_one in pairwise(rounds):
            assert one.closes_at <= next_one.opens_at


def test_the_places_of_a_day_are_the_published_ones_spread_over_it():
    day = slots(ARRIVAL, date(2024, 12, 2))
    assert sum(slot.capacity for slot in day) == 1450
    assert day[0] == ("SYS", time(6), 39)
    assert len({(slot.port, slot.time) for slot in day}) == len(day)
    assert list(dict.fromkeys(slot.port for slot in day)) == list(ARRIVAL.port_codes)
    for port in ARRIVAL.port_codes:
        capacities = [slot.capacity for slot in day if slot.port == port]
        assert capacities == sorted(capacities, reverse=True)
        assert max(capacities) - min(capacities) <= 1


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (
            date(2026, 11, 24),
            [("HIL", time(9), 6), ("HIL", time(11), 6), ("HIL", time(14), 6), ("HIL", time(16, 30), 4)],
        ),
        (date(2026, 11, 28), [("HIL", time(9), 6)]),  # Saturday
        (date(2026, 11, 29), []),  # Sunday
        (date(2026, 12, 25), []),  # closed
    ],
)
def test_a_weekday_may_have_times_of_its_own(day, expected):
    assert slots(CHECK_UP, day) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (date(2026, 11, 24), date(2026, 11, 25)),
        (date(2026, 11, 28), date(2026, 11, 30)),  # over Sunday
        (date(2026, 12, 24), date(2026, 12, 26)),  # over Christmas
        (date(2026, 12, 26), date(2026, 12, 29)),  # over Sunday and a closed Monday
    ],
)
def test_the_next_date_is_the_next_with_places(after, expected):
    assert next_date(CHECK_UP, after) == expected


def test_at_the_border_every_day_has_places():
    assert next_date(ARRIVAL, date(2024, 12, 24)) == date(2024, 12, 25)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2024-11-10 17:00:00", "2024-12-02"),  # opens this very second
        ("2024-11-10 17:00:01", "2024-12-03"),
        ("2024-11-11 16:59:59", "2024-12-03"),
    ],
)
def test_the_next_round_to_open(now, expected):
    assert next_to_open(ARRIVAL, datetime.fromisoformat(f"{now}+00:00")) == date.fromisoformat(expected)


def test_the_next_round_to_open_may_lie_beyond_days_without_places():
    assert next_to_open(CHECK_UP, datetime(2026, 12, 16, 12, tzinfo=UTC)) == date(2026, 12, 26)
