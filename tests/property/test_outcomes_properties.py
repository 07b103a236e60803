"""Attacks on what became of the offers: the row of all ports and the rows of the ports are read together."""

from collections import defaultdict
from itertools import product

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from fairgate.core.published import FEW, HIDDEN, Grid, span
from fairgate.core.published.hiding import Cell
from fairgate.core.published.service import Offered, Row, outcomes
from property.reference_hiding import fillings, freedom

PEOPLE = st.one_of(st.just(0), st.integers(0, 12), st.integers(10, 20))
MOST = 130
SIGNS = (-1, -1, *(1,) * 8)


@st.composite
def ports(draw: st.DrawFn, most: int, busy: int) -> dict[str, Offered]:
    """Offers at some ports; `busy` of the eight ways in which they may end are used."""
    found = {}
    for place in range(draw(st.integers(1, most))):
        ends = [*draw(st.lists(PEOPLE, min_size=busy, max_size=busy)), *(0,) * (8 - busy)]
        refilled = draw(st.integers(0, min(sum(ends), 15)))
        found[f"P{place}"] = Offered(sum(ends) - refilled, refilled, *ends)
    return found


def together(found: dict[str, Offered], total: Row, parts: dict[str, Row]) -> tuple[Grid, frozenset[Cell]]:
    """All that is published of a date as one table, and what is hidden in it."""
    names = sorted(found)
    cells = [tuple(found[name]) for name in names]
    cells.append(tuple(map(sum, zip(*cells, strict=True))))
    shown = [*(parts[name] for name in names), total]
    hidden = {(r, c) for r, row in enumerate(shown) for c, cell in enumerate(row) if cell is HIDDEN}
    for (r, row), c in product(enumerate(shown), range(len(SIGNS))):
        assert row[c] is HIDDEN or row[c] == cells[r][c]
    return Grid(tuple(cells), (1,) * len(names) + (-1,), SIGNS), frozenset(hidden)


def what_is_known(grid: Grid, total: Row) -> frozenset[Cell]:
    """What the draw gave at each port stands in its bundle, and what is shown of all ports was shown before.

    If all ten people of a draw came, then everybody knows of each port that all of its people did.
    """
    last = len(grid.row_signs) - 1
    known_sums = {(last, c) for c, cell in enumerate(total) if cell is not HIDDEN}
    return frozenset((r, 0) for r in range(last)) | known_sums


@given(ports(most=2, busy=3))
@example({"P0": Offered(9, 0, 9), "P1": Offered(0, 1, 1)})  # of 9 there is no more from 1 to 9, but there is 10
@settings(max_examples=60, deadline=None)
def test_who_has_both_tables_can_work_out_no_small_number(found: dict[str, Offered]) -> None:
    total, parts = outcomes(found, by_port=True)
    assume(parts)
    grid, hidden = together(found, total, parts)
    assert hidden >= {cell for cell in grid.small() if cell not in what_is_known(grid, total)}
    assume(freedom(grid, sorted(hidden)) <= 2)
    reckoned: dict[Cell, set[int]] = defaultdict(set)
    for filling in fillings(grid, sorted(hidden), MOST):
        for cell, value in filling.items():
            reckoned[cell].add(value)
    everything = frozenset(grid.all()) - what_is_known(grid, total)
    for cell in hidden:
        low, high = span(grid, everything, cell)
        assert len(reckoned[cell]) > 1 or low == high, "one value only, where what is known leaves more"
        if cell in grid.small():
            assert set(range(max(1, low), min(FEW - 1, high) + 1)) <= reckoned[cell]


@given(ports(most=8, busy=6))
@settings(max_examples=60, deadline=None)
def test_what_is_hidden_of_all_ports_stays_hidden_beside_them(found: dict[str, Offered]) -> None:
    before, nothing = outcomes(found, by_port=False)
    assert nothing == {}
    total, parts = outcomes(found, by_port=True)
    assert total == before
    assert total[0] == sum(one.drawn for one in found.values())
    if not parts:
        assert len(found) < 2
        return
    grid, hidden = together(found, total, parts)
    everything = frozenset(grid.all()) - what_is_known(grid, total)
    for cell in hidden:
        low, high = span(grid, hidden, cell, most=2 * FEW)
        possible = span(grid, everything, cell, most=2 * FEW)
        assert low < high or possible[0] == possible[1]


def test_no_offers_are_no_people() -> None:
    assert outcomes({}, by_port=True) == ((0,) * 10, {})
