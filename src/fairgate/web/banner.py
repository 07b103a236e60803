"""The banner about an open incident, on every page.

What it says was written beside the status page, in every language, by whoever watches the service: so it stands on the
pages of trouble too, when there is no database to ask. The file is looked at again only when it has changed.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings

MOST: Final = 3  # above every page; the status page has all of them


@dataclass(frozen=True, slots=True)
class Banner:
    """An incident that goes on: its number and what it changes, in one sentence."""

    number: str
    text: str


def current(language: str) -> list[Banner]:
    """What goes on now, in this language; nothing where nobody has written anything yet."""
    path = settings.FAIRGATE_HOME / "public" / "status" / "banner.json"
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return []
    return _read(path, changed, language)


@lru_cache(maxsize=32)
def _read(path: Path, changed: int, language: str) -> list[Banner]:
    """`changed` makes another file of it each time that it is written."""
    try:
        said = json.loads(path.read_bytes())
        told = (Banner(str(one["number"]), str(one["texts"][language])) for one in said if language in one["texts"])
        return list({banner.text: banner for banner in told}.values())[:MOST]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # a page is not to fail over its banner
