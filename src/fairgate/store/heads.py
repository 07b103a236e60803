"""What was signed last, kept in a file: a database that is restored from a backup does not take it back with it.

    home/ledger/head    the size, the right edge and the last leaf of the tree that was signed last
    home/ledger/held    why nothing may be added to the ledger now, where that is so

Whoever writes to the database asks here first, on each new connection, and again whenever leaves are added over it: a
database can be restored under a connection that stays. With one of before, indexes of leaves would be given out that
others have on their receipts. The worker asks each time that it borrows a connection: the database then too, the files
where they are others than before.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

import psycopg

from fairgate.core.errors import BadInput
from fairgate.core.lines import HASH_BYTES
from fairgate.core.tree import Frontier, leaf_hash
from fairgate.store.files import flush_folder, put
from fairgate.store.ledger_files import LedgerFiles

MODE: Final = 0o644
# Of two leaves those that the ledger counts. Of a list of them PostgreSQL would make another plan each time.
COUNTED: Final = "SELECT l.index, l.data FROM ledger g JOIN leaf l ON l.index IN (%s, %s) AND l.index < g.size"
_public: Final = WeakKeyDictionary[psycopg.Connection, LedgerFiles]()  # what connections were let in by
_WAY_OUT: Final = "restore it from the backup of this home, and see docs/operations/ledger.md"


class OlderDatabase(psycopg.OperationalError):
    """The database does not go on from what was signed, or nobody can say. Until somebody looked, it counts as away."""


@dataclass(frozen=True, slots=True)
class Head:
    """A signed tree: its size, its right edge (core/tree.py) and the hash of its last leaf, empty where it has none."""

    size: int = 0
    edge: tuple[bytes, ...] = ()
    last: bytes = b""

    def root(self) -> bytes:
        return Frontier(self.size, self.edge).root()


def path(home: Path) -> Path:
    return home / "ledger" / "head"


def load(path: Path) -> Head | None:
    """The head in the file at `path`; None where there is none yet. Raises BadInput for a file that is not whole."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        said = json.loads(text)
        edge = tuple(bytes.fromhex(node) for node in said["edge"])
        head = Head(int(said["size"]), edge, bytes.fromhex(said["last"]))
        whole = len(edge) == head.size.bit_count() and all(len(node) == HASH_BYTES for node in edge)
        if not whole or head.root().hex() != said["root"]:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise BadInput(str(path), "does not hold what was signed last", _WAY_OUT) from None
    return head


def save(path: Path, head: Head) -> None:
    """Replace the file, whole and on disk before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    edge = [node.hex() for node in head.edge]
    said = {"size": head.size, "root": head.root().hex(), "edge": edge, "last": head.last.hex()}
    put(path, json.dumps(said, indent=1).encode() + b"\n", MODE)
    flush_folder(path.parent)


def hold(home: Path, why: str) -> None:
    """Let nothing be added to the ledger until somebody has looked."""
    place = _held(home)
    place.parent.mkdir(parents=True, exist_ok=True)
    put(place, why.encode() + b"\n", MODE)
    flush_folder(place.parent)


def held(home: Path) -> str | None:
    """Why nothing may be added, None where it may."""
    try:
        return _held(home).read_text().strip()
    except FileNotFoundError:
        return None


def release(home: Path) -> None:
    _held(home).unlink(missing_ok=True)


def _held(home: Path) -> Path:
    return home / "ledger" / "held"


def refuse_older(conn: psycopg.Connection, home: Path) -> None:
    """Raise OlderDatabase where the ledger in this database does not go on from what was signed, or that is not known.

    From then on refuse_taken holds the connection to the same home.
    """
    refuse_held(home)
    known = _known(home)
    if any(size for size, _ in known):
        there = {index: [data] for index, data in conn.execute(COUNTED, [size - 1 for size, _ in known])}
        for size, last in known:
            if size:
                refuse_other(there.get(size - 1, ()), size, last)
    _public[conn] = LedgerFiles(home)


def refuse_held(home: Path) -> None:
    """Raise OlderDatabase where nothing may be added."""
    why = held(home) if os.path.exists(f"{home}/ledger/held") else None  # noqa: PTH110  asked for each batch of acts
    if why is not None:
        raise OlderDatabase(why)


def refuse_other(data: Sequence[bytes], size: int, last: bytes) -> None:
    """Raise OlderDatabase where the database's leaf size - 1, `data` of one or of none, does not hash to `last`."""
    if not data or leaf_hash(bytes(data[0])) != last:
        raise _older(size)


def refuse_taken(conn: psycopg.Connection, first: int) -> None:
    """Raise OlderDatabase where leaf `first`, the next one of the ledger in this database, is public already.

    Without a connection that refuse_older let in there is nothing to compare with.
    """
    files = _public.get(conn)
    if files is None:
        return
    refuse_held(files.home)
    size = _tiled(files)
    if first < size:
        raise _older(size)


def _older(size: int) -> OlderDatabase:
    problem = f"{size} leaves of the ledger are public and this database has others or fewer"
    return OlderDatabase(f"{problem}: it was restored from a backup")


def _known(home: Path) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    """What was signed and what is public of the ledger: how many leaves, and the hash of the last one.

    Tiles that are damaged, or cannot be read, say nothing: whoever signs finds them, and nobody loses a confirmation
    over them. A head that is not whole says that nobody knows what was signed.
    """
    signed, counter = path(home), LedgerFiles(home).counter
    try:
        tiled = _tiled_in(home, _state(counter))
    except (BadInput, OSError):
        tiled = 0, b""
    try:
        return _signed(signed, _state(signed)), tiled
    except (BadInput, OSError) as fault:
        raise OlderDatabase(str(fault)) from None


def _state(file: Path) -> tuple[int, ...]:
    """What is another when the file was replaced or written, and also when that was done with times of before."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns


@lru_cache(maxsize=8)
def _signed(file: Path, _: tuple[int, ...]) -> tuple[int, bytes]:
    head = load(file) or Head()
    return head.size, head.last


@lru_cache(maxsize=8)
def _tiled_in(home: Path, _: tuple[int, ...]) -> tuple[int, bytes]:
    files = LedgerFiles(home)
    size = files.size()
    return size, files.last(size) if size else b""


def _tiled(files: LedgerFiles) -> int:
    try:
        return files.size()
    except (BadInput, OSError):
        return 0
