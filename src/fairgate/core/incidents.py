"""Incidents: what the public is told of one or more outages, or of a disturbance at a port.

An incident decides nothing about anybody's deadline; the outages on record do that. It gives what happened one number
that can be quoted, FG-2026-0017: the seventeenth that was put on record in 2026, by universal time.

Outages less than an hour apart are one incident: for people they are one bad evening, and not five. With late samples
two of them may turn out to be one; then the later is merged into the earlier, and its number goes on leading there.

    outage 14:00-14:20              FG-2026-0017
    outage 15:10-15:12              FG-2026-0017, 50 minutes after the end of the first
    outage 18:00-                   FG-2026-0018
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from fairgate.core.deadlines import Outage
from fairgate.core.lifecycle import Reason, Refused

ONE_WITHIN: Final = timedelta(hours=1)
TEXT_MOST: Final = 1000  # characters; a page is no place for more


class Kind(StrEnum):
    """What happened."""

    OUTAGE = "outage"
    PORT_CLOSED = "port closed"
    SLOTS_MOVED = "slots moved"
    PROGRAM_STOPPED = "program stopped"
    PLANNED_WORK = "planned work"


DECLARED: Final = (
    Kind.PORT_CLOSED,
    Kind.SLOTS_MOVED,
    Kind.PROGRAM_STOPPED,
    Kind.PLANNED_WORK,
)  # by people; outages are found


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when an incident or an outage lasted; no end: it lasts."""

    start: datetime
    end: datetime | None


class Together(NamedTuple):
    """Incidents that are one: `stands` is the first of them, by place in the given list, `merged` the others."""

    stands: int
    merged: tuple[int, ...]


def number(at: datetime, before: int) -> str:
    """The number of an incident put on record `at`, after `before` others in that year."""
    return f"FG-{at.astimezone(UTC).year}-{before + 1:04}"


def belongs_to(outage: Outage, incidents: Sequence[Span]) -> int | None:
    """The place of the incident that an outage is part of; None: it is one of its own."""
    near = (place for place, one in enumerate(incidents) if _near(one, Span(outage.start, outage.end)))
    return next(near, None)


def together(incidents: Sequence[Span]) -> list[Together]:
    """Which of these incidents, by start, have become one, those that are alone left out."""
    found: list[Together] = []
    reach: Span | None = None
    for place, one in enumerate(incidents):
        if reach is not None and _near(reach, one):
            found[-1] = Together(found[-1].stands, (*found[-1].merged, place))
            reach = Span(reach.start, _later(reach.end, one.end))
        else:
            found.append(Together(place, ()))
            reach = one
    return [one for one in found if one.merged]


def over(outages: Sequence[Outage]) -> Span:
    """From the first start to the last end of these, none while one lasts."""
    assert outages, "an incident of outages has at least one"
    ends = [outage.end for outage in outages if outage.end is not None]
    return Span(min(outage.start for outage in outages), max(ends) if len(ends) == len(outages) else None)


def texts_fault(texts: Mapping[str, str], languages: Sequence[str]) -> Refused | None:
    """A refusal naming the language in which there is nothing, or too much; people are told in theirs or not at all."""
    for language in languages:
        text = texts.get(language, "").strip()
        if not text:
            return Refused(Reason.TEXT_MISSING, {"language": language})
        if len(text) > TEXT_MOST:
            return Refused(Reason.TEXT_TOO_LONG, {"language": language, "most": TEXT_MOST})
        if not is_written(text):
            return Refused(Reason.TEXT_NOT_WRITTEN, {"language": language})
    return None


def is_written(text: str) -> bool:
    """Whether everything in it can be read, and told on in any format: no control characters but line breaks."""
    return all(char.isprintable() or char in "\r\n" for char in text)


def _near(one: Span, other: Span) -> bool:
    first, second = sorted((one, other), key=lambda span: span.start)
    return first.end is None or second.start - first.end < ONE_WITHIN


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)
