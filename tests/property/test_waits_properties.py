"""The bound for who asks today, against the draw itself: nobody waits longer, whatever the lots say."""

import hashlib
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.core import waits
from fairgate.core.beacon import Commitment, CommitReveal
from fairgate.core.draw import Entry, draw
from fairgate.core.manifest import Manifest, PortPlaces
from world import DAY, LONG_AGO

GROUP_MAX = 3
PORTS = ("AAA", "BBB")
X = "f" * 32
ROUNDS = 60


@st.composite
def lines(draw_: st.DrawFn) -> list[Entry]:
    """People who wait, some for long and some no longer than X, who asked last of all."""
    ports = st.sampled_from([("AAA",), ("BBB",), ("AAA", "BBB"), ("BBB", "AAA")])
    groups = draw_(st.lists(st.tuples(st.integers(1, GROUP_MAX), st.integers(0, 9), ports), max_size=25))
    return [Entry(f"{number:032x}", *group) for number, group in enumerate(groups)]


def holds(place: int) -> bool:
    return place % 3 == 2


def rounds_until_offered(
    line: list[Entry], wanted: tuple[str, ...], capacity: dict[str, int], share: tuple[int, int], times: int, seed: int
) -> int:
    """In which round X is offered a place, if each group before X comes at its `times`-th offer.

    Every third group holds a place at first, which counts as one offer; it does not come, and is back later.
    """
    promise = CommitReveal((Commitment("observer", hashlib.sha256(b"").hexdigest()),))
    carry = dict.fromkeys(PORTS, 0)
    left = {entry.ticket: times - holds(place) for place, entry in enumerate(line)}
    for number in range(1, ROUNDS + 1):
        newer = [Entry(f"e{number:03d}{n:028x}", 1, 0, PORTS) for n in range(3)]  # they come and go, all behind X
        old = [
            entry._replace(weeks=entry.weeks + number)
            for place, entry in enumerate(line)
            if left[entry.ticket] and (not holds(place) or number > place)
        ]
        entries = [*old, Entry(X, 1, number, wanted), *newer]
        ports = tuple(PortPlaces(port, capacity[port], carry[port]) for port in PORTS)
        manifest = Manifest(
            "arrival", DAY.isoformat(), ports, share, GROUP_MAX, LONG_AGO, LONG_AGO.replace(hour=13), promise, "00" * 32
        )
        randomness = hashlib.sha256(f"{seed} {number}".encode()).digest()
        found = draw(manifest, b"\0" * 32, sorted(entries), randomness)
        for offer in found.offers:
            if offer.ticket == X:
                return number
            if offer.ticket in left:
                left[offer.ticket] -= 1
        carry = {**carry, **found.carry_out}
    return ROUNDS + 1


@given(
    lines(),
    st.sampled_from([("AAA",), ("BBB",), ("AAA", "BBB")]),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.sampled_from([(1, 2), (1, 1), (2, 3), (0, 1)]),
    st.integers(1, 3),
    st.integers(0, 1000),
)
@settings(max_examples=200, deadline=None)
def test_nobody_waits_longer_than_the_bound(
    line: list[Entry],
    wanted: tuple[str, ...],
    places: tuple[int, int],
    share: tuple[int, int],
    times: int,
    seed: int,
) -> None:
    capacity = dict(zip(PORTS, places, strict=True))
    kept = sum(waits.reserved(capacity[port], GROUP_MAX, share) for port in wanted)
    before = [(holds(place), entry.size) for place, entry in enumerate(line) if set(entry.ports) & set(wanted)]
    ahead, holding = (sum(size for held, size in before if held is which) for which in (False, True))
    bound = waits.bound(ahead, holding, Fraction(1, times), [(number, kept) for number in range(1, ROUNDS + 1)])
    if bound is not None:
        assert rounds_until_offered(line, wanted, capacity, share, times, seed) <= bound


def test_the_bound_is_no_round_too_late() -> None:
    """Twenty groups of two wait, and two places a day are kept for who waits longest: X is first on the 21st day."""
    line = [Entry(f"{number:032x}", 2, 9, ("AAA",)) for number in range(30)]
    assert sum(not holds(place) for place in range(30)) == 20
    assert waits.bound(40, 20, Fraction(1), [(number, 2) for number in range(1, ROUNDS + 1)]) == 21
    assert rounds_until_offered(line, ("AAA",), {"AAA": 2, "BBB": 0}, (1, 1), 1, 0) == 21
