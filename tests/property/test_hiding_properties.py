"""Attacks on hidden cells: nobody who has the published table can say which number from 1 to 9 stands in one."""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fairgate.core.published import FEW, Grid, hide, span
from fairgate.core.published.hiding import Cell
from property.reference_hiding import fillings, freedom

MOST = 40
PEOPLE = st.one_of(st.integers(0, 14), st.integers(0, 3), st.integers(15, 30))


def tables(rows: int, columns: int) -> st.SearchStrategy[Grid]:
    return st.integers(1, rows).flatmap(
        lambda r: st.integers(1, columns).flatmap(
            lambda c: st.lists(st.lists(PEOPLE, min_size=c, max_size=c), min_size=r, max_size=r).map(Grid.of)
        )
    )


@st.composite
def lines(draw: st.DrawFn) -> Grid:
    """Rows of outcomes that add up to what was offered, of which some is known and the rest came from the reserve."""
    rows = draw(st.lists(st.lists(PEOPLE, min_size=3, max_size=3), min_size=1, max_size=2))
    cells, known = [], set()
    for at, row in enumerate(rows):
        at_draw = draw(st.integers(0, sum(row)))
        cells.append((*row, at_draw, sum(row) - at_draw))
        known.add((at, 3))
    return Grid(tuple(cells), (1,) * len(cells), (1, 1, 1, -1, -1), frozenset(known))


def possible(grid: Grid, hidden: frozenset[Cell]) -> dict[Cell, set[int]]:
    """Every value that an observer has to reckon with, by hidden cell, as far as was tried."""
    found: dict[Cell, set[int]] = defaultdict(set)
    for filling in fillings(grid, sorted(hidden), MOST):
        for cell, value in filling.items():
            found[cell].add(value)
    return found


@given(tables(2, 3))
@settings(max_examples=100, deadline=None)
def test_a_small_cell_may_be_anything_from_1_to_9_for_who_has_all_the_rest(grid: Grid) -> None:
    hidden = hide(grid)
    assume(freedom(grid, sorted(hidden)) <= 3)
    reckoned = possible(grid, hidden)
    for cell in hidden:
        if 0 < grid[cell] < FEW:
            assert set(range(1, FEW)) <= reckoned[cell]
        else:
            assert len(reckoned[cell]) > 1


@given(lines())
@settings(max_examples=100, deadline=None)
def test_cells_that_everybody_knows_do_not_give_the_others_away(grid: Grid) -> None:
    hidden = hide(grid)
    assert not hidden & grid.known
    everything = frozenset(grid.all()) - grid.known
    assume(freedom(grid, sorted(everything)) <= 4 and freedom(grid, sorted(hidden)) <= 3)
    reckoned = possible(grid, hidden)
    for cell in grid.small():
        low, high = span(grid, everything, cell)
        assert set(range(max(1, low), min(FEW - 1, high) + 1)) <= reckoned[cell]
    for cell in hidden:
        assert len(reckoned[cell]) > 1 or span(grid, everything, cell) == (grid[cell], grid[cell])


@given(tables(2, 2), st.data())
@settings(max_examples=100, deadline=None)
def test_what_another_table_hides_cannot_be_worked_out_here(grid: Grid, data: st.DataObject) -> None:
    held = data.draw(st.frozensets(st.sampled_from(sorted(grid.all())), max_size=2))
    hidden = hide(replace(grid, held=held))
    assert held <= hidden
    assume(freedom(grid, sorted(hidden)) <= 3)
    reckoned = possible(grid, hidden)
    for cell in hidden:
        assert set(range(1, FEW)) <= reckoned[cell] if 0 < grid[cell] < FEW else len(reckoned[cell]) > 1


@given(tables(2, 2), st.data())
@settings(max_examples=100, deadline=None)
def test_the_span_of_a_hidden_cell_is_exactly_what_trying_finds(grid: Grid, data: st.DataObject) -> None:
    hidden = data.draw(st.frozensets(st.sampled_from(sorted(grid.all())), min_size=1))
    assume(freedom(grid, sorted(hidden)) <= 2)
    reckoned = possible(grid, hidden)
    for cell in hidden:
        low, high = span(grid, hidden, cell)
        if high <= MOST:  # else there is no bound, or none that was tried
            assert (low, high) == (min(reckoned[cell]), max(reckoned[cell]))
        else:
            assert low == min(reckoned[cell])


@given(tables(9, 15))
@settings(max_examples=60, deadline=None)
def test_large_tables_keep_the_same_promise(grid: Grid) -> None:
    hidden = hide(grid)
    assert hidden >= set(grid.small())
    for cell in hidden:
        low, high = span(grid, hidden, cell, most=2 * FEW)
        if 0 < grid[cell] < FEW:
            assert low <= 1
            assert high >= FEW - 1
        else:
            assert low < high


@pytest.mark.parametrize(
    "parts",
    [
        [[3, 50]],  # 53 - 50
        [[3, 50, 0], [20, 30, 40]],  # hidden with 50, the 50 follows from its column
        [[5, 30], [30, 5]],
        [[3, 4, 11], [0, 12, 0]],  # 3 and 4 are 18 - 11 together: neither is 8
    ],
)
def test_hiding_what_is_small_alone_would_not_do(parts: list[list[int]]) -> None:
    grid = Grid.of(parts)
    assert _gives_away(grid, frozenset(grid.small()))
    assert not _gives_away(grid, hide(grid))


def _gives_away(grid: Grid, hidden: frozenset[Cell]) -> bool:
    """Whether an observer can leave out a number from 1 to 9 for a small cell."""
    reckoned = possible(grid, hidden)
    return any(not set(range(1, FEW)) <= reckoned[cell] for cell in grid.small())


def test_a_second_hidden_cell_is_no_protection_if_its_column_gives_it_away() -> None:
    grid = Grid.of([[3, 50], [20, 30]])
    assert possible(grid, frozenset({(0, 0), (0, 1)})) == {(0, 0): {3}, (0, 1): {50}}
    assert len(hide(grid)) >= 4


def test_nothing_is_hidden_where_nothing_is_small() -> None:
    assert hide(Grid.of([[10, 0, 12], [0, 200, 11]])) == frozenset()


def test_a_number_without_a_sum_beside_it_needs_no_other() -> None:
    grid = Grid(((3, 50, 70),), (1,), (1, 1, 1))
    assert hide(grid) == {(0, 0)}
    assert span(grid, hide(grid), (0, 0), most=100) == (0, 103)
