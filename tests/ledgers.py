"""Ledgers for tests, of leaves that cost nothing, and the tiles that they are published as."""

from hashlib import sha256
from typing import Any

from fairgate.core import tiles, tree
from fairgate.core.checkpoint import Checkpoint
from fairgate.core.note import COSIGNATURE, Note, NoteSigner, note_text, with_signature

ORIGIN = "places.example.org/ledger"
LOG = NoteSigner(b"L" * 32, ORIGIN)
WITNESSES = [NoteSigner(bytes((n,)) * 32, f"witness.example.org/w{n}", COSIGNATURE) for n in (1, 2, 3)]
AT = 1_800_000_000  # seconds


class Published:
    """A ledger in memory: leaf data (32 bytes each), and its tiles and bundles by their path.

    It is made when it is first looked at: large ones are constants of files of which a worker runs few.
    """

    entries: list[bytes]
    hashes: list[bytes]
    files: dict[str, bytes]

    def __init__(self, size: int = 0, story: str = "") -> None:
        self.read_paths: list[str] = []
        self._first = size, story

    def __getattr__(self, name: str) -> Any:
        if name not in Published.__annotations__:
            raise AttributeError(name)
        self.entries, self.hashes, self.files = [], [], {}
        self.grow(*self._first)
        return self.__dict__[name]

    def grow(self, by: int, story: str = "") -> None:
        """Add leaves that depend on their place and on `story`."""
        old = len(self.entries)
        self.entries += [sha256(b"%d %s" % (at, story.encode())).digest() for at in range(old, old + by)]
        self.hashes += [tree.leaf_hash(entry) for entry in self.entries[old:]]
        for tile, data in list(tiles.grown(old, self.hashes[old:], self.read)):
            self.files[tile.path] = data
            if tile.level == 0:
                first = tile.index * tiles.WIDTH
                part = self.entries[first : first + tile.width]
                self.files[tiles.entries_path(tile.index, tile.width)] = tiles.bundle(part)

    def read(self, level: int, index: int, width: int) -> bytes:
        path = tiles.tile_path(level, index, width)
        self.read_paths.append(path)
        return self.files[path]

    @property
    def size(self) -> int:
        return len(self.entries)

    def root(self, size: int | None = None) -> bytes:
        return tree.root_of_hashes(self.hashes[:size])

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        return Checkpoint(ORIGIN, self.size if size is None else size, self.root(size))

    def note(self, size: int | None = None, signer: NoteSigner = LOG) -> Note:
        """The checkpoint at a size, signed by the ledger."""
        text = self.checkpoint(size).text()
        return with_signature(Note(text), signer.sign(text))

    def signed(self, size: int | None = None, signer: NoteSigner = LOG) -> bytes:
        return note_text(self.note(size, signer)).encode()
