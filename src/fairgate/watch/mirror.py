"""An observer's copy of a ledger: fetched, checked against its signed checkpoint and against itself, and then kept.

    checkpoint          the last one that was found right, with its signatures
    tile/…              tiles and bundles of entries, under the names that the ledger has them under
    incoming/tile/…     what was fetched and is not found right yet; a run that was cut off goes on from it
    forks/…             two checkpoints of which the second does not continue the first

What is checked of everything new. Each entry hashes to its place in a tile of level 0; each hash of a tile above is the
root of the tile below it; the tiles at the right edge come to the root that the checkpoint signs. And the first leaves
come to the root that was mirrored before, so that nothing of it has changed.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from fairgate.core import tiles
from fairgate.core.checkpoint import Checkpoint, parse_checkpoint
from fairgate.core.errors import BadInput
from fairgate.core.lines import HASH_BYTES
from fairgate.core.note import Note, note_text, parse_note
from fairgate.core.tiles import HEIGHT, WIDTH, Tile, entries_path
from fairgate.core.tree import EMPTY_ROOT, leaf_hash, root_of_hashes
from fairgate.store.files import flush_folder, put
from fairgate.watch import contradictions
from fairgate.watch.fetching import Source

AT_ONCE: Final = 64  # tiles fetched before they are looked at
_PUBLIC: Final = 0o644

Advance = Callable[[int], None]


class NotAsSigned(Exception):  # noqa: N818  a result, not a defect
    """The ledger's files are not what its checkpoint says; `str()` names the first that is wrong. None was kept."""


class TwoFaces(Exception):  # noqa: N818  a result, not a defect
    """The ledger shows a checkpoint that does not continue the one mirrored before; `place` has both."""

    def __init__(self, problem: str, place: Path) -> None:
        super().__init__(problem)
        self.place = place


class _Differs(Exception):  # noqa: N818  inside of this module
    """Something new does not fit what is signed, or what was mirrored before."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint and the note that it is from."""

    note: Note
    checkpoint: Checkpoint


def kept(folder: Path) -> Kept | None:
    """What the mirror at `folder` has; None where nothing was mirrored yet. Raises BadInput."""
    place = folder / "checkpoint"
    return read_checkpoint(place.read_bytes(), str(place)) if place.exists() else None


def read_checkpoint(data: bytes, place: str) -> Kept:
    """A checkpoint in a file or answer; raises BadInput."""
    note = parse_note(data, place)
    return Kept(note, parse_checkpoint(note, place))


def mirror(
    folder: Path, old: Kept | None, new: Kept, source: Source, now: float, advance: Advance = lambda _: None
) -> None:
    """Bring the mirror at `folder` from `old` to `new`, or raise NotAsSigned or TwoFaces and leave it as it was.

    Whether `new` is signed by those who are to be believed has been asked before. It has as many leaves as `old`, or
    more. `now` in seconds, for evidence.
    """
    before = old.checkpoint if old else Checkpoint(new.checkpoint.origin, 0, EMPTY_ROOT)
    if old is not None:
        _sound(folder, old)
    if old is not None and before.size == new.checkpoint.size:
        if before.root != new.checkpoint.root:
            raise TwoFaces(f"it has another root for the same {before.size} leaves", _keep(folder, old, new, now))
        return
    coming = _Coming(folder, before.size, new.checkpoint.size, source)
    try:
        coming.fetch(advance)
        coming.compare(before, new.checkpoint)
    except _Differs as fault:
        if old is not None and _is_another_tree(old.checkpoint, new.checkpoint, source):
            coming.forget()
            raise TwoFaces(str(fault), _keep(folder, old, new, now)) from None
        raise NotAsSigned(str(fault)) from None
    coming.settle()
    put(folder / "checkpoint", note_text(new.note).encode(), _PUBLIC)
    flush_folder(folder)
    coming.drop_old_edge()


def compare(folder: Path, old: Kept, other: Kept, now: float) -> bool:
    """Whether another's checkpoint of the same ledger agrees with the mirror: False where it has more leaves than that.

    Raises TwoFaces where it does not agree. `now` in seconds, for evidence.
    """
    size = other.checkpoint.size
    if size > old.checkpoint.size:
        return False
    if _sound(folder, old).root(size) != other.checkpoint.root:
        problem = f"its first {size} leaves have another root there than here"
        raise TwoFaces(problem, _keep(folder, old, other, now))
    return True


def _sound(folder: Path, old: Kept) -> "_Kept":
    """The copy, which must come to the root of its own checkpoint: a damaged disk is no fault of the ledger."""
    copy = _Kept(folder, old.checkpoint.size)
    if copy.root(old.checkpoint.size) != old.checkpoint.root:
        raise BadInput(str(folder), "was changed since it was mirrored", "mirror the ledger into a new folder")
    return copy


def _keep(folder: Path, old: Kept, other: Kept, now: float) -> Path:
    return contradictions.keep(folder / "forks", old.note, other.note, other.checkpoint, now)


def _is_another_tree(old: Checkpoint, new: Checkpoint, source: Source) -> bool:
    """Whether the ledger's tiles, fetched anew, come to its new root, and their first leaves to another than mirrored.

    Then it was no damage on the way that made the difference: there are two trees.
    """

    def read(level: int, index: int, width: int) -> bytes:
        path = tiles.tile_path(level, index, width)
        return (source.get(path) or source.get(tiles.tile_path(level, index)) or b"")[: width * HASH_BYTES]

    try:
        is_whole = tiles.root(new.size, read) == new.root
        return is_whole and tiles.root_of_first(old.size, new.size, read) != old.root
    except BadInput:
        return False


class _Kept:
    """The tiles in `folder` of a tree of `size` leaves."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self._size = size

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves."""
        return tiles.root_of_first(size, self._size, self.read)

    def read(self, level: int, index: int, width: int) -> bytes:
        return self.file(tiles.tile_path(level, index, width))

    def file(self, path: str) -> bytes:
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            raise BadInput(str(self._folder / path), "is not there", "mirror the ledger into a new folder") from None


class _Coming(_Kept):
    """The tiles of a mirror that grows from `old` to `size` leaves: those on their way, and behind them those kept."""

    def __init__(self, folder: Path, old: int, size: int, source: Source) -> None:
        super().__init__(folder, size)
        self._before = _Kept(folder, old)
        self._old = old
        self._incoming = folder / "incoming"
        self._source = source

    def file(self, path: str) -> bytes:
        draft = self._incoming / path
        return draft.read_bytes() if draft.exists() else super().file(path)

    def fetch(self, advance: Advance) -> None:
        """Fetch what is not there yet, and check each piece against what stands below it."""
        news = tiles.tiles(self._old, self._size)  # never a list: their number is only what somebody signed
        while part := list(islice(news, AT_ONCE)):
            wanted = [(path, tile) for tile in part for path in _paths(tile) if not (self._incoming / path).exists()]
            for (path, tile), (_, data) in zip(wanted, self._source.many([path for path, _ in wanted]), strict=True):
                self._take_in(path, self._whole(path, tile) if data is None else data)
            for tile in part:
                self._check(tile)
            advance(len(part))

    def _whole(self, path: str, tile: Tile) -> bytes:
        """The beginning of the full tile or bundle, where the partial one is gone."""
        full = path.partition(".p/")[0]
        data = self._source.get(full) if tile.width < WIDTH else None
        if data is None:
            raise _Differs(f"{path} is not there, though the checkpoint counts its leaves")
        if path == tile.path:
            return data[: tile.width * HASH_BYTES]
        return tiles.bundle(_parsed(data, WIDTH, full)[: tile.width])

    def _take_in(self, path: str, data: bytes) -> None:
        """Write a file that is whole or not there if we are killed. What a power cut leaves is found by checking."""
        place = self._incoming / path
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.new")
        draft.write_bytes(data)
        draft.rename(place)

    def _check(self, tile: Tile) -> None:
        """A new tile against what it is made of. Where it is wrong both are forgotten, and fetched again next time."""
        try:
            row = self.file(tile.path)
            if len(row) != tile.width * HASH_BYTES:
                problem = "is truncated" if len(row) < tile.width * HASH_BYTES else "is too long"
                raise _Differs(f"{tile.path} {problem}: it has {len(row)} bytes, not {tile.width * HASH_BYTES}")
            below = self._leaves(tile) if tile.level == 0 else self._roots(tile)
            for place, (found, expected) in enumerate(zip(_split(row), below, strict=True)):
                if found != expected:
                    raise _Differs(f"{tile.path}: its hash {place} is not that of what stands below it")
        except _Differs:
            for path in _paths(tile):
                (self._incoming / path).unlink(missing_ok=True)
            raise

    def _leaves(self, tile: Tile) -> Iterator[bytes]:
        """The leaf hashes of a bundle's entries."""
        path = entries_path(tile.index, tile.width)
        return (leaf_hash(entry) for entry in _parsed(self.file(path), tile.width, path))

    def _roots(self, tile: Tile) -> Iterator[bytes]:
        """The roots of the tiles below; of those that were there before, what was mirrored then."""
        known = max(0, (self._old >> HEIGHT * tile.level) - tile.index * WIDTH)
        if known:
            yield from _split(self._before.read(tile.level, tile.index, known))  # as wide as it was in that tree
        for place in range(known, tile.width):
            yield root_of_hashes(_split(self.read(tile.level - 1, tile.index * WIDTH + place, WIDTH)))

    def compare(self, before: Checkpoint, new: Checkpoint) -> None:
        """Both roots, out of the tiles as they are now."""
        try:
            if self.root(before.size) != before.root:
                raise _Differs(f"its first {before.size} leaves are not those mirrored before")
            if self.root(new.size) != new.root:
                raise _Differs(f"its tiles do not come to the root of its checkpoint of {new.size} leaves")
        except _Differs:
            self.forget()
            raise

    def forget(self) -> None:
        """What came in."""
        shutil.rmtree(self._incoming, ignore_errors=True)

    def settle(self) -> None:
        """Give what came in its place, and let all of it reach the disk."""
        for tile in tiles.tiles(self._old, self._size):
            for path in _paths(tile):
                place = self._folder / path
                place.parent.mkdir(parents=True, exist_ok=True)
                (self._incoming / path).rename(place)
        self.forget()
        os.sync()

    def drop_old_edge(self) -> None:
        """Forget the partial tiles that wider ones have replaced."""
        level = 0
        while (before := self._old >> HEIGHT * level) > 0:
            edge = Tile(level, before // WIDTH, before % WIDTH)
            if edge.width and before != self._size >> HEIGHT * level:
                for path in _paths(edge):
                    (self._folder / path).unlink(missing_ok=True)
            level += 1


def _paths(tile: Tile) -> list[str]:
    """A tile's own file, and the bundle of its entries."""
    return [tile.path, entries_path(tile.index, tile.width)] if tile.level == 0 else [tile.path]


def _parsed(data: bytes, width: int, path: str) -> list[bytes]:
    try:
        return tiles.parse_bundle(data, width, path)
    except BadInput as fault:
        raise _Differs(f"{path} {fault.problem}") from None


def _split(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
