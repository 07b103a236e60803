"""How places become offers, in a draw and in a backfill alike."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import psycopg

from fairgate.commands.acting import place
from fairgate.commands.deadlines import Deadlines
from fairgate.commands.record import record
from fairgate.core.deadlines import Deadline
from fairgate.core.draw import SlotRoom, times_of_day
from fairgate.core.lifecycle import Done, Fact, Outcome
from fairgate.core.places import shown
from fairgate.core.sealing import Chance
from fairgate.store import offers, profiles, registrations, requests, rounds, slots
from fairgate.store.offers import NewOffer
from fairgate.store.registrations import Registration
from fairgate.store.rounds import Round, RoundPort
from fairgate.store.slots import Slot

HONOURED: Final = "honoured"  # the phase of offers over capacity, for who was missing from the list


class Pick(NamedTuple):
    """A registration that the draw or the reserve list gives a place."""

    registration_id: int
    ticket: str
    size: int
    port: str
    phase: str


def whole_second_after(at: datetime) -> datetime:
    """`at`, rounded up: what people are told in seconds never takes a moment from them."""
    return at if at.microsecond == 0 else at.replace(microsecond=0) + timedelta(seconds=1)


def offer_places(
    conn: psycopg.Connection, found: Round, picks: Sequence[Pick], *, now: datetime, chance: Chance
) -> list[NewOffer]:
    """Write offers for `picks`, in this order, under the lock of the round; what was written.

    Who has withdrawn meanwhile, or has got a place of the program in another way, is passed over: the
    offer is on record as declined, and its place is due for backfill. The offer is for the group as it is now; what it
    needs less than when the list was sealed is due for backfill too.
    Locks, in the order that all commands keep: round, registrations, ports, slots, ledger.
    """
    if not picks:
        return []
    locked = registrations.lock_ids(conn, [pick.registration_id for pick in picks])
    shrunk = {pick.port for pick in picks if locked[pick.registration_id].size < pick.size}
    picks = [pick._replace(size=locked[pick.registration_id].size) for pick in picks]
    ports = rounds.ports(conn, found.id, lock=sorted({pick.port for pick in picks}))
    reasons = _passed_over(conn, found, picks, ports)
    opened_at = whole_second_after(now)
    windows = _open_windows(conn, found, sorted({pick.port for pick in picks}), opened_at)
    rows = _rows(conn, found, picks, reasons, {port: w for port, (w, _) in windows.items()})
    offers.insert(conn, found.program, found.id, rows, now)
    freed = shrunk | {row.port for row in rows if row.state == "declined"}
    if freed:
        offers.mark_freed(conn, [(found.id, port) for port in sorted(freed)], now)
    record(conn, _said(conn, found, picks, rows, windows, locked), now=now, chance=chance)
    return rows


def _said(
    conn: psycopg.Connection,
    found: Round,
    picks: Sequence[Pick],
    rows: Sequence[NewOffer],
    windows: Mapping[str, tuple[int, Deadline]],
    locked: Mapping[int, Registration],
) -> list[tuple[int | None, Outcome]]:
    """What the ledger and the holders are told of each offer."""
    said: list[tuple[int | None, Outcome]] = []
    held = offers.latest(conn, found.program, [row.registration_id for row in rows if row.state == "offered"])
    tickets = {pick.registration_id: pick.ticket for pick in picks}
    for row in rows:
        facts: dict[str, Fact] = {
            "round": found.date.isoformat(),
            "ticket": tickets[row.registration_id],
            "port": row.port,
        }
        if row.state == "offered":
            told = place(held[row.registration_id])
            assert told is not None
            facts = {**told.facts, **facts, "deadline": shown(windows[row.port][1])}
        if row.phase == HONOURED:
            facts["over_capacity"] = True
        kind = "offered" if row.state == "offered" else "passed over"
        why: dict[str, Fact] = {} if row.why is None else {"why": row.why}
        said.append((row.registration_id, Done(kind, locked[row.registration_id].number, {**facts, **why})))
    return said


def _passed_over(
    conn: psycopg.Connection, found: Round, picks: Sequence[Pick], ports: Mapping[str, RoundPort]
) -> dict[int, str]:
    """Why somebody is offered nothing, by registration."""
    ids = [pick.registration_id for pick in picks]
    live = offers.live(conn, found.program, ids)
    asked = requests.of(conn, ids)
    reasons = {}
    for pick in picks:
        wish = asked.get((pick.registration_id, found.program))
        if pick.registration_id in live:
            reasons[pick.registration_id] = "has a place"
        elif wish is None or wish.state != "standing":
            reasons[pick.registration_id] = "withdrawn"
        elif pick.size > ports[pick.port].overshoot + 1:  # the group has grown beyond what the round admits
            reasons[pick.registration_id] = "group too large"
    return reasons


def _open_windows(
    conn: psycopg.Connection, found: Round, ports: Sequence[str], opened_at: datetime
) -> dict[str, tuple[int, Deadline]]:
    """One window for each zone in which people wait, by port, with its deadline: they have the night there."""
    profile = profiles.current(conn)
    deadlines = Deadlines(conn, [opened_at])
    by_zone: dict[str, tuple[int, Deadline]] = {}
    for zone in sorted({profile.port(port).people_zone for port in ports}):
        ends = deadlines.of_new(found.program, opened_at, zone)
        policy = profile.program(found.program).policy
        by_zone[zone] = (offers.open_window(conn, found.program, zone, opened_at, ends, policy), ends)
    return {port: by_zone[profile.port(port).people_zone] for port in ports}


def _rows(
    conn: psycopg.Connection,
    found: Round,
    picks: Sequence[Pick],
    reasons: dict[int, str],
    windows: dict[str, int],
) -> list[NewOffer]:
    """Offers with their slots; `taken` is read under lock, the trigger on `offer` counts it up."""
    day = slots.of_day(conn, found.program, found.date, lock=True)
    first = offers.last_ord(conn, found.id) + 1
    slot_of: dict[int, int] = {}
    for port in windows:
        room = sorted((slot for slot in day if slot.port == port), key=lambda slot: slot.time)
        here = [pick for pick in picks if pick.port == port]
        slot_of |= {p.registration_id: room[0].id for p in here if p.registration_id in reasons}
        slot_of |= _slots_of([pick for pick in here if pick.registration_id not in reasons], room)
    return [
        NewOffer(
            registration_id=pick.registration_id,
            port=pick.port,
            slot_id=slot_of[pick.registration_id],
            window_id=windows[pick.port],
            size=pick.size,
            ord=order,
            phase=pick.phase,
            state="declined" if pick.registration_id in reasons else "offered",
            why=reasons.get(pick.registration_id),
        )
        for order, pick in enumerate(picks, first)
    ]


def _slots_of(picks: Sequence[Pick], room: Sequence[Slot]) -> dict[int, int]:
    """The slot of each pick at a port, by registration; `room` is the port's slots by time.

    Who has a place over capacity is not counted where the places of the list are given out, or the last slot would get
    the more of these; but looks for room among everybody who is to come.
    """
    listed = [pick for pick in picks if pick.phase != HONOURED]
    over = [pick for pick in picks if pick.phase == HONOURED]
    chosen = times_of_day([p.size for p in listed], [SlotRoom(s.capacity + s.honoured, s.taken) for s in room])
    taken = [slot.taken for slot in room]
    for pick, i in zip(listed, chosen, strict=True):
        taken[i] += pick.size
    found = times_of_day([p.size for p in over], [SlotRoom(s.capacity, t) for s, t in zip(room, taken, strict=True)])
    return {p.registration_id: room[i].id for p, i in zip([*listed, *over], [*chosen, *found], strict=True)}
