"""QR codes as drawings inside a page: they need no script and no second request, and print sharply at any size."""

from functools import lru_cache
from typing import Final

import segno
from markupsafe import Markup

# What is signed looks like noise, and no mask is better for it than another. Trying all eight is most of the work.
MASK: Final = 0
KEPT: Final = 512  # of 7 KB each: a page that is loaded again


@lru_cache(maxsize=KEPT)
def drawn(text: str) -> Markup | None:
    """An SVG of `text`, error correction M, its quiet zone around it; None where no QR code holds so much.

    Whoever puts it on a page names it, as the image that it is.
    """
    try:
        code = segno.make(text, error="m", boost_error=False, micro=False, mask=MASK)
    except segno.DataOverflowError:
        return None
    return Markup(code.svg_inline(svgclass="fg-qr", lineclass=None, light="#fff", omitsize=True))  # noqa: S704  numbers only
