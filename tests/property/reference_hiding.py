"""What an observer can work out of a table with hidden cells, found the slow way: by trying.

The sums are equations with whole numbers; they are solved by elimination (Gauss), and whatever the unknowns that stay
free may be is tried, one value after the other. Nothing here knows of rings, places or flows.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from operator import mul

from fairgate.core.published import Grid
from fairgate.core.published.hiding import Cell

Equation = list[Fraction]  # a coefficient for each hidden cell, and what they add up to


def equations(grid: Grid, cells: Sequence[Cell]) -> list[Equation]:
    """What the sums say of the hidden cells, given all that are shown."""
    lines: list[list[tuple[Cell, int]]] = []
    rows, columns = len(grid.row_signs), len(grid.column_signs)
    if -1 in grid.column_signs:
        lines += [[((r, c), grid.column_signs[c]) for c in range(columns)] for r in range(rows)]
    if -1 in grid.row_signs:
        lines += [[((r, c), grid.row_signs[r]) for r in range(rows)] for c in range(columns)]
    found = []
    for line in lines:
        signs = dict(line)
        shown = sum(grid[cell] * sign for cell, sign in line if cell not in cells)
        found.append([*(Fraction(signs.get(cell, 0)) for cell in cells), Fraction(-shown)])
    return found


def eliminated(rows: list[Equation], unknowns: int) -> dict[int, Equation]:
    """The equations solved for as many unknowns as can be, by unknown; the others are free."""
    solved: dict[int, Equation] = {}
    for unknown in reversed(range(unknowns)):
        at = next((i for i, row in enumerate(rows) if row[unknown]), None)
        if at is None:
            continue
        row = rows.pop(at)
        row = [value / row[unknown] for value in row]
        rows = [[v - other[unknown] * w for v, w in zip(other, row, strict=True)] for other in rows]
        solved = {
            u: [v - other[unknown] * w for v, w in zip(other, row, strict=True)] for u, other in solved.items()
        } | {unknown: row}
    assert all(row[-1] == 0 for row in rows), "the true numbers are a solution"
    return solved


def fillings(grid: Grid, hidden: Sequence[Cell], most: int) -> Iterator[dict[Cell, int]]:
    """All numbers of the hidden cells, none below 0, that agree with what is shown; free ones tried up to `most`."""
    cells = sorted(hidden)
    solved = eliminated(equations(grid, cells), len(cells))
    free = [u for u in range(len(cells)) if u not in solved]
    assert all(value.denominator == 1 for row in solved.values() for value in row), "sums are of whole numbers"
    follow = [(unknown, int(row[-1]), [int(row[u]) for u in free]) for unknown, row in solved.items()]
    for values in product(range(most + 1), repeat=len(free)):
        found = dict(zip(free, values, strict=True))
        for unknown, start, by in follow:
            value = start - sum(map(mul, by, values))
            if value < 0:
                break
            found[unknown] = value
        else:
            yield {cells[unknown]: value for unknown, value in found.items()}


def freedom(grid: Grid, hidden: Sequence[Cell]) -> int:
    """How many hidden cells can be chosen before all others follow."""
    return len(hidden) - len(eliminated(equations(grid, sorted(hidden)), len(hidden)))
