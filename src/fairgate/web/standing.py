"""Where a registration stands: what its pages show, read from the store and put into words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import psycopg

from fairgate.commands.deadlines import Deadlines
from fairgate.core import lifecycle
from fairgate.core.asking import UNDO
from fairgate.core.deadlines import Paused, Verdict, decide
from fairgate.core.lifecycle import NONE, Subject
from fairgate.core.passes import HOLDS
from fairgate.store import evidence, ledger, lists, offers, registrations, requests
from fairgate.store.offers import Offer
from fairgate.store.registrations import Registration
from fairgate.store.requests import Request
from fairgate.web import dates, deployment, explaining, words
from fairgate.web.session import Gone

Context = dict[str, object]

HISTORY_SHOWN = 30


@dataclass(frozen=True, slots=True)
class NoWish:
    """Nothing was ever asked."""

    state: str = NONE


class Desk:
    """One registration and what is on the desk for it, each read when it is first needed."""

    def __init__(self, conn: psycopg.Connection, number: str, program: str | None = None) -> None:
        self.conn = conn
        self.number = number
        self.profile = deployment.profile(conn)
        self.program = deployment.program(self.profile, program)

    @cached_property
    def registration(self) -> Registration:
        """Raises Gone when the registration that somebody is signed in for is not there any more."""
        found = registrations.find(self.conn, self.number)
        if found is None:
            raise Gone
        return found

    @cached_property
    def offer(self) -> Offer | None:
        """The live or else newest offer."""
        owner = self.registration.id
        return offers.latest(self.conn, self.program.program, [owner]).get(owner)

    @property
    def appointment(self) -> Offer | None:
        """The offer, once it is an appointment that was neither given up nor missed."""
        return self.offer if self.offer and self.offer.state in HOLDS else None

    @cached_property
    def wish(self) -> Request | None:
        owner = self.registration.id
        return requests.of(self.conn, [owner]).get((owner, self.program.program))

    @cached_property
    def zone(self) -> str:
        """The clock that this person lives by: where people wait for the offer's port, else for the first choice."""
        codes = [self.offer.port] if self.offer else list(self.chosen_ports())
        return deployment.people_zone(self.profile, codes[0], self.program.zone) if codes else self.program.zone

    def ports(self) -> list[tuple[str, str]]:
        """The ports that can be asked for, as code and name."""
        return [(code, deployment.port_name(self.profile, code)) for code in self.program.port_codes]

    def chosen_ports(self) -> Sequence[str]:
        return self.wish.ports if self.wish else ()

    def offer_for(self, act: str) -> Offer | None:
        """The offer if `act` is possible in its state; the command decides again, under lock."""
        offer = self.offer
        return offer if offer and lifecycle.target(Subject.OFFER, act, offer.state) else None

    @cached_property
    def deadlines(self) -> Deadlines:
        """The outages on record since the offer was made."""
        return Deadlines(self.conn, [self.offer.opened_at] if self.offer else [])

    def is_over(self, offer: Offer, now: datetime) -> bool:
        """Whether somebody who opens the page only now is too late to confirm."""
        deadline = self.deadlines.of(offer)
        tried = evidence.attempts(self.conn, offer.program, [(offer.registration_id, offer.opened_at)])
        verdict = decide(
            deadline,
            now=now,
            page_opened_at=None,
            attempt_at=tried.get(offer.registration_id),
            policy=self.program.policy,
        )
        return verdict is Verdict.TOO_LATE


def place_context(desk: Desk, offer: Offer) -> Context:
    """An offer or appointment with its port, its deadline and the sum that leads to it."""
    deadline, steps = desk.deadlines.explain(offer)
    return {
        "offer": offer,
        "port": deployment.shown_port(desk.profile, offer.port, offer.zone),
        "deadline": None if isinstance(deadline, Paused) else dates.local(deadline, desk.zone),
        "steps": explaining.sentences(steps, offer.opened_at, desk.program.policy, desk.zone),
    }


def standing_context(desk: Desk, now: datetime) -> Context:
    """The page "Where you stand"."""
    registration = desk.registration
    last = lists.last_result(desk.conn, registration.id, desk.program.program)
    return {
        "registration": registration,
        "registered": dates.local(registration.registered_at, desk.zone),
        "message_language": deployment.language_name(registration.language),
        "weeks": lists.weeks(desk.conn, registration.id, now),
        "last": last,
        "last_port": deployment.port_name(desk.profile, last.port) if last and last.port else None,
        **history_context(desk, HISTORY_SHOWN),
        **_wish_context(desk, now),
        **_offer_context(desk, now),
    }


def history_context(desk: Desk, most: int) -> Context:
    """The newest lines of what has happened, and where their times are told."""
    rows = ledger.history(desk.conn, desk.registration.id, most)
    return {"history": [_line(row, desk.zone) for row in rows], "zone_city": dates.city(desk.zone)}


def _offer_context(desk: Desk, now: datetime) -> Context:
    offer = desk.offer
    if offer is None:
        return {"panel": None, "holds_place": False}
    over = desk.offer_for("confirm") is not None and desk.is_over(offer, now)
    panel = "over" if over else offer.state
    return {"panel": panel, "holds_place": offer.state in lifecycle.LIVE, **place_context(desk, offer)}


def _wish_context(desk: Desk, now: datetime) -> Context:
    wish = desk.wish
    if wish is None:
        return {"wish": NoWish()}
    undo_until = wish.withdrawn_at + UNDO if wish.withdrawn_at else None
    return {
        "wish": wish,
        "asked": dates.local(wish.asked_at, desk.zone),
        "many_ports": len(desk.program.port_codes) > 1,
        "wish_ports": [deployment.port_name(desk.profile, port) for port in wish.ports],
        "undo_until": dates.local(undo_until, desk.zone) if undo_until and now <= undo_until else None,
    }


def _line(row: Mapping[str, object], zone: str) -> Context:
    at = row["at"]
    assert isinstance(at, datetime)
    text = words.history(str(row["kind"]), json.loads(str(row["body"])))
    return {"at": dates.local(at, zone), "text": text, "leaf": row["leaf"]}
