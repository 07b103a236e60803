"""Shards: a drawn round's results cut into 4096 small files, so that a phone on the day loads only the one it needs.

    home/public/results/DATE/PREFIX           the rounds of the profile's first public program
    home/public/results/PROGRAM/DATE/PREFIX   those of the others

PREFIX is the first three hex digits of SHA-256(ticket), so whoever has a ticket knows the address, and who asks for a
shard tells no more than that they are one of the many in it. A shard has the header of results.csv and its lines of
these tickets, sorted; beside each lies the same compressed. All 4096 are there, the empty ones too, and appear
together: they are written in a folder with another name, flushed to disk at once, and renamed into place.
"""

import ctypes
import gzip
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from fairgate.core.bundle import RESULTS_HEADER
from fairgate.core.profile import Profile
from fairgate.store import publication
from fairgate.store.files import alone, flush_folder

DIGITS = 3
SHARDS = 16**DIGITS


class Said(NamedTuple):
    """What a drawn round said of a ticket; `port` is empty for those on the reserve."""

    ticket: str
    outcome: str
    port: str
    order: int
    phase: str


def folder(home: Path, profile: Profile, program: str, day: date) -> Path:
    """Where the shards of a round are."""
    return publication.folder(home, profile, program, day, "results")


def prefix(ticket: str) -> str:
    """The name of the shard that a ticket is in."""
    return sha256(ticket.encode()).hexdigest()[:DIGITS]


def split(results: bytes) -> list[bytes]:
    """The contents of the shards in the order of their prefixes; `results` is the whole results.csv."""
    header, *lines = results.decode().splitlines()
    assert header == RESULTS_HEADER, "what is cut up is a results.csv"
    sorted_out: list[list[str]] = [[] for _ in range(SHARDS)]
    for line in lines:
        sorted_out[int(prefix(line.partition(",")[0]), 16)].append(line)
    return ["\n".join([header, *sorted(each), ""]).encode() for each in sorted_out]


def write(place: Path, results: bytes) -> bool:
    """Write the shards unless they are there; whether they were not. Results never change, nor do shards."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with alone(place.parent):
        if place.exists():
            return False
        draft = place.with_name(f".{place.name}.new")
        shutil.rmtree(draft, ignore_errors=True)  # what a crash left
        draft.mkdir()
        for name, data in _files(split(results)):
            _put(draft / name, data)
        _flush_file_system(draft)
        draft.rename(place)
        flush_folder(place.parent)
    return True


def find(place: Path, ticket: str) -> Said | None:
    """What the round said of a ticket, None when it is not among its results; FileNotFoundError while undrawn."""
    for line in (place / prefix(ticket)).read_text(encoding="ascii").splitlines():
        if line.startswith(f"{ticket},"):
            _, outcome, port, order, phase = line.split(",")
            return Said(ticket, outcome, port, int(order), phase)
    return None


def _files(shards: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    for number, data in enumerate(shards):
        name = f"{number:0{DIGITS}x}"
        yield name, data
        yield name + publication.COMPRESSED, gzip.compress(data, 9, mtime=0)


def _put(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, publication.MODE)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, publication.MODE)  # whatever the umask says
        file.write(data)


def _flush_file_system(inside: Path) -> None:
    """syncfs(2): one flush for thousands of files takes a thirtieth of the time of one for each; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(inside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if libc.syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(inside))
    finally:
        os.close(handle)
