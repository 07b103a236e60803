"""Seed and draw rounds. The draw itself is core's pure function; here its result becomes offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import psycopg

from fairgate.commands.offering import Pick, offer_places
from fairgate.commands.record import record
from fairgate.commands.rounds import about
from fairgate.core import collector
from fairgate.core import draw as drawing
from fairgate.core.beacon import randomness
from fairgate.core.bundle import (
    Manifest,
    Proof,
    entries_root,
    parse_beacon,
    parse_manifest,
    write_beacon,
    write_results,
)
from fairgate.core.draw import Entry
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused, Subject, refuse_unless_possible
from fairgate.core.sealing import Chance
from fairgate.store import checkpoints, lists, profiles, rounds
from fairgate.store.rounds import Round

# After the last port's date is over, so long until those who did not come count as missed.
AFTER_THE_DAY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Seed:
    """`proof`: drand's signature, or the observers' reveals."""

    program: str
    date: date
    proof: Proof


@dataclass(frozen=True, slots=True)
class Draw:
    program: str
    date: date


def seed(conn: psycopg.Connection, acts: Sequence[Seed], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Put the random value of sealed rounds on record; raises BadInput for a value that is not the one announced."""
    outcomes: list[Outcome] = []
    for act in acts:
        with conn.transaction():
            outcome = _seed(conn, act, now)
            record(conn, [(None, outcome)], now=now, chance=chance)
            outcomes.append(outcome)
    return outcomes


def _seed(conn: psycopg.Connection, act: Seed, now: datetime) -> Outcome:
    found = rounds.lock(conn, act.program, act.date)
    if found is None:
        return Refused(Reason.UNKNOWN_ROUND, about(act.program, act.date))
    refusal = refuse_unless_possible(Subject.ROUND, "seed", found.state)
    if refusal is not None:
        return refusal
    if now < found.seed_at:
        return Refused(Reason.NOT_DUE, about(act.program, act.date))
    if not checkpoints.in_time(conn, found):
        return Refused(Reason.SEALING_NOT_SHOWN, about(act.program, act.date))
    proof = found.proof or write_beacon(act.proof).decode()
    facts = {**about(act.program, act.date), "proof": sha256(proof.encode()).hexdigest()}
    if found.proof is not None:
        return Done("seeded", None, facts, repeated=True)
    randomness(_manifest(found), act.proof)
    rounds.seed(conn, found.id, proof=proof, now=now, due_at=max(found.draw_at, found.seed_at))
    return Done("seeded", None, facts)


def draw(conn: psycopg.Connection, acts: Sequence[Draw], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Draw seeded rounds when they are due; a round that is drawn is never drawn again."""
    outcomes: list[Outcome] = []
    for act in acts:
        with conn.transaction(), collector.paused():
            outcomes.append(_draw(conn, act, now, chance))
    return outcomes


def _draw(conn: psycopg.Connection, act: Draw, now: datetime, chance: Chance) -> Outcome:
    found = rounds.lock(conn, act.program, act.date)
    if found is None:
        return Refused(Reason.UNKNOWN_ROUND, about(act.program, act.date))
    refusal = refuse_unless_possible(Subject.ROUND, "draw", found.state)
    if refusal is not None:
        return refusal
    if now < found.draw_at or found.proof is None:
        return Refused(Reason.NOT_DUE, about(act.program, act.date))
    manifest, listed = _manifest(found), lists.entries(conn, found.id)
    entries = [entry for _, entry in listed]
    root = entries_root(entries)
    assert root == found.root, "the list of a sealed round is the one that was sealed"
    drawn = drawing.draw(manifest, root, entries, randomness(manifest, parse_beacon(found.proof.encode())))
    done = _write(conn, found, drawn, now)
    picks = _picks(drawn, listed)
    offer_places(conn, found, picks, now=now, chance=chance)
    record(conn, [(None, done)], now=now, chance=chance)
    return done


def _manifest(found: Round) -> Manifest:
    assert found.manifest is not None, "a sealed round has its manifest"
    return parse_manifest(found.manifest.encode())


def _write(conn: psycopg.Connection, found: Round, drawn: drawing.Drawn, now: datetime) -> Done:
    """Results and carry, and the round's step."""
    results_hash = sha256(write_results(drawn)).digest()
    lists.insert_results(conn, found.id, drawn.offers, drawn.reserve)
    rounds.carry_out(conn, found.id, drawn.carry_out)
    rounds.draw(conn, found.id, seed=drawn.seed, results_hash=results_hash, now=now, due_at=_day_over(conn, found))
    facts = {"seed": drawn.seed.hex(), "results": results_hash.hex()}
    return Done("drawn", None, {**about(found.program, found.date), **facts})


def _day_over(conn: psycopg.Connection, found: Round) -> datetime:
    """When the date of the round is over at all of its ports."""
    profile = profiles.current(conn)
    zones = {profile.port(port).zone for port in profile.program(found.program).port_codes}
    tomorrow = datetime.combine(found.date + timedelta(days=1), datetime.min.time())
    return max(tomorrow.replace(tzinfo=ZoneInfo(zone)) for zone in zones) + AFTER_THE_DAY


def _picks(drawn: drawing.Drawn, listed: Sequence[tuple[int, Entry]]) -> list[Pick]:
    offered = {offer.ticket for offer in drawn.offers}
    by_ticket = {entry.ticket: (owner, entry) for owner, entry in listed if entry.ticket in offered}
    return [Pick(by_ticket[o.ticket][0], o.ticket, by_ticket[o.ticket][1].size, o.port, o.phase) for o in drawn.offers]
