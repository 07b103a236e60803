"""What others were shown of the ledger, held against its leaves: signed heads, checkpoints, tiles and entries.

Leaves come in one after the other, from the first. Nothing is believed of a file that its neighbours do not say too:
every full tile, every partial one that is in use, and every bundle of entries is read and compared as a whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from fairgate.core.checkpoint import parse_checkpoint
from fairgate.core.errors import BadInput
from fairgate.core.note import parse_note
from fairgate.core.tiles import WIDTH, entries_path, tile_path
from fairgate.core.tree import EMPTY_ROOT, Frontier, leaf_hash, root_of_hashes
from fairgate.store import checkpoints, heads
from fairgate.store.ledger_files import LedgerFiles


@dataclass(frozen=True, slots=True)
class Head:
    """A size that somebody was shown with a root; `who` shows it."""

    who: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is outside of the database: `heads` in files, and the first `tiled` leaves as tiles."""

    files: LedgerFiles
    heads: Sequence[Head]
    tiled: int


def elsewhere(home: Path) -> Elsewhere:
    """What this home has. Read before the database, so that it can have no more leaves. Raises BadInput, OSError."""
    files, found = LedgerFiles(home), list[Head]()
    signed = heads.load(heads.path(home))
    if signed is not None:
        found.append(Head(str(heads.path(home)), signed.size, signed.root()))
    if files.checkpoint.exists():
        place = str(files.checkpoint)
        public = parse_checkpoint(parse_note(files.checkpoint.read_bytes(), place), place)
        found.append(Head(place, public.size, public.root))
    return Elsewhere(files, found, files.size())


def on_record(conn: psycopg.Connection) -> list[Head]:
    """The checkpoints that the database says were published."""
    return [Head("a checkpoint on record", size, root) for size, root in checkpoints.roots(conn)]


@dataclass(slots=True)
class Comparison:
    """Holds leaves against what was shown; `tiles` says how many of them were found in the tiles."""

    there: Elsewhere
    shown: Iterable[Head]
    tiles: int = 0
    _heads: dict[int, list[Head]] = field(init=False)
    _data: list[bytes] = field(default_factory=list)  # of the bundle that is not full yet
    _rows: list[list[bytes]] = field(default_factory=list)  # by level, the tile that is not full yet
    _first: list[int] = field(default_factory=list)  # by level, its index

    def __post_init__(self) -> None:
        self._heads = {}
        for head in (*self.there.heads, *self.shown):
            self._heads.setdefault(head.size, []).append(head)

    def begin(self) -> str | None:
        """What is wrong with the heads over no leaf."""
        return self._at(0, EMPTY_ROOT)

    def add(self, data: bytes, tree: Frontier) -> str | None:
        """The next leaf, which `tree` has at its end; the first thing that differs, in words, or None."""
        if tree.size <= self.there.tiled:
            self._data.append(data)
            wrong = self._push(0, leaf_hash(data))
            if wrong is None and tree.size == self.there.tiled:
                wrong = self._edge()
            if wrong is not None:
                return wrong
            self.tiles = tree.size
        return self._at(tree.size, tree.root()) if tree.size in self._heads else None

    def end(self, size: int) -> str | None:
        """What was shown of more leaves than there are."""
        more = max((head for found in self._heads.values() for head in found), key=lambda head: head.size, default=None)
        if more is not None and more.size > size:
            return f"{more.who} is over {more.size} leaves, the database has {size}"
        return f"{self.there.tiled} leaves are in tiles, the database has {size}" if self.there.tiled > size else None

    def _at(self, size: int, root: bytes) -> str | None:
        other = next((head for head in self._heads.get(size, ()) if head.root != root), None)
        return None if other is None else f"{other.who} has another root over the first {size} leaves"

    def _push(self, level: int, node: bytes) -> str | None:
        if level == len(self._rows):
            self._rows.append([])
            self._first.append(0)
        row = self._rows[level]
        row.append(node)
        if len(row) < WIDTH:
            return None
        wrong = self._tile(level)
        above = root_of_hashes(row)
        row.clear()
        self._data = [] if level == 0 else self._data
        self._first[level] += 1
        return wrong or self._push(level + 1, above)

    def _edge(self) -> str | None:
        """The tiles at the right edge, which are not full."""
        wrong = (self._tile(level) for level, row in enumerate(self._rows) if row)
        return next((each for each in wrong if each is not None), None)

    def _tile(self, level: int) -> str | None:
        row, index = self._rows[level], self._first[level]
        try:
            if self.there.files.read(level, index, len(row)) != b"".join(row):
                return f"{tile_path(level, index, len(row))} is not what the leaves of the database come to"
            if level == 0 and self.there.files.entries(index, len(row)) != self._data:
                return f"{entries_path(index, len(row))} has other leaves than the database"
        except BadInput as fault:
            return f"{fault.place} {fault.problem}"
        except OSError as error:
            return f"{tile_path(level, index, len(row))} cannot be read ({type(error).__name__})"
        return None
