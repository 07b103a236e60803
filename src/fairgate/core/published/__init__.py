"""What the public is given: tables with a dictionary of their columns, and cells that are hidden for people's sake."""

from fairgate.core.published.hiding import FEW, Grid, hide, shown, span
from fairgate.core.published.table import (
    HIDDEN,
    Column,
    Hidden,
    Kind,
    Table,
    Value,
    as_csv,
    as_json,
    dictionary,
    read_table,
)

__all__ = [
    "FEW",
    "HIDDEN",
    "Column",
    "Grid",
    "Hidden",
    "Kind",
    "Table",
    "Value",
    "as_csv",
    "as_json",
    "dictionary",
    "hide",
    "read_table",
    "shown",
    "span",
]
