"""What `fairgate verify` was given: the folder of a bundle, a receipt in one of its forms, or a proof."""

import errno
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from fairgate.core.errors import BadInput, shown

RECEIPT: Final = "FG1:"
PROOF: Final = b"c2sp.org/tlog-proof@"
TEXT_MOST: Final = 1 << 14  # bytes; a receipt has about 400, and what is longer than 4096 is refused
STDIN: Final = "-"
_WAY_OUT: Final = "name a bundle's folder or a file, or give a text that begins with FG1:, in single quotes"


class Kind(StrEnum):
    """What there is to be verified."""

    BUNDLE = "bundle"
    RECEIPT = "receipt"
    PROOF = "proof"


# What is asked for, and would not be looked at, would be taken for checked.
USED: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.BUNDLE: frozenset({"--policy", "--after"}),
    Kind.RECEIPT: frozenset({"--keys", "--ledger", "--proof", "--policy", "--save-proof", "--revoked", "--at"}),
    Kind.PROOF: frozenset({"--policy"}),
}


@dataclass(frozen=True, slots=True)
class Given:
    """`text` is that of a receipt or pass, `data` that of a proof; `place` names where it came from."""

    kind: Kind
    place: str
    text: str = ""
    data: bytes = b""

    def refuse_unused(self, options: Mapping[str, object]) -> None:
        """Raise BadInput for an option that was given and says nothing about this kind of thing."""
        for name, value in options.items():
            if value is not None and name not in USED[self.kind]:
                raise BadInput(name, f"says nothing about a {self.kind}, which is what was given", "leave it out")


def found(what: str) -> Given:
    """What `what` is, or names: a file is known by how it begins, not by its name. Raises BadInput for all else."""
    text = what.strip()  # no receipt ends with a blank
    if text[: len(RECEIPT)].upper() == RECEIPT:  # in small letters it is none, and is told so
        return Given(Kind.RECEIPT, "receipt", unwrapped(text))
    if what == STDIN:
        if sys.stdin is None:
            raise BadInput("standard input", "is closed", "send a receipt or a picture of one")
        return _read(sys.stdin.buffer, "standard input")
    path = Path(what)
    if not text or not _is_there(path):
        raise BadInput(shown(what), "is no receipt, and there is no file or folder of this name", _WAY_OUT)
    if path.is_dir():
        return Given(Kind.BUNDLE, what)
    with path.open("rb") as file:
        return _read(file, str(path))


def unwrapped(text: str) -> str:
    """A receipt as it was before it was sent: mail programs break long lines, and make hard blanks of two in a row.

    Neither line ends nor hard blanks are ever in a receipt, so that nothing else can become of one.
    """
    return "".join(text.splitlines()).replace("\u00a0", " ")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise


def _read(file: BinaryIO, place: str) -> Given:
    """What is in a file, a pipe or a device, of which no more is read than what is asked for could have."""
    from fairgate.cli import pictures  # noqa: PLC0415  what it needs is loaded only where there is a picture

    data = file.read(TEXT_MOST)
    if pictures.is_picture(data):
        data += file.read(pictures.BYTES_MOST + 1 - len(data))
        return Given(Kind.RECEIPT, place, pictures.text_in(data, place))
    if data.startswith(PROOF):
        from fairgate.core.tlog_proof import PROOF_MOST  # noqa: PLC0415  so that a draw waits for no signature library

        return Given(Kind.PROOF, place, data=data + file.read(PROOF_MOST + 1 - len(data)))
    text = data.decode("utf-8-sig", "backslashreplace").strip()
    if text[: len(RECEIPT)].upper() == RECEIPT:
        return Given(Kind.RECEIPT, place, unwrapped(text))
    problem = "is neither a receipt, nor a picture of one (PNG, JPEG, WebP), nor a proof, nor the folder of a bundle"
    raise BadInput(shown(place), problem, "give one of these")
