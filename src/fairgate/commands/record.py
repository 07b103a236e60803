"""What every command does last: append the leaves of what was done and put its notices into the outbox."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import psycopg

from fairgate.core.lifecycle import Done, Leaf, Outcome
from fairgate.core.sealing import Chance
from fairgate.core.statements import statement
from fairgate.store import ledger, notices

# Kinds that a person is told of. Registering is answered on the spot with number and code.
TOLD = frozenset(
    {"offered", "confirmed", "declined", "lapsed", "cancelled", "extended", "withdrawn", "restored", "missed"}
)


def record(
    conn: psycopg.Connection, done: Sequence[tuple[int | None, Outcome]], *, now: datetime, chance: Chance
) -> list[Outcome]:
    """Outbox, then ledger, for each outcome that changed something; with the id of its registration, if it has one.

    The outcomes again, in the same order, what was done with its leaf: a repeated one with that of the act itself.
    """
    outcomes = [outcome for _, outcome in done]
    acts = [(i, owner, o) for i, (owner, o) in enumerate(done) if isinstance(o, Done) and not o.repeated]
    if acts:
        told = [(owner, o.kind, o.facts) for _, owner, o in acts if owner is not None and o.kind in TOLD]
        notices.add(conn, told, now)
        said = [ledger.Statement(owner, o.kind, statement(o.kind, o.number, o.facts, now)) for _, owner, o in acts]
        salts = chance(16 * len(said))
        first = ledger.append(conn, said, salts, now)
        for n, (i, _, o) in enumerate(acts):
            outcomes[i] = Done(o.kind, o.number, o.facts, leaf=Leaf(first + n, salts[16 * n : 16 * n + 16], now))
    _recall(conn, [owner for owner, _ in done], outcomes)
    return outcomes


def _recall(conn: psycopg.Connection, owners: Sequence[int | None], outcomes: list[Outcome]) -> None:
    """Give what was repeated the leaf of the act itself, so that it is answered with the same receipt.

    Who asked for A, then for B and then for A again, and repeats the first of these, has two that say the same.
    """
    both = enumerate(zip(owners, outcomes, strict=True))
    repeated = {i: (owner, o.kind) for i, (owner, o) in both if owner and isinstance(o, Done) and o.repeated}
    if not repeated:
        return
    found: dict[tuple[int, str], list[tuple[Leaf, str]]] = {}
    for owner, kind, index, salt, at, body in ledger.of_kinds(conn, list(repeated.values())):
        found.setdefault((owner, kind), []).append((Leaf(index, salt, at), body))
    for i, place in repeated.items():
        o = outcomes[i]
        assert isinstance(o, Done)
        said = [leaf for leaf, body in found.get(place, []) if body == statement(o.kind, o.number, o.facts, leaf.at)]
        outcomes[i] = replace(o, leaf=_meant(said, o.answered_at))


def _meant(leaves: Sequence[Leaf], answered_at: datetime | None) -> Leaf | None:
    """Of leaves that say the same, newest first, the one that an answer was about.

    An act and its answer have the same time. An answer that only found the act done is later, or, where it had to wait
    for the act's transaction, has a time from before that.
    """
    if answered_at is None or not leaves:
        return leaves[0] if leaves else None
    return min(leaves, key=lambda leaf: (leaf.at > answered_at, abs(leaf.at - answered_at)))
