"""A proof that something is in a ledger, in one file that can be checked without a network.

    c2sp.org/tlog-proof@v1
    extra AAEC…                                   what else is needed to make the leaf again, if anything
    index 73894                                   the leaf's place
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=  the hashes from its neighbour up to the root
    …

    places.example.org/ledger                     the checkpoint, with all its signatures
    109482
    …

Source: C2SP tlog-proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fairgate.core.checkpoint import Checkpoint, parse_checkpoint
from fairgate.core.errors import BadInput, shown
from fairgate.core.lines import data_of, data_text, hash_of, number
from fairgate.core.note import NOTE_MOST, Note, note_text, parse_note
from fairgate.core.tree import verify_inclusion

FIRST_LINE = "c2sp.org/tlog-proof@v1"
HASHES_MOST = 63
PROOF_MOST = 2 * NOTE_MOST  # bytes

_WAY_OUT = "ask for the proof again; it must be whole and unchanged"


@dataclass(frozen=True, slots=True)
class Proof:
    """`hashes` lead from the leaf at `index` to the root of the checkpoint in `note`; nobody vouches for `extra`."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    def checkpoint(self) -> Checkpoint:
        """What `note` says, whoever signed it."""
        return parse_checkpoint(self.note, "proof")

    def includes(self, leaf: bytes) -> bool:
        """Whether the leaf of this hash is shown to stand at `index` of the checkpoint, whoever signed that."""
        head = self.checkpoint()
        return verify_inclusion(leaf, self.index, head.size, self.hashes, head.root)


def proof_text(proof: Proof) -> str:
    """The proof as a file."""
    extra = [] if proof.extra is None else [f"extra {data_text(proof.extra)}"]
    hashes = (data_text(each) for each in proof.hashes)
    return "\n".join([FIRST_LINE, *extra, f"index {proof.index}", *hashes, "", note_text(proof.note)])


def parse_proof(data: bytes, place: str) -> Proof:
    """The proof in a file; raises BadInput for everything that `proof_text` does not write."""
    if len(data) > PROOF_MOST:
        raise BadInput(place, f"has more than {PROOF_MOST} bytes", _WAY_OUT)
    head, between, below = data.partition(b"\n\n")
    if not between:
        raise BadInput(place, "has no checkpoint under an empty line", _WAY_OUT)
    first, *lines = head.decode("utf-8", "backslashreplace").split("\n")
    if first != FIRST_LINE:
        raise BadInput(place, f"{shown(first)} is not {FIRST_LINE}", _WAY_OUT)
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = data_of(lines.pop(0)[6:])
        if extra is None:
            raise BadInput(place, "its extra data are not base64", _WAY_OUT)
    index = number(lines[0][6:]) if lines and lines[0].startswith("index ") else None
    if index is None:
        raise BadInput(place, "does not say the leaf's index", _WAY_OUT)
    note = parse_note(below, place)
    if index >= parse_checkpoint(note, place).size:
        raise BadInput(place, f"its index {index} is outside its checkpoint's tree", _WAY_OUT)
    return Proof(index, _hashes(lines[1:], place), note, extra)


def _hashes(lines: Sequence[str], place: str) -> tuple[bytes, ...]:
    if len(lines) > HASHES_MOST:
        raise BadInput(place, f"has more than {HASHES_MOST} hashes", _WAY_OUT)
    hashes = []
    for line in lines:
        found = hash_of(line)
        if found is None:
            raise BadInput(place, f"{shown(line)} is not a hash of 32 bytes in base64", _WAY_OUT)
        hashes.append(found)
    return tuple(hashes)
