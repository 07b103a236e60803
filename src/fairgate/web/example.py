"""What a replay of May 2024 came to, for the page that explains the rule by it.

The file is written by `fairgate replay --result`, and a test goes through the replay again and compares the two. It
lies with the profile of that border; a deployment without it has the page without the example.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from fairgate.core.clocks import read_moment
from fairgate.core.deadlines import Outage, Policy

FILE: Final = Path(__file__).resolve().parents[3] / "profiles/southwest-border/incidents/2024-05-21.result.json"
ZONE: Final = "America/Tijuana"
CONFIRMED: Final = ("confirmed on time", "confirmed in line", "confirmed, held for them")
STILL_OPEN, NEVER_TRIED, TOO_LATE = "can still be confirmed", "never tried", "tried only when it was over"
STAYED_AWAY, LOST = "failed once, had 12 h to come back, did not", "lost by system fault"


@dataclass(frozen=True, slots=True)
class Example:
    """One window of the replay in the zone of San Ysidro, and what became of all places, in persons.

    `ours` is what happened under our rules, `fixed` what the same tries come to with a deadline that does not move.
    """

    opened_at: datetime
    outages: tuple[Outage, ...]
    policy: Policy
    groups_failed: int
    ours: dict[str, int]
    fixed: dict[str, int]


@lru_cache(maxsize=1)
def load() -> Example | None:
    """The example; None where its file is not there."""
    try:
        found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    place = FILE.name
    outages = tuple(
        Outage(*(read_moment(one[key], f"{place}, {key}") for key in ("start", "end", "notice_at")))
        for one in found["outages"]
    )
    window = next(one for one in found["windows"] if one["zone"] == ZONE)
    return Example(
        opened_at=read_moment(window["opened_at"], f"{place}, opened_at"),
        outages=outages,
        policy=Policy.from_json(found["policy"], f"{place}, policy"),
        groups_failed=found["groups_failed"],
        ours=_places(found["ended"]),
        fixed=_places(found["ended_with_fixed_deadline"]),
    )


def _places(ended: dict[str, dict[str, int]]) -> dict[str, int]:
    places = {what: count["places"] for what, count in ended.items()}
    confirmed = sum(places.pop(what, 0) for what in CONFIRMED)
    return {"confirmed": confirmed, **places}
