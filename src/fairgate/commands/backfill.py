"""Backfill: places that came free go down the reserve list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

from fairgate.commands.offering import HONOURED, Pick, offer_places
from fairgate.commands.rounds import about
from fairgate.core.draw import next_from_reserve
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.sealing import Chance
from fairgate.store import honoured, lists, profiles, registrations, rounds, slots
from fairgate.store.lists import Waiting
from fairgate.store.rounds import Round


@dataclass(frozen=True, slots=True)
class Backfill:
    """Fill what is free at a port of a drawn round."""

    round_id: int
    port: str


def backfill(conn: psycopg.Connection, acts: Sequence[Backfill], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Offer free places to the first on the reserve list who would take them; there is no second draw."""
    return [_backfill(conn, act, now, chance) for act in acts]


def _backfill(conn: psycopg.Connection, act: Backfill, now: datetime, chance: Chance) -> Outcome:
    """One transaction after the other until nothing is free or nobody waits.

    Somebody who is passed over holds no place, so that there is more to fill afterwards; but in one transaction
    registrations are locked before ports, and once only, or two commands could wait for each other in a ring.
    """
    persons, more, outcome = 0, True, None
    while more:
        with conn.transaction():
            found = rounds.lock_id(conn, act.round_id)
            if act.port not in rounds.ports(conn, found.id):
                return Refused(Reason.UNKNOWN_PORT, {"port": act.port, **about(found.program, found.date)})
            taken, more = _fill(conn, found, act.port, now, chance)
        persons += taken
        facts = {**about(found.program, found.date), "port": act.port, "persons": persons}
        outcome = Done("backfilled", None, facts, repeated=persons == 0)
    assert outcome is not None
    return outcome


def _fill(conn: psycopg.Connection, found: Round, port: str, now: datetime, chance: Chance) -> tuple[int, bool]:
    """Offer what is free to the first who wait; for how many persons, and whether there may be more to do."""
    open_to_fill = found.state == "drawn" and not _too_near(conn, found, port, now)
    room = _room(conn, found, port)
    free = room - rounds.ports(conn, found.id)[port].used
    waiting, missing = _waiting(conn, found, port, free) if open_to_fill and free > 0 else ([], set())
    locked = registrations.lock_ids(conn, [w.registration_id for w in waiting])
    # Meanwhile a place may have come free; nobody but the holder of the round's lock takes one.
    used = rounds.ports(conn, found.id, lock=[port])[port].used
    groups = [w.entry._replace(size=locked[w.registration_id].size) for w in waiting]
    chosen = next_from_reserve(groups, (), port=port, used=used, cap=room, over_capacity=missing)
    owners = {w.entry.ticket: w.registration_id for w in waiting}
    picks = [
        Pick(owners[e.ticket], e.ticket, e.size, port, HONOURED if e.ticket in missing else "reserve") for e in chosen
    ]
    made = [row for row in offer_places(conn, found, picks, now=now, chance=chance) if row.state == "offered"]
    taken, counted = sum(row.size for row in made), sum(row.size for row in made if row.phase != HONOURED)
    looked_at_all = not waiting and (free > 0 or used >= room)
    if not open_to_fill or looked_at_all or (picks and used + counted >= room):
        rounds.backfilled(conn, found.id, port)
        return taken, False
    return taken, True


def _waiting(conn: psycopg.Connection, found: Round, port: str, free: int) -> tuple[list[Waiting], set[str]]:
    """The first of the reserve in the order of their turn, and the tickets among them that were missing from the list.

    Who was missing stands before the one who has the same order in the public list.
    """
    missing = honoured.waiting(conn, found.id, port)
    listed = lists.reserve(conn, found.id, port, free)
    return sorted([*missing, *listed], key=lambda w: w.order), {w.entry.ticket for w in missing}  # sorting keeps ties


def _room(conn: psycopg.Connection, found: Round, port: str) -> int:
    """Persons that may have a place at the port: as sealed, and less where its slots were made smaller since."""
    sealed = rounds.ports(conn, found.id)[port].places
    return min(sealed, sum(s.capacity for s in slots.of_day(conn, found.program, found.date) if s.port == port))


def _too_near(conn: psycopg.Connection, found: Round, port: str, now: datetime) -> bool:
    """Whether the date begins at the port within the program's backfill hours."""
    profile = profiles.current(conn)
    begins = datetime.combine(found.date, datetime.min.time(), tzinfo=ZoneInfo(profile.port(port).zone))
    return now + timedelta(hours=profile.program(found.program).backfill_hours) >= begins
