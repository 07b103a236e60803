"""Registration numbers and access codes: short, easy to read aloud, and safe against slips.

    registration number   7K3M-9QXR         7 characters of chance and 1 check character
    access code           4TZ8-B2WN-0HF5    11 characters of chance and 1 check character

They are written in Crockford's base32: ten digits and the letters without I, L, O and U, which are mistaken
for 1, 1, 0 and V. Groups of four are what people hold in their heads while they read to somebody on the
telephone, so the form with hyphens is the one that is shown, spoken and stored.

The check character. The 32 characters are the elements of the field GF(32), in which one can add, multiply
and divide as with fractions, without ever leaving the 32. Adding is XOR of the five bits; `a` is
the element 2, and multiplying by it is a shift to the left, with x^5 reduced to x^2 + 1. The powers
1, a, a^2, ..., a^30 are all different and none of them is 0. A word d7 d6 ... d1 d0, check character d0
included, is right if

    d7 * a^7  +  d6 * a^6  +  ...  +  d1 * a  +  d0  =  0

- One wrong character at place i changes the sum by e * a^i, where e is the difference and not 0. A
  product of two things that are not 0 is not 0 in a field: always caught.
- Two neighbours x and y that changed places change the sum by (x - y) * (a^(i+1) - a^i). Neither factor is
  0 unless x = y, when nothing happened: always caught. The same holds for any two places, as all the
  powers differ up to 31 characters.
- Anything else passes with a chance of 1 in 32.

Remainders modulo 37, the usual check for this alphabet, need five more signs (* ~ $ = U) that people
cannot name; modulo 31 or 32 some slips go unnoticed.

Example: for 0000-001 the sum over the data is a^1 = 2, so the check character is 2: 0000-0012. With the last two
changed, 0000-0021, the sum is 2 * a + 1 = 5, not 0.
"""

import unicodedata
from collections.abc import Callable

from fairgate.core.errors import BadInput, shown

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER_LENGTH, CODE_LENGTH, GROUP = 8, 12, 4

_VALUES = {c: v for v, c in enumerate(ALPHABET)}
_VALUES |= {c.lower(): v for c, v in _VALUES.items()}
_VALUES |= {"O": 0, "o": 0, "I": 1, "i": 1, "L": 1, "l": 1}
# blanks, hyphens and dashes, and the invisible marks that a copy from right-to-left text brings along
_NOTHING = frozenset({"Zs", "Pd", "Cc", "Cf"})


def new_number(chance: Callable[[int], bytes]) -> str:
    """A registration number; `chance(n)` gives n random bytes, as `secrets.token_bytes` does."""
    return _new(chance, NUMBER_LENGTH)


def new_code(chance: Callable[[int], bytes]) -> str:
    """An access code with 55 bits of chance; `chance` as for `new_number`."""
    return _new(chance, CODE_LENGTH)


def read_number(text: str) -> str:
    """The registration number that a person typed, in its canonical form; see `read_code`."""
    return _read(text, "number", NUMBER_LENGTH)


def read_code(text: str) -> str:
    """The access code that a person typed, in its canonical form.

    Case, blanks and hyphens do not matter, digits of any script count, O is read as 0, I and L as 1.
    Raises BadInput with reason "wrong character", "wrong length" or "wrong check" if it cannot be right.
    """
    return _read(text, "code", CODE_LENGTH)


def _new(chance: Callable[[int], bytes], length: int) -> str:
    values = [byte & 31 for byte in chance(length - 1)]  # 32 divides 256: every character equally likely
    assert len(values) == length - 1, "as many random bytes as asked for"
    return _written([*values, _times_a(_sum(values))])


def _read(text: str, what: str, length: int) -> str:
    again = f"compare it with your {what} and type it again"  # never quoted: messages end up in logs
    values = []
    for char in text:
        value = _VALUES.get(char, unicodedata.decimal(char, None))
        if value is not None:
            values.append(value)
        elif unicodedata.category(char) not in _NOTHING:
            problem = f"{shown(char)} is never part of it"
            raise BadInput(what, problem, again, reason="wrong character")
    if len(values) != length:
        problem = f"{len(values)} characters where there must be {length}"
        raise BadInput(what, problem, again, reason="wrong length")
    if _sum(values) != 0:
        raise BadInput(what, "a character is wrong or two have changed places", again, reason="wrong check")
    return _written(values)


def _written(values: list[int]) -> str:
    text = "".join(ALPHABET[value] for value in values)
    return "-".join(text[i : i + GROUP] for i in range(0, len(text), GROUP))


def _sum(values: list[int]) -> int:
    """The word as a polynomial at `a`, by Horner's rule: the last value has weight 1."""
    total = 0
    for value in values:
        total = _times_a(total) ^ value
    return total


def _times_a(value: int) -> int:
    doubled = value << 1
    return doubled ^ 0b100101 if doubled & 0b100000 else doubled
