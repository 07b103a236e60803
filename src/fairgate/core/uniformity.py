"""Did chance favour anybody? A test of the order in which the lottery read its list, as statisticians have it.

The idea. That the result follows from list and seed can be computed again. What cannot be computed is whether the seed
was one of many that somebody tried out until it suited large families, or those who came late. So look at what it did:
lay all groups of the lottery in the order of their lots, cut the order into ten parts of the same length, and count how
many groups of each size are in each part. If lots know nothing of sizes, each part has its tenth of each size, but for
chance. Pearson's chi-square adds up by how much it has not:

    the sum, over all cells, of (counted - expected)^2 / expected

and the p-value says how often pure chance would make a sum at least as large. A small one is a reason to ask, and none
to accuse: of a thousand fair draws, one has a p-value below 1 in 1,000.

Example. 200 single people and 100 couples, cut into two parts for brevity, so that 100 and 50 are expected in each.

               first half   second half
    single         110            90        (110-100)^2/100 + (90-100)^2/100 = 1 + 1
    couple          40            60        (40-50)^2/50 + (60-50)^2/50      = 2 + 2

The sum is 6. There is one degree of freedom: one cell decides the other three. Chance makes 6 or more in 1.4 % of all
fair draws.

The p-value is that of the chi-square distribution, which holds well where at least five are expected in each cell
(Cochran 1954). So classes with too few groups are joined to their neighbours first. The same is done with weeks waited,
and the lots themselves are held against ten equal parts of all values that a lot can have.

Sources: K. Pearson 1900; Abramowitz and Stegun 26.4.4 and 26.4.5 for the tail of the distribution.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt

PARTS = 10
EXPECTED_LEAST = 5  # in a cell
CLASS_LEAST = PARTS * EXPECTED_LEAST


@dataclass(frozen=True, slots=True)
class Tested:
    """A chi-square test of `groups` in `classes` classes; `p` is the chance of a `statistic` at least as large."""

    groups: int
    classes: int
    statistic: float
    degrees: int
    p: float


def independence(classes: Sequence[int]) -> Tested | None:
    """Whether classes are spread over an order by chance; `classes` has that of each group, in this order.

    A class is a whole number, and those with few groups are joined to the next. None: there are too few to say.
    """
    joined = _joined(classes)
    if len(set(joined.values())) < 2:
        return None
    table = [[0] * len(set(joined.values())) for _ in range(PARTS)]
    for place, each in enumerate(classes):
        table[place * PARTS // len(classes)][joined[each]] += 1
    return _against_chance(table)


def equal_parts(counts: Sequence[int]) -> Tested | None:
    """Whether as many fell into each of some parts of equal length; None: there are too few to say."""
    groups, parts = sum(counts), len(counts)
    if groups < EXPECTED_LEAST * parts:
        return None
    expected = groups / parts
    statistic = sum((count - expected) ** 2 / expected for count in counts)
    return Tested(groups, parts, statistic, parts - 1, upper_tail(statistic, parts - 1))


def upper_tail(statistic: float, degrees: int) -> float:
    """The chance that a chi-square variable with so many degrees of freedom is at least `statistic`.

    For whole degrees it is a finite sum: Q(d) = Q(d - 2) + (x/2)^(d/2 - 1) e^(-x/2) / Gamma(d/2), from
    Q(1) = erfc(sqrt(x/2)) or Q(2) = e^(-x/2) on.
    """
    assert statistic >= 0
    assert degrees >= 1
    half = statistic / 2
    if half == 0:
        return 1.0
    first = degrees % 2 or 2
    terms = (exp((d / 2 - 1) * log(half) - half - lgamma(d / 2)) for d in range(first + 2, degrees + 1, 2))
    return min(1.0, (erfc(sqrt(half)) if first == 1 else exp(-half)) + sum(terms))


def _joined(classes: Iterable[int]) -> dict[int, int]:
    """Classes in their order, as numbers from 0, those with too few joined to the next, the last to the one before."""
    sizes: dict[int, int] = {}
    for each in classes:
        sizes[each] = sizes.get(each, 0) + 1
    made: dict[int, int] = {}
    number = held = 0
    for each in sorted(sizes):
        if held >= CLASS_LEAST:
            number, held = number + 1, 0
        made[each] = number
        held += sizes[each]
    if held < CLASS_LEAST and number:
        made = {each: min(new, number - 1) for each, new in made.items()}
    return made


def _against_chance(table: Sequence[Sequence[int]]) -> Tested:
    """Pearson's test of a table of counts without an empty row or column."""
    down, across = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    groups = sum(down)
    statistic = sum(
        (count - expected) ** 2 / expected
        for row, in_row in zip(table, down, strict=True)
        for count, in_column in zip(row, across, strict=True)
        if (expected := in_row * in_column / groups)
    )
    degrees = (len(down) - 1) * (len(across) - 1)
    return Tested(groups, len(across), statistic, degrees, upper_tail(statistic, degrees))


def spread(places: Sequence[int], length: int) -> tuple[float, float, float]:
    """Where those at these places (ascending, from 0) of an order so long stand: p10, p50, p90, as shares of it.

    By nearest rank, as waits are told: one in ten of them, half and nine in ten, at least, do not stand behind it.
    """
    assert places, "somebody stands somewhere"
    low, middle, high = (places[-(-len(places) * tenths // 10) - 1] for tenths in (1, 5, 9))
    return (low + 0.5) / length, (middle + 0.5) / length, (high + 0.5) / length
