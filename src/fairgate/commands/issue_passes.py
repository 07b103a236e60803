"""Give everyone who has confirmed a pass to show at the port, on the record.

Confirming does not do it itself: the pass comes a moment later, and nobody who confirms waits for it. What is to be
done is read off the ledger, in which confirmations stand in the order of their commits: how far that was read is one
number in the database, confirming writes nothing for it and no index knows of it. A round of it adds few leaves, so
that the ledger is never locked for long in a rush.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import psycopg

from fairgate.commands.acting import place
from fairgate.commands.record import record
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.passes import expires, issue
from fairgate.core.sealing import Chance, Keys, appointment_id
from fairgate.store import audit, offers, passes, profiles, registrations
from fairgate.store.offers import Offer
from fairgate.store.passes import NewPass

PASSES_AT_ONCE: Final = 500  # they take a tenth of a second, and the ledger is locked for a part of it
LEAVES_AT_ONCE: Final = 20_000


def issue_passes(conn: psycopg.Connection, *, keys: Keys, now: datetime, chance: Chance) -> list[Outcome]:
    """Issue the passes of the next confirmations on record; an empty list when there are none for now.

    One pass an appointment, however often this is called and by how many. Who has cancelled meanwhile gets none, nor
    does anybody whose day is over.
    """
    while True:
        with conn.transaction():
            first = passes.lock_next(conn)
            if first is None:
                return []
            end = min(audit.size(conn), first + LEAVES_AT_ONCE)
            if end <= first:
                return []
            found = passes.confirmed(conn, first, end, PASSES_AT_ONCE)
            passes.looked(conn, found[-1][0] + 1 if len(found) == PASSES_AT_ONCE else end)
            issued = _issue(conn, sorted({owner for _, owner in found}), keys, now, chance)
        if issued:
            return issued


def _issue(conn: psycopg.Connection, owners: Sequence[int], keys: Keys, now: datetime, chance: Chance) -> list[Outcome]:
    if not owners:
        return []
    registrations.lock_ids(conn, owners)
    profile = profiles.current(conn)
    without = offers.without_pass(conn, owners)
    held = [(offer, expires(offer.date, profile.port(offer.port).zone)) for offer in without]
    held = [(offer, end) for offer, end in held if now < end]
    acts = [(offer.registration_id, _issued(keys, offer, end)) for offer, end in held]
    said = record(conn, acts, now=now, chance=chance)
    passes.insert(conn, [_row(offer, end, done) for (offer, end), done in zip(held, said, strict=True)])
    return said


def _issued(keys: Keys, offer: Offer, expires_at: datetime) -> Done:
    held = place(offer)
    assert held is not None
    return issue(held, appointment_id(keys, offer.number, offer.program, offer.date), expires_at)


def _row(offer: Offer, expires_at: datetime, done: Outcome) -> NewPass:
    assert isinstance(done, Done)
    assert done.leaf is not None, "what is recorded has a leaf"
    return NewPass(offer.id, offer.registration_id, str(done.facts["appointment"]), done.leaf.index, expires_at)
