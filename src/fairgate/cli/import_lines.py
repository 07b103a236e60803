"""The lines of an import file: one for each member, read as a stream and checked one by one.

Every line that cannot be right is told, not only the first, so that a file is corrected in one go. Nothing of
a person is repeated in what is told: a fault names the line and the column.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from itertools import count
from typing import BinaryIO, Final

from fairgate.core.clocks import read_moment
from fairgate.core.errors import BadInput, shown
from fairgate.core.lifecycle import Reason, Refused
from fairgate.core.numbers import read_number
from fairgate.core.registering import Member, refuse_members, refuse_ports

NEEDED: Final = ("registration", "language", "ports", "given_names", "family_names", "birth_date")
SHARED: Final = ("number", "registered_at")  # as language and ports: the same on all lines of a registration
DETAILS: Final = ("nationality", "sex", "birth_country", "document", "email", "phone")
COLUMNS: Final = (*NEEDED, *SHARED, *DETAILS)

LINE_MOST: Final = 65_536  # bytes; a long one has 300
FIELD_MOST: Final = 1_000  # characters
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

# The column at fault, what is wrong in it, and the way out.
_WORDS: Final[Mapping[Reason, tuple[str, str, str]]] = {
    Reason.NO_NAME: ("given_names", "and family_names are both empty", "write one of them"),
    Reason.NAME_TOO_LONG: ("given_names", "or family_names are too long", "write at most 200 letters"),
    Reason.NAME_NOT_WRITTEN: ("given_names", "or family_names hold control characters", "take them out"),
    Reason.BORN_IN_FUTURE: ("birth_date", "is in the future", "correct it"),
    Reason.BORN_TOO_LONG_AGO: ("birth_date", "is more than 130 years ago", "correct it"),
    Reason.NO_PORTS: ("ports", "are missing", "name at least one"),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What the profile and the clock allow."""

    group_max: int
    languages: Sequence[str]
    ports: Sequence[str]
    now: datetime


@dataclass(slots=True)
class Group:
    """A registration as the file has it; `shared` are the values that all of its lines repeat."""

    key: str
    line: int
    shared: tuple[str, ...]
    number: str | None
    registered_at: datetime | None
    language: str
    ports: tuple[str, ...]
    members: list[Member] = field(default_factory=list)


Tell = Callable[[int, BadInput], None]


class Reader:
    """Reads a file's groups; every fault goes to `tell` with the number of its line, and reading goes on."""

    def __init__(self, rules: Rules, tell: Tell) -> None:
        self._rules = rules
        self._tell = tell
        self._keys: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._columns: list[str] = []
        self._shared = lru_cache(maxsize=4096)(self._read_shared)

    def groups(self, file: BinaryIO) -> Iterator[Group]:
        """The groups, each when its last line was read; raises BadInput where the header is not one."""
        lines = _lines(file)
        _, header = next(lines, (1, b""))
        self._columns = _header(header)
        group: Group | None = None
        for number, line in lines:
            try:
                values = self._values(line)
            except BadInput as fault:
                self._tell(number, fault)
                continue
            if group is None or group.key != values["registration"]:
                if group is not None:
                    yield group
                group = self._begin(number, values)
            else:
                self._refuse_mixed(number, group, values)
            self._add(number, group, values)
        if group is not None:
            yield group

    def _values(self, line: bytes) -> dict[str, str]:
        """The fields of a line by column; raises BadInput without a place."""
        fields = _split(line)
        if len(fields) != len(self._columns):
            problem = f"{len(fields)} fields where the header has {len(self._columns)}"
            raise BadInput("line", problem, 'put fields that hold a comma into "quotes"')
        values = dict(zip(self._columns, fields, strict=True))
        for column, text in values.items():
            if len(text) > FIELD_MOST:
                raise BadInput(column, f"{len(text)} characters are more than {FIELD_MOST}", "shorten it")
        if not values["registration"]:
            raise BadInput("registration", "is empty", "write a key that the lines of one registration share")
        return values

    def _begin(self, line: int, values: dict[str, str]) -> Group:
        key = values["registration"]
        shared = self._shared_texts(values)
        group = Group(key, line, shared, None, None, values["language"], ())
        if key in self._keys:
            problem = f"{shown(key)} stood on line {self._keys[key]} already, with others between"
            self._tell(line, BadInput("registration", problem, "put the lines of a registration together"))
        self._keys.setdefault(key, line)
        registered_at, ports, faults = self._shared(
            values.get("registered_at", ""), values["language"], values["ports"]
        )
        for fault in faults:
            self._tell(line, fault)
        group.registered_at, group.ports = registered_at, ports
        if values.get("number"):
            group.number = self._number(line, values["number"])
        return group

    def _shared_texts(self, values: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(values.get(column, "") for column in (*SHARED, "language", "ports"))

    def _refuse_mixed(self, line: int, group: Group, values: Mapping[str, str]) -> None:
        for column, first, here in zip(
            (*SHARED, "language", "ports"), group.shared, self._shared_texts(values), strict=True
        ):
            if first != here:
                problem = f"is not that of line {group.line}, which is of the same registration"
                self._tell(line, BadInput(column, problem, "write the same on all lines of a registration"))

    def _number(self, line: int, text: str) -> str | None:
        try:
            number = read_number(text)
        except BadInput as fault:
            self._tell(line, BadInput("number", fault.problem, "correct it, or leave it empty for a new one"))
            return None
        if number in self._numbers:
            problem = f"{number} is that of line {self._numbers[number]} too"
            self._tell(line, BadInput("number", problem, "give each registration its own"))
        self._numbers.setdefault(number, line)
        return number

    def _read_shared(
        self, registered_at: str, language: str, ports: str
    ) -> tuple[datetime | None, tuple[str, ...], list[BadInput]]:
        """The values that many registrations have in common, and what is wrong with them."""
        faults = []
        moment = None
        try:
            moment = read_moment(registered_at, "registered_at") if registered_at else None
        except BadInput as fault:
            faults.append(fault)
        if moment is not None and moment > self._rules.now:
            faults.append(BadInput("registered_at", "is in the future", "correct it"))
        if language not in self._rules.languages:
            known = ", ".join(self._rules.languages)
            faults.append(BadInput("language", f"{shown(language)} is not in the profile", f"write one of {known}"))
        codes = tuple(ports.split("|")) if ports else ()
        refusal = refuse_ports(codes, known=self._rules.ports)
        if refusal is not None:
            faults.append(self._about_ports(refusal))
        return moment, codes, faults

    def _about_ports(self, refusal: Refused) -> BadInput:
        port = shown(str(refusal.facts.get("port", "")))
        if refusal.reason is Reason.UNKNOWN_PORT:
            return BadInput("ports", f"{port} is not a port of the program", f"use {', '.join(self._rules.ports)}")
        if refusal.reason is Reason.PORT_TWICE:
            return BadInput("ports", f"{port} stands twice", "leave the first of them")
        return BadInput(*_WORDS[refusal.reason])

    def _add(self, line: int, group: Group, values: Mapping[str, str]) -> None:
        """One more member; a group that grows too large is told at the first line that is too much."""
        born_on = _birth_date(values["birth_date"])
        if born_on is None:
            self._tell(line, BadInput("birth_date", "is not a date", "write it like 1990-02-28"))
            return
        details = {column: values[column] for column in DETAILS if values.get(column)}
        member = Member(values["given_names"], values["family_names"], born_on, details)
        refusal = refuse_members([member], group_max=1, today=self._rules.now.date())
        if refusal is not None:
            self._tell(line, BadInput(*_WORDS[refusal.reason]))
        group.members.append(member)
        if len(group.members) == self._rules.group_max + 1:
            problem = f"more than {self._rules.group_max} members, which is the most"
            self._tell(line, BadInput("registration", problem, "divide the group"))


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers; of one that is too long only its beginning, which `_split` refuses."""
    for number in count(1):
        line = file.readline(LINE_MOST + 1)
        if not line:
            return
        rest = line
        while len(rest) == LINE_MOST + 1 and not rest.endswith(b"\n"):
            rest = file.readline(LINE_MOST + 1)
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # spreadsheets put it before the first line
        yield number, line


def _split(line: bytes) -> list[str]:
    """The fields of one line; raises BadInput without a place."""
    if len(line) > LINE_MOST:
        raise BadInput("line", f"more than {LINE_MOST} bytes", "see whether lines or files were joined")
    if b"\0" in line:
        raise BadInput("line", "holds a NUL byte", "export the file again as UTF-8 text")
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError as fault:
        raise BadInput("line", f"byte {fault.start + 1} is not UTF-8", "save the file as UTF-8") from None
    if '"' not in text:
        return [each.strip() for each in text.split(",")]
    try:
        return [each.strip() for each in next(csv.reader([text], strict=True))]
    except csv.Error as fault:
        raise BadInput("line", f"its quotes do not match ({fault})", 'write "" for a quote inside quotes') from None


def _header(line: bytes) -> list[str]:
    """The names of the columns; raises BadInput, with its place, unless each is known and there once."""
    if not line.strip():
        raise BadInput("line 1", "there is no header", f"begin the file with {','.join(NEEDED)} and more")
    try:
        columns = _split(line)
    except BadInput as fault:
        raise BadInput("line 1", fault.problem, fault.way_out) from None
    for column in columns:
        if column not in COLUMNS:
            raise BadInput("line 1", f"{shown(column)} is not a column", f"use {', '.join(COLUMNS)}")
        if columns.count(column) > 1:
            raise BadInput("line 1", f"the column {column} stands twice", "leave one of them")
    for column in NEEDED:
        if column not in columns:
            raise BadInput("line 1", f"the column {column} is missing", "add it")
    return columns


@lru_cache(maxsize=65_536)
def _birth_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
