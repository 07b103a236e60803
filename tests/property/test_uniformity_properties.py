"""Fair draws pass the test of uniformity as often as they should, and rigged ones do not pass.

The lots are those of real draws with many seeds; what is counted over them has bounds that a fair one misses less than
once in a million times, and seeds are fixed, so nothing here fails by bad luck.
"""

from collections.abc import Callable
from hashlib import sha256
from random import Random

import pytest

from fairgate.core.draw import Entries, Entry
from fairgate.core.published.lots import in_order_of_lots
from fairgate.core.uniformity import independence

SEEDS = 1000


def people(count: int, seed: int) -> Entries:
    chance = Random(seed)
    return Entries.of(
        Entry(
            sha256(f"{seed}-{number}".encode()).hexdigest()[:32],
            chance.choices(range(1, 7), (30, 25, 20, 12, 8, 5))[0],
            int(chance.expovariate(1 / 15)),
            ("SYS",),
        )
        for number in range(count)
    )


@pytest.mark.parametrize("what", ["size", "weeks"])
def test_fair_draws_have_small_p_values_as_rarely_as_those_say(what: str) -> None:
    entries = people(400, 1)
    values = [getattr(each, what) for each in entries.standings]
    found = []
    for seed in range(SEEDS):
        order, _ = in_order_of_lots(entries, range(len(entries)), sha256(b"%d" % seed).digest())
        tested = independence([values[row] for row in order])
        assert tested is not None
        found.append(tested.p)
    for chance in (0.5, 0.1, 0.05, 0.01):
        below = sum(p < chance for p in found) / SEEDS
        assert abs(below - chance) < 5 * (chance * (1 - chance) / SEEDS) ** 0.5


def large_first(entries: Entries, row: int) -> float:
    return -0.02 * entries.standings[row].size


def late_last(entries: Entries, row: int) -> float:
    return 0.15 if entries.standings[row].weeks < 4 else 0


def pairs_favoured(entries: Entries, row: int) -> float:
    return -0.1 if entries.standings[row].size == 2 else 0


@pytest.mark.parametrize(("what", "bent"), [("size", large_first), ("weeks", late_last), ("size", pairs_favoured)])
@pytest.mark.parametrize("seed", range(5))
def test_an_order_that_favours_some_a_little_is_found_out(
    what: str, bent: Callable[[Entries, int], float], seed: int
) -> None:
    """Some stand a tenth of the list, or less, further ahead than their lot would have it."""
    entries = people(20_000, seed)
    order, _ = in_order_of_lots(entries, range(len(entries)), sha256(b"%d" % seed).digest())
    place = {row: number / len(order) for number, row in enumerate(order)}
    rigged = sorted(order, key=lambda row: place[row] + bent(entries, row))
    for rows, is_fair in ((order, True), (rigged, False)):
        tested = independence([getattr(entries.standings[row], what) for row in rows])
        assert tested is not None
        assert (tested.p > 0.001) is is_fair


def test_a_seed_chosen_out_of_many_for_large_families_is_found_out() -> None:
    """Whoever may try a million seeds gets one that is as rare as one in a million, and so is its p-value."""
    entries = people(400, 2)
    ranked = [in_order_of_lots(entries, range(len(entries)), sha256(b"%d" % seed).digest())[0] for seed in range(3000)]
    best = max(ranked, key=lambda order: sum(entries.standings[row].size for row in order[:40]))
    tested = independence([entries.standings[row].size for row in best])
    assert tested is not None
    assert tested.p < 0.05
