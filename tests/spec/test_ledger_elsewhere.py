"""The same ledger, made by another program: what Go's own library of transparent logs has for it, to the byte.

The numbers were computed once by x/mod/sumdb (tlog: StoredHashes, TreeHash, ProveRecord, ProveTree, ReadTileData; note:
Sign) from the 70,000 leaves alone; each is the SHA-256 of all answers behind each other.
"""

from hashlib import sha256

from fairgate.core import tiles
from ledgers import Published

SIZE = 70_000
LEDGER = Published(SIZE)
LEAVES = (0, 1, 255, 256, 257, 65_535, 65_536, 69_887, 69_888, 69_999)
OLD_SIZES = (1, 2, 255, 256, 257, 511, 65_535, 65_536, 65_537, 69_887, 69_888, 69_999)


def digest(*parts: bytes) -> str:
    return sha256(b"".join(parts)).hexdigest()


def test_the_root() -> None:
    assert LEDGER.root().hex() == "2903d3fa8a0cae7fb15fc4de48578ed73e3301002a99e1a9ed1c64706814fbb0"
    assert tiles.root(SIZE, LEDGER.read) == LEDGER.root()


def test_the_proofs_of_inclusion() -> None:
    hashes = [each for index in LEAVES for each in tiles.inclusion(index, SIZE, LEDGER.read)]
    assert digest(*hashes) == "18b094a7b3272b8da501a0e55d6a6b0e7674d6fde5e0ada9a366419bbb344562"


def test_the_proofs_of_consistency() -> None:
    hashes = [each for old in OLD_SIZES for each in tiles.consistency(old, SIZE, LEDGER.read)]
    assert digest(*hashes) == "235ad5911cc33e4a3e1d82a89b57937fa989fbb9ca20ac6a6726e1f1c826d4c3"


def test_every_tile_with_its_name() -> None:
    """Go names the height of tiles in their path; C2SP leaves it out, as it is always 8."""
    parts = [tile.path.replace("tile/", "tile/8/").encode() + LEDGER.files[tile.path] for tile in tiles.tiles(0, SIZE)]
    assert digest(*parts) == "e3ecf2f41633305e2173a0a60f77e7181b6fe22e6574e7f2b3cc0fc20446a0c3"


def test_the_signed_checkpoint() -> None:
    assert digest(LEDGER.signed()) == "cc2ea3dafb05993b5e8c4f8fc682d9eb22a0f7ccace724a1b2e3e1f42a5bec6d"
