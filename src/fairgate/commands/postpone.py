"""Let a sealed round wait for a later random value, when the sealing was not shown before the one announced.

The public rule. Before `seed_at` a witnessed checkpoint of the ledger must cover the leaf that says what was sealed.
Where none did, nobody outside can know that the list was fixed before the random value, so that value is not used. The
round takes the one of a quarter of an hour later, or as many quarters later as leave the witnesses five minutes. The
list stays as it was sealed. The new manifest, which differs in `seed_at` and in the number of the beacon's round alone,
is a new leaf, and that one has to be covered in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import psycopg

from fairgate.commands.rounds import about
from fairgate.commands.seal import bound, hashes
from fairgate.core.beacon import Drand, drand_round_at
from fairgate.core.bundle import parse_manifest
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused, Subject, refuse_unless_possible
from fairgate.core.places import moment
from fairgate.core.sealing import Chance
from fairgate.store import checkpoints, rounds

STEP = timedelta(minutes=15)
FOR_WITNESSES = timedelta(minutes=5)
ON_ITS_WAY = timedelta(seconds=30)  # a cosignature of before may still be under way to us


@dataclass(frozen=True, slots=True)
class Postpone:
    program: str
    date: date


def next_seed_at(seed_at: datetime, now: datetime) -> datetime:
    """When the random value is made that a round waits for whose sealing was not shown by `seed_at`."""
    missing = max(now + FOR_WITNESSES - seed_at, timedelta(seconds=1))
    return seed_at + STEP * -(-missing // STEP)


def postpone(conn: psycopg.Connection, acts: Sequence[Postpone], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Postpone sealed rounds whose sealing no witnessed checkpoint showed in time."""
    outcomes: list[Outcome] = []
    for act in acts:
        with conn.transaction():
            outcome = _postpone(conn, act, now)
            outcomes += bound(conn, act.program, act.date, outcome, now, chance)
    return outcomes


def _postpone(conn: psycopg.Connection, act: Postpone, now: datetime) -> Outcome:
    found = rounds.lock(conn, act.program, act.date)
    if found is None:
        return Refused(Reason.UNKNOWN_ROUND, about(act.program, act.date))
    refusal = refuse_unless_possible(Subject.ROUND, "postpone", found.state)
    if refusal is None and (found.proof is not None or checkpoints.in_time(conn, found)):
        refusal = Refused(Reason.SEALING_SHOWN, about(act.program, act.date))
    if refusal is None and now < found.seed_at + ON_ITS_WAY:
        refusal = Refused(Reason.NOT_DUE, about(act.program, act.date))
    if refusal is not None:
        return refusal
    assert found.manifest is not None, "a sealed round has its manifest"
    assert found.root is not None, "and its root"
    before = parse_manifest(found.manifest.encode())
    seed_at = next_seed_at(found.seed_at, now)
    beacon = before.beacon
    if isinstance(beacon, Drand):
        beacon = Drand(beacon.chain, drand_round_at(seed_at))
    text = replace(before, seed_at=seed_at, beacon=beacon).to_json()
    rounds.postpone(conn, found.id, manifest=text, seed_at=seed_at)
    times = {"was": moment(found.seed_at), "seed_at": moment(seed_at)}
    return Done("postponed", None, {**about(act.program, act.date), **hashes(text, found.root), **times})
