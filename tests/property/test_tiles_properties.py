"""Tiles and proofs out of them, for every small size and around every edge, against the tree that is kept in memory."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.core import tiles, tree
from ledgers import Published

EDGES = [0, 1, 2, 3, 254, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 66_000]
WHOLE = Published(66_000)


def at(size: int) -> tiles.Read:
    """The tiles of the ledger as they are at `size`."""
    sliced = {0: WHOLE.hashes[:size]}
    for level in (1, 2):
        below = sliced[level - 1]
        sliced[level] = [tree.root_of_hashes(below[i : i + 256]) for i in range(0, len(below) // 256 * 256, 256)]

    def read(level: int, index: int, width: int) -> bytes:
        row = sliced[level][index * 256 : (index + 1) * 256]
        assert len(row) == width, "only tiles that a tree of this size has are asked for"
        return b"".join(row)

    return read


read_of = cache(at)
root_of = cache(WHOLE.root)  # each takes all hashes before it


@pytest.mark.parametrize("size", EDGES)
def test_the_root_is_that_of_the_tree(size: int) -> None:
    assert tiles.root(size, read_of(size)) == root_of(size)


@pytest.mark.parametrize("size", EDGES[1:])
def test_every_leaf_near_an_edge_is_shown_as_the_tree_shows_it(size: int) -> None:
    for index in {each for edge in EDGES for each in (edge - 1, edge, edge + 1) if 0 <= each < size} | {size // 3}:
        assert tiles.leaf(index, size, read_of(size)) == WHOLE.hashes[index]
        proof = tiles.inclusion(index, size, read_of(size))
        assert tree.verify_inclusion(WHOLE.hashes[index], index, size, proof, root_of(size))


@pytest.mark.parametrize("size", EDGES)
def test_every_edge_is_shown_to_be_a_beginning(size: int) -> None:
    for old in (edge for edge in EDGES if edge <= size):
        proof = tiles.consistency(old, size, read_of(size))
        assert tree.verify_consistency(old, root_of(old), size, root_of(size), proof)


@pytest.mark.parametrize("size", range(1, 71))
def test_small_trees_have_the_same_proofs_hash_by_hash(size: int) -> None:
    read = at(size)
    hashes = WHOLE.hashes[:size]
    assert [tiles.inclusion(i, size, read) for i in range(size)] == [
        tree.inclusion_proof(hashes, i) for i in range(size)
    ]
    assert [tiles.consistency(old, size, read) for old in range(size + 1)] == [
        tree.consistency_proof(hashes, old) for old in range(size + 1)
    ]


@given(st.integers(1, 66_000), st.data())
@settings(max_examples=25, deadline=None)
def test_any_size_has_the_proofs_of_the_tree(size: int, data: st.DataObject) -> None:
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    read, hashes = at(size), WHOLE.hashes[:size]
    assert tiles.root(size, read) == root_of(size)
    assert tiles.inclusion(index, size, read) == tree.inclusion_proof(hashes, index)
    assert tiles.consistency(old, size, read) == tree.consistency_proof(hashes, old)


@given(st.lists(st.integers(0, 600), max_size=6))
@settings(max_examples=40, deadline=None)
def test_however_a_ledger_grows_it_comes_to_the_same_files(steps: list[int]) -> None:
    """What was written on the way is what a ledger written at once has, but for partial tiles in between."""
    grown, size = Published(), 0
    for step in steps:
        before = dict(grown.files)
        grown.grow(step)
        written = {path for path in grown.files if path not in before}
        expected = {tile.path for tile in tiles.tiles(size, size + step)}
        expected |= {tiles.entries_path(t.index, t.width) for t in tiles.tiles(size, size + step) if t.level == 0}
        assert written == expected
        assert before.items() <= grown.files.items()  # nothing that was published is written differently
        size += step
    assert Published(size).files.items() <= grown.files.items()
    assert tiles.root(size, grown.read) == grown.root()


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_is_read_as_it_was_written(entries: list[bytes]) -> None:
    assert tiles.parse_bundle(tiles.bundle(entries), len(entries), "here") == entries
