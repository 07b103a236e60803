"""Many do random things to the same few registrations and rounds at once: nobody waits in a ring, nothing breaks.

All commands lock in one order: rounds, outages, windows, registrations, ports, slots, and the ledger last. Where one
did it in another order, PostgreSQL would sooner or later find two that wait for each other, and end one
with an error; here every error is a failure.
"""

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import psycopg

from fairgate.commands.amend import Amend, amend
from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.evidence import RecordAttempt, record_attempts, record_notices, tell_of_outages, tellable
from fairgate.commands.extend import extend
from fairgate.commands.find_outages import find_outages
from fairgate.commands.lapse import Lapse, lapse
from fairgate.commands.request import Ask, Restore, Withdraw, request, restore, withdraw
from fairgate.commands.rounds import Open, SetCapacity, Void, open_rounds, set_capacity, void
from fairgate.commands.seal import Seal, seal
from fairgate.core.beacon import Reveals
from fairgate.store import notices, offers, slots
from invariants import Watch
from notary import show_sealing
from world import DAY, LONG_AGO, PROMISE, REVEAL, World, member

THREADS = 8
ACTS_EACH = 50
STEP = timedelta(minutes=4)  # that time goes on with each act
PROGRAMS = ("arrival", "tour")
DAYS = tuple(DAY + timedelta(days=n) for n in range(3))


class Somebody(threading.Thread):
    """Does random things; what went wrong is in `error`."""

    def __init__(self, world: World, numbers: list[str], clock: Callable[[], datetime], seed_: int) -> None:
        super().__init__(daemon=True)
        self.world = world
        self.numbers = numbers
        self.clock = clock
        self.random = Random(seed_)
        self.error: Exception | None = None
        self.kinds: set[str] = set()

    def run(self) -> None:
        try:
            for _ in range(ACTS_EACH):
                self.world.now = self.clock()
                what = self.random.choice(WHAT)
                self.kinds.update(str(outcome) for outcome in what(self) or ())
        except Exception as error:
            self.error = error

    def do(self, command: Callable[..., Any], acts: list[Any], **more: Any) -> Any:
        return command(self.world.conn, acts, **self.world.clock, **more)

    def some(self) -> list[str]:
        return self.random.choices(self.numbers, k=self.random.randint(1, 6))

    def programs(self) -> str:
        return self.random.choice(PROGRAMS)

    def day(self) -> date:
        return self.random.choice(DAYS)

    # -- what one can do ------------------------------------------------------------------------

    def confirm(self) -> Any:
        return self.do(confirm, [Confirm(n, self.programs(), key=self.random.choice(["a", None])) for n in self.some()])

    def give_back(self) -> Any:
        if self.random.random() < 0.5:
            return self.do(decline, [Decline(n, self.programs()) for n in self.some()])
        return self.do(cancel, [Cancel(n, self.programs(), "a test") for n in self.some()])

    def ask(self) -> Any:
        return self.do(request, [Ask(n, self.programs(), self.random.choice([["AAA"], ["AAA"]])) for n in self.some()])

    def withdraw(self) -> Any:
        self.do(withdraw, [Withdraw(n, self.programs()) for n in self.some()])
        return self.do(restore, [Restore(n, self.programs()) for n in self.some()])

    def amend(self) -> Any:
        acts = [Amend(n, members=[member(i) for i in range(self.random.randint(1, 4))]) for n in self.some()]
        return self.do(amend, acts, keys=self.world.keys)

    def fill(self) -> Any:
        return self.world.backfilled()

    def lapse(self) -> Any:
        due = offers.windows_due(self.world.conn, self.world.now, 100)
        return self.do(lapse, [Lapse(window) for window in due])

    def attempt(self) -> Any:
        acts = [RecordAttempt(n, self.programs(), self.world.now, "x") for n in self.some()]
        record_attempts(self.world.conn, acts, now=self.world.now)

    def outages(self) -> Any:
        start = self.world.now - timedelta(minutes=self.random.randint(1, 60))
        self.world.samples(start, start + timedelta(seconds=30), ok=0, failed=50, every_s=10)
        find_outages(self.world.conn, **self.world.clock)

    def tell(self) -> Any:
        conn, now = self.world.conn, self.world.now
        tell_of_outages(conn, now=now)
        with conn.transaction():
            notices.sent(conn, [n.id for n in notices.due(conn, now, 1000)], now)
        record_notices(conn, tellable(conn), **self.world.clock)

    def extend(self) -> Any:
        extend(self.world.conn, **self.world.clock)

    def resize(self) -> Any:
        program, day = self.programs(), self.day()
        found = slots.of_day(self.world.conn, program, day)
        if found:
            act = SetCapacity(program, day, self.random.choice(found).id, self.random.randint(0, 6))
            return self.do(set_capacity, [act])
        return None

    def step(self) -> Any:
        program, day = self.programs(), self.day()
        self.do(draw, [Draw(program, day)])
        self.do(seed, [Seed(program, day, Reveals((("observer", REVEAL),)))])
        self.do(seal, [Seal(program, day, PROMISE)], keys=self.world.keys)
        show_sealing(self.world.conn, LONG_AGO)
        if self.random.random() < 0.05:
            self.do(void, [Void(program, day, "a test")])
        return self.do(open_rounds, [Open(program, day)])


WHAT: list[Callable[[Somebody], Any]] = [
    Somebody.confirm,
    Somebody.give_back,
    Somebody.give_back,
    Somebody.ask,
    Somebody.withdraw,
    Somebody.amend,
    Somebody.fill,
    Somebody.fill,
    Somebody.lapse,
    Somebody.attempt,
    Somebody.outages,
    Somebody.extend,
    Somebody.tell,
    Somebody.resize,
    Somebody.step,
    Somebody.step,
]


def test_nobody_waits_in_a_ring_and_what_must_hold_holds(
    conn: psycopg.Connection, make_conn: Callable[[], psycopg.Connection]
) -> None:
    world = World(conn)
    numbers = [world.asking(1 + n % 3, program=program) for n in range(7) for program in PROGRAMS]
    for number in numbers:
        world.ask(number, ["AAA"])
        world.ask(number, ["AAA"], program="tour")
    for program in PROGRAMS:
        world.drawn(program=program)
    start = world.now
    world.samples(start - timedelta(hours=1), start + STEP * THREADS * ACTS_EACH)
    tick = count(1)
    people = [Somebody(world.on(make_conn()), numbers, lambda: start + STEP * next(tick), n) for n in range(THREADS)]
    for somebody in people:
        somebody.start()
    for somebody in people:
        somebody.join(120)
    assert [somebody.error for somebody in people if somebody.error or somebody.is_alive()] == []
    done = {kind for (kind,) in conn.execute("SELECT DISTINCT kind FROM statement").fetchall()}
    assert done >= {"confirmed", "declined", "cancelled", "withdrawn", "restored", "amended", "outage", "told", "drawn"}
    Watch(conn).look(start + STEP * next(tick))
