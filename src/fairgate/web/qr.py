"""QR codes as drawings inside a page: they need no script and no second request, and print sharply at any size."""

import segno
from markupsafe import Markup


def drawn(text: str) -> Markup | None:
    """An SVG of `text`, error correction M, its quiet zone around it; None where no QR code holds so much.

    Whoever puts it on a page names it, as the image that it is.
    """
    try:
        code = segno.make(text, error="m", boost_error=False, micro=False)
    except segno.DataOverflowError:
        return None
    return Markup(code.svg_inline(svgclass="fg-qr", lineclass=None, light="#fff", omitsize=True))  # noqa: S704  numbers only
