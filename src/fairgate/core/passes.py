"""Passes: what a group with an appointment shows at the port, and a device there checks without a network.

A pass is the receipt (core/receipts.py) of an act of its own, "pass", that says all that is asked at the door:

    {"appointment":"8f2a…","date":"2026-12-17","exp":1797602400,"port":"SYS","size":2,"slot":"09:00", …}

`appointment` are 16 hex digits that name it and tell nothing else, `slot` is the local time at the port, `exp` the
moment (seconds since the epoch) from which it counts no more. It holds no name.

It counts until the end of its day at the port and six hours more. A line may be served past midnight, and the clock of
a device may be wrong; longer would keep every cancelled pass on the list of revoked ones for nothing. It is refused
when its appointment is on that list: cancelled, or missed.

    2026-12-17 at SYS (America/Los_Angeles)   ends 2026-12-18 00:00 there, 08:00 UTC   exp 14:00 UTC, 1797602400
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from fairgate.core.canonical import Fields, canonical, read_json
from fairgate.core.clocks import CALENDAR_END, read_moment, read_time_of_day
from fairgate.core.errors import BadInput
from fairgate.core.errors import shown as quoted
from fairgate.core.lifecycle import Done, Fact
from fairgate.core.places import Place, moment
from fairgate.core.receipts import Receipt

KIND: Final = "pass"
HOLDS: Final = ("confirmed", "checked_in")  # an appointment in one of these has a pass that counts
MARGIN: Final = timedelta(hours=6)
REVOKED_BYTES_MOST: Final = 1 << 23  # 400,000 of them
_FACTS: Final = frozenset({"appointment", "port", "date", "slot", "size", "exp"})
_APPOINTMENT: Final = re.compile("[0-9a-f]{16}", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WAY_OUT: Final = "fetch or scan it again"


class Validity(StrEnum):
    """Whether a pass counts, and if not, why."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass says. `slot` is local time at the port; `expires_at` in UTC."""

    number: str
    appointment: str
    port: str
    date: date
    slot: time
    size: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Revoked:
    """The appointments, as they stood `at`, whose passes count no more though they have not expired."""

    issuer: str
    at: datetime
    appointments: frozenset[str]

    def to_bytes(self) -> bytes:
        """The public file: canonical JSON, the ids sorted, so that the same list is the same bytes."""
        return (
            canonical({"issuer": self.issuer, "at": moment(self.at), "ids": sorted(self.appointments)}).encode() + b"\n"
        )


def expires(day: date, zone: str) -> datetime:
    """From when on a pass for `day` at a port in `zone` counts no more, in UTC."""
    end_of_day = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
    return end_of_day.astimezone(UTC) + MARGIN


def issue(place: Place, appointment: str, expires_at: datetime) -> Done:
    """The act of giving a pass for an appointment, which it calls `appointment` (sealing.appointment_id)."""
    assert place.state in HOLDS, "who has an appointment has a pass"
    assert _APPOINTMENT.fullmatch(appointment), "16 hex digits"
    facts: dict[str, Fact] = {
        "appointment": appointment,
        "port": place.port,
        "date": place.date.isoformat(),
        "slot": place.time,
        "size": place.size,
        "exp": int(expires_at.timestamp()),
    }
    return Done(KIND, place.number, facts)


def read_pass(receipt: Receipt) -> Pass:
    """The pass that a receipt of this kind is; raises BadInput where it does not say what a pass says."""
    assert receipt.kind == KIND
    facts = Fields(KIND, "", dict(receipt.facts), _FACTS)
    expires_at = facts.whole("exp")
    if not 0 <= expires_at < CALENDAR_END:
        raise BadInput(facts.place("exp"), f"{expires_at} is no moment that a pass could have", _WAY_OUT)
    return Pass(
        number=receipt.number,
        appointment=_id(facts.text("appointment"), facts.place("appointment")),
        port=facts.text("port"),
        date=_date(facts.text("date"), facts.place("date")),
        slot=read_time_of_day(facts.text("slot"), facts.place("slot")),
        size=facts.whole("size"),
        expires_at=datetime.fromtimestamp(expires_at, UTC),
    )


def validity(shown: Pass, now: datetime, revoked: Collection[str] = ()) -> Validity:
    """Whether a pass counts at `now`, `revoked` being the appointments on the list; who signed it is another matter."""
    if shown.appointment in revoked:
        return Validity.REVOKED
    return Validity.EXPIRED if now >= shown.expires_at else Validity.VALID


def parse_revoked(file: str, data: bytes) -> Revoked:
    """The list in `data`; raises BadInput naming file and key for what cannot be right."""
    main = Fields(file, "", read_json(file, data, REVOKED_BYTES_MOST), ("issuer", "at", "ids"))
    ids = frozenset(_id(str(one), f"{main.place('ids')}[{i}]") for i, one in enumerate(main.items("ids")))
    return Revoked(main.text("issuer"), read_moment(main.text("at"), main.place("at")), ids)


def _id(text: str, place: str) -> str:
    if not _APPOINTMENT.fullmatch(text):
        raise BadInput(place, f"{quoted(text)} is not 16 hex digits", _WAY_OUT)
    return text


def _date(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text if _DATE.fullmatch(text) else "")
    except ValueError:
        raise BadInput(place, f"{quoted(text)} is not a date", _WAY_OUT) from None
