"""The Merkle tree of RFC 6962: one hash that stands for a whole list, and short proofs about it.

The idea. Hash every leaf; then hash neighbours in pairs, the results in pairs, and so on, until one hash is
left: the root. Who knows the root can be shown with a handful of hashes (20 for a million leaves) that a
leaf is in the list (inclusion), and that an older list is the beginning of a newer one, with nothing
changed or taken out (consistency).

What it guarantees. Leaves are hashed behind a byte 00 and nodes behind a byte 01, so that a node can never
pass for a leaf. Changing, adding, removing or moving a leaf changes the root, unless someone
finds two inputs with the same SHA-256.

Example with 5 leaves a b c d e; a node is written as the leaves under it:

                   abcde
                  /     \\
              abcd       e        a subtree is complete (a power of two leaves) except on the right edge
             /    \\
           ab      cd             inclusion of c in abcde:   d, ab, e
          /  \\    /  \\            consistency of abc -> abcde:   c, d, ab, e
         a    b  c    d           frontier of 5 leaves:   abcd, e

Sources: RFC 6962 section 2.1; the two verifications follow RFC 9162 section 2.1.3 and 2.1.4.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import islice

EMPTY_ROOT = sha256(b"").digest()
_BATCH = 1 << 12  # leaves whose hashes fit into a processor's cache


def leaf_hash(data: bytes) -> bytes:
    """The hash under which a leaf with this data stands in the tree."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children's hashes."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over the leaves' data, in their order; of no leaves, SHA-256 of nothing.

    A power of two leaves have a node of their own wherever they begin at a multiple of it. So each such batch is
    hashed up to its node before the next is looked at, and of ten million leaves a few thousand hashes are kept.
    """
    hash_of, rest = sha256, iter(leaves)  # a local name: this runs for every line of a million
    nodes = []
    while batch := [hash_of(b"\x00" + data).digest() for data in islice(rest, _BATCH)]:
        nodes.append(root_of_hashes(batch))
    return root_of_hashes(nodes)


def root_of_hashes(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes. A last hash without a neighbour moves up a level as it is."""
    if not hashes:
        return EMPTY_ROOT
    hash_of, level = sha256, list(hashes)
    while len(level) > 1:
        alone = level[-1:] if len(level) % 2 else []
        level = [hash_of(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level += alone
    return level[0]


class Frontier:
    """The right edge of a growing tree: all that appending and the root need, about log2(size) hashes.

    `edge` holds the roots of the complete subtrees from left to right, one for each bit set in `size`,
    the highest bit first. It may be stored and handed to the constructor again.
    """

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        assert len(edge) == size.bit_count(), "one complete subtree for each bit of the size"
        self.size = size
        self.edge = list(edge)

    def append(self, data: bytes) -> None:
        """Add a leaf by its data (not by its hash). Full neighbours are joined as carries are in counting."""
        node, carry = leaf_hash(data), self.size
        while carry & 1:
            node = node_hash(self.edge.pop(), node)
            carry >>= 1
        self.edge.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root over everything appended so far."""
        if not self.edge:
            return EMPTY_ROOT
        *rest, node = self.edge
        for left in reversed(rest):
            node = node_hash(left, node)
        return node


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root, the nearest neighbour first."""
    assert 0 <= index < len(leaf_hashes), "a leaf of this tree"
    proof: list[bytes] = []
    part = leaf_hashes
    while len(part) > 1:
        split = _split(len(part))
        if index < split:
            proof.append(root_of_hashes(part[split:]))
            part = part[:split]
        else:
            proof.append(root_of_hashes(part[:split]))
            part, index = part[split:], index - split
    return proof[::-1]


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes that show the first `old_size` leaves to be the beginning of all of them.

    Empty when there is nothing to show: the old tree was empty, or nothing was added.
    """
    assert 0 <= old_size <= len(leaf_hashes), "an earlier size of this tree"
    if old_size in (0, len(leaf_hashes)):
        return []
    proof: list[bytes] = []
    part, old, known = leaf_hashes, old_size, True  # known: the old root itself is the root of `part`
    while old < len(part):
        split = _split(len(part))
        if old <= split:
            proof.append(root_of_hashes(part[split:]))
            part = part[:split]
        else:
            proof.append(root_of_hashes(part[:split]))
            part, old, known = part[split:], old - split, False
    if not known:
        proof.append(root_of_hashes(part))
    return proof[::-1]


def _split(size: int) -> int:
    """The largest power of two below `size`: the leaves of the left subtree."""
    return 1 << (size - 1).bit_length() - 1


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf hash `leaf` stands at `index` in the tree of `size` leaves that has this root."""
    if not 0 <= index < size:
        return False
    node, place, last = leaf, index, size - 1
    for neighbour in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(neighbour, node)
            # the last node of a level without a neighbour moved up: skip those levels
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, neighbour)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `old_size` leaves and `old_root` is the beginning of that of `size` and `root`."""
    if not 0 <= old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)  # a complete old tree is a node of the new one and is not sent again
    if not path:
        return False
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for neighbour in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(neighbour, old), node_hash(neighbour, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, neighbour)
        place, last = place >> 1, last >> 1
    return last == 0 and old == old_root and new == root
