"""Zones, times of day and moments as people and files write them."""

import re
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from fairgate.core.errors import BadInput, shown

CALENDAR_END: Final = 253_402_300_800  # seconds since 1970; the year 10000, which no calendar here has

_MOMENT = re.compile(r"(?:19[7-9]\d|2\d{3})-\d{2}-\d{2}T(?:[01]\d|2[0-3]):\d{2}:\d{2}Z", re.ASCII)
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


# Files beside the zones that name what this machine, or nobody, has set.
_OF_THE_MACHINE = frozenset({"localtime", "posixrules", "Factory"})


def read_moment(value: object, place: str) -> datetime:
    """A time as all our files have it, "2026-12-14T18:00:00Z", between 1970 and 2999; else BadInput names `place`."""
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise BadInput(place, f"{_quoted(value)} is not a time in UTC", 'write it like "2026-12-14T18:00:00Z"')


def read_time_of_day(value: object, place: str) -> time:
    """A local time like "22:00"; else BadInput names `place`."""
    if isinstance(value, str) and _TIME_OF_DAY.fullmatch(value):
        return time.fromisoformat(value)
    raise BadInput(place, f"{_quoted(value)} is not a time of day", 'write it like "22:00"')


def read_zone(value: object, place: str) -> ZoneInfo:
    """A zone of the IANA database like "America/Tijuana"; else BadInput names `place`."""
    try:
        if isinstance(value, str) and value not in _OF_THE_MACHINE:
            return ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # unknown, not a name at all, the name of a folder
        pass
    raise BadInput(place, f"{_quoted(value)} is not a known time zone", 'write it like "America/Tijuana"')


def _quoted(value: object) -> str:
    return shown(value if isinstance(value, str) else repr(value))
