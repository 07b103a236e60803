"""Check in groups that have arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from fairgate.commands.acting import Batch, Decide, act_on_offers, place
from fairgate.core import places
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.sealing import Chance
from fairgate.store import profiles, requests
from fairgate.store.offers import Offer, today_at


@dataclass(frozen=True, slots=True)
class CheckIn:
    number: str
    program: str
    key: str | None = None


def check_in(conn: psycopg.Connection, acts: Sequence[CheckIn], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Take note that groups are here, on the day of their appointment; their requests are fulfilled."""

    def decision(_: Batch) -> Decide[CheckIn]:
        profile = profiles.current(conn)

        def decide(_act: CheckIn, offer: Offer | None) -> Outcome:
            port = profile.find_port(offer.port) if offer else None  # none where it left the profile after its rounds
            return places.check_in(place(offer), today=today_at(now, port.zone) if port else now.date())

        return decide

    with conn.transaction():
        outcomes = act_on_offers(conn, acts, decision, now=now, chance=chance)
        arrived = {
            (act.number, act.program)
            for act, outcome in zip(acts, outcomes, strict=True)
            if isinstance(outcome, Done) and not outcome.repeated
        }
        requests.fulfil(conn, sorted(arrived))
    return outcomes
