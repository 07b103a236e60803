"""Lapse offers that were not confirmed: only with proof that they could have been."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg

from fairgate.commands.acting import place
from fairgate.commands.deadlines import Deadlines
from fairgate.commands.find_outages import BEFORE, bring_up_to_date
from fairgate.commands.offering import HONOURED
from fairgate.commands.record import record
from fairgate.core import places
from fairgate.core.deadlines import Deadline, Paused, may_lapse
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.outages import GAP, Known, Sample
from fairgate.core.sealing import Chance
from fairgate.store import evidence, offers, profiles, registrations
from fairgate.store.offers import Move, Offer, Window

# How long after its beginning an outage is found at the latest: a gap, or three bad samples, and their way here.
FOUND_AFTER = GAP + timedelta(seconds=60)


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
    for _ in range(TRIES):
        with conn.transaction():
            brought = bring_up_to_date(conn, now=now, chance=chance)
            if not (brought.outages or brought.moved):
                return _lapse(conn, [act.window for act in acts], brought.samples, now, chance)
        # Something was new, and so the ledger is locked: commit that first, then lock registrations.
    return []  # evidence comes in faster than it can be looked at; whoever called calls again


TRIES = 10


def _lapse(
    conn: psycopg.Connection, ids: Sequence[int], samples: Sequence[Sample], now: datetime, chance: Chance
) -> list[Outcome]:
    """`samples` are those in which outages were just looked for: one that came since may show another."""
    windows = {w.id: w for w in offers.windows_unsettled(conn, ids)}
    opened = [w.opened_at for w in windows.values()]
    deadlines, profile = Deadlines(conn, opened), profiles.current(conn)
    on_record = evidence.outages(conn, min(opened, default=now) - BEFORE)
    health = Known(samples, [recorded.outage for recorded in on_record])

    def is_over(opened_at: datetime, deadline: Deadline, granted: timedelta) -> bool:
        """Whether what is granted after the deadline is over too, and evidence covers the whole time.

        Evidence up to `now` is not asked for, as the last sample is always some seconds old; but so
        much that an outage which began before the deadline would have been found.
        """
        if isinstance(deadline, Paused) or now <= deadline + granted:
            return False
        return health.covers(opened_at, deadline + max(granted, FOUND_AFTER))

    over = []
    for w in windows.values():
        policy = profile.program(w.program).policy
        if is_over(w.opened_at, deadlines.of(w), policy.in_line):
            over.append(w.id)
    registrations.lock_ids(conn, [offer.registration_id for offer in offers.open_in(conn, over)])
    moves: list[Move] = []
    done: list[tuple[int | None, Outcome]] = []
    for offer, attempt_at in _still_open(conn, over, windows):
        policy = profile.program(offer.program).policy
        deadline = deadlines.of(offer)
        # Who tried to confirm is held: then the whole time until that ends has to be known too.
        shown = attempt_at is None or is_over(offer.opened_at, deadline, policy.held)
        if may_lapse(deadline, now=now, attempt_at=attempt_at, evidence=shown, policy=policy):
            moves.append(Move(offer, "lapsed"))
            done.append((offer.registration_id, _lapsed(offer, deadline)))
    offers.apply(conn, moves, now)
    offers.settle(conn, sorted(windows))
    record(conn, done, now=now, chance=chance)
    return [outcome for _, outcome in done]


def _lapsed(offer: Offer, deadline: Deadline) -> Outcome:
    held = place(offer)
    assert held is not None
    outcome = places.lapse(held, deadline)
    assert isinstance(outcome, Done), "an open offer can lapse"
    if offer.phase == HONOURED:  # then it goes to nobody, and the holder is not told that it does
        return replace(outcome, facts={**outcome.facts, "over_capacity": True})
    return outcome


def _still_open(
    conn: psycopg.Connection, window_ids: Sequence[int], windows: dict[int, Window]
) -> list[tuple[Offer, datetime | None]]:
    """The offers that are open now that their registrations are locked, each with its attempt, if there is one."""
    found = offers.open_in(conn, window_ids)
    tried: dict[tuple[str, int], datetime] = {}
    for program in {window.program for window in windows.values()}:
        opened = [(offer.registration_id, offer.opened_at) for offer in found if offer.program == program]
        tried |= {(program, owner): at for owner, at in evidence.attempts(conn, program, opened).items()}
    return [(offer, tried.get((offer.program, offer.registration_id))) for offer in found]
