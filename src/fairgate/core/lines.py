"""What the texts about a ledger are made of: numbers and bytes, each written in one way only."""

import base64
import binascii
import re
from typing import Final

HASH_BYTES: Final = 32
SIZE_END: Final = 1 << 63  # leaves; more than any ledger will have

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


def number(text: str) -> int | None:
    """A number of leaves, or a leaf's place: decimal digits, no leading zero; None for everything else."""
    found = int(text) if _NUMBER.fullmatch(text) else SIZE_END
    return found if found < SIZE_END else None


def data_of(text: str) -> bytes | None:
    """The bytes in base64 (RFC 4648, section 4); None for what is none, or is not as `data_text` writes it."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if data_text(data) == text else None


def data_text(data: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(data).decode()


def hash_of(text: str) -> bytes | None:
    """The 32 bytes of a hash in base64; None for everything else."""
    data = data_of(text)
    return data if data is not None and len(data) == HASH_BYTES else None
