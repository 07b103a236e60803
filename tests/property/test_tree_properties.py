"""Trees of every size up to 70: each proof holds, each other proof is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.core import tree
from property.reference_draw import merkle

SIZES = range(71)
LEAVES = [b"leaf %d" % i for i in SIZES]
HASHES = [tree.leaf_hash(leaf) for leaf in LEAVES]
ROOTS = [merkle(LEAVES[:size]) for size in SIZES]


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_that_of_the_definition_at_once_and_leaf_by_leaf(size: int) -> None:
    frontier = tree.Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    assert tree.root(LEAVES[:size]) == frontier.root() == ROOTS[size]
    assert len(frontier.edge) == size.bit_count()


@pytest.mark.parametrize("size", [4095, 4096, 4097, 8192, 8193, 12_289])
def test_the_root_is_that_of_the_definition_where_leaves_are_hashed_in_batches(size: int) -> None:
    leaves = [b"leaf %d" % i for i in range(size)]
    assert tree.root(iter(leaves)) == merkle(leaves)


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_is_shown_to_be_where_it_is_and_nowhere_else(size: int) -> None:
    for index in range(size):
        proof = tree.inclusion_proof(HASHES[:size], index)
        assert len(proof) <= (size - 1).bit_length()
        assert tree.verify_inclusion(HASHES[index], index, size, proof, ROOTS[size])
        assert not tree.verify_inclusion(HASHES[index - 1], index, size, proof, ROOTS[size]) or size == 1
        elsewhere = [i for i in range(size) if tree.verify_inclusion(HASHES[index], i, size, proof, ROOTS[size])]
        assert elsewhere == [index]


@pytest.mark.parametrize("size", SIZES)
def test_every_earlier_tree_is_shown_to_be_the_beginning(size: int) -> None:
    for old in range(size + 1):
        proof = tree.consistency_proof(HASHES[:size], old)
        assert tree.verify_consistency(old, ROOTS[old], size, ROOTS[size], proof)
        if old > 0:
            assert not tree.verify_consistency(old, ROOTS[old - 1], size, ROOTS[size], proof)
            assert not tree.verify_consistency(old, ROOTS[old], size, ROOTS[size - 1], proof)


@given(st.integers(1, 70), st.data())
def test_a_tampered_proof_of_inclusion_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion_proof(HASHES[:size], index)
    other = data.draw(tampered(proof))
    assert not tree.verify_inclusion(HASHES[index], index, size, other, ROOTS[size])


@given(st.integers(2, 70), st.data())
def test_a_tampered_proof_of_consistency_is_refused(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size - 1))
    proof = tree.consistency_proof(HASHES[:size], old)
    other = data.draw(tampered(proof))
    assert not tree.verify_consistency(old, ROOTS[old], size, ROOTS[size], other)


@given(st.integers(2, 70), st.data())
def test_a_log_that_changed_an_old_leaf_cannot_show_consistency(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    rewritten = [*HASHES[:changed], tree.leaf_hash(b"rewritten"), *HASHES[changed + 1 : size]]
    proof = tree.consistency_proof(rewritten, old)
    assert not tree.verify_consistency(old, ROOTS[old], size, tree.root_of_hashes(rewritten), proof)


@st.composite
def tampered(draw: st.DrawFn, proof: list[bytes]) -> list[bytes]:
    """The proof with one hash changed, added, or taken out, or two exchanged."""
    ways = ["add"] + (["change", "drop"] if proof else []) + (["swap"] if len(proof) > 1 else [])
    way, other = draw(st.sampled_from(ways)), list(proof)
    if way == "add":
        other.insert(draw(st.integers(0, len(proof))), draw(st.sampled_from(HASHES)))
    elif way == "change":
        i, bit = draw(st.integers(0, len(proof) - 1)), draw(st.integers(0, 255))
        other[i] = (int.from_bytes(proof[i], "big") ^ 1 << bit).to_bytes(32, "big")
    elif way == "drop":
        other.pop(draw(st.integers(0, len(proof) - 1)))
    else:
        i = draw(st.integers(0, len(proof) - 2))
        other[i], other[i + 1] = other[i + 1], other[i]
    return other
