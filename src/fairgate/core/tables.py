"""A table of a TOML file that knows where it stands, so that every complaint names file and key."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, NoReturn

from fairgate.core.errors import BadInput, shown

_LONGEST_TEXT = 1000


class Table:
    """Values are asked for by key, checked and ticked off; `end` refuses what nobody asked for."""

    def __init__(self, file: str, values: Any, path: str = "") -> None:
        if not isinstance(values, Mapping):
            raise BadInput(f"{file}, {path}" if path else file, "is not a table", "write it as one")
        self._file = file
        self._path = path
        self._values: Mapping[str, Any] = values
        self._asked: set[str] = set()

    def place(self, key: str) -> str:
        return f"{self._file}, {self._dotted(key)}"

    def refuse(self, key: str, problem: str, way_out: str) -> NoReturn:
        raise BadInput(self.place(key), problem, way_out)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def peek(self, key: str) -> Any:
        return self._values.get(key)

    def end(self) -> None:
        for key in self._values:
            if key not in self._asked:
                self.refuse(key, "is not known here", "check its spelling or take it out")

    def text(self, key: str, pattern: re.Pattern[str] | None = None, *, default: str | None = None) -> str:
        """A text that is not empty, of one line, and matches `pattern` as a whole."""
        if default is not None and key not in self:
            return default
        return self._checked_text(key, self._ask(key), pattern)

    def number(self, key: str, least: int, most: int) -> int:
        return self._checked_number(key, self._ask(key), least, most)

    def flag(self, key: str) -> bool:
        """True or false; false where it is not given."""
        value = self._ask(key, False)
        if not isinstance(value, bool):
            self.refuse(key, "is neither true nor false", "write true or false")
        return value

    def list_of_texts(self, key: str, pattern: re.Pattern[str] | None = None) -> tuple[str, ...]:
        """At least one text, none twice."""
        texts = tuple(self._checked_text(key, value, pattern) for value in self._list(key))
        if not texts:
            self.refuse(key, "is empty", "give at least one")
        for text in texts:
            if texts.count(text) > 1:
                self.refuse(key, f"{shown(text)} stands twice", "take one of them out")
        return texts

    def list_of_numbers(self, key: str, least: int, most: int) -> tuple[int, ...]:
        return tuple(self._checked_number(key, value, least, most) for value in self._list(key))

    def list_of_dates(self, key: str) -> tuple[date, ...]:
        """Dates, none where the key is not given."""
        values = self._list(key) if key in self else []
        for value in values:
            if not isinstance(value, date) or isinstance(value, datetime):
                self.refuse(key, f"{_quoted(value)} is not a date", "write it like 2026-12-25, without quotes")
        return tuple(values)

    def list_of_tables(self, key: str) -> list["Table"]:
        """Tables of a list, each knowing its place in it."""
        return [Table(self._file, value, f"{self._dotted(key)}[{i}]") for i, value in enumerate(self._list(key))]

    def table(self, key: str) -> "Table":
        return Table(self._file, self._ask(key), self._dotted(key))

    def values(self, key: str) -> Mapping[str, Any]:
        """A table that somebody else reads; empty where the key is not given."""
        value = self._ask(key, {})
        if not isinstance(value, Mapping):
            self.refuse(key, "is not a table", "write it as one")
        return value

    def tables(self, pattern: re.Pattern[str], form: str) -> Iterator[tuple[str, "Table"]]:
        """All there is, each a table with a name that matches `pattern`; at least one."""
        if not self._values:
            raise BadInput(
                f"{self._file}, {self._path}" if self._path else self._file, "is empty", "describe at least one"
            )
        for key in self._values:
            if not pattern.fullmatch(key):
                self.refuse(key, "is not a name that can be used here", f"use {form}")
            yield key, self.table(key)

    def translated(self, key: str, languages: tuple[str, ...]) -> dict[str, str]:
        """A text for each of the languages; one bare text stands for all of them."""
        if isinstance(self.peek(key), str):
            return dict.fromkeys(languages, self.text(key))
        table = self.table(key)
        texts = {language: table.text(language) for language in languages}
        table.end()
        return texts

    def _dotted(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _ask(self, key: str, default: Any = None) -> Any:
        self._asked.add(key)
        value = self._values.get(key, default)
        if value is None:
            self.refuse(key, "is missing", "add it")
        return value

    def _list(self, key: str) -> list[Any]:
        value = self._ask(key)
        if not isinstance(value, list):
            self.refuse(key, "is not a list", "write it in square brackets")
        return value

    def _checked_text(self, key: str, value: object, pattern: re.Pattern[str] | None) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT or not value.isprintable():
            self.refuse(key, f"{_quoted(value)} is not a text of one line", 'write it like "San Ysidro"')
        if pattern is not None and not pattern.fullmatch(value):
            self.refuse(key, f"{shown(value)} cannot be right", f"it has to match {pattern.pattern}")
        return value

    def _checked_number(self, key: str, value: object, least: int, most: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(key, f"{_quoted(value)} is not a whole number from {least} to {most}", "correct it")
        return value


def _quoted(value: object) -> str:
    return shown(value if isinstance(value, str) else repr(value))
