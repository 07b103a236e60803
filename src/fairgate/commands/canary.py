"""Keep a place ready that a watcher can confirm, as a person confirms theirs.

Each turn of a day has a registration of its own, and each day a round of the hidden program: so every turn has a place
that nobody has confirmed yet, and what grows is one offer a turn. Registrations are made once and used again every day;
number and code follow from the deployment's key, the watcher's name and the turn, and are stored nowhere. Giving the
place and taking it back append nothing to the ledger and tell nobody: only the confirmation itself is
an act, and leaves what every confirmation leaves.

The window that these offers share is settled from the beginning. So outages move no deadline of it and nothing in it
lapses; when confirming is decided, its deadline is computed from the outages on record like any other.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import psycopg

from fairgate.commands.deadlines import Deadlines
from fairgate.commands.offering import whole_second_after
from fairgate.core.canary import PROGRAM
from fairgate.core.numbers import new_code, new_number
from fairgate.core.profile import Program
from fairgate.core.sealing import Keys, code_hash, code_matches
from fairgate.store import bulk, canary, offers, profiles, registrations
from fairgate.store.canary import Day
from fairgate.store.offers import NewOffer
from fairgate.store.registrations import Registration

TRIES = 20  # numbers tried until one is not somebody else's; two in a row that are is a thing of one in thousands


@dataclass(frozen=True, slots=True)
class Prepare:
    """`watcher` tells watchers apart; `turn` counts the confirmations of a day."""

    watcher: str
    day: date
    turn: int


@dataclass(frozen=True, slots=True)
class Ready:
    """With these the place of a turn can be confirmed."""

    number: str
    code: str


def prepare(conn: psycopg.Connection, act: Prepare, *, keys: Keys, now: datetime) -> Ready:
    """See to it that the registration of a turn holds an open offer. The same turn again finds the same one."""
    with conn.transaction():
        program = profiles.current(conn).program(PROGRAM)
        day = canary.lock_day(conn, program, act.day)
        owner, ready = _registration(conn, act, keys, now)
        offer = offers.latest(conn, PROGRAM, [owner.id]).get(owner.id)
        if offer is None or offer.round_id != day.round_id:
            if offer is not None:
                canary.give_back(conn, offer.id, now)
            _offer(conn, program, day, owner, now)
    return ready


def _registration(conn: psycopg.Connection, act: Prepare, keys: Keys, now: datetime) -> tuple[Registration, Ready]:
    """The registration of a turn, made when it is not there: one without people."""
    for attempt in range(TRIES):
        chance = _chance(keys, f"{act.watcher}|{act.turn}|{attempt}")
        ready = Ready(new_number(chance), new_code(chance))
        found = registrations.find(conn, ready.number)
        if found is None:
            [new] = bulk.take_ids(conn, "registration", 1)
            hashed = code_hash(keys, ready.number, ready.code)
            language = profiles.current(conn).languages[0]
            registrations.insert(conn, [(new, ready.number, hashed, language, 1, now)])
            found = registrations.find(conn, ready.number)
        assert found is not None
        if code_matches(keys, ready.number, ready.code, bytes(found.code_hash)):
            return found, ready
    raise AssertionError("every number of a turn belongs to somebody")


def _chance(keys: Keys, about: str) -> Callable[[int], bytes]:
    """Bytes that follow from the deployment's key; the same every day, and unknown without the key."""
    return lambda n: hmac.digest(keys.derive("canary"), f"{about}|{n}".encode(), "sha256")[:n]


def _offer(conn: psycopg.Connection, program: Program, day: Day, owner: Registration, now: datetime) -> None:
    window = day.window_id if day.window_id is not None else _open_window(conn, program, now)
    new = NewOffer(
        registration_id=owner.id,
        port=day.port,
        slot_id=day.slot_id,
        window_id=window,
        size=1,
        ord=day.ord + 1,
        phase="reserve",
        state="offered",
        why=None,
    )
    offers.insert(conn, PROGRAM, day.round_id, [new], now)


def _open_window(conn: psycopg.Connection, program: Program, now: datetime) -> int:
    opened_at = whole_second_after(now)
    ends = Deadlines(conn, [opened_at]).of_new(PROGRAM, opened_at, program.zone)
    window = offers.open_window(conn, PROGRAM, program.zone, opened_at, ends, program.policy)
    offers.settle(conn, [window])
    return window


def turn_of(at: datetime, every: float) -> tuple[date, int]:
    """The day, in UTC, and the turn of a moment, where there is a turn every so many seconds."""
    midnight = datetime.combine(at.astimezone(UTC).date(), datetime.min.time(), UTC)
    return midnight.date(), int((at - midnight).total_seconds() / every)
