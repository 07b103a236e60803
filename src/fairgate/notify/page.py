"""A notice as HTML: the same words, to be read on a small screen. Nothing is loaded from anywhere."""

from html import escape
from typing import Final

from fairgate.notify.writing import Text

_STYLE: Final = "font-family:sans-serif;font-size:18px;line-height:1.5;max-width:36em;margin:0 auto;padding:1em"


def page(text: Text) -> str:
    """Each paragraph of the body as one, under the subject as heading."""
    paragraphs = "\n".join(f"<p>{escape(each).replace(chr(10), '<br>')}</p>" for each in text.body.split("\n\n"))
    title = escape(text.subject)
    return (
        f'<!doctype html>\n<html lang="{escape(text.language)}">\n'
        f'<head><meta charset="utf-8"><title>{title}</title></head>\n'
        f'<body style="{_STYLE}">\n<h1 style="font-size:24px">{title}</h1>\n{paragraphs}\n</body>\n</html>\n'
    )
