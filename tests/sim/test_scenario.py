"""Scenarios are read strictly: what cannot be right is named with its place and the way out."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fairgate.core.errors import BadInput
from fairgate.sim.scenario import Confirming, Scenario, Stage, parse
from vectors import ROOT

FILES = sorted((ROOT / "profiles").glob("*/incidents/????-??-??.json"))
PLAIN: dict[str, Any] = {
    "title": "A short one",
    "about": "Nothing happened.",
    "seed": 1,
    "groups": 10,
    "places": 20,
    "results": ["2024-05-20"],
    "until": "2024-05-22T16:00:00Z",
    "people": {
        "first_try": [{"within": "30 min", "percent": 50}, {"within": "20 h", "percent": 30}],
        "again_after": "30 min",
        "after_notice": "8 h",
        "give_up_percent": 0,
    },
    "service": [{"from": "2024-05-20T18:00:00Z", "confirming": "works"}],
    "notices": {"a_minute": 100, "sms_only_percent": 30, "sms_down": []},
    "expected": {"places_lost": 0, "outages": 0, "fixed_deadline_loses_at_least": 0},
}


def read(**changes: Any) -> Scenario:
    return parse(json.dumps({**PLAIN, **changes}).encode(), "s.json")


def service(*stages: tuple[str, str], **more: Any) -> list[dict[str, Any]]:
    """Stages of 20 May as (time, confirming); `more` belongs to the first."""
    made: list[dict[str, Any]] = [{"from": f"2024-05-20T{at}:00Z", "confirming": kind} for at, kind in stages]
    made[0] |= more
    return made


def people(**changes: Any) -> dict[str, Any]:
    return {**PLAIN["people"], **changes}


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_the_scenarios_of_profiles_can_be_read(file):
    assert parse(file.read_bytes(), str(file)).until


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"wrong": 1}, "s.json, wrong: is not known here"),
        ({"title": ""}, 's.json, title: "" is not a text of one line'),
        ({"seed": True}, 's.json, seed: "True" is not a whole number'),
        ({"groups": 0}, 's.json, groups: "0" is not a whole number from 1'),
        ({"places": 10**9}, 's.json, places: "1000000000" is not a whole number'),
        ({"results": []}, "s.json, results: is empty"),
        ({"results": ["2024-05-32"]}, 's.json, results: "2024-05-32" is no day of the calendar'),
        ({"results": ["20 May"]}, 's.json, results: "20 May" cannot be right'),
        ({"results": ["2024-05-21", "2024-05-20"]}, "s.json, results: are not in the order of time"),
        ({"until": "2024-05-20T23:00:00Z"}, 's.json, until: "2024-05-20T23:00:00Z" cannot be right'),
        ({"until": "2025-05-20T23:00:00Z"}, 's.json, until: "2025-05-20T23:00:00Z" cannot be right'),
        ({"until": "tomorrow"}, 's.json, until: "tomorrow" is not a time in UTC'),
        ({"service": {}}, "s.json, service: is not a list"),
        ({"service": [3]}, "s.json, service[0]: is not a table"),
        ({"service": service(("18:00", "sleeps"))}, 's.json, service[0].confirming: "sleeps" is not known here'),
        ({"service": service(("18:00", "fails"))}, "s.json, service[0].percent: is missing"),
        ({"service": service(("18:00", "works"), percent=3)}, "s.json, service[0].percent: is not known here"),
        (
            {"service": service(("18:00", "dark"), ("17:00", "works"))},
            "s.json, service[0].from: is not before what follows it",
        ),
        (
            {"service": service(("18:00", "works"), ("19:00", "works"), known_at="2024-05-20T18:30:00Z")},
            "s.json, service[0].known_at: is before the stage is over",
        ),
        (
            {"service": service(("18:00", "flaps"), fails_for="1 s", works_for="1 s")},
            "s.json, service[0].fails_for: changes more than 500 times",
        ),
        ({"people": people(again_after="soon")}, 's.json, people.again_after: "soon" is not a length of time'),
        ({"people": people(again_after="0 h")}, 's.json, people.again_after: "0 h" is not a length of time'),
        (
            {"people": people(first_try=[{"within": "1 h", "percent": 60}, {"within": "2 h", "percent": 60}])},
            "s.json, people.first_try: sums to more than 100 per cent",
        ),
        (
            {"people": people(first_try=[{"within": "2 h", "percent": 6}, {"within": "60 min", "percent": 6}])},
            "s.json, people.first_try: is not in the order of time",
        ),
        ({"notices": {"a_minute": 0}}, 's.json, notices.a_minute: "0" is not a whole number from 1'),
        ({"expected": {"outages": 0}}, "s.json, expected.fixed_deadline_loses_at_least: is missing"),
    ],
)
def test_what_cannot_be_right_is_named(changes, told):
    with pytest.raises(BadInput) as refused:
        read(**changes)
    assert str(refused.value).startswith(told)


def test_a_file_that_is_no_json_is_named():
    with pytest.raises(BadInput, match=r"^s.json: not JSON that can be read"):
        parse(b"{", "s.json")


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2024-05-20T{clock}+00:00")


def test_ten_seconds_belong_to_the_stage_in_which_they_began():
    scenario = read(service=service(("18:00", "dark"), ("19:00", "works")))
    stages = [scenario.stage_at(at(clock)).confirming for clock in ("18:00:00", "18:00:10", "19:00:00", "19:00:10")]
    assert stages == [Confirming.WORKS, Confirming.DARK, Confirming.DARK, Confirming.WORKS]


def test_flapping_is_written_out_until_the_next_stage():
    flapping = service(("18:00", "flaps"), ("18:25", "works"), fails_for="4 min", works_for="8 min")
    stages = read(service=flapping).stages
    assert [(stage.start, stage.works) for stage in stages] == [
        (at("18:00:00"), False),
        (at("18:04:00"), True),
        (at("18:12:00"), False),
        (at("18:16:00"), True),
        (at("18:24:00"), False),
        (at("18:25:00"), True),
    ]
    assert stages[0] == Stage(datetime(2024, 5, 20, 18, tzinfo=UTC), Confirming.FAILS, 100)


@pytest.mark.parametrize(
    ("since", "until", "minutes"),
    [
        ("17:00:00", "17:30:00", 30),
        ("17:30:00", "18:30:00", 30),
        ("18:10:00", "18:20:00", 0),
        ("18:30:00", "20:00:00", 60),
    ],
)
def test_working_time_is_time_outside_of_what_did_not_work(since, until, minutes):
    scenario = read(service=service(("18:00", "fails"), ("19:00", "works"), percent=1))
    assert scenario.working(at(since), at(until)) == timedelta(minutes=minutes)


def test_without_stages_everything_works():
    scenario = read(service=[])
    assert scenario.stage_at(at("18:00:00")).works
    assert scenario.working(at("18:00:00"), at("19:00:00")) == timedelta(hours=1)
