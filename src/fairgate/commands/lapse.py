"""Lapse offers that were not confirmed: only with proof that they could have been."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from fairgate.commands.acting import place
from fairgate.commands.deadlines import Deadlines
from fairgate.commands.find_outages import covered, find_outages
from fairgate.commands.record import record
from fairgate.core import places
from fairgate.core.deadlines import Deadline, Paused, may_lapse
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
        over = [w.id for w in windows.values() if _is_over(conn, w, deadlines, now)]
        candidates = offers.open_in(conn, over)
        registrations.lock_ids(conn, [offer.registration_id for offer in candidates])
        moves, done = [], []
        for offer, attempt_at in _still_open(conn, over, windows):
            policy = profiles.current(conn).program(offer.program).policy
            deadline = deadlines.of(offer.program, offer.opened_at, offer.zone)
            # Who tried to confirm is held: then the whole time until that ends has to be known too.
            known = attempt_at is None or _known(conn, offer.opened_at, deadline, policy.held, now)
            if may_lapse(deadline, now=now, attempt_at=attempt_at, evidence=known, policy=policy):
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


def _is_over(conn: psycopg.Connection, window: Window, deadlines: Deadlines, now: datetime) -> bool:
    """Whether nobody but those who tried could still confirm, and everyone else could have until now."""
    policy = profiles.current(conn).program(window.program).policy
    deadline = deadlines.of(window.program, window.opened_at, window.zone)
    return _known(conn, window.opened_at, deadline, policy.in_line, now)


def _known(
    conn: psycopg.Connection, opened_at: datetime, deadline: Deadline, granted: timedelta, now: datetime
) -> bool:
    """Whether the time from the opening until `granted` after the deadline is over, and evidence covers all of it.

    Evidence up to `now` is not asked for: the last sample is always some seconds old.
    """
    if isinstance(deadline, Paused) or now <= deadline + granted:
        return False
    return covered(conn, opened_at, deadline + granted)


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
