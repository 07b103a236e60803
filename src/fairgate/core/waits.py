"""How long people wait, and a bound for somebody who asks today (docs/rules/waits.md says the same in words).

The bound rests on the share of each port's places that is kept for those who have waited longest. Let X ask today,
for a set of ports. In a round in which X is offered nothing, all of that share at X's ports went to people before X in
the line; else X would have had one of these places. So as long as X waits, at least

    reserved = sum over X's ports of (capacity - (group_max - 1)) * n div d

places a round are offered to those before X (the sum takes off all that can be owed from the round before). They are a
certain number of people when X asks, and nobody gets in before X later: the line is by registration, not by asking. But
who does not come stands in it again. If of all people offered a place the part `taken_up` comes, one of those before X
is offered 1 / taken_up places until they have left the line, and one who holds a place now 1 / taken_up - 1 more. So X
waits no longer than until the sum of `reserved` over the rounds, times taken_up, is more than

    ahead + holding * (1 - taken_up).

Example. 4,000 people are before X, 2,000 hold a place, 3 in 4 come, and 200 places a round are kept for those who wait
longest: 4,000 + 2,000 / 4 is 4,500, a round takes 150 of them away, so X is offered a place in the 31st at the latest.

Who is passed over takes a place of that share and does not come by it: such places count as given to somebody who did
not come, so `taken_up` is the smaller for them.

It is a bound under four conditions, and no promise: that those before X come as often as people lately did, that the
days have the places that the calendar says, that no group starts asking for X's ports that registered before X and does
not ask for them now, and that no more people register in the six days after X than did in the seven before. The weeks
of the line are whole ones, so these may count as many as X: as many as joined in the last week are counted as before X.
That many others may win in the lottery first, or that more people come later, does not touch it.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Spread(NamedTuple):
    """Days waited: one in ten at most `p10`, half at most `p50`, nine in ten at most `p90`."""

    p10: int
    p50: int
    p90: int
    longest: int


def spread(days: Sequence[int]) -> Spread | None:
    """The spread of these days by nearest rank; None of none."""
    ranked = sorted(days)
    return Spread(*(_rank(ranked, per_cent) for per_cent in (10, 50, 90, 100))) if ranked else None


def _rank(ranked: Sequence[int], per_cent: int) -> int:
    return ranked[max(0, -(-len(ranked) * per_cent // 100) - 1)]


def reserved(capacity: int, group_max: int, share: tuple[int, int]) -> int:
    """The least that a port gives in a round to those who have waited longest, in persons."""
    return max(0, capacity - (group_max - 1)) * share[0] // share[1]


def bound(ahead: int, holding: int, taken_up: Fraction, rounds: Iterable[tuple[T, int]]) -> T | None:
    """The round by which somebody is offered a place; None: `rounds` end before that.

    So many people are `ahead` in the line, and so many more are `holding` a place. `rounds` are those to come in their
    order, each with what it surely gives to those who wait longest.
    """
    given = 0
    for round_, places in rounds:
        given += places
        if given * taken_up > ahead + holding * (1 - taken_up):
            return round_
    return None
