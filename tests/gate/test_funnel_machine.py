"""Acts in any order over a line that breaks anywhere: what people were told is compared with what is stored.

A book is kept of every answer. After each step, and again when all doubts are resolved at the end, it is compared with
the database: what was told to be done is there once, with its leaf, its notice and its stored answer; what was refused
or has failed changed nothing; and whoever was told that nobody knows gets, when they ask again under the same key,
the answer to what was done then, or has it done now.

FAIRGATE_FUNNEL_EXAMPLES=500 pytest tests/gate/test_funnel_machine.py takes a longer dose.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from databases import Databases
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.record import TOLD
from fairgate.commands.request import Ask, request
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.statements import statement
from fairgate.gate import weaving
from fairgate.gate.carrying import Carrier, Fault
from fairgate.gate.funnel import Funnel, Unanswered
from gate.breaking_line import BEGIN, COMMIT, Break, How, Line
from gate.standing_time import Told
from invariants import Watch
from world import DAY, World

EXAMPLES = int(os.environ.get("FAIRGATE_FUNNEL_EXAMPLES", "5"))
STEPS = 15
LIMIT_S = 20.0
PATIENCE_S = 1.0
# Timeouts as the gate sets them, only shorter; the deadlock is noticed before the lock is given up on.
OPTIONS = "-c lock_timeout=300 -c deadlock_timeout=100 -c statement_timeout=2000"
LATER = DAY + timedelta(days=21)  # its round is drawn on the day of the other's appointments

Act = Any
COMMANDS: dict[str, Callable[..., list[Outcome]]] = {
    "confirm": confirm,
    "decline": decline,
    "request": request,
    "check in": check_in,
}
KINDS = {Confirm: "confirm", Decline: "decline", Ask: "request", CheckIn: "check in"}
PORTS = [["AAA"], ["BBB"], ["AAA", "BBB"], ["BBB", "AAA"]]
STATE_OF = {"confirmed": "confirmed", "declined": "declined", "checked in": "checked_in"}


def body(act: Act) -> tuple[object, ...]:
    """What is asked, without the key that it is asked under."""
    return type(act).__name__, act.number, act.program, tuple(getattr(act, "ports", ()))


# -- the book -----------------------------------------------------------------------------------

LEAVES = """
    SELECT l.index, l.data, s.salt, s.body, s.kind, r.number, l.at FROM leaf l JOIN statement s ON s.leaf = l.index
      JOIN registration r ON r.id = s.registration_id WHERE l.index >= %s ORDER BY l.index
"""
NOT_TOLD_ONCE = """
    SELECT registration_id, kind, said, noticed FROM
      (SELECT registration_id, kind, count(*) AS said FROM statement WHERE kind = ANY(%s) GROUP BY 1, 2) s
      FULL JOIN (SELECT registration_id, kind, count(*) AS noticed FROM notice GROUP BY 1, 2) n
      USING (registration_id, kind)
     WHERE said IS DISTINCT FROM noticed
"""
ANSWERS = "SELECT r.number, a.key, a.kind, a.facts, a.at FROM answer a JOIN registration r ON r.id = a.registration_id"


@dataclass
class Book:
    """What people were told, beside what is stored. `world` reads over a line that does not break."""

    world: World
    told: dict[tuple[str, str], tuple[Act, Done]] = field(default_factory=dict)  # by number and key
    doubtful: dict[tuple[object, ...], Act] = field(default_factory=dict)  # by number, key and what is asked
    fresh: set[int] = field(default_factory=set)  # leaves of acts that were told to be done now
    seen: set[Fault] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.first_leaf = self.world.one("SELECT size FROM ledger")
        self.watch = Watch(self.world.conn)

    def note(self, acts: Sequence[Act], outcomes: Sequence[Outcome | Fault]) -> None:
        assert len(acts) == len(outcomes)
        # Of the same act sent twice in one moment, one may fail (a deadlock) in its batch and the other be done in the
        # next. What failed is looked at last, when the book has what was done.
        # It happened with seed 292792993491984516064205219492095465799.
        for act, outcome in sorted(zip(acts, outcomes, strict=True), key=lambda both: isinstance(both[1], Fault)):
            place = act.number, act.key
            before = self.told.get(place)
            if isinstance(outcome, Fault):
                self.seen.add(outcome)
                if outcome is Fault.AWAY:
                    self.doubtful[(*place, body(act))] = act
                else:
                    known = before or self._in_doubt(place)
                    assert known or not self._stored(place), f"{outcome}, and stored: {act}"
            elif isinstance(outcome, Refused):
                reused = outcome.reason is Reason.KEY_REUSED
                other = any(body(a) != body(act) for a in [*self._in_doubt(place), *(before or [])[:1]])
                assert reused == bool(before) or (reused and other), f"{outcome} after {before}: {act}"
            else:
                self._done(act, outcome, before)

    def _done(self, act: Act, done: Done, before: tuple[Act, Done] | None) -> None:
        assert done.leaf is not None, f"no leaf: {act}"
        if not done.repeated:
            assert done.leaf.index not in self.fresh, f"told twice to be done now: {done}"
            self.fresh.add(done.leaf.index)
        if before is None:
            self.told[act.number, act.key] = act, done
            return
        assert body(before[0]) == body(act), f"one key for {before[0]} and {act}"
        first = before[1]
        assert first.leaf is not None
        same = (done.kind, done.facts, done.leaf.at) == (first.kind, first.facts, first.leaf.at)
        # who asks for A, then B, then A again in one moment has two leaves that say the same of the same time
        same &= done.leaf == first.leaf or done.kind == "requested"
        assert same, f"first {first}, then {done}"

    def _in_doubt(self, place: tuple[str, str]) -> list[Act]:
        """More than one where somebody asked for different things under one key, and heard none of the answers."""
        return [act for act in self.doubtful.values() if (act.number, act.key) == place]

    def _stored(self, place: tuple[str, str]) -> bool:
        return any((number, key) == place for number, key, *_ in self.world.conn.execute(ANSWERS))

    def compare(self) -> None:
        """Assert that all that is told is stored, and that all that is stored is told or in doubt."""
        conn = self.world.conn
        self.watch.look(self.world.now)
        stored = {row[0]: row[1:] for row in conn.execute(LEAVES, [self.first_leaf])}
        in_doubt = [(act.number, type(act).__name__) for act in self.doubtful.values()]
        for act, done in self.told.values():
            assert done.leaf
            if done.leaf.index in stored:  # else it is of an act from before the book was opened
                _, salt, said, kind, number, at = stored[done.leaf.index]
                assert (kind, number, bytes(salt), at) == (done.kind, act.number, done.leaf.salt, done.leaf.at)
                assert said == statement(done.kind, act.number, done.facts, done.leaf.at)
        known = {done.leaf.index for _, done in self.told.values() if done.leaf}
        for index in set(stored) - known:
            kind, number = stored[index][3:5]
            asked = {"confirmed": "Confirm", "declined": "Decline", "requested": "Ask", "checked in": "CheckIn"}[kind]
            assert (number, asked) in in_doubt, f"leaf {index}, {kind} by {number}, was told to nobody"
            in_doubt.remove((number, asked))
        self._answers_are_stored()
        rows = conn.execute(NOT_TOLD_ONCE, [sorted(TOLD)]).fetchall()
        assert not rows, f"other notices than statements: {rows}"
        self._states_are_as_told()

    def _answers_are_stored(self) -> None:
        stored = {(row[0], row[1]): row[2:4] for row in self.world.conn.execute(ANSWERS)}
        for place, (_, done) in self.told.items():
            assert stored.get(place) == (done.kind, dict(done.facts)), f"{place}: {done}"
        strange = set(stored) - set(self.told) - {(act.number, act.key) for act in self.doubtful.values()}
        assert not strange, f"answers that nobody was given: {strange}"

    def _states_are_as_told(self) -> None:
        for act, done in self.told.values():
            if done.kind in STATE_OF:
                offer = self.world.offer(act.number, program=act.program)
                assert offer is not None
                after = {STATE_OF[done.kind], *(["checked_in"] if done.kind == "confirmed" else [])}
                assert offer.state in after, f"{offer.state} after {done}"
        for number in {act.number for act, done in self.told.values() if done.kind == "requested"}:
            wish = self.world.wish(number)
            query = "SELECT body::jsonb->'ports' FROM statement JOIN registration r ON r.id = registration_id"
            query += " WHERE kind = 'requested' AND number = %s AND body::jsonb->>'program' = 'arrival'"
            assert wish is not None
            assert wish.ports == self.world.one(f"{query} ORDER BY leaf DESC LIMIT 1", number)

    def expected(self, act: Act) -> list[int]:
        """The leaves one of which is the answer to this act, if it was done; none if it was not."""
        rows = self.world.conn.execute(ANSWERS).fetchall()
        for number, key, kind, facts, at in rows:
            if (number, key) == (act.number, act.key):
                leaves = self.world.conn.execute(LEAVES, [0]).fetchall()
                same = [row for row in leaves if row[6] <= at and row[5] == number]
                same = [row for row in same if row[3] == statement(kind, number, facts, row[6])]
                newest = max(row[6] for row in same)
                return [row[0] for row in same if row[6] == newest]
        return []

    def resolved(self, act: Act, expected: list[int], outcome: Outcome | Fault) -> None:
        """Note the answer to an act that was in doubt and was sent again over a line that works."""
        assert not isinstance(outcome, Fault), outcome
        del self.doubtful[act.number, act.key, body(act)]
        if expected and not (isinstance(outcome, Refused) and outcome.reason is Reason.KEY_REUSED):
            assert isinstance(outcome, Done), f"{act} was done, and now: {outcome}"
            assert outcome.repeated
            assert outcome.leaf is not None
            assert outcome.leaf.index in expected, f"leaf {outcome.leaf.index} instead of {expected}"
        self.note([act], [outcome])


# -- faults -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trouble:
    """What goes wrong while a batch is carried out."""

    breaks: tuple[Break, ...] = ()
    refuse: int = 0  # connections, from the first break on
    raised: tuple[str, int] = ("", 0)  # SQLSTATE, and how often PostgreSQL raises it at the end of the transaction
    held: str = ""  # another session has this, and lets it go when it has met the batch


BREAKS = st.builds(Break, st.sampled_from([BEGIN, 1, 2, 3, 5, 8]), st.sampled_from([How.BEFORE, How.AFTER, How.ENDED]))
COMMITS = st.builds(
    Break,
    st.just(COMMIT),
    st.sampled_from([How.BEFORE, How.AFTER, How.SENT, How.ENDED, How.LATE]),
    st.sampled_from([0.02, 0.45]),  # before and after the next try has given up waiting for the lock
)
TROUBLES = st.one_of(
    st.just(Trouble()),
    st.builds(
        Trouble, st.lists(BREAKS | COMMITS, min_size=1, max_size=3).map(tuple), st.sampled_from([0, 0, 0, 3, 99])
    ),
    st.builds(Trouble, COMMITS.map(lambda one: (one,)), st.sampled_from([0, 1, 99])),
    st.builds(
        Trouble,
        st.lists(COMMITS, max_size=1).map(tuple),
        raised=st.tuples(st.sampled_from(["40001", "40P01", "55P03", "57014", "22000", "25006"]), st.integers(1, 9)),
    ),
    st.builds(Trouble, held=st.sampled_from(["lock timeout", "deadlock"])),
)

# Real errors of a real server, at the moment of COMMIT. What a sequence counts no rollback takes back.
RAISES = """
    CREATE SEQUENCE still MINVALUE 0 START 0;
    CREATE TABLE raising (code text, times int);
    INSERT INTO raising VALUES ('', 0);
    CREATE FUNCTION raise_it() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wanted raising;
    BEGIN
        SELECT * INTO wanted FROM raising;
        IF wanted.times > 0 AND nextval('still') <= wanted.times THEN
            RAISE EXCEPTION 'as a test wants it' USING ERRCODE = wanted.code;
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER raises AFTER INSERT ON answer DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION raise_it();
"""


class Holder:
    """Another session, which holds what the batch needs."""

    def __init__(self, dsn: str, numbers: Sequence[str], deadlock: bool) -> None:
        self._dsn, self._numbers, self._deadlock = dsn, list(numbers), deadlock
        self._has = threading.Event()
        self._thread = threading.Thread(target=self._hold)
        self._thread.start()
        assert self._has.wait(LIMIT_S)

    def _hold(self) -> None:
        """Lock a registration; or else lock the ledger, and the registration when a batch that has it waits for us."""
        lock = "SELECT id FROM registration WHERE number = %s FOR UPDATE"
        with psycopg.connect(self._dsn, options="-c deadlock_timeout=10000") as conn:
            conn.execute(
                "SELECT 1 FROM ledger FOR UPDATE" if self._deadlock else lock, self._numbers[:1] * (not self._deadlock)
            )
            self._has.set()
            if self._met(conn) and self._deadlock:
                conn.execute(lock, self._numbers[:1])
            elif not self._deadlock:
                time.sleep(0.35)  # longer than the lock is waited for
            conn.rollback()

    @staticmethod
    def _met(conn: psycopg.Connection) -> bool:
        over = time.monotonic() + 1
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while time.monotonic() < over:
            with psycopg.connect(conn.info.dsn, autocommit=True) as looking:
                for _ in range(20):
                    if looking.execute(query).fetchone() != (0,):
                        return True
                    time.sleep(0.005)
        return False

    def end(self) -> None:
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()


# -- the world ----------------------------------------------------------------------------------


class Gate:
    """A database on a day on which offers are open and appointments are due, and a line to it that breaks."""

    def __init__(self, databases: Databases) -> None:
        self._open = ExitStack()
        self.dsn = self._open.enter_context(databases.new())
        self.conn = self._open.enter_context(psycopg.connect(self.dsn, autocommit=True))
        self.line = self._open.enter_context(Line(self.dsn))
        self.world = World(self.conn)
        visiting = [self.world.asking(program="tour") for _ in range(3)]
        self.world.drawn(DAY, program="tour")
        confirm(self.conn, [Confirm(number, "tour") for number in visiting], **self.world.clock)
        arriving = [self.world.asking() for _ in range(4)]
        self.world.drawn(LATER)
        self.numbers = arriving + visiting
        self.conn.execute(RAISES)
        self.book = Book(self.world)

    def run(
        self, command: Callable[..., list[Outcome]]
    ) -> Callable[[psycopg.Connection, Sequence[Act]], list[Outcome]]:
        """As the gate runs it, at the world's time."""
        return lambda conn, acts: command(conn, acts, **self.world.clock)

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.line.url, autocommit=True, connect_timeout=5, options=OPTIONS)

    def set_up(self, trouble: Trouble, acts: Sequence[Act]) -> Holder | None:
        self.line.plan.extend(trouble.breaks)
        self.line.refuse_after = trouble.refuse
        self.conn.execute("SELECT setval('still', 1, false)")
        self.conn.execute("UPDATE raising SET code = %s, times = %s", trouble.raised)
        if not trouble.held:
            return None
        return Holder(self.dsn, [act.number for act in acts], trouble.held == "deadlock")

    def over(self) -> None:
        """Nothing goes wrong any more."""
        self.line.plan.clear()
        self.line.refuse = self.line.refuse_after = 0
        self.conn.execute("UPDATE raising SET times = 0")

    def acts(self, kind: str, drawn: Sequence[tuple[int, str, int]]) -> list[Act]:
        """Acts of a kind; where a key is drawn twice for somebody, they send the same act twice."""
        made: dict[tuple[str, str], Act] = {}
        return [made.setdefault((act.number, act.key), act) for act in (self._act(kind, *one) for one in drawn)]

    def _act(self, kind: str, pick: int, key: str, ports: int) -> Act:
        number = self.numbers[pick % len(self.numbers)]
        match kind:
            case "confirm":
                return Confirm(number, "arrival", key=key)
            case "decline":
                return Decline(number, "arrival", key=key)
            case "check in":
                return CheckIn(number, "tour", key=key)
        return Ask(number, "arrival", PORTS[ports % len(PORTS)], key=key)

    def close(self) -> None:
        self._open.close()


KIND = st.sampled_from(sorted(COMMANDS))
DRAWN = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 20).map(lambda n: f"k{min(n, 8)}"), st.integers(0, 3)),
    min_size=1,
    max_size=6,
)


class Carrying(RuleBasedStateMachine):
    """One carrier for each command, one batch after the other; time passes in pauses, so nothing depends on it."""

    databases: Databases  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate(self.databases)
        self.now = 0.0
        self.carriers = {
            kind: Carrier(
                self.gate.run(command),
                self.gate.connect,
                patience_s=PATIENCE_S,
                clock=lambda: self.now,
                pause=self.pause,
            )
            for kind, command in COMMANDS.items()
        }

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def teardown(self) -> None:
        try:
            self.ask_again()
            assert not self.gate.book.doubtful
        finally:
            for carrier in self.carriers.values():
                carrier.close()
            self.gate.close()

    @rule(kind=KIND, drawn=DRAWN, trouble=TROUBLES)
    def send(self, kind: str, drawn: list[tuple[int, str, int]], trouble: Trouble) -> None:
        acts = self.gate.acts(kind, drawn)
        self.gate.world.now += timedelta(seconds=1)
        holder = self.gate.set_up(trouble, acts)
        outcomes = self.carriers[kind].carry_out(acts)
        if holder:
            holder.end()
        self.gate.over()
        if trouble.breaks:
            for carrier in self.carriers.values():
                carrier.close()
            self.gate.line.come_to_rest()
        if trouble == Trouble():
            assert not any(isinstance(outcome, Fault) for outcome in outcomes), outcomes
        self.gate.book.note(acts, outcomes)
        self.gate.book.compare()

    @rule()
    def ask_again(self) -> None:
        """Whoever was told that nobody knows sends the same act under the same key."""
        book = self.gate.book
        for act in list(book.doubtful.values()):
            self.gate.world.now += timedelta(seconds=1)
            expected = book.expected(act)
            [outcome] = self.carriers[KINDS[type(act)]].carry_out([act])
            book.resolved(act, expected, outcome)
        book.compare()


PLACES = (BEGIN, 1, 2, 4, 6, 8, 10)
EACH = [Break(at, how) for at in PLACES for how in (How.BEFORE, How.AFTER)]
EACH += [Break(COMMIT, How.LATE, 0.7)]  # when the next try has long given up waiting for the lock
EACH += [Break(COMMIT, how, 0.02) for how in How if how is not How.SILENT]


@pytest.mark.parametrize("refuse", [0, 99])
def test_each_break_of_a_transaction_is_told_as_it_is(databases: Databases, refuse: int) -> None:
    """What chance may miss in a small dose: every break, under acts that change something."""
    machine = _of(databases)()
    try:
        for i, cut in enumerate(EACH):
            machine.send("request", [(pick, f"break {i}", i) for pick in range(3)], Trouble((cut,), refuse))
            machine.ask_again()
        for i, kind in enumerate(["confirm", "decline", "check in"]):
            for cut, who in zip(EACH[-5:], (0, 1, 2, 4, 5), strict=True):
                machine.send(kind, [(who, f"{kind} {i}", 0), (6, f"{kind} {cut}", 0)], Trouble((cut,), refuse))
        assert bool(machine.gate.book.doubtful) == bool(refuse)
        machine.ask_again()
        told = {done.kind for _, done in machine.gate.book.told.values()}
        assert told >= {"requested", "confirmed", "checked in"}
    finally:
        machine.teardown()


def _of(databases: Databases) -> type[Carrying]:
    class Here(Carrying):
        pass

    Here.databases = databases
    return Here


def test_what_people_are_told_is_what_is_stored_wherever_the_line_breaks(databases: Databases) -> None:
    run_state_machine_as_test(
        _of(databases),
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )


# -- many at once -------------------------------------------------------------------------------

WAVE = st.tuples(
    st.lists(st.tuples(KIND, DRAWN), min_size=1, max_size=4),
    TROUBLES
    | st.builds(
        Trouble, st.builds(Break, st.sampled_from([BEGIN, 2, COMMIT]), st.just(How.SILENT)).map(lambda one: (one,))
    ),
    st.integers(0, 9),  # which of the people goes away before the answer
)


class Rush:
    """Funnels of two carriers each; people come in waves, and some go before they are answered."""

    def __init__(self, gate: Gate, woven: bool) -> None:
        self.gate = gate
        self.told = Told(name=None)
        pause = weaving.pause if woven else time.sleep
        connect = weaving.in_a_thread(self.connect) if woven else gate.connect
        self.funnels = {
            kind: Funnel(
                kind,
                [Carrier(gate.run(command), connect, patience_s=0.3, pause=pause) for _ in range(2)],
                queue_most=100,
                batch_most=4,
                patience_s=0.7,
                watcher=self.told,
                begin=weaving.begin if woven else None,
            )
            for kind, command in COMMANDS.items()
        }

    def connect(self) -> psycopg.Connection:
        return weaving.Connection.connect(self.gate.line.url, autocommit=True, connect_timeout=5, options=OPTIONS)

    async def wave(
        self, coming: Sequence[tuple[str, Sequence[tuple[int, str, int]]]], trouble: Trouble, goes: int
    ) -> None:
        taken: dict[tuple[str, str], Act] = {}  # a key means the same for all who come at once
        acts = [(kind, act) for kind, drawn in coming for act in self.gate.acts(kind, drawn)]
        acts = [(kind, act) for kind, act in acts if body(taken.setdefault((act.number, act.key), act)) == body(act)]
        self.gate.world.now += timedelta(seconds=1)
        holder = await asyncio.to_thread(self.gate.set_up, trouble, [act for _, act in acts])
        people = []
        for kind, act in acts:
            people.append(asyncio.create_task(self.funnels[kind].submit(act)))
            await asyncio.sleep(0.001)
        if goes < len(people):
            people[goes].cancel()
        outcomes = [self.outcome(each) for each in await asyncio.gather(*people, return_exceptions=True)]
        if holder:
            await asyncio.to_thread(holder.end)
        self.gate.book.note([act for _, act in acts], outcomes)
        self.gate.over()

    @staticmethod
    def outcome(found: Outcome | BaseException) -> Outcome | Fault:
        if isinstance(found, Unanswered):
            return found.fault
        if isinstance(found, asyncio.CancelledError):
            return Fault.AWAY  # nobody heard it
        assert not isinstance(found, BaseException), found
        return found

    async def play(self, waves: Sequence[Any]) -> None:
        for wave in waves:
            await self.wave(*wave)
        for funnel in self.funnels.values():
            await funnel.close()
        await asyncio.to_thread(self.gate.line.come_to_rest)


@pytest.mark.parametrize("woven", [False, True], ids=["threads", "woven"])
@settings(max_examples=max(3, EXAMPLES // 2), suppress_health_check=list(HealthCheck), deadline=None)
@given(waves=st.lists(WAVE, min_size=1, max_size=6))
def test_many_at_once_are_told_what_is_stored(databases: Databases, woven: bool, waves: list[Any]) -> None:
    gate = Gate(databases)
    try:

        async def rush() -> None:
            await Rush(gate, woven).play(waves)

        asyncio.run(rush())
        book = gate.book
        book.compare()
        for act in list(book.doubtful.values()):
            expected = book.expected(act)
            command = gate.run(COMMANDS[KINDS[type(act)]])
            book.resolved(act, expected, command(gate.conn, [act])[0])
        book.compare()
    finally:
        gate.close()
