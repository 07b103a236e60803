"""What `fairgate verify` was given: the folder of a bundle, a receipt in one of its forms, or a proof."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from fairgate.core.errors import BadInput, shown

RECEIPT: Final = "FG1:"
PROOF: Final = b"c2sp.org/tlog-proof@"
TEXT_MOST: Final = 1 << 14  # bytes; a receipt has about 400, and what is longer than 4096 is refused


class Kind(StrEnum):
    """What there is to be verified."""

    BUNDLE = "bundle"
    RECEIPT = "receipt"
    PROOF = "proof"


@dataclass(frozen=True, slots=True)
class Given:
    """`text` is that of a receipt or pass."""

    kind: Kind
    text: str = ""


def found(what: str) -> Given:
    """What `what` is, or names: a file is known by how it begins, not by its name. Raises BadInput for all else."""
    if (text := what.strip()).startswith(RECEIPT):  # no receipt ends with a blank
        return Given(Kind.RECEIPT, text)
    path = Path(what)
    if path.is_dir():
        return Given(Kind.BUNDLE)
    if path.is_file():
        return _file(path)
    way_out = "name the folder of a bundle, or give a text that begins with FG1:"
    raise BadInput(shown(what), "neither a folder that is there nor a receipt", way_out)


def _file(path: Path) -> Given:
    from fairgate.cli import pictures  # noqa: PLC0415  what it needs is loaded only where there is a picture

    with path.open("rb") as file:
        data = file.read(TEXT_MOST)
        if pictures.is_picture(data):
            data += file.read(pictures.BYTES_MOST + 1 - len(data))
            return Given(Kind.RECEIPT, pictures.text_in(data, str(path)))
    if data.startswith(PROOF):
        return Given(Kind.PROOF)
    text = data.decode("utf-8-sig", "backslashreplace").strip()
    if text.startswith(RECEIPT):
        return Given(Kind.RECEIPT, text)
    problem = "is neither a receipt, nor a picture of one (PNG, JPEG, WebP), nor a proof, nor the folder of a bundle"
    raise BadInput(shown(str(path)), problem, "give one of these")
