"""How many parts a text message takes, which is what it costs and how likely it arrives whole (3GPP TS 23.038).

A part holds 160 letters of the GSM alphabet, or 153 where there are several; a few signs count twice. One letter that
is not in it, and the whole text is written in UCS-2: 70 letters, or 67 where there are several. So where á, í, ó or ú
are the only foreign letters, a text is better sent without their accents: whoever reads Spanish reads it all the same,
and it takes half as many parts.

    fit("Su plazo terminó.")    "Su plazo termino.", GSM, 1 part
    fit("您的预约")              as it is, UCS-2, 1 part
"""

import unicodedata
from typing import Final

GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
TWICE: Final = frozenset("^{}\\[~]|€")  # an escape before a letter
_MARKS: Final = {
    "«": '"',
    "»": '"',
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "–": "-",
    "—": "-",
    "…": "...",
    "\xa0": " ",
}


def fit(text: str) -> str:
    """`text` in the GSM alphabet, where leaving out accents and typographic marks is enough for that; else as it is."""
    plainer = "".join(_plainer(letter) for letter in text)
    return plainer if is_gsm(plainer) else text


def is_gsm(text: str) -> bool:
    return all(letter in GSM or letter in TWICE for letter in text)


def parts(text: str) -> int:
    """How many parts carry the text as it is. What counts twice is never divided between two of them."""
    if is_gsm(text):
        widths, one, several = [2 if letter in TWICE else 1 for letter in text], 160, 153
    else:
        widths, one, several = [2 if ord(letter) > 0xFFFF else 1 for letter in text], 70, 67
    if sum(widths) <= one:
        return 1
    count, filled = 1, 0
    for width in widths:
        if filled + width > several:
            count, filled = count + 1, 0
        filled += width
    return count


def _plainer(letter: str) -> str:
    if letter in GSM or letter in TWICE:
        return letter
    return _MARKS.get(letter) or unicodedata.normalize("NFD", letter)[0]
