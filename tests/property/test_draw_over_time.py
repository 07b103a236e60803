"""What the draw comes to over many days: the overshoot is paid back, and a family's chance is everybody's."""

from dataclasses import replace
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.core.bundle import PortPlaces
from fairgate.core.draw import Entry, allocate
from sealed_rounds import a_manifest, an_entry

DAYS = 60
ROUNDS = 6000


def seed_of_day(day: int) -> bytes:
    return sha256(b"day %d" % day).digest()


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 30), min_size=2, max_size=2),
    st.lists(st.integers(1, 6), min_size=150, max_size=150),
    st.integers(0, 4),
)
def test_carry_pays_overshoot_back_to_the_person(capacities: list[int], sizes: list[int], n: int) -> None:
    """With a backlog at two ports, 60 days give out what their capacities add up to and the last day's carry."""
    ports = [PortPlaces("SYS", capacities[0], 0), PortPlaces("NOG", capacities[1], 0)]
    backlog = [
        an_entry(i, size=size, weeks=i % 5, ports="SYS|NOG" if i % 2 else "NOG|SYS") for i, size in enumerate(sizes)
    ]
    given_out = dict.fromkeys(("SYS", "NOG"), 0)
    for day in range(DAYS):
        manifest = a_manifest(ports=tuple(ports), seniority_share=(n, 4), group_max=6)
        drawn = allocate(manifest, backlog, seed_of_day(day))
        for port, used in drawn.used.items():
            given_out[port] += used
        ports = [replace(port, carry=drawn.carry_out[port.port]) for port in ports]
    for port in ports:
        assert given_out[port.port] == DAYS * port.capacity + port.carry
        assert port.carry < 6


@given(st.integers(0, 5), st.integers(0, 40))
def test_a_carry_above_capacity_is_paid_back_over_as_many_rounds_as_it_takes(capacity: int, carry: int) -> None:
    manifest = a_manifest(ports=(PortPlaces("SYS", capacity, carry),))
    drawn = allocate(manifest, [an_entry(i) for i in range(9)], bytes(32))
    assert drawn.carry_out["SYS"] == max(0, carry - capacity)  # singles never overshoot
    assert drawn.used["SYS"] == max(0, capacity - carry)


def test_chances_do_not_depend_on_group_size() -> None:
    """One port of 30 places, 120 singles and 120 families of six, the carry handed from round to round.

    About 25,000 offers to each kind: the ratio's statistical error is 0.9 %, a fifth of what is allowed.
    """
    ratio = chance_of_families_against_singles(skip_groups_that_do_not_fit=False)
    assert 0.95 < ratio < 1.05, ratio


def test_skipping_groups_that_do_not_fit_would_cost_families_a_large_part_of_their_chance() -> None:
    """The rule not taken, measured in the same way: it shows why groups may overshoot, and that the measure sees it."""
    assert chance_of_families_against_singles(skip_groups_that_do_not_fit=True) < 0.85


def chance_of_families_against_singles(*, skip_groups_that_do_not_fit: bool) -> float:
    entries = [an_entry(i, size=6 if i % 2 else 1) for i in range(240)]
    sizes = {entry.ticket: entry.size for entry in entries}
    offers = {1: 0, 6: 0}
    carry = 0
    for day in range(ROUNDS):
        if skip_groups_that_do_not_fit:
            tickets = fitting(entries, day)
        else:
            manifest = a_manifest(ports=(PortPlaces("SYS", 30, carry),), seniority_share=(0, 1), group_max=6)
            drawn = allocate(manifest, entries, seed_of_day(day))
            carry = drawn.carry_out["SYS"]
            tickets = [offer.ticket for offer in drawn.offers]
        for ticket in tickets:
            offers[sizes[ticket]] += 1
    return offers[6] / offers[1]


def fitting(entries: list[Entry], day: int) -> list[str]:
    """The tickets of a draw in which a group is passed over if it is larger than what is left."""
    seed, left, tickets = seed_of_day(day), 30, []
    for entry in sorted(entries, key=lambda e: sha256(seed + e.ticket.encode()).digest()):
        if entry.size <= left:
            left -= entry.size
            tickets.append(entry.ticket)
    return tickets
