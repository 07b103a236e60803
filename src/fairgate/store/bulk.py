"""Rows in and out, many at a time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import psycopg
from psycopg import sql

from fairgate.core.canonical import canonical


def insert(conn: psycopg.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Insert rows with COPY: the same way for one row and for a million."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def lines(values: Iterable[Mapping[str, object]]) -> str:
    """JSON objects as text, one a line: for `string_to_table(%s, E'\\n')`, which is cheaper than an array of them."""
    return "\n".join(canonical(value) for value in values)


def whole(values: Iterable[int | None]) -> str:
    """Whole numbers as the text of an array, for `%s::bigint[]`; None is NULL.

    These take a fifth of psycopg's time for a list, which is one of the larger parts of an act that goes in a batch.
    """
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"


def texts(values: Iterable[str | None]) -> str:
    """The same of texts, for `%s::text[]`."""
    return f"{{{','.join([_element(value) for value in values])}}}"


def times(values: Iterable[datetime | None]) -> str:
    """The same of times with their zone, for `%s::timestamptz[]`."""
    return texts(None if value is None else value.isoformat() for value in values)


def _element(value: str | None) -> str:
    if value is None:
        return "NULL"
    if value.isalnum():
        return f'"{value}"'
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def take_ids(conn: psycopg.Connection, table: str, count: int) -> list[int]:
    """`count` fresh values of the table's identity column `id`, ascending."""
    found = conn.execute(
        "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
    ).fetchall()
    return sorted(row[0] for row in found)
