"""What belongs to one deployment, and what is refused before it can do harm."""

import copy
import tomllib
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fairgate.core.beacon import QUICKNET
from fairgate.core.errors import BadInput
from fairgate.core.profile import Profile, parse_profile
from vectors import ROOT

FOLDERS = sorted(folder for folder in (ROOT / "profiles").iterdir() if folder.is_dir())
BORDER, CLINIC = ROOT / "profiles" / "southwest-border", ROOT / "profiles" / "one-clinic"


def documents(folder: Path) -> dict[str, dict]:
    return {file.name: tomllib.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.toml")}


def load(folder: Path) -> Profile:
    return parse_profile(documents(folder))


def figure(profile: Profile, file: str, key: str):
    return next(figure for figure in profile.figures if (figure.file, figure.key) == (file, key))


def test_southwest_border_has_the_published_figures():
    profile = load(BORDER)
    program = profile.program("arrival")
    persons = {places.port: sum(room for _, room in places.week[0]) for places in program.ports}
    assert persons == {"SYS": 385, "BRO": 380, "ELP": 200, "HID": 195, "NOG": 100, "CAL": 75, "EGP": 60, "LRD": 55}
    assert sum(persons.values()) == 1450
    assert all(places.week == (places.week[0],) * 7 for places in program.ports)
    assert program.policy.window == timedelta(hours=23)
    assert (program.results.time, program.zone) == (time(12), "America/New_York")
    assert program.lead_days == 21
    assert program.seniority_share == (1, 2)
    assert profile.beacon.kinds == ("drand", "commit-reveal")
    assert profile.beacon.chain == QUICKNET
    assert profile.languages == ("en", "es")
    assert {profile.port(code).zone for code in program.port_codes} == {
        "America/Los_Angeles",
        "America/Phoenix",
        "America/Denver",
        "America/Chicago",
    }


def test_what_was_published_for_an_earlier_time_is_kept_beside_it():
    share = figure(load(BORDER), "programs.toml", "arrival.seniority_share")
    assert [(earlier.value, earlier.when) for earlier in share.was] == [([3, 10], "May 2024")]
    places = figure(load(BORDER), "population.toml", "places_a_day")
    assert [earlier.value for earlier in places.was] == [1250, 1000]


def test_every_published_capacity_has_its_source_and_weak_ones_say_so():
    profile = load(BORDER)
    unsure = {
        code: figure(profile, "programs.toml", f"arrival.ports.{code}.places").unsure
        for code in profile.program("arrival").port_codes
    }
    assert [code for code, weak in unsure.items() if not weak] == ["SYS", "BRO"]
    assert all(figure.source or (figure.assumed and figure.modelled_on) for figure in profile.figures)


def test_people_wait_in_zones_of_their_own():
    for port in load(BORDER).ports:
        assert ZoneInfo(port.people_zone).key == port.people_zone
        assert port.people_zone != port.zone


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_shares_of_the_population_add_up(folder):
    profile = load(folder)
    population = profile.population
    for table in ("group_sizes", "ports_named", "first_port", "ages"):
        assert sum(population[table].values()) == 100, table
    assert sum(nationality["percent"] for nationality in population["nationalities"]) == 100
    assert max(map(int, population["group_sizes"])) <= profile.group_max
    assert set(population["first_port"]) == {port.port for port in profile.ports}
    assert population["places_a_day"] == sum(room for places in profile.programs[0].ports for _, room in places.week[0])


def test_one_clinic_is_first_come_first_served_in_one_language():
    profile = load(CLINIC)
    (program,) = profile.programs
    assert (len(profile.ports), profile.languages) == (1, ("en",))
    assert (program.seniority_share, program.group_max, program.lead_days) == ((1, 1), 4, 7)
    assert profile.beacon.kinds == ("commit-reveal",)
    assert program.policy.quiet_from == time(21)
    assert [sum(room for _, room in day) for day in program.ports[0].week] == [22, 22, 22, 22, 22, 6, 0]
    assert date(2026, 12, 25) in program.closed


def test_one_clinic_knows_no_border():
    words = "".join(file.read_text(encoding="utf-8") for file in CLINIC.glob("*.toml")).lower()
    for word in ("border", "asylum", "arrival", "mexic", "cbp", "america/", "drand", "port of entry"):
        assert word not in words


def changed(key: str, value) -> dict[str, dict]:
    """The clinic's files with another value at "file.toml key.key", or without it if the value is None."""
    all_of_them = copy.deepcopy(documents(CLINIC))
    file, _, path = key.partition(" ")
    table = all_of_them[file]
    *way, last = path.split(".")
    for step in way:
        table = table[step]
    if value is None:
        del table[last]
    else:
        table[last] = value
    return all_of_them


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("profile.toml key", "One Clinic", 'profile.toml, key: "One Clinic" cannot be right'),
        ("profile.toml key", None, "profile.toml, key: is missing"),
        ("profile.toml kee", "x", "profile.toml, kee: is not known here"),
        ("profile.toml languages", [], "profile.toml, languages: is empty"),
        ("profile.toml languages", ["en", "en"], 'profile.toml, languages: "en" stands twice'),
        ("profile.toml languages", "en", "profile.toml, languages: is not a list"),
        ("profile.toml languages", ["en", "fr"], "profile.toml, texts.fr: is missing"),
        ("profile.toml texts.en.agency", None, "profile.toml, texts.en.agency: is missing"),
        (
            "profile.toml texts.en.agency",
            "two\nlines",
            'profile.toml, texts.en.agency: "two\\nlines" is not a text',
        ),
        ("profile.toml texts.de", {}, "profile.toml, texts.de: is not known here"),
        ("profile.toml beacon.kinds", ["dice"], 'profile.toml, beacon.kinds: "dice" is not a kind of beacon'),
        ("profile.toml beacon.kinds", ["drand"], "profile.toml, beacon.drand_urls: is missing"),
        ("profile.toml beacon.rehearsal", 1, "profile.toml, beacon.rehearsal: is neither true nor false"),
        ("profile.toml beacon.observers", [], "profile.toml, beacon.observers: is empty"),
        ("ports.toml HIL.zone", "Europe/Londn", 'ports.toml, HIL.zone: "Europe/Londn" is not a known time zone'),
        ("ports.toml HIL.names", {"fr": "Clinique"}, "ports.toml, HIL.names.en: is missing"),
        ("ports.toml HIL.names", {"en": "a", "fr": "b"}, "ports.toml, HIL.names.fr: is not known here"),
        ("ports.toml HIL", None, "ports.toml: is empty"),
        ("ports.toml Hill", {}, "ports.toml, Hill: is not a name that can be used here"),
        ("ports.toml HIL", "x", "ports.toml, HIL: is not a table"),
        ("programs.toml check-up.group_max", 0, 'programs.toml, check-up.group_max: "0" is not a whole number from 1'),
        ("programs.toml check-up.group_max", True, 'programs.toml, check-up.group_max: "True" is not a whole number'),
        ("programs.toml check-up.group_max", 4.0, 'programs.toml, check-up.group_max: "4.0" is not a whole number'),
        ("programs.toml check-up.lead_days", None, "programs.toml, check-up.lead_days: is missing"),
        ("programs.toml check-up.seniority_share", [2, 1], "programs.toml, check-up.seniority_share: is not a share"),
        ("programs.toml check-up.seniority_share", [0, 0], "programs.toml, check-up.seniority_share: is not a share"),
        ("programs.toml check-up.seniority_share", [1], "programs.toml, check-up.seniority_share: is not a share"),
        ("programs.toml check-up.policy.windw", "2 h", 'programs.toml, check-up.policy, "windw": is not part'),
        ("programs.toml check-up.policy.window", 23, 'programs.toml, check-up.policy, window: "23" is not a length'),
        (
            "programs.toml check-up.opens",
            "09:00",
            "programs.toml, check-up.opens: opens, closes, seed and results do not",
        ),
        ("programs.toml check-up.opens", {"day": -1}, "programs.toml, check-up.opens.time: is missing"),
        (
            "programs.toml check-up.seed",
            "07:30",
            "programs.toml, check-up.opens: opens, closes, seed and results do not",
        ),
        ("programs.toml check-up.closes", "02:30", "programs.toml, check-up.closes: 02:30 may be skipped when clocks"),
        (
            "programs.toml check-up.results",
            {"day": 1, "time": "09:00"},
            "programs.toml, check-up.results: is not on the",
        ),
        ("programs.toml check-up.results", "9am", 'programs.toml, check-up.results: "9am" is not a time of day'),
        (
            "programs.toml check-up.closed",
            ["2026-12-25"],
            'programs.toml, check-up.closed: "2026-12-25" is not a date',
        ),
        ("programs.toml check-up.hidden", "no", "programs.toml, check-up.hidden: is neither true nor false"),
        ("programs.toml check-up.ports.DAL", {}, "programs.toml, check-up.ports.DAL: is not in ports.toml"),
        ("programs.toml check-up.ports", {}, "programs.toml, check-up.ports: is empty"),
        ("programs.toml check-up.ports.HIL", {}, "programs.toml, check-up.ports.HIL.every_day: no weekday has a place"),
        (
            "programs.toml check-up.ports.HIL.monday",
            {"09:00": -1},
            'programs.toml, check-up.ports.HIL.monday.09:00: "-1" is not a whole number',
        ),
        (
            "programs.toml check-up.ports.HIL.monday",
            {"9": 1},
            'programs.toml, check-up.ports.HIL.monday.9: "9" is not a time of day',
        ),
        (
            "programs.toml check-up.ports.HIL.mondays",
            {"09:00": 1},
            "programs.toml, check-up.ports.HIL.mondays: is not known here",
        ),
        (
            "programs.toml check-up.ports.HIL.places",
            22,
            "programs.toml, check-up.ports.HIL.places: is 22, but saturday adds up to 6",
        ),
    ],
)
def test_a_profile_that_cannot_be_right_is_refused_with_file_and_key(key, value, expected):
    with pytest.raises(BadInput) as refused:
        parse_profile(changed(key, value))
    assert str(refused.value).startswith(expected)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"value": 4}, "does not say where it comes from"),
        ({"value": 4, "assumed": True}, "does not say where it comes from"),
        ({"value": 4, "modelled_on": "others"}, "does not say where it comes from"),
        ({"value": 4, "source": "a paper", "assumed": True, "modelled_on": "others"}, "does not say where it comes"),
        ({"value": 4, "source": " "}, "\"' '\" is not a text"),
        ({"value": 4, "source": "a paper", "page": 3}, '"page" is not part of a figure'),
        ({"value": 4, "source": "a paper", "was": [{"value": 3}]}, "an earlier value is incomplete"),
        ({"value": 4, "source": "a paper", "was": 3}, "is not a list"),
        ({"value": 0, "source": "a paper"}, '"0" is not a whole number'),
    ],
)
def test_a_figure_says_where_it_comes_from(value, expected):
    with pytest.raises(BadInput) as refused:
        parse_profile(changed("programs.toml check-up.group_max", value))
    assert expected in str(refused.value)
    assert str(refused.value).startswith("programs.toml, check-up.group_max")


@pytest.mark.parametrize("name", ["profile.toml", "ports.toml", "programs.toml"])
def test_a_file_that_is_missing_is_named(name):
    files = documents(CLINIC)
    del files[name]
    with pytest.raises(BadInput, match=rf"^{name}: is missing"):
        parse_profile(files)


def test_a_file_too_many_is_named_and_a_population_may_be_missing():
    files = documents(CLINIC)
    del files["population.toml"]
    assert parse_profile(files).population is None
    with pytest.raises(BadInput, match=r'^"prots.toml": is not part of a profile'):
        parse_profile({**files, "prots.toml": {}})


def test_a_program_that_does_not_exist_is_not_found():
    profile = load(CLINIC)
    assert profile.find_program("arrival") is None
    assert profile.find_program("check-up") is profile.program("check-up")
