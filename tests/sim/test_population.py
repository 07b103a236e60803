"""The people of a rehearsal are made after published figures, and are the same for the same seed."""

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fairgate.core.errors import BadInput
from fairgate.core.profile import Profile
from fairgate.core.registering import birthday, refuse_members, refuse_ports
from fairgate.sim.population import Group, groups, read_figures
from fairgate.sim.rehearse import first_visible
from fairgate.store import profiles
from vectors import ROOT

UNTIL = datetime(2026, 3, 4, 17, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=10)


def profile(key: str) -> Profile:
    return profiles.parse(profiles.read_folder(ROOT / "profiles" / key))


def people(key: str, count: int, seed: int = 1) -> list[Group]:
    found = profile(key)
    figures = read_figures(found, first_visible(found))
    return list(groups(figures, found.languages, registrations=count, since=SINCE, until=UNTIL, seed=seed))


def test_the_same_seed_makes_the_same_people() -> None:
    assert people("southwest-border", 50) == people("southwest-border", 50)
    assert people("southwest-border", 50) != people("southwest-border", 50, seed=2)


@pytest.mark.parametrize("key", ["southwest-border", "one-clinic"])
def test_everyone_of_them_may_register_and_ask(key: str) -> None:
    found = profile(key)
    program = first_visible(found)
    for group in people(key, 2000):
        assert refuse_members(group.members, group_max=program.group_max, today=group.registered_at.date()) is None
        assert refuse_ports(group.ports, known=program.port_codes) is None
        assert group.language in found.languages


def test_they_come_in_the_order_of_time_and_not_after_the_end() -> None:
    moments = [group.registered_at for group in people("southwest-border", 2000)]
    assert len(moments) == 2000
    assert moments == sorted(moments)
    assert UNTIL - timedelta(days=281) < moments[0] < moments[-1] < UNTIL


def test_the_first_of_a_group_is_an_adult_and_its_children_could_be_theirs() -> None:
    for head, *others in (group.members for group in people("southwest-border", 2000)):
        assert birthday(head.born_on, 18) <= SINCE.date()
        for other in others:
            if birthday(other.born_on, 18) > UNTIL.date():
                assert birthday(head.born_on, 16) <= other.born_on + timedelta(days=2)


def test_shares_are_those_of_the_profile() -> None:
    made = people("southwest-border", 8000)
    share = {size: count / 80 for size, count in Counter(len(group.members) for group in made).items()}
    ports = {port: count / 80 for port, count in Counter(group.ports[0] for group in made).items()}
    assert share[1] == pytest.approx(45, abs=1.5)
    assert share[4] == pytest.approx(11, abs=1.2)
    assert ports["SYS"] == pytest.approx(27, abs=1.5)
    assert ports["LRD"] == pytest.approx(4, abs=1.2)
    persons = [(member, group) for group in made for member in group.members]
    children = sum(birthday(member.born_on, 18) > group.registered_at.date() for member, group in persons)
    assert 100 * children / len(persons) == pytest.approx(32, abs=2)


def spoilt(key: str, value: Any) -> Profile:
    found = profile("southwest-border")
    population = deepcopy(dict(found.population or {}))
    population[key] = value
    return replace(found, population=population)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("group_sizes", {"1": 50}, "sum to 50"),
        ("group_sizes", {"1": 50, "13": 50}, "13 is above"),
        ("group_sizes", {"one": 100}, "no whole number"),
        ("first_port", {"XXX": 100}, "XXX is no port of arrival"),
        ("ages", {"10-20": 100}, "from children to adults"),
        ("ages", {"old": 100}, "no span of years"),
        ("ages", {"0-17": 100}, "no adults"),
        ("nationalities", [], "no list of tables"),
        ("confirmed_percent", 101, "not a whole number from 0 to 100"),
    ],
)
def test_figures_that_cannot_be_right_are_named(key: str, value: Any, said: str) -> None:
    found = spoilt(key, value)
    with pytest.raises(BadInput, match=said) as refused:
        read_figures(found, first_visible(found))
    assert str(refused.value).startswith(f"population.toml, {key}")


def test_a_profile_without_a_population_says_so() -> None:
    found = replace(profile("one-clinic"), population=None)
    with pytest.raises(BadInput, match=r"population.toml: is missing"):
        read_figures(found, first_visible(found))
