"""The funnel's statements for one confirmation, taken down while the product sends them, as a script for pgbench.

Nothing is retyped: one act is carried out as a lane of the gate does it, on a connection that notes every statement
with its values. pgbench then repeats them with the values of another registration in each transaction:

- what was the registration's id, its number or its offer's id is that of the transaction's registration;
- the leaf's index is the one that the ledger gives out;
- COPY of one row, which pgbench cannot do, is INSERT of one row;
- everything else (time, salt, hash, statement, digest) stays as it was: that is work of the processor, not of the
  database, and it is left out on purpose.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from fairgate.commands.confirm import Confirm, confirm
from fairgate.core.lifecycle import Done
from fairgate.gate.lanes import Lanes

_COPY = re.compile(r'COPY ("?\w+"?) \((.*?)\) FROM STDIN')
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?([sbt%])")
_QUOTED = re.compile(r"\s*(E?)'(.*)'(::[\w\" ]+)?\s*", re.DOTALL)
_ARRAY_OF_ONE = re.compile(r'\{"?([^",{}]*)"?\}')  # as store.bulk writes it
_CAST = {str: "text", bytes: "bytea", int: "bigint"}


class Said(NamedTuple):
    """A statement, its values, the columns of what it gave, and whether a transaction was open."""

    query: str
    values: Any
    columns: list[str]
    in_transaction: bool


class _Noting(psycopg.Cursor):
    """A cursor that notes what it sends in `said`."""

    def __init__(self, *args: Any, said: list[Said], **more: Any) -> None:
        super().__init__(*args, **more)
        self._said = said

    def execute(self, query: Any, params: Any = None, **more: Any) -> "_Noting":
        inside = self._inside()
        super().execute(query, params, **more)
        self._note(query, params, inside)
        return self

    def executemany(self, query: Any, params_seq: Any, **more: Any) -> None:
        rows, inside = list(params_seq), self._inside()
        super().executemany(query, rows, **more)
        for row in rows:
            self._note(query, row, inside)

    @contextmanager
    def copy(self, statement: Any, params: Any = None, **more: Any) -> Iterator[Any]:
        with super().copy(statement, params, **more) as copying:
            write_row = copying.write_row

            def noting(row: Sequence[Any]) -> None:
                self._note(statement, row, True)
                write_row(row)

            copying.write_row = noting
            yield copying

    def _inside(self) -> bool:
        return self.connection.info.transaction_status is not TransactionStatus.IDLE

    def _note(self, query: Any, values: Any, inside: bool) -> None:
        text = query.as_string(self.connection) if isinstance(query, sql.Composable) else query
        text = text.decode() if isinstance(text, bytes) else str(text)
        columns = [column.name for column in self.description or ()]
        self._said.append(Said(text, values, columns, inside))


def captured(url: str, numbers: Sequence[str]) -> tuple[list[Said], Done]:
    """What the gate sends to confirm the last of these numbers, after the others have warmed it up; and the outcome."""
    said: list[Said] = []
    carry_out = Lanes._acting(SimpleNamespace(_chance=os.urandom), confirm)  # as every batch of the lane is carried out
    with psycopg.connect(url, autocommit=True, cursor_factory=partial(_Noting, said=said)) as conn:
        for number in numbers:
            said.clear()
            [outcome] = carry_out(conn, [Confirm(number, "", None, f"bench {number}")])
    assert isinstance(outcome, Done), outcome
    assert any("UPDATE offer" in one.query for one in said), "a confirmation changes an offer"
    return said, outcome


def as_script(url: str, said: Sequence[Said], done: Done) -> str:
    """pgbench's script: one confirmation of registration `:id` in one transaction."""
    assert done.leaf is not None
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(
            "SELECT r.id, o.id FROM registration r JOIN offer o ON o.registration_id = r.id WHERE r.number = %s",
            [done.number],
        ).fetchone()
        assert row is not None
        written = _Written(conn, str(done.number), row[0], row[1], done.leaf.index)
        lines, inside = [], False
        for one in said:
            if one.in_transaction != inside:
                lines.append("BEGIN;" if one.in_transaction else "COMMIT;")
                inside = one.in_transaction
            lines.append(written.statement(one))
    return "\n".join([*lines, *(["COMMIT;"] if inside else [])]) + "\n"


class _Written:
    """Statements as pgbench is given them."""

    def __init__(self, conn: psycopg.Connection, number: str, registration: int, offer: int, leaf: int) -> None:
        assert len({registration, offer, leaf}) == 3, "what stands for what can be told apart"
        assert min(registration, offer, leaf) > 100, "and from sizes and small numbers too"
        self._conn = conn
        self._of_act = {
            number: "(SELECT number FROM registration WHERE id = :id)",
            registration: ":id",
            offer: ":offer_id",
            leaf: "(:ledger_size - 1)",
        }

    def statement(self, one: Said) -> str:
        copying = _COPY.fullmatch(one.query.strip())
        if copying:
            values = ", ".join(self._value(value) for value in one.values)
            return f"INSERT INTO {copying[1]} ({copying[2]}) VALUES ({values});"
        query = self._filled(one)
        if {"id", "registration_id", "window_id"} <= set(one.columns):
            return f"{query}\n\\gset offer_"
        if one.columns == ["size"]:
            return f"{query}\n\\gset ledger_"
        return f"{query};"

    def _filled(self, one: Said) -> str:
        """The statement with its values in the place of the placeholders."""
        positions = iter(one.values if isinstance(one.values, (list, tuple)) else ())

        def fill(found: re.Match[str]) -> str:
            if found[2] == "%":
                return "%"
            return self._value(one.values[found[1]] if found[1] else next(positions))

        text = one.query.strip()
        return text if one.values is None else _PLACEHOLDER.sub(fill, text)

    def _value(self, value: Any) -> str:
        if isinstance(value, (list, tuple)):
            kinds = {type(item) for item in value if item is not None}
            casts = {_CAST.get(kind, "timestamptz") for kind in kinds} or {"text"}
            return f"ARRAY[{', '.join(map(self._value, value))}]::{casts.pop()}[]"
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value in self._of_act:
            return self._of_act[value]
        only = _ARRAY_OF_ONE.fullmatch(value) if isinstance(value, str) else None
        element = only and (int(only[1]) if only[1].isdecimal() else only[1])
        if element in self._of_act:
            return f"ARRAY[{self._of_act[element]}]::{_CAST[type(element)]}[]"
        return _without_colons(sql.Literal(value).as_string(self._conn).strip())


def _without_colons(literal: str) -> str:
    """A literal in which pgbench sees no variable: it takes ":name" for one inside quotes too."""
    quoted = _QUOTED.fullmatch(literal)
    if quoted is None or ":" not in quoted[2]:
        return literal
    text = quoted[2] if quoted[1] else quoted[2].replace("\\", "\\\\")
    return "E'" + text.replace(":", "\\x3A") + "'" + (quoted[3] or "")
