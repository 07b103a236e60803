"""Hiding small numbers of people in a table with sums, so that what is hidden cannot be worked out.

The idea. A number from 1 to 9 may point at somebody, so it is not shown. But where a row, a column or the whole has its
sum beside it, one hidden number is what is missing from the sum. So others are hidden with it, the fewest and the
smallest that do. All of them bear the same mark: if those that are small and those that are hidden for their sake could
be told apart, the mark itself would say something.

What it guarantees. Let an observer have all shown cells of one table and know all its sums. Then for each hidden cell
that is from 1 to 9, and each number k from 1 to 9, there are whole numbers, none below 0, that agree with all of that
and have k there: the table says "from 1 to 9", never which. Every other hidden cell may have two values at least. (With
cells that everybody *knows* from elsewhere, which cannot be hidden, the range is the one that they leave if everything
else is hidden, cut to 1 to 9.)

What it does not guarantee: anything against somebody who compares two editions of a table, or who knows some of the
people. So tables are made of what does not change any more wherever their cells are small.

How it is shown. Let each row and each column be a place, and each cell a pipe from its row to its column through which
as much flows as its number says (backwards, if just one of the two is a sum). That a row adds up to its sum then says
that what flows into its place flows out. Numbers that agree with the same sums differ from the true ones by a flow
round in rings, through pipes that are hidden: the most that can be sent round through a cell is how far it can be
from its true value, exactly, in whole numbers (Ford and Fulkerson 1956; for tables, Cox 1980 and 1995). A row or
column that has no sum leaks: all such places are one, the ground.

Example. Of 53 people, 3 came to A and 50 to B. The 3 is hidden. Alone it is 53 - 50 = 3; so the 50 is hidden too, and
A may be anything from 0 to 53.

          A    B   all                        A       B       all
          3   50    53         becomes      hidden  hidden     53
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from fairgate.core.published.table import HIDDEN, Hidden

FEW: Final = 10  # people; fewer than this and more than none are not told by a number
GROUND: Final = -1
Cell = tuple[int, int]  # row and column, from 0
_UNBOUNDED: Final = 1 << 62
_COST_ZERO, _COST_SUM, _COST_SUMS = 1 << 7, 1 << 10, 1 << 14  # what hiding a nought, a sum, a sum of sums costs


@dataclass(frozen=True, slots=True)
class Grid:
    """Numbers of people with their sums. Signs say which rows and columns are parts (1) and which are sums (-1).

    If there is a sum among the rows, each column adds up: its parts to its sums; likewise with columns. Sums are part
    of the grid, so that they are hidden where needed. `known` cells are known from elsewhere; none of them is hidden.
    `held` cells are hidden in another table: they are hidden here too, and nobody is to work them out.
    """

    cells: tuple[tuple[int, ...], ...]
    row_signs: tuple[int, ...]
    column_signs: tuple[int, ...]
    known: frozenset[Cell] = frozenset()
    held: frozenset[Cell] = frozenset()

    @classmethod
    def of(cls, parts: Sequence[Sequence[int]], *, known: Collection[Cell] = ()) -> "Grid":
        """Parts with the sums of each row, each column and the whole, as last column and last row."""
        rows = [(*row, sum(row)) for row in parts]
        rows.append(tuple(map(sum, zip(*rows, strict=True))))
        signs = (1,) * (len(rows) - 1), (1,) * len(parts[0])
        return cls(tuple(rows), (*signs[0], -1), (*signs[1], -1), frozenset(known))

    def __post_init__(self) -> None:
        assert not self.held & self.known
        assert all(number >= 0 for row in self.cells for number in row)
        across = (zip(row, self.column_signs, strict=True) for row in self.cells)
        down = (zip(column, self.row_signs, strict=True) for column in zip(*self.cells, strict=True))
        lines = [*(across if -1 in self.column_signs else ()), *(down if -1 in self.row_signs else ())]
        assert all(sum(number * sign for number, sign in line) == 0 for line in lines), "sums are what parts add up to"

    def __getitem__(self, cell: Cell) -> int:
        return self.cells[cell[0]][cell[1]]

    def small(self) -> list[Cell]:
        """The cells that are hidden for their own sake."""
        return [cell for cell in self.all() if 0 < self[cell] < FEW and cell not in self.known]

    def all(self) -> Iterator[Cell]:
        return ((r, c) for r in range(len(self.row_signs)) for c in range(len(self.column_signs)))


@lru_cache(maxsize=4096)
def hide(grid: Grid) -> frozenset[Cell]:
    """The cells that are not to be shown: those that are small, and those without which they could be worked out."""
    secret = [*grid.small(), *sorted(grid.held - set(grid.small()))]
    hidden = set(secret)
    pipes = _pipes(grid)
    for cell in secret:
        number = grid[cell]
        up, down = (FEW - 1 - number, number - 1) if 0 < number < FEW else (1, 0)
        free = _protect(pipes, hidden, cell, True, up) + _protect(pipes, hidden, cell, False, down)
        # Where no other number from 1 to 9 can be protected, any other is: one below it, or one above.
        if not free and not _protect(pipes, hidden, cell, False, min(number, 1)):
            _protect(pipes, hidden, cell, True, 1)
    return frozenset(hidden)


def shown(grid: Grid) -> list[list[int | Hidden]]:
    """The cells as they may be published."""
    hidden = hide(grid)
    return [
        [HIDDEN if (r, c) in hidden else number for c, number in enumerate(row)] for r, row in enumerate(grid.cells)
    ]


def span(grid: Grid, hidden: Collection[Cell], cell: Cell, most: int = 10**9) -> tuple[int, int]:
    """The least and the greatest number (up to `most` more than it is) that a hidden cell can be for an observer."""
    pipes, inside = _pipes(grid), set(hidden)
    up = _send(pipes, inside.__contains__, cell, True, most)
    return grid[cell] - _send(pipes, inside.__contains__, cell, False, grid[cell]), grid[cell] + up


class _Pipe(NamedTuple):
    """A cell between the places of its row and its column; `sign` is which way its number flows."""

    row: int
    column: int
    sign: int
    number: int
    cost: int


def _pipes(grid: Grid) -> dict[Cell, _Pipe]:
    """Of all cells that are not known: places are rows from 0, columns after them, and the ground."""
    sums_down, sums_across, rows = -1 in grid.row_signs, -1 in grid.column_signs, len(grid.row_signs)
    found = {}
    for r, c in grid.all():
        if (r, c) not in grid.known:
            signs, number = (grid.row_signs[r], grid.column_signs[c]), grid.cells[r][c]
            cost = (_COST_SUMS, _COST_SUM, 0)[1 + sum(signs) // 2] + (8 + number.bit_length() if number else _COST_ZERO)
            place = r if sums_across else GROUND
            found[r, c] = _Pipe(place, rows + c if sums_down else GROUND, signs[0] * signs[1], number, cost)
    return found


def _protect(pipes: Mapping[Cell, _Pipe], hidden: set[Cell], cell: Cell, up: bool, need: int) -> int:
    """Hide what lets a hidden cell be `need` more (or less) than it is; by how much it then can be."""
    return _send(pipes, pipes.__contains__, cell, up, need, hidden)


def _send(
    pipes: Mapping[Cell, _Pipe],
    usable: Callable[[Cell], bool],
    cell: Cell,
    up: bool,
    need: int,
    hidden: set[Cell] | None = None,
) -> int:
    """How much can be sent round through a cell that is to grow (or shrink), at most `need`.

    The cheapest ring is filled first; to go through `hidden` costs nothing. What a ring goes through is added to that.
    """
    start, end = pipes[cell].column, pipes[cell].row
    if (pipes[cell].sign > 0) is not up:
        start, end = end, start
    if start == end:
        return need
    changed = {other: 0 for other in pipes if other != cell and usable(other)}
    sent = 0
    while sent < need:
        ring = _cheapest(pipes, changed, start, end, hidden)
        if ring is None:
            break
        amount = min([need - sent, *(_room(pipes[other], changed[other], step) for other, step in ring)])
        for other, step in ring:
            changed[other] += step * amount
        if hidden is not None:
            hidden.update(other for other, _ in ring)
        sent += amount
    return sent


def _room(pipe: _Pipe, changed: int, step: int) -> int:
    """By how much more a cell may change along (step 1) or against its pipe: no number is below 0."""
    return _UNBOUNDED if step == pipe.sign else pipe.number + pipe.sign * changed


def _cheapest(
    pipes: Mapping[Cell, _Pipe], changed: Mapping[Cell, int], start: int, end: int, hidden: Collection[Cell] | None
) -> list[tuple[Cell, int]] | None:
    """The cheapest way from one place to another through pipes that still have room; None: there is none."""
    best: dict[int, tuple[int, tuple[Cell, int] | None, int]] = {start: (0, None, start)}
    ends: dict[int, list[tuple[Cell, int, int, int]]] = {}
    for cell in changed:
        pipe = pipes[cell]
        cost = 0 if hidden is None or cell in hidden else pipe.cost
        for step, here, there in ((1, pipe.row, pipe.column), (-1, pipe.column, pipe.row)):
            if here != there and _room(pipe, changed[cell], step) > 0:
                ends.setdefault(here, []).append((cell, step, there, cost))
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for cell, step, there, cost in ends.get(here, ()):
            total = best[here][0] + cost
            if there not in best or total < best[there][0]:
                best[there] = total, (cell, step), here
                waiting.append(there)
    if end not in best:
        return None
    way, place = [], end
    while best[place][1] is not None:
        _, taken, before = best[place]
        assert taken is not None
        way.append(taken)
        place = before
    return way
