"""What a gate must not forget while the database is away: on local disk, until a worker brings it into the database.

A record is an attempt to confirm that could not be answered, or a count of attempts. A gate writes them to a file of
its own, whose lock it holds as long as it lives; nobody else ever writes there. A worker takes in what is new in every
file, and deletes a file once its owner has let go of it or is dead and all of it is committed.

    journal/gate1.4711.9c02e4d1b35f7a60.000001.lines
    1c0d9d2e {"at":"2026-12-01T12:00:00.250000Z","fault":"database away","kind":"attempt","number":"7K3M-9QXR",…}

Each line begins with eight hex digits of the SHA-256 of the rest. So a line that a power cut tore is told from
a whole one. Taking a record in twice does no harm, as the database knows attempts and samples by their time; so of
how far we are nothing is kept but in memory. The only thing on record of a person is the registration's number, and the
files are for their owner alone to read.

A file that could not be written or flushed is never written again: what the kernel says after a failed fsync is no
evidence of what is on the disk (https://wiki.postgresql.org/wiki/Fsync_Errors). The next write begins another.
"""

import errno
import fcntl
import json
import os
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from fairgate.core import numbers
from fairgate.core.canonical import canonical
from fairgate.core.errors import BadInput
from fairgate.store.files import flush_folder

MEBIBYTE = 1 << 20
ENDING = ".lines"
ASIDE = ".bad"  # added to the name of a file with lines that nobody can have written
AT_ONCE = 1000  # records taken in by one transaction
MOST_AT_A_LOOK = 20_000
TEXT_MOST = 200  # characters of a program, fault or source
COUNT_MOST = 10**9


class Tried(NamedTuple):
    """An attempt to confirm at `at` that failed or was never answered; `fault` in a few fixed words."""

    number: str
    program: str
    at: datetime
    fault: str


class Counted(NamedTuple):
    """How many confirmations worked and failed in the ten seconds that ended `at`, as `source` saw it."""

    at: datetime
    source: str
    ok: int
    failed: int


Record = Tried | Counted
Take = Callable[[Sequence[Record]], int]


class JournalFull(Exception):  # noqa: N818  it is an answer, not a defect
    """The folder holds as much as it may; nothing of what was to be written is there."""


class Journal:
    """Writes records to `folder`, which is made if it is not there. Threads take turns.

    `most_bytes` bounds all the files there, those of other processes included, give or take one write of each;
    a file of `file_bytes` is left for the worker, and another begun.
    """

    def __init__(self, folder: Path, *, most_bytes: int = 256 * MEBIBYTE, file_bytes: int = 8 * MEBIBYTE) -> None:
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flush_folder(folder.parent)
        self.folder = folder
        self._most_bytes = most_bytes
        self._file_bytes = file_bytes
        host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:60]
        self._name = f"{host}.{os.getpid()}.{secrets.token_hex(8)}"
        self._turn = threading.Lock()
        self._begun = 0
        self._handle: int | None = None
        self._path = folder
        self._size = 0

    def write(self, records: Sequence[Record]) -> None:
        """Keep records; all of them are on disk when this returns, by one write and one fsync.

        Raises JournalFull, or OSError where the disk is full or broken. Then none of them counts as kept.
        """
        if not records:
            return
        lines = b"".join(map(_line, records))
        with self._turn:
            if held(self.folder) + len(lines) > self._most_bytes:
                raise JournalFull
            if self._size + len(lines) > self._file_bytes:
                self._let_go()
            try:
                self._append(lines)
            except OSError:
                self._give_up()
                raise

    def close(self) -> None:
        """Let go of the file, so that the worker may delete it; call this when the database answers again.

        The next write begins another file.
        """
        with self._turn:
            self._let_go()

    def _let_go(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _append(self, lines: bytes) -> None:
        if self._handle is None:
            self._begin()
        assert self._handle is not None
        if os.write(self._handle, lines) < len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._handle)
        self._size += len(lines)

    def _begin(self) -> None:
        """Make the next file, locked before it has a name that a worker looks for: it never seems to be nobody's."""
        self._begun += 1
        self._path = self.folder / f"{self._name}.{self._begun:06}{ENDING}"
        draft = _draft(self._path)
        self._handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._size = 0
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.rename(self._path)
        flush_folder(self.folder)

    def _give_up(self) -> None:
        """Cut off what was not written as a whole, if that can be done, and never write to this file again.

        One without a record goes at once: on a full disk there would soon be a million of them.
        """
        if self._handle is None:
            return
        with suppress(OSError):
            os.ftruncate(self._handle, self._size)
        if self._size == 0:
            for path in (self._path, _draft(self._path)):
                with suppress(OSError):
                    path.unlink()
        handle, self._handle = self._handle, None
        with suppress(OSError):
            os.close(handle)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of one look: records taken in, and what could not be.

    `bad` lines nobody can have written, or they hold what the database will not take; their files are kept aside.
    `torn` ends are what a crash left of lines that nobody was told were kept. `unreadable` files, by name, are those
    that the disk does not give back, each told once.
    """

    records: int = 0
    bad: int = 0
    torn: int = 0
    unreadable: tuple[str, ...] = ()


@dataclass(slots=True)
class _Place:
    """How far a file has been taken in, in bytes, and how many bad lines there were."""

    position: int = 0
    bad: int = 0


@dataclass(slots=True)
class Intake:
    """Takes in what is new in the journals of `folder`; one thread, and any number of these at once.

    What two of them take in at the same time is handed over twice, which does no harm.
    """

    folder: Path
    at_once: int = AT_ONCE
    _places: dict[str, _Place] = field(default_factory=dict)
    _unreadable: set[str] = field(default_factory=set)

    def take_in(self, take: Take, most: int = MOST_AT_A_LOOK) -> TakenIn:
        """Hand new records to `take`, some at a time, and delete the files that are done with.

        `take` commits them and says how many of them it can never take; what it raises ends the look, and the
        records come again. With about `most` records taken in there may be more.
        """
        paths = sorted(_files(self.folder))
        names = {path.name for path in paths}
        self._places = {name: place for name, place in self._places.items() if name in names}
        self._unreadable &= names
        looked = _Look(take, most)
        for path in paths:
            if looked.records >= most:
                break
            self._take_file(path, looked)
        return TakenIn(looked.records, looked.bad, looked.torn, tuple(looked.unreadable))

    def _take_file(self, path: Path, looked: "_Look") -> None:
        place = self._places.setdefault(path.name, _Place())
        try:
            done_with, new = _read(path, place.position)
        except FileNotFoundError:
            return  # another worker was here
        except OSError:
            if path.name not in self._unreadable:
                self._unreadable.add(path.name)
                looked.unreadable.append(path.name)
            return
        lines = new.splitlines(keepends=True)
        torn = bool(lines) and not lines[-1].endswith(b"\n")
        whole = lines[: len(lines) - torn]
        for first in range(0, len(whole), self.at_once):
            if looked.records >= looked.most:
                return
            looked.hand_over(whole[first : first + self.at_once], place)
        if done_with:
            looked.torn += torn
            _put_away(path, place)


@dataclass(slots=True)
class _Look:
    """What one look has come to so far."""

    take: Take
    most: int
    records: int = 0
    bad: int = 0
    torn: int = 0
    unreadable: list[str] = field(default_factory=list)

    def hand_over(self, lines: Sequence[bytes], place: _Place) -> None:
        read = [_record(line) for line in lines]
        records = [record for record in read if record is not None]
        bad = len(read) - len(records)
        bad += self.take(records) if records else 0
        place.position += sum(map(len, lines))
        place.bad += bad
        self.bad += bad
        self.records += len(records)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}")


def held(folder: Path) -> int:
    """The bytes of all the files in a journal's folder, those kept aside included."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                total += entry.stat(follow_symlinks=False).st_size
    return total


def _files(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(ENDING) and not entry.name.startswith("."):
                yield Path(entry.path)


def _read(path: Path, position: int) -> tuple[bool, bytes]:
    """Whether nobody will ever write there again, and what stands after `position`.

    In this order: what the owner wrote before it died is in what is read.
    """
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            done_with = True
        except BlockingIOError:
            done_with = False
        if os.fstat(file.fileno()).st_size <= position:
            return done_with, b""
        file.seek(position)
        return done_with, file.read()


def _put_away(path: Path, place: _Place) -> None:
    """Delete a file, or keep it aside for a human when lines in it were bad."""
    with suppress(FileNotFoundError):
        if place.bad:
            path.rename(path.with_name(path.name + ASIDE))
        else:
            path.unlink()


# -- lines --------------------------------------------------------------------------------------


def _line(record: Record) -> bytes:
    kind = "attempt" if isinstance(record, Tried) else "sample"
    fields = {**record._asdict(), "kind": kind, "at": record.at.astimezone(UTC).isoformat()}
    # what is not Unicode becomes an escape that JSON knows too, so that one odd record never holds up the others
    body = canonical(fields).encode(errors="backslashreplace")
    return _checksum(body) + b" " + body + b"\n"


def _checksum(body: bytes) -> bytes:
    return sha256(body).hexdigest()[:8].encode()


def _record(line: bytes) -> Record | None:
    """The record in a line; None when nobody can have written it so."""
    checksum, _, body = line.rstrip(b"\n").partition(b" ")
    if checksum != _checksum(body):
        return None
    try:
        fields = json.loads(body)
        kind, at = fields.pop("kind"), datetime.fromisoformat(fields.pop("at"))
        record = Tried(at=at, **fields) if kind == "attempt" else Counted(at=at, **fields)
        return record if _possible(record) else None
    except (ValueError, TypeError, AttributeError, KeyError, BadInput):
        return None


def _possible(record: Record) -> bool:
    """Whether the database would take it: a checksum shows that a line is whole, not that its writer was right."""
    if record.at.tzinfo is None:
        return False
    if isinstance(record, Tried):
        return numbers.read_number(record.number) == record.number and all(map(_plain, (record.program, record.fault)))
    return _plain(record.source) and all(map(_count, (record.ok, record.failed)))


def _plain(text: object) -> bool:
    return isinstance(text, str) and text.isprintable() and len(text) <= TEXT_MOST


def _count(number: object) -> bool:
    return type(number) is int and 0 <= number <= COUNT_MOST
