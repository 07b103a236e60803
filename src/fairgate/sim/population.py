"""A population to rehearse with, made from the figures that a profile publishes.

Nobody in it exists. How many come alone or with family, of which age, from where, in which language, for which ports
and since when follows the shares in population.toml; everything else is chance from a seed, so that the same seed
always gives the same people. Families are made to look like some: children are younger than the head of
the group and carry the family's name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate, cycle
from random import Random
from typing import Any, Generic, NamedTuple, TypeVar

from fairgate.core.errors import BadInput
from fairgate.core.profile import POPULATION, Profile, Program
from fairgate.core.registering import ADULT_AGE, Member
from fairgate.core.tables import Table

YEAR = 365.2425  # days
YOUNGEST_PARENT = 16  # years between the head of a group and a child in it
TWO_FAMILY_NAMES = ("es", "pt")  # languages whose speakers carry a name of each parent
TWO_GIVEN_NAMES = 0.4  # of people

T = TypeVar("T")


class Shares(Generic[T]):
    """Values, each with its share; `pick` gives one of them by chance."""

    def __init__(self, shares: Mapping[T, int]) -> None:
        kept = {value: share for value, share in shares.items() if share}
        assert kept, "some share is above 0"
        self.values: Sequence[T] = list(kept)
        self._sums = list(accumulate(kept.values()))

    def pick(self, chance: Random) -> T:
        return chance.choices(self.values, cum_weights=self._sums)[0]


@dataclass(frozen=True, slots=True)
class Nationality:
    code: str
    language: str
    given: Sequence[str]
    family: Sequence[str]


@dataclass(frozen=True, slots=True)
class Figures:
    """population.toml, checked. `child_share` is how often a member beside the head is a child."""

    waiting: int
    longest_wait: timedelta
    new_a_day: float  # registrations
    confirmed_percent: int
    declined_percent: int
    cancelled_percent: int
    missed_percent: int
    sizes: Shares[int]
    ports_named: Shares[int]
    first_port: Shares[str]
    port_weights: Mapping[str, int]
    adults: Shares[tuple[int, int]]
    children: Shares[tuple[int, int]]
    child_share: float
    nationalities: Shares[Nationality]


class Group(NamedTuple):
    """A registration to be: who, in which language, for which ports in order of preference, since when."""

    registered_at: datetime
    language: str
    members: Sequence[Member]
    ports: tuple[str, ...]


def read_figures(profile: Profile, program: Program) -> Figures:
    """The population that the profile describes; raises BadInput naming file and key."""
    if profile.population is None:
        raise BadInput(POPULATION, "is missing, so nobody can be made up", "put it into the profile's folder")
    table = Table(POPULATION, profile.population)
    sizes = _counts(table, "group_sizes")
    if max(sizes) > program.group_max:
        table.refuse("group_sizes", f"{max(sizes)} is above the program's group_max", "leave larger groups out")
    ports = _shares(table, "first_port")
    for port in ports:
        if port not in program.port_codes:
            table.refuse("first_port", f"{port} is no port of {program.program}", "take it out")
    ages = {_span(table, span): share for span, share in _shares(table, "ages").items()}
    children = {span: share for span, share in ages.items() if span[1] < ADULT_AGE}
    if sum(children.values()) == 100:
        table.refuse("ages", "there are no adults", "nobody registers without one")
    mean = sum(size * share for size, share in sizes.items()) / 100
    beside = mean - 1  # members beside the head of a group, on average; the head is never a child
    return Figures(
        waiting=table.number("waiting_persons", 1, 100_000_000),
        longest_wait=timedelta(days=table.number("longest_wait_days", 1, 3660)),
        new_a_day=table.number("new_persons_a_day", 0, 1_000_000) / mean,
        confirmed_percent=table.number("confirmed_percent", 0, 100),
        declined_percent=table.number("declined_percent", 0, 100),
        cancelled_percent=table.number("cancelled_percent", 0, 100),
        missed_percent=table.number("missed_percent", 0, 100),
        sizes=Shares(sizes),
        ports_named=Shares(_counts(table, "ports_named")),
        first_port=Shares(ports),
        port_weights=ports,
        adults=Shares({span: share for span, share in ages.items() if span not in children}),
        children=Shares(children or {(0, ADULT_AGE - 1): 1}),
        child_share=min(1.0, sum(children.values()) / 100 * mean / beside) if beside > 0 else 0.0,
        nationalities=Shares(_nationalities(table)),
    )


def _shares(table: Table, key: str) -> dict[str, int]:
    shares = table.table(key)
    found = {name: shares.number(name, 0, 100) for name in shares}
    if sum(found.values()) != 100:
        table.refuse(key, f"the shares sum to {sum(found.values())}", "make them sum to 100")
    return found


def _counts(table: Table, key: str) -> dict[int, int]:
    """Shares of numbers from 1."""
    shares = _shares(table, key)
    for name in shares:
        if not name.isdecimal() or int(name) < 1:
            table.refuse(key, f'"{name}" is no whole number from 1', 'write it like "2"')
    return {int(name): share for name, share in shares.items()}


def _span(table: Table, text: str) -> tuple[int, int]:
    """Ages "from-to" in years, not across the age at which children become adults."""
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last) <= 120):
        table.refuse("ages", f'"{text}" is no span of years', 'write it like "18-29"')
    span = int(first), int(last)
    if span[0] < ADULT_AGE <= span[1]:
        table.refuse("ages", f'"{text}" goes from children to adults', f"begin a new span at {ADULT_AGE}")
    return span


def _nationalities(table: Table) -> dict[Nationality, int]:
    listed: Any = table.peek("nationalities")
    if not isinstance(listed, list) or not listed:
        table.refuse("nationalities", "is no list of tables", "describe at least one")
    found = {}
    for i, values in enumerate(listed):
        one = Table(POPULATION, values, f"nationalities[{i}]")
        names = one.list_of_texts("given"), one.list_of_texts("family")
        nationality = Nationality(one.text("code"), one.text("language"), *names)
        found[nationality] = one.number("percent", 0, 100)
    return found


def groups(
    figures: Figures, languages: Sequence[str], *, registrations: int, since: datetime, until: datetime, seed: int
) -> Iterator[Group]:
    """`registrations` groups in the order in which they registered, the last shortly before `until`.

    Most wait at `since` already; the others come between then and `until`, at the profile's rate. With fewer
    registrations than the profile has waiting, fewer come, in proportion.
    """
    chance = Random(seed)  # noqa: S311  the same people every time, and nothing that has to be secret
    for registered_at in _moments(figures, registrations, since, until, chance):
        nationality = figures.nationalities.pick(chance)
        yield Group(
            registered_at=registered_at,
            language=nationality.language if nationality.language in languages else languages[0],
            members=_family(figures, nationality, registered_at.date(), chance),
            ports=_ports(figures, chance),
        )


def _moments(figures: Figures, count: int, since: datetime, until: datetime, chance: Random) -> list[datetime]:
    """When they registered. The line thins with the time waited: twice as long ago, half as many are left at most."""
    days = (until - since) / timedelta(days=1)
    newcomers = min(round(figures.new_a_day * days * count / figures.waiting), count // 2)
    ago = (figures.longest_wait * (1 - chance.random() ** 0.5) for _ in range(count - newcomers))
    moments = [since - length for length in ago]
    moments += [since + (until - since) * chance.random() for _ in range(newcomers)]
    return sorted(moment.replace(microsecond=0) for moment in moments)


def _family(figures: Figures, nationality: Nationality, today: date, chance: Random) -> list[Member]:
    """The members, the head first; children carry the first family names of the head and of the head's partner."""
    size = figures.sizes.pick(chance)
    two_names = nationality.language in TWO_FAMILY_NAMES
    head_name, partner_name = chance.choice(nationality.family), chance.choice(nationality.family)
    called = cycle(chance.sample(nationality.given, len(nationality.given)))
    head_age = _age(figures.adults, chance)
    members = [_member(nationality, next(called), _adult_name(head_name, nationality, chance), head_age, today, chance)]
    for place in range(1, size):
        if chance.random() < figures.child_share:
            name = f"{head_name} {partner_name}" if two_names else head_name
            age = _age(figures.children, chance)
            if age > head_age - YOUNGEST_PARENT:
                age = chance.random() * (head_age - YOUNGEST_PARENT)
        else:
            # the second is the head's partner, further adults are kin of the head
            name = _adult_name(partner_name if place == 1 else head_name, nationality, chance)
            age = _age(figures.adults, chance)
        members.append(_member(nationality, next(called), name, age, today, chance))
    return members


def _age(ages: Shares[tuple[int, int]], chance: Random) -> float:
    first, last = ages.pick(chance)
    return first + chance.random() * (last + 1 - first)


def _adult_name(first: str, nationality: Nationality, chance: Random) -> str:
    return f"{first} {chance.choice(nationality.family)}" if nationality.language in TWO_FAMILY_NAMES else first


def _member(nationality: Nationality, given: str, family: str, age: float, today: date, chance: Random) -> Member:
    second = chance.choice(nationality.given)
    if chance.random() < TWO_GIVEN_NAMES and second != given:
        given = f"{given} {second}"
    born_on = today - timedelta(days=int(age * YEAR) + 1)
    return Member(given, family, born_on, {"nationality": nationality.code})


def _ports(figures: Figures, chance: Random) -> tuple[str, ...]:
    """Ports in order of preference, each next one picked by the places of those that are left."""
    left = {port: weight for port, weight in figures.port_weights.items() if weight}
    count = min(figures.ports_named.pick(chance), len(left))
    ports = [figures.first_port.pick(chance)]
    while len(ports) < count:
        left.pop(ports[-1])
        ports.append(chance.choices(list(left), weights=list(left.values()))[0])
    return tuple(ports)
