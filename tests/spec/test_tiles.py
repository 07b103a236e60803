"""The tree in files: names, which tiles a tree has, bundles of entries, and what is said of a damaged tile."""

from hashlib import sha256

import pytest

from fairgate.core import tiles, tree
from fairgate.core.errors import BadInput
from fairgate.core.tiles import Tile
from ledgers import Published


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 7, 12, "tile/0/007.p/12"),
        (1, 999, 256, "tile/1/999"),
        (0, 1000, 256, "tile/0/x001/000"),
        (3, 1_234_067, 256, "tile/3/x001/x234/067"),
        (0, 1_234_067, 5, "tile/0/x001/x234/067.p/5"),
        (0, 1_000_000_000, 256, "tile/0/x001/x000/x000/000"),
    ],
)
def test_where_a_tile_is(level: int, index: int, width: int, path: str) -> None:
    assert tiles.tile_path(level, index, width) == path
    assert tiles.entries_path(index, width) == path.replace(f"tile/{level}/", "tile/entries/")


def test_the_tiles_of_seventy_thousand_leaves_are_those_of_the_specification() -> None:
    found = list(tiles.tiles(0, 70_000))
    assert [tile for tile in found if tile.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert sum(tile.level == 0 for tile in found) == 274
    assert sum(tile.level == 1 for tile in found) == 2


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        (0, 0, []),
        (5, 5, []),
        (0, 1, ["tile/0/000.p/1"]),
        (0, 255, ["tile/0/000.p/255"]),
        (0, 256, ["tile/0/000", "tile/1/000.p/1"]),
        (255, 256, ["tile/0/000", "tile/1/000.p/1"]),
        (256, 257, ["tile/0/001.p/1"]),
        (10, 600, ["tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"]),
        (65_535, 65_536, ["tile/0/255", "tile/1/000", "tile/2/000.p/1"]),
        (65_536, 65_537, ["tile/0/256.p/1"]),
    ],
)
def test_which_tiles_are_new_when_a_ledger_grows(old: int, new: int, paths: list[str]) -> None:
    assert [tile.path for tile in tiles.tiles(old, new)] == paths


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (255, 256), (10, 600), (600, 66_000), (65_535, 70_000)])
def test_how_many_tiles_are_new(old: int, new: int) -> None:
    assert tiles.tile_count(old, new) == len(list(tiles.tiles(old, new)))


def test_the_number_of_tiles_of_any_size_is_known_at_once() -> None:
    assert tiles.tile_count(0, 1 << 62) == sum(1 << 62 - 8 * level for level in range(1, 8)) + 1


def test_a_tile_is_the_hashes_side_by_side_and_the_next_level_its_root() -> None:
    """Worked out from the definition, MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])."""
    ledger = Published(600)
    leaves = [sha256(b"\x00" + entry).digest() for entry in ledger.entries]
    assert ledger.files["tile/0/001"] == b"".join(leaves[256:512])
    assert ledger.files["tile/0/002.p/88"] == b"".join(leaves[512:])
    assert ledger.files["tile/1/000.p/2"] == tree.root(ledger.entries[:256]) + tree.root(ledger.entries[256:512])


def test_a_bundle_has_each_entry_behind_its_length() -> None:
    entries = [b"", b"ab", b"x" * 65_535]
    data = tiles.bundle(entries)
    assert data[:6] == b"\x00\x00\x00\x02ab"
    assert data[6:8] == b"\xff\xff"
    assert tiles.parse_bundle(data, 3, "here") == entries


@pytest.mark.parametrize(
    ("data", "width", "problem"),
    [
        (b"\x00\x02ab", 2, "has 1 entries where 2 belong"),
        (b"\x00\x02ab\x00\x00", 1, "has 2 entries where 1 belong"),
        (b"\x00\x02a", 1, "truncated: entry 0"),
        (b"\x00\x02ab\x00", 1, "truncated: entry 1"),
        (b"\x00\x02ab\x00", 2, "truncated: entry 1"),
        (b"", 1, "has 0 entries where 1 belong"),
    ],
)
def test_a_bundle_that_is_not_whole_is_refused(data: bytes, width: int, problem: str) -> None:
    with pytest.raises(BadInput, match=f"^tile/entries/000: .*{problem}"):
        tiles.parse_bundle(data, width, "tile/entries/000")


LARGE = Published(70_000)


def asked(files: dict[str, bytes]) -> tiles.Read:
    return lambda level, index, width: files[tiles.tile_path(level, index, width)]


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"])
@pytest.mark.parametrize("cut", [1, 32])
def test_a_truncated_tile_is_named(path: str, cut: int) -> None:
    read = asked({**LARGE.files, path: LARGE.files[path][:-cut]})
    with pytest.raises(BadInput, match=f"^{path}: is truncated"):
        [tiles.inclusion(index, 70_000, read) for index in (0, 69_998, 69_999)]


def test_a_tile_with_something_behind_it_is_named() -> None:
    read = asked({**LARGE.files, "tile/0/000": LARGE.files["tile/0/000"] + b"\n"})
    with pytest.raises(BadInput, match=r"^tile/0/000: is too long: it has 8193 bytes, not 8192"):
        tiles.leaf(0, 70_000, read)


@pytest.mark.parametrize(
    ("path", "above"),
    [("tile/0/000", "tile/1/000"), ("tile/0/272", "tile/1/001.p/17"), ("tile/1/000", "tile/2/000.p/1")],
)
def test_a_changed_byte_is_found_against_the_tile_above(path: str, above: str) -> None:
    changed = bytearray(LARGE.files[path])
    changed[5_000] ^= 1
    index = int(path[-3:]) * 256 if path.startswith("tile/0") else 0
    read = asked({**LARGE.files, path: bytes(changed)})
    with pytest.raises(BadInput, match=f"^{path}: its hashes do not come to what {above} has for it"):
        tiles.leaf(index, 70_000, read)
    with pytest.raises(BadInput, match=f"^{path}: "):
        tiles.inclusion(index, 70_000, read)


@pytest.mark.parametrize("path", ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"])
def test_a_changed_byte_on_the_right_edge_changes_the_root(path: str) -> None:
    changed = bytearray(LARGE.files[path])
    changed[-1] ^= 1
    assert tiles.root(70_000, asked({**LARGE.files, path: bytes(changed)})) != LARGE.root()
    assert tiles.root(70_000, LARGE.read) == LARGE.root()


def test_a_proof_reads_a_handful_of_tiles() -> None:
    LARGE.read_paths.clear()
    tiles.inclusion(5, 70_000, LARGE.read)
    assert len(LARGE.read_paths) == len(set(LARGE.read_paths)) <= 6
    LARGE.read_paths.clear()
    tiles.root(70_000, LARGE.read)
    assert sorted(LARGE.read_paths) == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
