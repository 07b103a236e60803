"""A table as a page shows it: every cell is words already, in the person's language (`figure.html`)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column's heading; numbers stand at its end."""

    name: str
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class ShownTable:
    """`id` is unique on the page; the first cell of a row names it; `note` is said below, where there is one."""

    id: str
    title: str
    columns: Sequence[ShownColumn]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), "a cell for every column"
