"""Seal rounds: from here on the list of who is in it, and the places, can no longer change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

import psycopg

from fairgate.commands.record import record
from fairgate.commands.rounds import about
from fairgate.core import collector
from fairgate.core.bundle import Beacon, Drand, Manifest, PortPlaces, entries_root
from fairgate.core.draw import Entry, ticket
from fairgate.core.lifecycle import Done, Fact, Outcome, Reason, Refused, Subject, refuse_unless_possible
from fairgate.core.sealing import Chance, Keys, wrap
from fairgate.store import lists, profiles, rounds, slots
from fairgate.store.lists import Eligible
from fairgate.store.rounds import Round

# Before the random value is made by somebody else's clock, so long at least must the list be sealed by ours.
AHEAD = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Seal:
    """`beacon` says where the random value will come from; `seed_at` when, for a sealing later than planned."""

    program: str
    date: date
    beacon: Beacon
    seed_at: datetime | None = None


def seal(conn: psycopg.Connection, acts: Sequence[Seal], *, keys: Keys, now: datetime, chance: Chance) -> list[Outcome]:
    """Seal each round when it has closed and every earlier round of its program is drawn."""
    outcomes: list[Outcome] = []
    for act in acts:
        with conn.transaction(), collector.paused():
            outcome = _seal(conn, act, keys, now, chance)
            outcomes += bound(conn, act.program, act.date, outcome, now, chance)
    return outcomes


def bound(
    conn: psycopg.Connection, program: str, day: date, outcome: Outcome, now: datetime, chance: Chance
) -> list[Outcome]:
    """Put on record what a sealing says, and with the round where in the ledger it stands."""
    [recorded] = record(conn, [(None, outcome)], now=now, chance=chance)
    if isinstance(recorded, Done):
        found = rounds.find(conn, program, day)
        assert found is not None, "a round that was just sealed is there"
        assert recorded.leaf is not None, "what is done has its leaf"
        rounds.bind(conn, found.id, recorded.leaf.index)
    return [recorded]


def _refuse(conn: psycopg.Connection, act: Seal, found: Round | None, now: datetime) -> Refused | None:
    if found is None:
        return Refused(Reason.UNKNOWN_ROUND, about(act.program, act.date))
    refusal = refuse_unless_possible(Subject.ROUND, "seal", found.state)
    if refusal is not None:
        return refusal
    if now < found.closes_at:
        return Refused(Reason.NOT_DUE, about(act.program, act.date))
    if isinstance(act.beacon, Drand) and now + AHEAD > _seed_at(act, found):
        # the signature is public by then: who seals now could choose what to seal
        return Refused(Reason.SEED_KNOWN, about(act.program, act.date))
    earlier = rounds.earlier_undrawn(conn, act.program, act.date)
    return Refused(Reason.WAITS_FOR_EARLIER, {"round": earlier.isoformat()}) if earlier else None


def _seed_at(act: Seal, found: Round) -> datetime:
    """When the random value is made: as planned, or later."""
    return max(found.seed_at, act.seed_at or found.seed_at)


def _seal(conn: psycopg.Connection, act: Seal, keys: Keys, now: datetime, chance: Chance) -> Outcome:
    found = rounds.lock(conn, act.program, act.date)
    refusal = _refuse(conn, act, found, now)
    if refusal is not None or found is None:
        return refusal or Refused(Reason.UNKNOWN_ROUND)
    key = chance(32)
    manifest = _manifest(conn, act, found, key)
    text = manifest.to_json()
    listed = _entries(lists.eligible(conn, act.program, found.closes_at, manifest.group_max), key, manifest)
    root = entries_root([entry for _, entry in listed])
    slots.admit(conn, act.program, act.date, manifest.group_max)
    rounds.insert_ports(conn, found.id, manifest.ports, manifest.group_max)
    lists.insert_entries(conn, found.id, listed)
    rounds.seal(
        conn,
        found.id,
        wrapped_key=wrap(keys, key, found.about, chance),
        manifest=text,
        root=root,
        entry_count=len(listed),
        now=now,
        seed_at=manifest.seed_at,
    )
    return Done("sealed", None, {**about(act.program, act.date), **hashes(text, root), "entries": len(listed)})


def hashes(manifest: str, root: bytes) -> dict[str, Fact]:
    """What the ledger says of a sealed round: the SHA-256 of its manifest, and its list's root."""
    return {"manifest": sha256(manifest.encode()).hexdigest(), "root": root.hex()}


def _manifest(conn: psycopg.Connection, act: Seal, found: Round, key: bytes) -> Manifest:
    program = profiles.current(conn).program(act.program)
    carry = rounds.carries(conn, act.program, act.date)
    room = dict.fromkeys(program.port_codes, 0)
    for slot in slots.of_day(conn, act.program, act.date, lock=True):
        room[slot.port] = room.get(slot.port, 0) + slot.capacity
    return Manifest(
        program=act.program,
        round=act.date.isoformat(),
        ports=tuple(PortPlaces(port, capacity, carry.get(port, 0)) for port, capacity in room.items()),
        seniority_share=program.seniority_share,
        group_max=program.group_max,
        closes_at=found.closes_at,
        seed_at=_seed_at(act, found),
        beacon=act.beacon,
        ticket_key_hash=sha256(key).hexdigest(),
    )


def _entries(eligible: Sequence[Eligible], key: bytes, manifest: Manifest) -> list[tuple[int, Entry]]:
    """The entries in the order of their tickets; ports that are not in this round are left out of a list."""
    offered = {place.port for place in manifest.ports}
    lists = {ports: tuple(port for port in ports if port in offered) for ports in {found.ports for found in eligible}}
    listed = [
        (found.registration_id, Entry(ticket(key, found.number), found.size, found.weeks, lists[found.ports]))
        for found in eligible
        if lists[found.ports]
    ]
    return sorted(listed, key=lambda row: row[1].ticket)
