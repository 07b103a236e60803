"""Reasons and acts put into the person's words.

Core and commands speak in reasons and kinds; here each of them becomes sentences. Everything is
looked up when it is asked for, so that the language of the request holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from fairgate.core.delivering import Fault
from fairgate.core.incidents import Kind
from fairgate.core.lifecycle import Reason


@dataclass(frozen=True, slots=True)
class Words:
    """A refusal on a page: what is the matter, and what it means or what to do."""

    title: str
    text: str


def refusal(reason: Reason) -> Words:
    """Why something was not done. Reasons that only an operator can meet share one wording."""
    known = _refusals()
    return known.get(
        reason,
        Words(
            _("This cannot be done now"),
            _("Nothing has been changed. Look at where you stand to see what is possible."),
        ),
    )


def _refusals() -> Mapping[Reason, Words]:
    return {
        Reason.UNKNOWN_NUMBER: Words(
            _("There is no such registration"), _("Compare the number with the paper or message from registering.")
        ),
        Reason.NO_REQUEST: Words(
            _("You have not asked for an appointment"), _("There is nothing to withdraw or to bring back.")
        ),
        Reason.UNDO_EXPIRED: Words(
            _("The withdrawal can no longer be undone"),
            _("More than 72 hours have passed. You can ask again: the weeks counted since you registered stay."),
        ),
        Reason.HAS_PLACE: Words(
            _("You hold a place"),
            _("Decline the offer or cancel the appointment first, then withdraw your request."),
        ),
        Reason.NO_OFFER: Words(
            _("There is no open offer for you"),
            _("It may have been declined, cancelled or given to the next on the list. Your page shows what happened."),
        ),
        Reason.TOO_LATE: Words(
            _("The time to confirm is over"), _("Your request still stands, and you take part in the next draw.")
        ),
        Reason.ROUND_SEALED: Words(
            _("A draw that your group is in is being made"),
            _("Until its result is out nobody can join the group. Try again after that."),
        ),
        Reason.KEY_REUSED: Words(
            _("This form was used before for something else"), _("Load the page again and send the form once more.")
        ),
        Reason.NOT_TODAY: Words(
            _("The appointment is on another day"),
            _("Nobody has been checked in. Look at the date of the appointment."),
        ),
    }


def field_fault(reason: Reason) -> str | None:
    """What to correct in a form, for reasons that are a matter of what was entered."""
    return {
        Reason.NO_PORTS: _("Choose at least one port"),
        Reason.PORT_TWICE: _("Choose each port only once"),
        Reason.UNKNOWN_PORT: _("Choose a port from the list"),
        Reason.UNKNOWN_LANGUAGE: _("Choose a language from the list"),
    }.get(reason)


def person_fault(reason: Reason) -> tuple[str, str] | None:
    """The field and what to correct in it, for reasons that are a matter of one person's details."""
    return {
        Reason.NO_NAME: ("given_names", _("Enter at least one name")),
        Reason.NAME_TOO_LONG: ("given_names", _("A name may have 200 letters at most")),
        Reason.NAME_NOT_WRITTEN: ("given_names", _("A name has letters only, no line breaks or control characters")),
        Reason.BORN_IN_FUTURE: ("born_on", _("The birth date must be in the past")),
        Reason.BORN_TOO_LONG_AGO: ("born_on", _("The birth date is more than 130 years ago. Check the year")),
    }.get(reason)


def arrival_fault(reason: Reason, day: str) -> str:
    """What to tell an officer whose check-in was refused; `day` is that of the group's appointment."""
    known = {
        Reason.NOT_TODAY: _("The appointment of this group is on %(day)s") % {"day": day},
        Reason.NO_OFFER: _("This group has no appointment"),
        Reason.UNKNOWN_NUMBER: _("No group has this number"),
    }
    return known.get(reason) or _("This group has no confirmed appointment")


def appointment_state(state: str) -> str:
    """What has become of an appointment, as a word on the list of the day."""
    return {
        "confirmed": _("Expected"),
        "checked_in": _("Checked in"),
        "missed": _("Did not come"),
    }[state]


def history(kind: str, facts: Mapping[str, object]) -> str:
    """A line of what happened, for a statement of the ledger."""
    told = {
        "registered": _("You registered."),
        "amended": _("Your registration was changed."),
        "requested": _("You asked for an appointment, or changed your request."),
        "withdrawn": _("You withdrew your request."),
        "restored": _("You brought your request back."),
        "offered": _("You were offered a place."),
        "honoured": _("You were missing from the list of a draw by our mistake, and your receipt was honoured."),
        "passed over": _("A place on the reserve list went past you because you held one already."),
        "extended": _("Your deadline stands still, as confirming does not work.")
        if facts.get("deadline") == "paused"
        else _("Your deadline was moved to a later time."),
        "confirmed": _("You confirmed your place."),
        "pass": _("The pass for your appointment was made."),
        "declined": _("You declined the offer."),
        "lapsed": _("The offer ended because it was not confirmed in time."),
        "cancelled": _("The place was cancelled."),
        "checked in": _("Your group arrived and was checked in."),
        "missed": _("Your group did not come on the day."),
    }
    return told.get(kind, kind)


def done(code: str) -> str | None:
    """The sentence of the green banner after something was done."""
    return {
        "requested": _("Your request stands. You take part in every draw until you withdraw it."),
        "withdrawn": _("Your request is withdrawn. For 72 hours you can bring it back as if nothing had happened."),
        "restored": _("Your request stands again, as if it had not been withdrawn."),
        "confirmed": _("Your place is confirmed."),
        "declined": _("You declined the offer. Your request still stands."),
        "cancelled": _("Your appointment is cancelled. Your request still stands."),
        "amended": _("Your details are changed."),
        "subscribed": _("This device is told from now on what changes for you."),
        "unsubscribed": _("This device is not told any more."),
        "checked in": _("The group is checked in."),
        "incident": _("It is on record, and in a few seconds on the status page."),
    }.get(code)


def incident(kind: Kind) -> str:
    """What happened."""
    return {
        Kind.OUTAGE: _("Confirming did not work"),
        Kind.PORT_CLOSED: _("A port is closed"),
        Kind.SLOTS_MOVED: _("Appointments have other times"),
        Kind.PROGRAM_STOPPED: _("A program stops"),
        Kind.PLANNED_WORK: _("Planned work"),
    }[kind]


def incident_entry(kind: str) -> str:
    """A line of an incident's timeline, as staff see it."""
    return {
        "outage began": _("an outage was found"),
        "outage began earlier": _("it turned out to have begun earlier"),
        "outage goes on": _("confirming does not work again"),
        "outage ended": _("confirming works again"),
        "told": _("everyone has been told"),
        "merged": _("another incident turned out to be part of this one"),
        "declared": _("declared"),
        "written": _("explained"),
        "ended": _("ended"),
    }[kind]


def notice(kind: str) -> str:
    """What a notice is about, for staff."""
    return {
        "offered": _("Offer of a place"),
        "confirmed": _("Place confirmed"),
        "declined": _("Place declined"),
        "lapsed": _("Offer ended"),
        "cancelled": _("Place cancelled"),
        "extended": _("More time to confirm"),
        "withdrawn": _("Request withdrawn"),
        "restored": _("Request restored"),
        "missed": _("Appointment missed"),
        "outage over": _("Confirming works again"),
    }.get(kind, kind)


def channel(name: str | None) -> str:
    return {
        "email": _("E-mail"),
        "sms": _("Text message"),
        "push": _("Message on a device"),
        "file": _("File"),
        None: _("Not sent"),
    }.get(name, str(name))


def delivery_fault(reason: str | None) -> str:
    """Why a message did not reach somebody, for staff; no reason: its deliveries could not be planned."""
    return {
        Fault.BAD_ADDRESS: _("What the person gave cannot be an address or number."),
        Fault.REFUSED: _("Nobody can be reached there."),
        Fault.UNDELIVERED: _("It was sent and did not arrive."),
        Fault.GIVEN_UP: _("Every try for four hours failed."),
        Fault.ADDRESS_GONE: _("The person gave another address meanwhile."),
        Fault.GONE: _("The device takes no messages any more."),
        Fault.NO_CHANNEL: _("Messages of this kind are not sent any more."),
        None: _("The group’s contacts could not be read."),
    }[None if reason is None else Fault(reason)]


def told(notice: str) -> str:
    """Whether a group knows nevertheless, by the state of the notice of which a delivery failed."""
    return {
        "failed": _("Nobody in the group was told."),
        "sent": _("The group was told another way."),
        "waiting": _("Other ways to tell the group are still being tried."),
    }[notice]
