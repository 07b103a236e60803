"""What may be done with a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fairgate.core.lifecycle import NONE, Done, Outcome, Reason, Refused, Subject, refuse_unless_possible
from fairgate.core.registering import refuse_ports

UNDO = timedelta(hours=72)  # anything destructive can be undone for this long


@dataclass(frozen=True, slots=True)
class Wish:
    """A request as far as deciding needs it; `has_place`: an offer or appointment of its program is live."""

    state: str
    ports: Sequence[str]
    withdrawn_at: datetime | None
    has_place: bool


NO_WISH = Wish(NONE, (), None, False)


def request(number: str, program: str, wish: Wish, ports: Sequence[str], known: Sequence[str]) -> Outcome:
    """Ask, ask again, or change the ports; the place in the line comes from registering and stays."""
    refusal = refuse_ports(ports, known=known) or refuse_unless_possible(Subject.REQUEST, "request", wish.state)
    same = wish.state == "standing" and list(wish.ports) == list(ports)
    return refusal or Done("requested", number, {"program": program, "ports": list(ports)}, repeated=same)


def withdraw(number: str, program: str, wish: Wish) -> Outcome:
    """Stop asking. Not while a place is held: that is declined or cancelled first, in so many words."""
    if wish.state == "withdrawn":
        return Done("withdrawn", number, {"program": program}, repeated=True)
    if wish.state == NONE:
        return Refused(Reason.NO_REQUEST)
    if wish.has_place:
        return Refused(Reason.HAS_PLACE)
    return refuse_unless_possible(Subject.REQUEST, "withdraw", wish.state) or Done(
        "withdrawn", number, {"program": program}
    )


def restore(number: str, program: str, wish: Wish, now: datetime) -> Outcome:
    """Take a withdrawal back, as if it had not been, until 72 hours after it (inclusive)."""
    if wish.state == NONE:
        return Refused(Reason.NO_REQUEST)
    if wish.state == "standing":
        return Done("restored", number, {"program": program, "ports": list(wish.ports)}, repeated=True)
    if wish.withdrawn_at is not None and now > wish.withdrawn_at + UNDO:
        return Refused(Reason.UNDO_EXPIRED)
    return refuse_unless_possible(Subject.REQUEST, "restore", wish.state) or Done(
        "restored", number, {"program": program, "ports": list(wish.ports)}
    )
