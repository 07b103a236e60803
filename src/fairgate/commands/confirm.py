"""Confirm offers: the act that must never fail because of us."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from fairgate.commands.acting import Batch, Decide, act_on_offers, place
from fairgate.commands.deadlines import Deadlines
from fairgate.core import places
from fairgate.core.deadlines import moved_by
from fairgate.core.lifecycle import Outcome, Reason, Refused
from fairgate.core.sealing import Chance
from fairgate.store import evidence
from fairgate.store.offers import Offer


@dataclass(frozen=True, slots=True)
class Confirm:
    """`page_opened_at` is from the signed token of the page that the person confirmed on."""

    number: str
    program: str
    page_opened_at: datetime | None = None
    key: str | None = None


def confirm(conn: psycopg.Connection, acts: Sequence[Confirm], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Confirm each offer in time, in line or held; deadlines are computed from the outages on record."""

    def decision(batch: Batch) -> Decide[Confirm]:
        deadlines = Deadlines(conn, [offer.opened_at for offer in batch.offers.values()])
        tried = _attempts(conn, batch)
        policies = {program: deadlines.profile.program(program).policy for _, program in batch.offers}

        def decide(act: Confirm, offer: Offer | None) -> Outcome:
            if offer is None:
                return Refused(Reason.NO_OFFER)
            deadline, steps = deadlines.explain(offer)
            return places.confirm(
                place(offer),
                now=now,
                deadline=deadline,
                outages=moved_by(steps),
                page_opened_at=act.page_opened_at,
                attempt_at=tried.get((offer.registration_id, offer.program)),
                policy=policies[offer.program],
            )

        return decide

    return act_on_offers(conn, acts, decision, now=now, chance=chance)


def _attempts(conn: psycopg.Connection, batch: Batch) -> dict[tuple[int, str], datetime]:
    found: dict[tuple[int, str], datetime] = {}
    for program in {program for _, program in batch.offers}:
        opened = [(owner, o.opened_at) for (owner, p), o in batch.offers.items() if p == program]
        found |= {(owner, program): at for owner, at in evidence.attempts(conn, program, opened).items()}
    return found
