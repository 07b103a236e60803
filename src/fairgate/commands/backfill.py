"""Backfill: places that came free go down the reserve list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

from fairgate.commands.offering import Pick, offer_places
from fairgate.commands.rounds import about
from fairgate.core.draw import next_from_reserve
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.sealing import Chance
from fairgate.store import profiles, rounds
from fairgate.store.rounds import Round


@dataclass(frozen=True, slots=True)
class Backfill:
    """Fill what is free at a port of a drawn round."""

    round_id: int
    port: str


def backfill(conn: psycopg.Connection, acts: Sequence[Backfill], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Offer free places to the first on the reserve list who would take them; there is no second draw."""
    outcomes: list[Outcome] = []
    for act in acts:
        with conn.transaction():
            outcomes.append(_backfill(conn, act, now, chance))
    return outcomes


def _backfill(conn: psycopg.Connection, act: Backfill, now: datetime, chance: Chance) -> Outcome:
    found = rounds.lock_id(conn, act.round_id)
    state = rounds.ports(conn, found.id).get(act.port)
    if state is None:
        return Refused(Reason.UNKNOWN_PORT, {"port": act.port, **about(found.program, found.date)})
    persons, groups = 0, 0
    if found.state == "drawn" and not _too_near(conn, found, act.port, now):
        used = state.used
        while used < state.places:
            # Whoever is passed over holds no place, so look again until the places are taken or the list ends.
            waiting = rounds.reserve(conn, found.id, act.port, state.places - used)
            chosen = next_from_reserve([w.entry for w in waiting], (), port=act.port, used=used, cap=state.places)
            owners = {w.entry.ticket: w.registration_id for w in waiting}
            picks = [Pick(owners[e.ticket], e.ticket, e.size, act.port, "reserve") for e in chosen]
            if not picks:
                break
            taken = offer_places(conn, found, picks, now=now, chance=chance)
            used, persons, groups = used + taken, persons + taken, groups + len(picks)
    rounds.backfilled(conn, found.id, act.port)
    facts = {**about(found.program, found.date), "port": act.port, "persons": persons}
    return Done("backfilled", None, facts, repeated=groups == 0)


def _too_near(conn: psycopg.Connection, found: Round, port: str, now: datetime) -> bool:
    """Whether the date begins at the port within the program's backfill hours."""
    profile = profiles.current(conn)
    begins = datetime.combine(found.date, datetime.min.time(), tzinfo=ZoneInfo(profile.port(port).zone))
    return now + timedelta(hours=profile.program(found.program).backfill_hours) >= begins
