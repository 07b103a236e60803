"""Receipts on pages: the text that programs are answered with, made again from what is on record, and in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path

import psycopg
from django.conf import settings
from django.utils.translation import gettext as _

from fairgate.core import statements
from fairgate.core.deadlines import PAUSED
from fairgate.core.lifecycle import Done, Fact, Leaf
from fairgate.core.profile import Profile
from fairgate.core.receipts import Signer
from fairgate.store import keys, ledger
from fairgate.web import dates, deployment


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of an act: its text, and what it is made of, `data` being what the ledger has at its leaf."""

    done: Done
    leaf: Leaf
    text: str
    statement: str
    data: bytes


def signer() -> Signer:
    """Who signs for this deployment, pages and gate alike."""
    return _signer(settings.FAIRGATE_HOME, keys.origin(settings.FAIRGATE_ORIGIN))


@lru_cache(maxsize=4)
def _signer(home: Path, issuer: str) -> Signer:
    return keys.load_signer(home, issuer, datetime.now(UTC))


def find(conn: psycopg.Connection, registration_id: int, index: int) -> Receipt | None:
    """The receipt of what stands at a leaf of the ledger, to the byte as the act was answered; None when that is about
    somebody else, or nothing is there.
    """
    found = ledger.own(conn, registration_id, index)
    if found is None:
        return None
    leaf = Leaf(index, found.salt, found.at)
    done = statements.read_statement(found.body, leaf)
    return Receipt(done, leaf, signer().receipt(done), found.body, ledger.leaf_data(found.salt, found.body))


# -- in words -----------------------------------------------------------------------------------


def facts_in_words(profile: Profile, facts: Mapping[str, Fact], zone: str) -> list[tuple[str, str]]:
    """What a receipt says beside kind, time and number, as names and values; what has no words here is left out."""
    known = _known(profile, zone, _zone_of(profile, facts))
    return [(name, words(facts[key])) for key, name, words in known if facts.get(key) is not None]


def _zone_of(profile: Profile, facts: Mapping[str, Fact]) -> str | None:
    """The zone of the port that a time of day is about; None where the profile does not know that port any more."""
    named = facts.get("port")
    return next((port.zone for port in profile.ports if port.port == named), None)


def _known(profile: Profile, zone: str, there: str | None) -> list[tuple[str, str, Callable[[Fact], str]]]:
    """Each fact with its name and how its value is said, in the order in which people ask for them.

    Moments are told in `zone`; a time of day at the port in `there`, the port's.
    """
    return [
        ("port", _("Where"), lambda port: deployment.port_name(profile, str(port))),
        ("ports", _("Ports, in order"), lambda ports: _names(profile, ports)),
        ("date", _("Date"), _day),
        ("time", _("Time"), lambda at: _at_port(str(at), there)),
        ("slot", _("Time"), lambda at: _at_port(str(at), there)),
        ("size", _("People"), str),
        ("appointment", _("Appointment"), str),
        ("exp", _("Counts until"), lambda at: dates.moment(datetime.fromtimestamp(int(str(at)), UTC), zone)),
        ("deadline", _("Deadline to confirm"), lambda at: _until(str(at), zone)),
        ("how", _("Confirmed"), lambda how: _how(str(how))),
        ("why", _("Why"), lambda why: _why(str(why))),
        ("language", _("Language of messages"), lambda code: deployment.language_name(str(code))),
        ("round", _("Draw for"), _day),
        ("ticket", _("Ticket in the draw"), str),
    ]


def _names(profile: Profile, ports: Fact) -> str:
    assert isinstance(ports, list)
    return ", ".join(deployment.port_name(profile, str(port)) for port in ports)


def _day(day: Fact) -> str:
    return dates.day(date.fromisoformat(str(day)), year=True)


def _at_port(at: str, zone: str | None) -> str:
    said = dates.clock(time.fromisoformat(at))
    return said if zone is None else _("%(time)s, %(city)s time") % {"time": said, "city": dates.city(zone)}


def _until(at: str, zone: str) -> str:
    if at == PAUSED.value:
        return _("The deadline stands still")
    return dates.moment(datetime.fromisoformat(at), zone)


def _how(how: str) -> str:
    return {
        "on time": _("In time"),
        "in line": _("After the deadline, from a page that was opened in time"),
        "held": _("After the deadline, because an earlier try had failed"),
    }.get(how, how)


def _why(why: str) -> str:
    """Words of our own, or those that the agency wrote."""
    return {
        "by holder": _("You asked for it"),
        "has a place": _("You held a place already"),
        "withdrawn": _("Your request was withdrawn"),
        "group too large": _("Your group is larger than the program takes"),
    }.get(why, why)
