"""What becomes of a delivery: a notice on its way to one person over one channel.

    waiting -> sent -> delivered          a channel took it, and perhaps said later that it arrived
        \\        \\
         \\        \\-> failed             the channel said later that it did not arrive
          \\-> waiting …  -> failed       it is tried again, for about four hours, unless no try could ever succeed

What arrived has arrived: nothing leads away from `delivered`. A channel that says it failed and then that it
arrived is believed the second time.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=5)
TRIES: Final = 48  # about four hours; by then somebody has to look
LATE = timedelta(minutes=10)  # what has been due for longer is not only in line


class Fault(StrEnum):
    """Why a delivery failed; staff see it in words."""

    BAD_ADDRESS = "bad address"  # it cannot be one: nothing was sent
    REFUSED = "refused"  # who was to deliver it says that nobody can be reached there
    UNDELIVERED = "undelivered"  # it was taken, and did not arrive
    GIVEN_UP = "given up"  # tried for hours
    ADDRESS_GONE = "address gone"  # the person left another one meanwhile
    GONE = "device gone"  # a device takes no notices any more, and is forgotten
    NO_CHANNEL = "no channel"  # nobody sends over this channel any more


@dataclass(frozen=True, slots=True)
class Sent:
    """A channel has it safely; `provider` and its `reference` where there are such."""

    provider: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A try came to nothing; with a `fault` no other can do better, without one it is tried again."""

    fault: Fault | None = None


def pause(tries: int) -> timedelta | None:
    """How long to wait after so many tries that failed; None when it is time to give up."""
    if tries >= TRIES:
        return None
    doubled = FIRST_PAUSE * (1 << min(tries - 1, 10))
    return min(doubled, LONGEST_PAUSE)


# What we call a delivery to providers; eighteen digits are more than there will ever be.
_REFERENCE: Final = re.compile(r"FG-([1-9][0-9]{0,17})", re.ASCII)


def reference(delivery: int) -> str:
    return f"FG-{delivery}"


def read_reference(text: str) -> int | None:
    """The delivery that `reference` made this of; None when it is no such text."""
    found = _REFERENCE.fullmatch(text)
    return int(found[1]) if found else None


def reported(state: str, taken_by: str | None, *, by: str, delivered: bool) -> str | None:
    """The state after provider `by` reports; None when it has to say so again later.

    A provider whose answer was lost may have delivered it nevertheless, so "delivered" is believed whoever says it.
    "Not delivered" is news from whoever took it; before that is on record, nobody knows.
    """
    if delivered:
        return "delivered"
    if state == "waiting":
        return None
    return "failed" if state == "sent" and taken_by == by else state
