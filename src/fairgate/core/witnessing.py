"""What a witness decides: whether a ledger's new checkpoint only adds to the one that it saw last.

    old 5                                         leaves of the checkpoint that the witness is thought to have seen
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=  the proof that those are the beginning of the new ones
    …

    places.example.org/ledger                     the new checkpoint, signed by the ledger
    8
    …

A witness remembers of each ledger one checkpoint, the largest. So whoever has a witness's cosignature knows that
everybody else with one saw the same ledger: to show two people two ledgers, two checkpoints would have to be cosigned
of which neither continues the other.

Source: C2SP tlog-witness.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from fairgate.core.checkpoint import Checkpoint, parse_checkpoint
from fairgate.core.errors import BadInput
from fairgate.core.lines import data_text, hash_of, number
from fairgate.core.note import NOTE_MOST, Key, Note, parse_note, verified
from fairgate.core.tree import EMPTY_ROOT, verify_consistency

PROOF_MOST: Final = 63  # hashes
REQUEST_MOST: Final = NOTE_MOST + PROOF_MOST * 45 + 64  # bytes

_PLACE: Final = "request"
_FORM: Final = "send it as C2SP tlog-witness says"


class Answer(Enum):
    """What became of a request, with the code of HTTP that says so."""

    COSIGNED = 200
    BAD = 400
    SIGNED_BY_NOBODY = 403
    UNKNOWN = 404
    CONFLICT = 409
    INCONSISTENT = 422


@dataclass(frozen=True, slots=True)
class Request:
    """A new checkpoint with the proof that it continues the one of `old_size` leaves."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a witness answers: with CONFLICT, `size` is that of the checkpoint it has seen.

    `contradicts`: a key of the ledger signed both that checkpoint and this one, and it is not shown that this one
    continues it. Of the same size with another root this proves that the ledger has two faces.
    """

    answer: Answer
    size: int | None = None
    contradicts: bool = False


def request_bytes(old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """What is sent to a witness to have the checkpoint `note` cosigned."""
    lines = [f"old {old_size}", *(data_text(each) for each in proof), "", ""]
    return "\n".join(lines).encode() + note


def parse_request(data: bytes) -> Request:
    """The request in a body; raises BadInput, to which a witness answers BAD."""
    if len(data) > REQUEST_MOST:
        raise BadInput(_PLACE, f"has more than {REQUEST_MOST} bytes", _FORM)
    head, between, below = data.partition(b"\n\n")
    first, *lines = head.decode("utf-8", "backslashreplace").split("\n")
    old_size = number(first[4:]) if first.startswith("old ") else None
    if old_size is None or not between:
        raise BadInput(_PLACE, "does not begin with the old size, or has no checkpoint under an empty line", _FORM)
    proof = [hash_of(line) for line in lines]
    if len(proof) > PROOF_MOST or None in proof:
        raise BadInput(_PLACE, f"its proof is not at most {PROOF_MOST} lines of a hash each", _FORM)
    note = parse_note(below, _PLACE)
    hashes = tuple(each for each in proof if each is not None)
    return Request(old_size, hashes, note, parse_checkpoint(note, _PLACE))


def decide(request: Request, seen: Checkpoint | None, logs: Mapping[str, Sequence[Key]]) -> Verdict:
    """What a witness answers that has `seen` this of the ledger, and knows the keys of `logs` by their origin."""
    keys = logs.get(request.checkpoint.origin)
    if keys is None:
        return Verdict(Answer.UNKNOWN)
    if not verified(request.note, keys):
        return Verdict(Answer.SIGNED_BY_NOBODY)
    if request.old_size > request.checkpoint.size:
        return Verdict(Answer.BAD)
    return _compared(request, seen)


def _compared(request: Request, seen: Checkpoint | None) -> Verdict:
    """The answer to what a ledger did sign."""
    new = request.checkpoint
    assert seen is None or seen.origin == new.origin, "a ledger is compared with itself"
    size = seen.size if seen else 0
    if seen and new.size == size and new.root != seen.root:
        return Verdict(Answer.CONFLICT, size, contradicts=True)
    if request.old_size != size:
        return Verdict(Answer.CONFLICT, size)
    old_root = seen.root if seen else EMPTY_ROOT
    if not verify_consistency(size, old_root, new.size, new.root, request.proof):
        return Verdict(Answer.INCONSISTENT, contradicts=seen is not None and seen != new)
    return Verdict(Answer.COSIGNED)
