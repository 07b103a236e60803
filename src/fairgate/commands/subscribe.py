"""Subscribe and unsubscribe a person's devices: where notices go to beside what people left as contacts.

It changes nothing that a person may count on, so it is no act of the ledger, and nobody is told of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from fairgate.core.sealing import Chance, Keys, recipient_hash, seal
from fairgate.core.webpush import Subscription
from fairgate.store import registrations, subscriptions

CHANNEL = "push"


@dataclass(frozen=True, slots=True)
class Subscribe:
    """This device is to be told of what changes for the registration."""

    number: str
    subscription: Subscription


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The device with this endpoint is not to be told any more."""

    number: str
    endpoint: str


def subscribe(
    conn: psycopg.Connection, acts: Sequence[Subscribe], *, keys: Keys, now: datetime, chance: Chance
) -> list[bool]:
    """Keep devices, sealed like a person's data; of more than ten the oldest goes. False: no such registration."""
    with conn.transaction():
        locked = registrations.lock(conn, [act.number for act in acts])
        for act in acts:
            if (row := locked.get(act.number)) is None:
                continue
            hashed = endpoint_hash(keys, act.number, act.subscription.endpoint)
            sealed = seal(keys, act.subscription.to_json(), act.number, chance)
            subscriptions.put(conn, row.id, hashed, sealed, now)
    return [act.number in locked for act in acts]


def unsubscribe(conn: psycopg.Connection, acts: Sequence[Unsubscribe], *, keys: Keys) -> list[bool]:
    """Forget devices. One that was not known is not told either, so it is done. False: no such registration."""
    with conn.transaction():
        locked = registrations.lock(conn, [act.number for act in acts])
        known = [(locked[act.number].id, act) for act in acts if act.number in locked]
        gone = [(owner, endpoint_hash(keys, act.number, act.endpoint)) for owner, act in known]
        subscriptions.remove(conn, gone)
    return [act.number in locked for act in acts]


def endpoint_hash(keys: Keys, number: str, endpoint: str) -> bytes:
    """By which a device is found again, and the recipient of its deliveries."""
    return recipient_hash(keys, number, CHANNEL, endpoint)
