"""Where registrations stand, many read at once: what `GET /api/v1/me` answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from fairgate.commands.deadlines import Deadlines
from fairgate.core.deadlines import Step, moved_by
from fairgate.core.places import moment, shown, time_of_day, told
from fairgate.store import offers, profiles, registrations, requests
from fairgate.store.offers import Offer
from fairgate.store.registrations import Registration
from fairgate.store.requests import Request

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Standing:
    """A registration with its request and its live or newest offer, in the first program that is not hidden."""

    registration: Registration
    wish: Request | None
    offer: Offer | None
    deadline: str | None
    steps: tuple[Step, ...]

    def json(self) -> Json:
        """For programs; times are UTC, times of day are the port's."""
        wish, offer = self.wish, self.offer
        return {
            "number": self.registration.number,
            "size": self.registration.size,
            "language": self.registration.language,
            "registered_at": moment(self.registration.registered_at),
            "request": wish and {"state": wish.state, "ports": wish.ports, "asked_at": moment(wish.asked_at)},
            "offer": self._offer(offer) if offer and offer.state != "confirmed" else None,
            "appointment": self._place(offer) if offer and offer.state in ("confirmed", "checked_in") else None,
        }

    def _place(self, offer: Offer) -> Json:
        day = {"port": offer.port, "date": offer.date.isoformat(), "time": time_of_day(offer.time)}
        return {"program": offer.program, "state": offer.state, **day, "size": offer.size, "how": offer.how}

    def _offer(self, offer: Offer) -> Json:
        return {
            **self._place(offer),
            "opened_at": moment(offer.opened_at),
            "deadline": self.deadline,
            "outages": told(moved_by(self.steps)),
            "reasons": [_reason(step) for step in self.steps],
        }


def _reason(step: Step) -> Json:
    """One line of the sum that leads to the deadline."""
    outage = told([step.outage])[0] if step.outage else None
    lost = None if step.lost is None else int(step.lost.total_seconds())
    return {"because": step.because.value, "deadline": shown(step.deadline), "outage": outage, "lost_s": lost}


def standings(conn: psycopg.Connection, numbers: Sequence[str]) -> list[Standing | None]:
    """The standing of each registration number; None for one that is not there."""
    program = profiles.current(conn).public_programs[0].program
    found = registrations.find_all(conn, numbers)
    ids = [row.id for row in found.values()]
    wishes = requests.of(conn, ids)
    places = offers.latest(conn, program, ids)
    deadlines = Deadlines(conn, sorted({offer.opened_at for offer in places.values()}))

    def one(row: Registration) -> Standing:
        offer = places.get(row.id)
        deadline, steps = deadlines.explain(offer) if offer else (None, ())
        ends = shown(deadline) if deadline else None
        return Standing(row, wishes.get((row.id, program)), offer, ends, steps)

    return [one(found[number]) if number in found else None for number in numbers]
