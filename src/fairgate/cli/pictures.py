"""QR codes in photos: the text of the one receipt or pass in a picture.

A picture comes from anybody. Its size is read before its pixels are, and what would not fit the memory of a small
machine is refused; only the three formats that phones write are opened.
"""

import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Final

from fairgate.core.errors import BadInput
from fairgate.core.receipts import PREFIX

if TYPE_CHECKING:
    from PIL.Image import Image

BYTES_MOST: Final = 32 << 20
PIXELS_MOST: Final = 50_000_000  # what good phones take; 150 MB while it is opened
SIDE: Final = 2400  # pixels; more do not help, a QR code of version 15 has 77 modules
SMALL: Final = 1200  # pixels; what is smaller is tried enlarged too
BEGINNINGS: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_WAY_OUT: Final = "take it again in good light, straight from above, with nothing but the code in it"


def is_picture(beginning: bytes) -> bool:
    """Whether a file that begins like this (12 bytes at least) is a picture of a format that is read."""
    return beginning.startswith(BEGINNINGS[:2]) or (beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP")


def text_in(data: bytes, place: str) -> str:
    """The text of the only receipt or pass in the picture; raises BadInput where there is none, or more than one."""
    picture = _opened(data, place)
    for tried in _ways_to_look(picture):
        texts = {text for text in _codes(tried) if text.startswith(PREFIX)}
        if len(texts) > 1:
            raise BadInput(place, f"holds {len(texts)} receipts or passes", "cut the picture so that one is left")
        if texts:
            return texts.pop()
    raise BadInput(place, "holds no QR code of a receipt or pass that can be read", _WAY_OUT)


def _opened(data: bytes, place: str) -> "Image":
    """The picture in shades of grey, no side longer than need be."""
    from PIL import Image, ImageOps  # noqa: PLC0415  nobody else waits for it

    if len(data) > BYTES_MOST:
        raise BadInput(place, f"has more than {BYTES_MOST >> 20} MiB", "save it smaller")
    Image.MAX_IMAGE_PIXELS = PIXELS_MOST
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture: Image.Image = Image.open(BytesIO(data), formats=_FORMATS)
            picture.draft("L", (SIDE, SIDE))  # a JPEG is then read at a half or less already
            picture.thumbnail((SIDE, SIDE))
        if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        return ImageOps.autocontrast(picture.convert("L"), cutoff=1)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadInput(place, f"has more than {PIXELS_MOST // 1_000_000} million pixels", "save it smaller") from None
    except Exception as fault:  # whatever a decoder says of bytes that anybody may have made up
        problem = f"is a picture that cannot be read ({type(fault).__name__})"
        raise BadInput(place, problem, "save it anew as PNG or JPEG") from None


def _ways_to_look(picture: "Image") -> Iterator["Image"]:
    """The picture as it is, then enlarged, then blurred a little: what a screen or a bad lens adds goes with that."""
    from PIL import ImageFilter  # noqa: PLC0415  the same

    yield picture
    larger = picture
    if max(picture.size) < SMALL:
        scale = -(-SMALL // max(picture.size))
        larger = picture.resize((picture.width * scale, picture.height * scale))
        yield larger
    for radius in (1, 2):
        yield larger.filter(ImageFilter.GaussianBlur(radius))


def _codes(picture: "Image") -> list[str]:
    import zxingcpp  # noqa: PLC0415  the same

    wanted = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    found = zxingcpp.read_barcodes(picture, formats=wanted, text_mode=zxingcpp.TextMode.Plain)
    return [str(code.text) for code in found]
