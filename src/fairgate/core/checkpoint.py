"""Checkpoints: how many leaves a ledger has, and their root, as the text of a signed note.

    places.example.org/ledger                          origin: which ledger
    5                                                  leaves
    TjuuG39Ijc/nHwYxYxUZo7ynLJyu/KEWErvKzhOoYmQ=       root of the tree over them, in base64

Source: C2SP tlog-checkpoint. Lines below the third are read over; none are written.
"""

from dataclasses import dataclass

from fairgate.core.errors import BadInput, shown
from fairgate.core.lines import data_text, hash_of, number
from fairgate.core.note import Note

_WAY_OUT = "fetch it again, whole and unchanged, from the ledger"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A ledger at one size: `origin`, leaves, root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        assert self.origin != "", "a ledger has a name"
        assert "\n" not in self.origin, "an origin is one line"
        return f"{self.origin}\n{self.size}\n{data_text(self.root)}\n"


def parse_checkpoint(note: Note, place: str) -> Checkpoint:
    """What a note says as a checkpoint; raises BadInput. Whether its signatures hold is not asked here."""
    lines = note.text.split("\n")[:-1]
    if len(lines) < 3 or "" in lines:
        raise BadInput(place, "the checkpoint is not three lines: origin, size and root", _WAY_OUT)
    origin, size_line, root_line = lines[:3]
    size, root = number(size_line), hash_of(root_line)
    if size is None:
        raise BadInput(place, f"the checkpoint's size {shown(size_line, 20)} is no number of leaves", _WAY_OUT)
    if root is None:
        raise BadInput(place, f"the checkpoint's root {shown(root_line)} is not 32 bytes in base64", _WAY_OUT)
    return Checkpoint(origin, size, root)
