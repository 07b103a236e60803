"""Bytes as text that a QR code packs tightly and a keyboard can type: base45 (RFC 9285).

Two bytes are a number below 65536, written as three of 45 characters, the lowest digit first; a single byte at the
end is written as two. A QR code has a mode for exactly these characters and spends 5.5 bits on each, so that the
text costs 3 % more room than the bytes would. For example AB, the bytes 41 and 42, is 0x4142 = 16706 = 11 + 45 * 11 +
2025 * 8, and is written BB8.

Writing takes a place in a table for each two bytes, because a receipt is written for every act (decision record 18).
The last character of a text is never a blank, but others may be.
"""

from functools import lru_cache
from operator import itemgetter
from struct import unpack
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {char: value for value, char in enumerate(ALPHABET)}


@lru_cache(maxsize=1)
def _triples() -> list[str]:
    """The three characters of each number below 65536; 4 MB, made in 10 ms when the first text is written."""
    return [low + middle + high for high in ALPHABET for middle in ALPHABET for low in ALPHABET][: 1 << 16]


def encode(data: bytes) -> str:
    """`data` in base45; ceil(1.5 * its length) characters."""
    pairs, odd = divmod(len(data), 2)
    end = ALPHABET[data[-1] % 45] + ALPHABET[data[-1] // 45] if odd else ""
    if pairs < 2:  # itemgetter of less than two gives no tuple
        return "".join(_triples()[pair] for pair in unpack(f">{pairs}H", data[: 2 * pairs])) + end
    return "".join(itemgetter(*unpack(f">{pairs}H", data[: 2 * pairs]))(_triples())) + end


def decode(text: str) -> bytes:
    """The bytes that `encode` writes as `text`; raises ValueError, saying where, for what it never writes."""
    unknown = next((place for place, char in enumerate(text, 1) if char not in _VALUES), None)
    if unknown is not None:
        raise ValueError(f"character {unknown} is not one of the 45")
    if len(text) % 3 == 1:
        raise ValueError("a character is missing or too many at the end")
    data = bytearray()
    for place in range(0, len(text), 3):
        group = text[place : place + 3]
        size = len(group) - 1
        number = sum(_VALUES[char] * 45**power for power, char in enumerate(group))
        if number >= 256**size:
            raise ValueError(f"characters {place + 1} to {place + len(group)} stand for more than {256**size - 1}")
        data += number.to_bytes(size, "big")
    return bytes(data)
