"""Values of published tables as the cells of a page's table, in the person's language."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from fairgate.core.published import HIDDEN, Value
from fairgate.web import dates
from fairgate.web.tabled import ShownColumn, ShownTable

NOTHING = "–"


def number(value: Value) -> str:
    """A whole number, or that it is not shown."""
    if value is HIDDEN:
        return not_shown()
    return dates.number(value) if isinstance(value, int) else NOTHING


def known(value: Value) -> int | None:
    """A number for a picture; None where it is hidden or there is none."""
    return value if isinstance(value, int) else None


def moment(value: Value, zone: str) -> str:
    return dates.moment(value, zone) if isinstance(value, datetime) else NOTHING


def stamp(value: Value, zone: str) -> str:
    return dates.stamp(value, zone) if isinstance(value, datetime) else NOTHING


def percent(value: Value) -> str | None:
    """A part in per cent; None if there is none."""
    return dates.percent(float(value)) if isinstance(value, Decimal) else None


def day(value: Value) -> str:
    assert isinstance(value, date)
    return dates.day(value, year=True)


def brief_day(value: Value) -> str:
    assert isinstance(value, date)
    return dates.brief_day(value)


def brief_date(value: Value) -> str:
    """With its year, for the rows of a long table."""
    assert isinstance(value, date)
    return dates.brief_date(value)


def table(name: str, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> ShownTable:
    """A table whose first `words` columns are words, and the others numbers; it says so where some are hidden."""
    note = ""
    if any(not_shown() in row for row in rows):
        note = _("Not shown: numbers from 1 to 9, and others from which they could be worked out.")
    shown = [ShownColumn(column, place >= words) for place, column in enumerate(columns)]
    return ShownTable(name, title, shown, rows, note)


def not_shown() -> str:
    return _("not shown")
