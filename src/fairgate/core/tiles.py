"""The tree in static files: tiles of 256 hashes, and every proof out of them.

The idea. Cut the tree into pieces eight levels high and write down of each piece only its bottom row, 256 hashes. What
is between two rows can be made again by hashing. A full tile never changes, so that anybody may copy and keep it.

    level 2                                       tile/2/000.p/1          one hash: the root of the full tile below
    level 1                        tile/1/000                  tile/1/001.p/17
    level 0      tile/0/000  tile/0/001  …  tile/0/x001/000  …           leaf hashes
                                                                          a ledger of 70,000 leaves

The entries, the data behind the leaf hashes, stand in bundles that are cut like level 0. A partial tile, ".p/" and its
width, is there for the right edge of the tree, and gives way to the full one.

`read(level, index, width)` is how tiles get in here: it returns a tile's bytes. Nothing that comes out of a full tile
is used before the tile was hashed and compared with what the tile above says of it, so that a changed byte is found
and named. The hashes of the right edge have nothing above them but the root: compare `root` with a checkpoint.

Source: C2SP tlog-tiles.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fairgate.core.errors import BadInput
from fairgate.core.lines import HASH_BYTES
from fairgate.core.tree import EMPTY_ROOT, node_hash, root_of_hashes

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
ENTRY_MOST: Final = 0xFFFF  # bytes

Read = Callable[[int, int, int], bytes]

_AGAIN: Final = "fetch it again; where it stays so, the ledger's files are damaged or changed"


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile: its level, its place in the level, and its width in hashes (256 for a full one)."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        return tile_path(self.level, self.index, self.width)


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Where a tile is: (0, 1234067, 5) at "tile/0/x001/x234/067.p/5"."""
    return f"tile/{level}/{_numbered(index, width)}"


def entries_path(index: int, width: int = WIDTH) -> str:
    """Where the bundle of entries is that belongs to a tile of level 0."""
    return f"tile/entries/{_numbered(index, width)}"


def _numbered(index: int, width: int) -> str:
    assert index >= 0, "tiles are counted from 0"
    assert 0 < width <= WIDTH, "no tile is empty"
    *before, last = _thousands(index)
    part = f".p/{width}" if width < WIDTH else ""
    return "/".join([*(f"x{each}" for each in before), last]) + part


def _thousands(index: int) -> list[str]:
    above = _thousands(index // 1000) if index >= 1000 else []
    return [*above, f"{index % 1000:03}"]


def tiles(old_size: int, size: int) -> Iterator[Tile]:
    """The tiles of a tree of `size` leaves that one of `old_size` did not have as they are now; level 0 first.

    From 0, all tiles of the tree. Those of level 0 are the bundles of entries too.
    """
    assert 0 <= old_size <= size, "a ledger only grows"
    level, old, new = 0, old_size, size
    while new > old:
        for index in range(old // WIDTH, -(-new // WIDTH)):
            yield Tile(level, index, min(WIDTH, new - index * WIDTH))
        level, old, new = level + 1, old >> HEIGHT, new >> HEIGHT


def tile_count(old_size: int, size: int) -> int:
    """How many tiles `tiles` goes through, without doing so: a size may be anything that somebody wrote down."""
    count, old, new = 0, old_size, size
    while new > old:
        count += -(-new // WIDTH) - old // WIDTH
        old, new = old >> HEIGHT, new >> HEIGHT
    return count


def grown(old_size: int, leaf_hashes: Sequence[bytes], read: Read) -> Iterator[tuple[Tile, bytes]]:
    """The tiles to be written when these leaves come after `old_size` others, with their bytes; level 0 first.

    Of the old tree only its partial tiles are read.
    """
    level, old, hashes = 0, old_size, leaf_hashes
    while hashes:
        first, known = divmod(old, WIDTH)
        row = [*(_split(_exactly(read, Tile(level, first, known))) if known else []), *hashes]
        above = []
        for start in range(0, len(row), WIDTH):
            part = row[start : start + WIDTH]
            yield Tile(level, first + start // WIDTH, len(part)), b"".join(part)
            if len(part) == WIDTH:
                above.append(root_of_hashes(part))
        level, old, hashes = level + 1, old >> HEIGHT, above


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as a bundle: each behind its length, two bytes, the high one first."""
    assert all(len(entry) <= ENTRY_MOST for entry in entries), "a length has two bytes"
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_bundle(data: bytes, width: int, place: str) -> list[bytes]:
    """The `width` entries of a bundle; raises BadInput where it has more, fewer or a broken one."""
    entries, at = list[bytes](), 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or at + 2 > len(data):
            raise BadInput(place, f"is truncated: entry {len(entries)} is not whole", _AGAIN)
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) != width:
        raise BadInput(place, f"has {len(entries)} entries where {width} belong", _AGAIN)
    return entries


def root(size: int, read: Read) -> bytes:
    """The root of the tree of `size` leaves; raises BadInput, as all below, naming the tile that cannot be right."""
    return root_of_first(size, size, read)


def root_of_first(old: int, size: int, read: Read) -> bytes:
    """The root that a tree of `size` leaves had when it had `old` of them."""
    assert 0 <= old <= size, "a ledger only grows"
    return _Tree(size, read).over(0, old) if old else EMPTY_ROOT


def leaf(index: int, size: int, read: Read) -> bytes:
    """The hash of a leaf."""
    assert 0 <= index < size, "a leaf of this tree"
    return _Tree(size, read).node(0, index)


def inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """The hashes that lead from the leaf to the root (tree.verify_inclusion)."""
    assert 0 <= index < size, "a leaf of this tree"
    tree, proof, start, end = _Tree(size, read), list[bytes](), 0, size
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            proof.append(tree.over(middle, end))
            end = middle
        else:
            proof.append(tree.over(start, middle))
            start = middle
    return proof[::-1]


def consistency(old: int, size: int, read: Read) -> list[bytes]:
    """The hashes that show the first `old` leaves to be the beginning of all `size` (tree.verify_consistency)."""
    assert 0 <= old <= size, "a ledger only grows"
    if old in (0, size):
        return []
    tree, proof, start, end, known = _Tree(size, read), list[bytes](), 0, size, True
    while old < end:
        middle = _middle(start, end)
        if old <= middle:
            proof.append(tree.over(middle, end))
            end = middle
        else:
            proof.append(tree.over(start, middle))
            start, known = middle, False
    if not known:
        proof.append(tree.over(start, end))
    return proof[::-1]


def _middle(start: int, end: int) -> int:
    """Where the subtree over these leaves is split: its left half is complete."""
    return start + (1 << (end - start - 1).bit_length() - 1)


class _Tree:
    """Hashes of a tree of `size` leaves, each tile read and checked once."""

    def __init__(self, size: int, read: Read) -> None:
        self._size = size
        self._read = read
        self._rows: dict[tuple[int, int], list[bytes]] = {}

    def over(self, start: int, end: int) -> bytes:
        """The hash over the leaves from `start` to before `end`, where such a subtree is."""
        leaves = end - start
        if leaves & (leaves - 1) == 0:
            height = leaves.bit_length() - 1
            return self.node(height, start >> height)
        middle = _middle(start, end)
        return node_hash(self.over(start, middle), self.over(middle, end))

    def node(self, height: int, index: int) -> bytes:
        """The root of a complete subtree of 2**height leaves."""
        level, above = divmod(height, HEIGHT)
        first = index << above
        tile, place = divmod(first, WIDTH)
        return root_of_hashes(self._row(level, tile)[place : place + (1 << above)])

    def _row(self, level: int, index: int) -> list[bytes]:
        """A tile's hashes, checked against the tile above; a partial one has none above it."""
        row = self._rows.get((level, index))
        if row is None:
            tile = self._tile(level, index)
            row = _split(_exactly(self._read, tile))
            if tile.width == WIDTH and root_of_hashes(row) != self.node(HEIGHT * (level + 1), index):
                above = self._tile(level + 1, index // WIDTH)
                problem = f"its hashes do not come to what {above.path} has for it: one of the two was changed"
                raise BadInput(tile.path, problem, _AGAIN)
            self._rows[level, index] = row
        return row

    def _tile(self, level: int, index: int) -> Tile:
        return Tile(level, index, min(WIDTH, (self._size >> HEIGHT * level) - index * WIDTH))


def _exactly(read: Read, tile: Tile) -> bytes:
    """A tile's bytes, all of them."""
    data, expected = read(tile.level, tile.index, tile.width), tile.width * HASH_BYTES
    if len(data) != expected:
        problem = "is truncated" if len(data) < expected else "is too long"
        raise BadInput(tile.path, f"{problem}: it has {len(data)} bytes, not {expected}", _AGAIN)
    return data


def _split(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
