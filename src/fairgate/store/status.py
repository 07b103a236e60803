"""The state of the service as a public file: home/public/status.json, so that it can be read when the rest is down.

    {"as_of": "2026-12-14T18:00:10Z", "confirming": "works", "outages": [{"start": …, "end": …, "notice_at": …}]}

Outages of ninety days, the newest first, as they are on record. Whoever reads it compares `as_of` with the
clock: a file that is a minute old is itself a sign that something is wrong.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from fairgate.core.canonical import canonical
from fairgate.core.deadlines import Outage
from fairgate.core.places import moment, told
from fairgate.store.files import alone, put

DAYS: Final = timedelta(days=90)
MODE: Final = 0o644


def path(home: Path) -> Path:
    return home / "public" / "status.json"


def write(home: Path, outages: Sequence[Outage], now: datetime) -> None:
    """Write what holds `now`; `outages` by start."""
    interrupted = any(outage.end is None for outage in outages)
    said = {
        "as_of": moment(now),
        "confirming": "interrupted" if interrupted else "works",
        "outages": told(outages)[::-1],
    }
    file = path(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    with alone(file.parent):
        put(file, canonical(said).encode() + b"\n", MODE)
