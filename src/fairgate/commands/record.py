"""What every command does last: append the leaves of what was done and put its notices into the outbox."""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from fairgate.core.canonical import canonical
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.places import moment
from fairgate.core.sealing import Chance
from fairgate.store import ledger, notices

# Kinds that a person is told of. Registering is answered on the spot with number and code.
TOLD = frozenset(
    {"offered", "confirmed", "declined", "lapsed", "cancelled", "extended", "withdrawn", "restored", "missed"}
)


def statement(done: Done, now: datetime) -> str:
    """The canonical JSON (RFC 8785) that the ledger keeps of an act."""
    said = {"kind": done.kind, "at": moment(now), **({"number": done.number} if done.number else {}), **done.facts}
    return canonical(said)


def record(
    conn: psycopg.Connection, done: Sequence[tuple[int | None, Outcome]], *, now: datetime, chance: Chance
) -> None:
    """Ledger, then outbox, for each outcome that changed something; with the id of its registration, if it has one."""
    acts = [(owner, o) for owner, o in done if isinstance(o, Done) and not o.repeated]
    if not acts:
        return
    told = [(owner, o.kind, o.facts) for owner, o in acts if owner is not None and o.kind in TOLD]
    said = [ledger.Statement(owner, o.kind, statement(o, now)) for owner, o in acts]
    notices.add(conn, told, now)
    salts = chance(16 * len(said))
    ledger.append(conn, said, [salts[i : i + 16] for i in range(0, len(salts), 16)], now)
