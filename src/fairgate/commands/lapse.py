"""Lapse offers that were not confirmed: only with proof that they could have been."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from fairgate.commands.acting import place
from fairgate.commands.deadlines import Deadlines
from fairgate.commands.find_outages import covered_since, find_outages
from fairgate.commands.record import record
from fairgate.core import places
from fairgate.core.deadlines import may_lapse
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.sealing import Chance
from fairgate.store import evidence, offers, profiles, registrations
from fairgate.store.offers import Move, Window


@dataclass(frozen=True, slots=True)
class Lapse:
    """The open offers of a window."""

    window: int


def lapse(conn: psycopg.Connection, acts: Sequence[Lapse], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Lapse what is over, each offer of these windows decided in one transaction that has looked at all the evidence.

    Outages are found again from the samples and deadlines recomputed before anything else. An offer stays
    open when its deadline is paused or not over, when the evidence of health has a gap, or when
    its holder tried to confirm. One outcome for each offer that lapsed.
    """
    with conn.transaction():
        find_outages(conn, now=now, chance=chance)
        windows = {w.id: w for w in offers.windows_unsettled(conn, [act.window for act in acts])}
        deadlines = Deadlines(conn, [w.opened_at for w in windows.values()])
        healthy = {w.id for w in windows.values() if covered_since(conn, w.opened_at, now)}
        candidates = offers.open_in(conn, sorted(healthy))
        registrations.lock_ids(conn, [offer.registration_id for offer in candidates])
        moves, done = [], []
        for offer, attempt_at in _still_open(conn, sorted(healthy), windows):
            policy = profiles.current(conn).program(offer.program).policy
            deadline = deadlines.of(offer.program, offer.opened_at, offer.zone)
            if may_lapse(deadline, now=now, attempt_at=attempt_at, evidence=True, policy=policy):
                held = place(offer)
                assert held is not None
                outcome = places.lapse(held, deadline)
                assert isinstance(outcome, Done), "an open offer can lapse"
                moves.append(Move(offer, "lapsed"))
                done.append((offer.registration_id, outcome))
        offers.apply(conn, moves, now)
        offers.settle(conn, sorted(windows))
        record(conn, done, now=now, chance=chance)
    return [outcome for _, outcome in done]


def _still_open(
    conn: psycopg.Connection, window_ids: Sequence[int], windows: dict[int, Window]
) -> list[tuple[offers.Offer, datetime | None]]:
    """The offers that are open now that their registrations are locked, each with its attempt, if there is one."""
    found = offers.open_in(conn, window_ids)
    tried: dict[tuple[str, int], datetime] = {}
    for program in {window.program for window in windows.values()}:
        opened = [(offer.registration_id, offer.opened_at) for offer in found if offer.program == program]
        tried |= {(program, owner): at for owner, at in evidence.attempts(conn, program, opened).items()}
    return [(offer, tried.get((offer.program, offer.registration_id))) for offer in found]
