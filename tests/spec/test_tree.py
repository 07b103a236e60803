"""The Merkle tree of RFC 6962, against its definition written out and against answers worked out by hand."""

from hashlib import sha256

import pytest

from fairgate.core import tree
from property.reference_draw import merkle

# data of very different lengths, as in a certificate log
LEAVES = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
H = [tree.leaf_hash(leaf) for leaf in LEAVES]


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert tree.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_leaf_is_hashed_behind_a_zero_byte_and_a_node_behind_a_one() -> None:
    assert tree.root([b""]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree.leaf_hash(b"a") == sha256(b"\x00a").digest()
    assert tree.node_hash(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_the_roots_of_eight_known_leaves(size: int, expected: str) -> None:
    assert tree.root(LEAVES[:size]).hex() == expected
    assert merkle(LEAVES[:size]).hex() == expected


def test_five_leaves_by_hand() -> None:
    ab, cd = node(H[0], H[1]), node(H[2], H[3])
    abcd = node(ab, cd)
    assert tree.root(LEAVES[:5]) == node(abcd, H[4])
    assert tree.inclusion_proof(H[:5], 2) == [H[3], ab, H[4]]
    assert tree.inclusion_proof(H[:5], 4) == [abcd]
    assert tree.consistency_proof(H[:5], 3) == [H[2], H[3], ab, H[4]]
    assert tree.consistency_proof(H[:5], 4) == [H[4]]


def test_a_frontier_keeps_the_complete_subtrees_of_the_right_edge() -> None:
    frontier = tree.Frontier()
    for leaf in LEAVES[:5]:
        frontier.append(leaf)
    assert frontier.edge == [tree.root(LEAVES[:4]), H[4]]
    again = tree.Frontier(frontier.size, frontier.edge)
    again.append(LEAVES[5])
    assert again.root() == tree.root(LEAVES[:6])
    assert frontier.root() == tree.root(LEAVES[:5])  # the stored edge is copied, not shared


def test_nothing_is_to_be_shown_of_an_empty_or_an_unchanged_tree() -> None:
    root = tree.root(LEAVES)
    assert tree.consistency_proof(H, 0) == tree.consistency_proof(H, 8) == []
    assert tree.verify_consistency(0, tree.EMPTY_ROOT, 8, root, [])
    assert tree.verify_consistency(8, root, 8, root, [])
    assert not tree.verify_consistency(0, root, 8, root, [])
    assert not tree.verify_consistency(8, root, 8, root, [H[0]])
    assert not tree.verify_consistency(8, tree.EMPTY_ROOT, 8, root, [])


@pytest.mark.parametrize(("index", "size"), [(-1, 8), (8, 8), (0, 0), (3, 2)])
def test_a_leaf_outside_the_tree_is_never_included(index: int, size: int) -> None:
    assert not tree.verify_inclusion(H[0], index, size, [], H[0])


@pytest.mark.parametrize(("old_size", "size"), [(-1, 8), (9, 8)])
def test_sizes_that_cannot_be_are_never_consistent(old_size: int, size: int) -> None:
    assert not tree.verify_consistency(old_size, H[0], size, tree.root(LEAVES), [])
