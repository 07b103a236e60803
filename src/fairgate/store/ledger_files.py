"""The ledger as static files (C2SP tlog-tiles), which any web server or CDN can serve and any observer can copy.

    home/public/ledger/checkpoint              the signed head
    home/public/ledger/policy                  whose signatures and cosignatures make it one (C2SP tlog-policy)
    home/public/ledger/tile/L/N                256 hashes of level L, never written again
    home/public/ledger/tile/L/N.p/W            the W hashes that there were when the tree had that size
    home/public/ledger/tile/entries/N[.p/W]    the leaves' data, likewise
    home/public/ledger/.tiled                  how many leaves are in these files

A tile is written whole and on disk before `.tiled` counts it. Writing goes on from there, so one that ended in the
middle is done again with the same bytes. Partial tiles go when their full one is there; readers take that instead.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from fairgate.core import tiles
from fairgate.core.errors import BadInput
from fairgate.core.lines import HASH_BYTES
from fairgate.core.tiles import WIDTH, entries_path, tile_path
from fairgate.core.tree import leaf_hash
from fairgate.store.files import alone, flush_folder, put

MODE: Final = 0o644
DATA: Final = 2 + HASH_BYTES  # a leaf's data in a bundle, its length before it
_WAY_OUT: Final = "restore the folder from a copy, or move it away: all of it is written anew from the database"


class LedgerFiles:
    """The files of the ledger of one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "public" / "ledger"
        self.counter = self.folder / ".tiled"

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint"

    @property
    def policy(self) -> Path:
        return self.folder / "policy"

    def size(self) -> int:
        """How many leaves the tiles hold."""
        try:
            return int(self.counter.read_bytes())
        except FileNotFoundError:
            return 0
        except ValueError:
            raise BadInput(
                str(self.counter), "does not hold a number", "move it away, and all tiles are written anew"
            ) from None

    def append(self, leaves: Sequence[bytes], start: int) -> None:
        """Add the data of the leaves from index `start` on; nothing where another process has gone on meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with alone(self.folder):
            if self.size() != start or not leaves:
                return
            self._grow_entries(start, leaves)
            for tile, data in tiles.grown(start, [leaf_hash(data) for data in leaves], self.read):
                self._put_tile(
                    self.folder / tile_path(tile.level, tile.index, tile.width), data, full=tile.width == WIDTH
                )
            put(self.counter, b"%d\n" % (start + len(leaves)), MODE)
            flush_folder(self.counter.parent)

    def read(self, level: int, index: int, width: int) -> bytes:
        """The bytes of a tile of so many hashes: as it was written, or the beginning of what it has become."""
        return self._read(partial(tile_path, level), index, width)[: width * HASH_BYTES]

    def entries(self, index: int, width: int) -> list[bytes]:
        """The data of the leaves of a bundle, of which the first `width` are wanted."""
        data = self._read(entries_path, index, width)
        return tiles.parse_bundle(data, len(data) // DATA, str(self.folder / entries_path(index, width)))[:width]

    def last(self, size: int) -> bytes:
        """The hash of the last of the first `size` leaves; raises BadInput where tile and entries disagree about it."""
        index, place = divmod(size - 1, WIDTH)
        row, entries = self.read(0, index, place + 1), self.entries(index, place + 1)
        found = row[place * HASH_BYTES :]
        if len(entries) <= place or leaf_hash(entries[place]) != found:
            damaged = str(self.folder / tile_path(0, index, place + 1))
            raise BadInput(damaged, "does not agree with its entries: one of the two is damaged", _WAY_OUT)
        return found

    def data(self, start: int, end: int) -> list[bytes]:
        """The data of the leaves from `start` to below `end`, of the size that the files have now."""
        found, size = list[bytes](), self.size()
        for index in range(start // WIDTH, -(-end // WIDTH)):
            found += self.entries(index, min(WIDTH, size - index * WIDTH))
        before = start // WIDTH * WIDTH
        return found[start - before : end - before]

    def _read(self, path: Callable[[int, int], str], index: int, width: int) -> bytes:
        """A file of this width; or a wider one, which begins with it and may be all that there is."""
        exact = self.folder / path(index, width)
        for file in _at_least(exact, width, self.folder / path(index, WIDTH)):
            try:
                return file.read_bytes()
            except FileNotFoundError:
                continue
        raise BadInput(str(exact), "is not there", _WAY_OUT)

    def put_checkpoint(self, note: str) -> None:
        self._put(self.checkpoint, note.encode())

    def put_policy(self, data: bytes) -> None:
        self._put(self.policy, data)

    def _grow_entries(self, start: int, leaves: Sequence[bytes]) -> None:
        first, before = divmod(start, WIDTH)
        entries = [*(self.entries(first, before) if before else ()), *leaves]
        for n, at in enumerate(range(0, len(entries), WIDTH), first):
            part = entries[at : at + WIDTH]
            self._put_tile(self.folder / entries_path(n, len(part)), tiles.bundle(part), full=len(part) == WIDTH)

    def _put_tile(self, path: Path, data: bytes, *, full: bool) -> None:
        self._put(path, data)
        if full:
            shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)

    def _put(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, data, MODE)
        flush_folder(path.parent)


def _at_least(exact: Path, width: int, full: Path) -> Iterator[Path]:
    """Where a tile of this width may be read from, the likeliest first."""
    yield exact
    if width < WIDTH:
        yield from sorted((f for f in exact.parent.glob("[1-9]*") if int(f.name) > width), key=lambda f: int(f.name))
        yield full
