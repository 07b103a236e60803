"""How every act of a person on an offer goes: lock, decide, write, ledger, outbox.

`confirm`, `decline`, `cancel`, `check_in` and `miss` differ only in the decision, which core takes.
Acts of one batch on the same registration are decided one after the other: the second sees what the first
has done. An act of a kind moves an offer at most once, so that what is written is one move an offer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import psycopg

from fairgate.commands.answering import Answers, Keyed, given
from fairgate.commands.record import record
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.places import Place, time_of_day
from fairgate.core.sealing import Chance
from fairgate.store import offers, registrations
from fairgate.store.offers import Move, Offer

STATE_OF = {
    "confirmed": "confirmed",
    "declined": "declined",
    "cancelled": "cancelled",
    "checked in": "checked_in",
    "missed": "missed",
    "lapsed": "lapsed",
}


A = TypeVar("A", bound=Keyed)
Decide = Callable[[A, Offer | None], Outcome]


def place(offer: Offer | None) -> Place | None:
    """The offer as core sees it."""
    if offer is None:
        return None
    return Place(
        number=offer.number,
        program=offer.program,
        state=offer.state,
        port=offer.port,
        date=offer.date,
        time=time_of_day(offer.time),
        size=offer.size,
        how=offer.how,
    )


@dataclass
class Batch:
    """The rows that a batch is about, locked, as they are after what was decided so far, and what is to be written."""

    ids: dict[str, int]
    offers: dict[tuple[int, str], Offer]
    answers: Answers
    moves: list[Move] = field(default_factory=list)


def lock(conn: psycopg.Connection, acts: Sequence[A]) -> Batch:
    """Lock the registrations of a batch in key order and read their offers and stored answers."""
    locked = registrations.lock(conn, [act.number for act in acts])
    ids = {number: row.id for number, row in locked.items()}
    held: dict[tuple[int, str], Offer] = {}
    for program in sorted({act.program for act in acts}):
        asked = [ids[act.number] for act in acts if act.program == program and act.number in ids]
        held |= {(owner, program): offer for owner, offer in offers.latest(conn, program, asked).items()}
    return Batch(ids, held, given(conn, acts, ids))


def act_on_offers(
    conn: psycopg.Connection,
    acts: Sequence[A],
    decide: Callable[[Batch], Decide[A]],
    *,
    now: datetime,
    chance: Chance,
) -> list[Outcome]:
    """Carry a batch out in one transaction; `decide` is given the locked batch and returns the decision of one act.

    All moves are written with one statement: ports and slots are locked in key order over the whole batch.
    """
    with conn.transaction():
        batch = lock(conn, acts)
        decision = decide(batch)
        outcomes = [_decide(batch, act, decision) for act in acts]
        offers.apply(conn, batch.moves, now)
        batch.answers.write(conn, now)
        owners = [batch.ids.get(act.number) for act in acts]
        return record(conn, list(zip(owners, outcomes, strict=True)), now=now, chance=chance)


def _decide(batch: Batch, act: A, decide: Decide[A]) -> Outcome:
    """Decide one act and note in the batch what comes of it."""
    owner = batch.ids.get(act.number)
    if owner is None:
        return Refused(Reason.UNKNOWN_NUMBER)
    before = batch.answers.find(owner, act)
    if before is not None:
        return before
    outcome = decide(act, batch.offers.get((owner, act.program)))
    if isinstance(outcome, Done):
        batch.answers.keep(owner, act, outcome)
        if not outcome.repeated:
            batch.moves.append(_move(batch, owner, act.program, outcome))
    return outcome


def _move(batch: Batch, owner: int, program: str, outcome: Done) -> Move:
    offer = batch.offers[owner, program]
    how, why = outcome.facts.get("how"), outcome.facts.get("why")
    move = Move(offer, STATE_OF[outcome.kind], None if how is None else str(how), None if why is None else str(why))
    batch.offers[owner, program] = offer._replace(state=move.state, how=move.how or offer.how)
    return move
