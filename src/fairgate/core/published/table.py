"""A table for the public: its rows, and what each of its columns means, as CSV (RFC 4180) and as JSON.

The same table gives the same bytes. A cell with nothing to say is empty in CSV and null in JSON; one that is hidden for
the sake of few people says so in both, by the word `hidden`.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final, Literal

from fairgate.core.canonical import Fields, canonical, read_json
from fairgate.core.clocks import read_moment
from fairgate.core.errors import BadInput
from fairgate.core.places import moment

# "people" counts people or groups of people and may be hidden; "number" is a whole number of anything else, and
# "decimal" a fraction; "days" are whole days; "date" is a day, "moment" a time to the second, in UTC.
Kind = Literal["text", "date", "moment", "people", "number", "days", "decimal"]
BYTES_MOST: Final = 8 << 20  # of a file that is read back: a year of days at forty ports


class Hidden(Enum):
    """The mark of a cell that is not shown."""

    HIDDEN = "hidden"


HIDDEN: Final = Hidden.HIDDEN
MARK_MEANS: Final = "A number of people from 1 to 9, or one from which such a number could be worked out, is not shown."
Value = str | int | date | datetime | Decimal | Hidden | None
_TYPES: Final[Mapping[Kind, type]] = {
    "text": str,
    "date": date,
    "moment": datetime,
    "people": int,
    "number": int,
    "days": int,
    "decimal": Decimal,
}


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is for programs (small letters and _), `meaning` a sentence for people."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is that of its files, without the ending. Without rows it says only what there will be."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...] = ()

    def filled(self, rows: Sequence[Sequence[Value]]) -> "Table":
        """The same table with these rows, each with a value of the right kind for each column."""
        for row in rows:
            for column, value in zip(self.columns, row, strict=True):
                assert _fits(column.kind, value), f"{self.name}, {column.name}: {value!r} is no {column.kind}"
        return replace(self, rows=tuple(tuple(row) for row in rows))

    def column(self, name: str) -> tuple[Value, ...]:
        """All values of a column."""
        at = [column.name for column in self.columns].index(name)
        return tuple(row[at] for row in self.rows)

    def records(self) -> list[dict[str, Value]]:
        """The rows by the names of the columns."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


def _fits(kind: Kind, value: Value) -> bool:
    if value is HIDDEN:
        return kind == "people"
    return value is None or (type(value) is _TYPES[kind] and not (isinstance(value, Decimal) and not value.is_finite()))


def as_csv(table: Table) -> bytes:
    """The table as RFC 4180 has it: a header, then the rows, lines ended by CR LF; UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.name for column in table.columns])
    for row in table.rows:
        writer.writerow([_plain(value) for value in row])
    return text.getvalue().encode()


def as_json(table: Table) -> bytes:
    """The table with its dictionary, canonical: name, title, columns (name, kind, meaning) and rows, each an object.

    Whole numbers are numbers; everything else, also a decimal, is a string.
    """
    return canonical({**dictionary(table), "rows": [_members(record) for record in table.records()]}).encode() + b"\n"


def dictionary(table: Table) -> dict[str, object]:
    """What there is in the table, ready for JSON: name, title, columns, and what a hidden cell is."""
    columns = [{"name": c.name, "kind": c.kind, "meaning": c.meaning} for c in table.columns]
    return {"name": table.name, "title": table.title, "columns": columns, "hidden": MARK_MEANS}


def read_table(layout: Table, file: str, data: bytes) -> Table:
    """The rows of a table of this layout, read back from its JSON; raises BadInput where it is another's."""
    whole = Fields(file, "", read_json(file, data, BYTES_MOST), ("columns", "hidden", "name", "rows", "title"))
    if whole.text("name") != layout.name:
        raise BadInput(whole.place("name"), f"is not {layout.name}", "see which file it is")
    names = [column.name for column in layout.columns]
    rows = [
        [_read(column, row.value(column.name), row.place(column.name)) for column in layout.columns]
        for row in whole.objects("rows", names)
    ]
    return layout.filled(rows)


def _members(record: Mapping[str, Value]) -> dict[str, object]:
    return {name: value if type(value) is int or value is None else _plain(value) for name, value in record.items()}


def _plain(value: Value) -> str:
    """A value as text."""
    match value:
        case None:
            return ""
        case Hidden():
            return value.value
        case datetime():
            return moment(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _read(column: Column, value: object, place: str) -> Value:
    """A value of a column as `_members` wrote it."""
    read: Value = None
    try:
        match column.kind, value:
            case _, None:
                return None
            case "people", HIDDEN.value:
                read = HIDDEN
            case "date", str():
                read = date.fromisoformat(value)
            case "moment", str():
                read = read_moment(value, place)
            case "decimal", str():
                read = Decimal(value)
            case _, str() | int():
                read = value
    except (ValueError, ArithmeticError):
        pass
    if read is None or not _fits(column.kind, read):
        raise BadInput(place, f"is no {column.kind}", "fetch the file again")
    return read
