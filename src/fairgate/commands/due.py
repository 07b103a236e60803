"""Take the steps that are due, in the order in which they became due.

Rows say when their next step is. Whoever passes time (the worker by the database's clock, a rehearsal by a virtual one)
looks for the next step, fetches what it needs from outside while no transaction is open, and takes it:

    step = next_step(conn, now, aside)        what has been due longest, and what there is to know about it
    fetched = fetch(step, source, now)        where the random value will come from, or the value itself
    outcomes = take(conn, step, fetched, …)   one command

Because the longest due goes first, a stop of a day is caught up in the right order: an earlier date is drawn before a
later one is sealed, and an offer that was over before a sealing lapses before it. Commands decide again under
lock, so two who take the same step at the same time do it once. A step that cannot be taken yet, or fails, is
put aside for some seconds, longer each time, and the others go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Protocol
from zoneinfo import ZoneInfo

import psycopg

from fairgate.commands.backfill import Backfill, backfill
from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.lapse import Lapse, lapse
from fairgate.commands.miss import Close, close
from fairgate.commands.postpone import ON_ITS_WAY, Postpone, postpone
from fairgate.commands.rounds import TOO_LATE, Void, open_due, void
from fairgate.commands.seal import AHEAD, Seal, seal
from fairgate.core.bundle import Beacon, Manifest, Proof, parse_manifest
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.profile import Profile
from fairgate.core.sealing import Chance, Keys
from fairgate.store import checkpoints, due, profiles, rounds
from fairgate.store.due import Due
from fairgate.store.rounds import Round

AT_ONCE = 100  # windows that lapse in one transaction


class Source(Protocol):
    """Where random values come from. Both may take seconds and talk to a network."""

    def choose(self, profile: Profile, program: str, day: date, seed_at: datetime, now: datetime) -> Beacon:
        """Who is to make the random value of this round at `seed_at`."""

    def proof(self, profile: Profile, manifest: Manifest) -> Proof | None:
        """The random value that the manifest announces; None when it is not there yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """`act` on the rows of `due`: several where windows lapse together. `round` for steps that need to know it.

    "wait" is no act: what shows a sealing, or a request of before the closing, may still be under way.
    """

    act: str
    due: tuple[Due, ...]
    round: Round | None
    profile: Profile

    @property
    def keys(self) -> list[str]:
        return [one.key for one in self.due]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came from outside: `beacon` and `seed_at` for sealing, `proof` for seeding, nothing for other steps."""

    beacon: Beacon | None = None
    seed_at: datetime | None = None
    proof: Proof | None = None


class Aside:
    """Rows whose step could not be taken, and when to look at them again."""

    SHORTEST, LONGEST = timedelta(seconds=1), timedelta(seconds=60)

    def __init__(self) -> None:
        self._until: dict[str, tuple[datetime, timedelta]] = {}

    def put(self, keys: Sequence[str], now: datetime) -> None:
        """Look at these again after a second, then after two, four and so on, up to a minute."""
        for key in keys:
            before = self._until.get(key)
            wait = min(before[1] * 2, self.LONGEST) if before else self.SHORTEST
            self._until[key] = (now + wait, wait)

    def clear(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._until.pop(key, None)

    def at(self, now: datetime) -> list[str]:
        """The keys that are aside at `now`; those that did not come back in time are forgotten."""
        self._until = {key: kept for key, kept in self._until.items() if now < kept[0] + self.LONGEST}
        return [key for key, (until, _) in self._until.items() if now < until]


def next_step(conn: psycopg.Connection, now: datetime, aside: Aside) -> Step | None:
    """The step that has been due longest and is not aside; None when nothing is due."""
    found = due.first(conn, now, AT_ONCE, aside.at(now))
    if not found:
        return None
    profile = profiles.current(conn)
    first = found[0]
    if first.act == "lapse":
        return Step("lapse", tuple(takewhile(lambda one: one.act == "lapse", found)), None, profile)
    if first.program is None or first.date is None or first.act == "open":
        return Step(first.act, (first,), None, profile)
    program = profile.find_program(first.program)
    today = now.astimezone(ZoneInfo(program.zone if program else "UTC")).date()
    round_ = rounds.find(conn, first.program, first.date)
    act = "void" if first.act != "close" and first.date <= today else first.act
    if act == "seed" and round_ is not None and not checkpoints.in_time(conn, round_):
        act = "postpone" if now >= round_.seed_at + ON_ITS_WAY else "wait"
    if act == "seal" and round_ is not None and _still_asking(conn, round_, now):
        act = "wait"
    return Step(act, (first,), round_, profile)


def _still_asking(conn: psycopg.Connection, found: Round, now: datetime) -> bool:
    """Whether somebody who asked before the closing may still be being written down: the list would miss them.

    A backup that reads for hours is not waited for.
    """
    return now < found.closes_at + due.ON_ITS_WAY and due.under_way(conn, found.closes_at)


def fetch(step: Step, source: Source, now: datetime) -> Fetched | None:
    """What the step needs from outside; None when it is not to be had yet."""
    found = step.round
    if step.act == "wait":
        return None
    if step.act == "seal" and found is not None:
        seed_at = in_time(found.seed_at, now)
        return Fetched(beacon=source.choose(step.profile, found.program, found.date, seed_at, now), seed_at=seed_at)
    if step.act == "seed" and found is not None:
        assert found.manifest is not None, "a sealed round has its manifest"
        proof = source.proof(step.profile, parse_manifest(found.manifest.encode()))
        return None if proof is None else Fetched(proof=proof)
    return Fetched()


def in_time(seed_at: datetime, now: datetime) -> datetime:
    """`seed_at`, or if the list is sealed too late for it, the first whole minute with time enough to seal before."""
    if now + 2 * AHEAD <= seed_at:
        return seed_at
    return (now + 2 * AHEAD).replace(second=0, microsecond=0) + timedelta(minutes=1)


def take(
    conn: psycopg.Connection, step: Step, fetched: Fetched, *, keys: Keys, now: datetime, chance: Chance
) -> list[Outcome]:
    """Take the step with its command."""
    if step.act == "open":
        return open_due(conn, now=now, chance=chance)
    if step.act == "lapse":
        return lapse(conn, [Lapse(one.id) for one in step.due], now=now, chance=chance)
    [one] = step.due
    if step.act == "backfill":
        assert one.port is not None, "what came free came free at a port"
        return backfill(conn, [Backfill(one.id, one.port)], now=now, chance=chance)
    assert one.program is not None, "the other steps are those of rounds"
    assert one.date is not None
    return _take_round(conn, step.act, one.program, one.date, fetched, keys=keys, now=now, chance=chance)


def _take_round(
    conn: psycopg.Connection,
    act: str,
    program: str,
    day: date,
    fetched: Fetched,
    *,
    keys: Keys,
    now: datetime,
    chance: Chance,
) -> list[Outcome]:
    match act:
        case "seal":
            assert fetched.beacon is not None
            sealing = Seal(program, day, fetched.beacon, fetched.seed_at)
            return seal(conn, [sealing], keys=keys, now=now, chance=chance)
        case "seed":
            assert fetched.proof is not None
            return seed(conn, [Seed(program, day, fetched.proof)], now=now, chance=chance)
        case "postpone":
            return postpone(conn, [Postpone(program, day)], now=now, chance=chance)
        case "draw":
            return draw(conn, [Draw(program, day)], now=now, chance=chance)
        case "close":
            return close(conn, [Close(program, day)], now=now, chance=chance)
        case "void":
            return void(conn, [Void(program, day, TOO_LATE)], now=now, chance=chance)
    raise AssertionError(f"unknown step {act}")


def went_on(outcomes: Sequence[Outcome]) -> bool:
    """Whether a step changed something; one that did not is looked at again later."""
    return any(isinstance(outcome, Done) and not outcome.repeated for outcome in outcomes)
