"""A carrier on real connections: what is tried how often, and what is said when nobody knows."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from fairgate.gate.carrying import Carrier, Fault
from gate.breaking_line import BEGIN, COMMIT, Break, How, Line

PATIENCE_S = 1.0
LIMIT_S = 20.0
A_QUERY = 1
A_LINE = "CREATE TABLE done (act text PRIMARY KEY)"

Connect = Callable[[], psycopg.Connection]


class Time:
    """Passes only in pauses."""

    def __init__(self) -> None:
        self.now = 0.0

    def pause(self, seconds: float) -> None:
        self.now += seconds


class Doing:
    """A command that writes each act once, whatever it is asked how often; notes each try."""

    def __init__(self, *bad: str, error: Callable[[], BaseException] = lambda: ValueError("bad act")) -> None:
        self.bad = set(bad)
        self.error = error
        self.tries: list[tuple[str, ...]] = []

    def __call__(self, conn: psycopg.Connection, acts: Sequence[str]) -> list[str]:
        self.tries.append(tuple(acts))
        with conn.transaction():
            conn.execute("INSERT INTO done SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", [list(acts)])
            if self.bad & set(acts):
                raise self.error()
        return [f"{act} done" for act in acts]


@pytest.fixture
def done(conn: psycopg.Connection) -> Callable[[], set[str]]:
    """What is committed."""
    conn.execute(A_LINE)
    return lambda: {row[0] for row in conn.execute("SELECT act FROM done").fetchall()}


@contextmanager
def carrier_of(command: Any, connect: Connect, at: Time | None = None) -> Iterator[Carrier[str, str]]:
    at = at or Time()
    carrier = Carrier(command, connect, patience_s=PATIENCE_S, clock=lambda: at.now, pause=at.pause)
    try:
        yield carrier
    finally:
        carrier.close()


@pytest.fixture
def line(dsn: str) -> Iterator[Line]:
    with Line(dsn) as opened:
        yield opened


def through(line: Line, options: str = "") -> Connect:
    return lambda: psycopg.connect(line.url, autocommit=True, connect_timeout=5, options=options)


# -- batches that fail --------------------------------------------------------------------------


def test_a_batch_is_one_try_on_one_connection(make_conn: Connect, done: Callable[[], set[str]]) -> None:
    opened: list[psycopg.Connection] = []
    command = Doing()
    with carrier_of(command, lambda: opened.append(make_conn()) or opened[-1]) as carrier:
        assert carrier.carry_out(["a", "b"]) == ["a done", "b done"]
        assert carrier.carry_out(["c"]) == ["c done"]
    assert command.tries == [("a", "b"), ("c",)]
    assert len(opened) == 1
    assert opened[0].closed
    assert done() == {"a", "b", "c"}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_one_bad_act_harms_nobody_else_and_is_tried_alone_once(
    make_conn: Connect, done: Callable[[], set[str]], size: int
) -> None:
    acts = [f"act {i}" for i in range(size)]
    bad = acts[size // 2]
    command = Doing(bad)
    with carrier_of(command, make_conn) as carrier:
        assert carrier.carry_out(acts) == [Fault.FAILED if act == bad else f"{act} done" for act in acts]
    assert command.tries.count((bad,)) == 1
    assert all(command.tries.count(tries) == 1 for tries in command.tries), "nothing is tried twice"
    assert done() == set(acts) - {bad}


def test_one_bad_act_among_512_costs_46_more_tries(make_conn: Connect, done: Callable[[], set[str]]) -> None:
    acts = [str(i) for i in range(512)]
    command = Doing("300")
    with carrier_of(command, make_conn) as carrier:
        assert carrier.carry_out(acts).count(Fault.FAILED) == 1
    assert len(command.tries) == 1 + 24 + 22
    assert len(done()) == 511


def test_parts_are_tried_only_as_long_as_patience_lasts(make_conn: Connect, done: Callable[[], set[str]]) -> None:
    at = Time()

    def slow(conn: psycopg.Connection, acts: Sequence[str]) -> list[str]:
        at.pause(PATIENCE_S * 0.6)
        return Doing("c")(conn, acts)

    with carrier_of(slow, make_conn, at) as carrier:
        assert carrier.carry_out(["a", "b", "c", "d"]) == ["a done", "b done", Fault.FAILED, Fault.FAILED]
    assert done() == {"a", "b"}, "what is told to have failed is not done"


ERRORS = [
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.SerializationFailure,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DataError,
    ValueError,
    MemoryError,
    RecursionError,
    UnicodeError,
]


@pytest.mark.parametrize("error", ERRORS)
def test_whatever_a_command_raises_is_an_answer(
    make_conn: Connect, done: Callable[[], set[str]], error: Callable[[], BaseException]
) -> None:
    with carrier_of(Doing("b", error=error), make_conn) as carrier:
        assert carrier.carry_out(["a", "b"]) == ["a done", Fault.FAILED]
        assert carrier.carry_out(["c"]) == ["c done"]
    assert done() == {"a", "c"}


@pytest.mark.parametrize("outcomes", [[], ["1"], ["1", "2", "3"]])
def test_a_command_that_does_not_answer_every_act_has_told_nothing(
    make_conn: Connect, done: Callable[[], set[str]], outcomes: list[str]
) -> None:
    def wrong(conn: psycopg.Connection, acts: Sequence[str]) -> list[str]:
        Doing()(conn, acts)
        return outcomes if len(acts) == 2 else []

    with carrier_of(wrong, make_conn) as carrier:
        assert carrier.carry_out(["a", "b"]) == [Fault.AWAY, Fault.AWAY], "it is committed, so it did not fail"
    assert done() == {"a", "b"}


def test_a_command_that_leaves_a_transaction_open_has_failed(make_conn: Connect, done: Callable[[], set[str]]) -> None:
    def unfinished(conn: psycopg.Connection, acts: Sequence[str]) -> list[str]:
        conn.execute("BEGIN")
        return Doing()(conn, acts)

    with carrier_of(unfinished, make_conn) as carrier:
        assert carrier.carry_out(["a"]) == [Fault.FAILED]
    assert done() == set()


# -- lost connections ---------------------------------------------------------------------------

CUTS = [
    Break(BEGIN, How.BEFORE),
    Break(A_QUERY, How.BEFORE),
    Break(A_QUERY, How.AFTER),
    Break(A_QUERY, How.ENDED),
    Break(COMMIT, How.BEFORE),
    Break(COMMIT, How.AFTER),
    Break(COMMIT, How.SENT),
    Break(COMMIT, How.ENDED),
    Break(COMMIT, How.LATE, late_s=0.1),
]


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_a_lost_connection_is_followed_by_the_same_acts_on_a_new_one(
    line: Line, done: Callable[[], set[str]], cut: Break
) -> None:
    line.plan.append(cut)
    command = Doing()
    with carrier_of(command, through(line)) as carrier:
        assert carrier.carry_out(["a", "b"]) == ["a done", "b done"]
    assert command.tries == [("a", "b")] * 2
    assert done() == {"a", "b"}


@pytest.mark.parametrize("cut", [cut for cut in CUTS if cut.how is not How.LATE], ids=str)
def test_when_no_connection_is_to_be_had_nobody_knows(line: Line, done: Callable[[], set[str]], cut: Break) -> None:
    at, command = Time(), Doing()
    with carrier_of(command, through(line), at) as carrier:
        assert carrier.carry_out(["a"]) == ["a done"]
        line.plan.append(cut)
        line.refuse = 1000
        assert carrier.carry_out(["b"]) == [Fault.AWAY]
        assert at.now == pytest.approx(PATIENCE_S)
        refused = line.refuse
        assert carrier.carry_out(["c"]) == [Fault.AWAY], "the next one tries once"
        assert line.refuse == refused - 1
        assert at.now == pytest.approx(PATIENCE_S)
        line.refuse = 0
        assert carrier.carry_out(["d"]) == ["d done"]
        line.plan.append(Break(BEGIN, How.BEFORE))
        line.refuse = 3
        assert carrier.carry_out(["e"]) == ["e done"], "it is sought anew, now that it was found"
    assert done() - {"b"} == {"a", "d", "e"}


def test_a_failure_after_a_lost_commit_is_no_proof_that_nothing_was_done(
    line: Line, done: Callable[[], set[str]]
) -> None:
    """The lost transaction commits after all, when the second try has already given up waiting for its locks."""
    line.plan.append(Break(COMMIT, How.LATE, late_s=0.6))
    with carrier_of(Doing(), through(line, "-c lock_timeout=50")) as carrier:
        assert carrier.carry_out(["a", "b"]) == [Fault.AWAY, Fault.AWAY]
        carrier.close()
        line.come_to_rest()
        assert done() == {"a", "b"}


def test_a_server_that_cannot_write_is_one_to_leave(make_conn: Connect, done: Callable[[], set[str]]) -> None:
    opened: list[psycopg.Connection] = []

    def connect() -> psycopg.Connection:
        opened.append(make_conn())
        if len(opened) < 3:
            opened[-1].execute("SET default_transaction_read_only = on")
        return opened[-1]

    with carrier_of(Doing(), connect) as carrier:
        assert carrier.carry_out(["a"]) == ["a done"]
    assert [conn.closed for conn in opened] == [True, True, True]
    assert done() == {"a"}


def test_an_error_of_the_server_shows_that_it_is_there(line: Line, done: Callable[[], set[str]]) -> None:
    at, command = Time(), Doing("a")
    with carrier_of(command, through(line), at) as carrier:
        line.plan.append(Break(BEGIN, How.BEFORE))
        assert carrier.carry_out(["a"]) == [Fault.AWAY], "lost, and then it failed"
        at.pause(100)
        line.plan.append(Break(BEGIN, How.BEFORE))
        assert carrier.carry_out(["b"]) == ["b done"]


def test_a_connection_that_cannot_be_made_for_another_reason_has_failed(done: Callable[[], set[str]]) -> None:
    def connect() -> psycopg.Connection:
        raise UnicodeError("a name that is none")

    with carrier_of(Doing(), connect) as carrier:
        assert carrier.carry_out(["a", "b"]) == [Fault.FAILED, Fault.FAILED]
    assert done() == set()


# -- batches that do not come back --------------------------------------------------------------


class Under:
    """A batch under way in a thread of its own."""

    def __init__(self, carrier: Carrier[str, str], *acts: str) -> None:
        self.answers: list[str | Fault] = []
        self._thread = threading.Thread(target=lambda: self.answers.extend(carrier.carry_out(acts)), daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def end(self) -> list[str | Fault]:
        self._thread.join(LIMIT_S)
        assert self.ended
        return self.answers


def until(condition: Callable[[], bool]) -> None:
    over = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < over
        time.sleep(0.001)


@pytest.mark.parametrize("at", [BEGIN, A_QUERY, COMMIT])
def test_a_batch_under_a_silent_server_ends_when_it_is_abandoned(
    line: Line, done: Callable[[], set[str]], at: int
) -> None:
    line.plan.append(Break(at, How.SILENT))
    command = Doing()
    with carrier_of(command, through(line)) as carrier:
        batch = Under(carrier, "a", "b")
        until(lambda: not line.plan)
        time.sleep(0.05)  # it is waiting for the answer by now, or will be
        carrier.abandon()
        assert batch.end() == [Fault.AWAY, Fault.AWAY]
        assert len(command.tries) == 1, "nobody waits for it, and others stand in line"
        assert carrier.carry_out(["c"]) == ["c done"]
    assert done() == {"c"}


def test_a_batch_that_hangs_again_can_be_abandoned_again(line: Line, done: Callable[[], set[str]]) -> None:
    with carrier_of(Doing(), through(line)) as carrier:
        for _ in range(3):
            line.plan.append(Break(BEGIN, How.SILENT))
            batch = Under(carrier, "a")
            until(lambda: not line.plan)
            carrier.abandon()
            assert batch.end() == [Fault.AWAY]


def test_a_batch_abandoned_while_a_connection_is_made_is_not_carried_out(
    make_conn: Connect, done: Callable[[], set[str]]
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def connect() -> psycopg.Connection:
        asked.set()
        assert go_on.wait(LIMIT_S)
        return make_conn()

    with carrier_of(Doing(), connect) as carrier:
        batch = Under(carrier, "a")
        assert asked.wait(LIMIT_S)
        carrier.abandon()
        assert not batch.ended
        go_on.set()
        assert batch.end() == [Fault.AWAY]
        assert carrier.carry_out(["b"]) == ["b done"]
    assert done() == {"b"}


def test_abandoning_harms_no_descriptor_but_the_connections_own(dsn: str, done: Callable[[], set[str]]) -> None:
    """The server ends the connection, libpq lets its descriptor go, and somebody else is given the number."""
    found: list[int] = []
    with psycopg.connect(dsn, autocommit=True) as other:

        def killed(conn: psycopg.Connection, acts: Sequence[str]) -> list[str]:
            found.append(conn.fileno())
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [conn.info.backend_pid])
            with pytest.raises(psycopg.OperationalError):
                conn.execute("SELECT 1")
            ours, theirs = _pair_at(found[-1])
            with ours, theirs:
                carrier.abandon()
                ours.sendall(b"still there")
                assert theirs.recv(100) == b"still there"
            return [act for act in acts if act]

        with carrier_of(killed, lambda: psycopg.connect(dsn, autocommit=True)) as carrier:
            assert carrier.carry_out(["a"]) == ["a"]


def _pair_at(number: int) -> tuple[socket.socket, socket.socket]:
    """Two ends of a line, one of them under this descriptor number if it is free."""
    ours, theirs = socket.socketpair()
    try:
        os.fstat(number)
    except OSError:
        at = os.dup2(ours.fileno(), number)
        ours.close()
        ours = socket.socket(fileno=at)
    return ours, theirs


def test_abandoning_and_closing_at_any_moment_break_nothing(dsn: str, done: Callable[[], set[str]]) -> None:
    with carrier_of(Doing(), lambda: psycopg.connect(dsn, autocommit=True)) as carrier:
        stop = threading.Event()

        def abandon() -> None:
            while not stop.wait(0.0005):
                carrier.abandon()

        thread = threading.Thread(target=abandon)
        thread.start()
        try:
            answers = [answer for i in range(60) for answer in carrier.carry_out([str(i)])]
        finally:
            stop.set()
            thread.join()
        assert set(answers) <= {Fault.AWAY} | {f"{i} done" for i in range(60)}
        assert {a.removesuffix(" done") for a in answers if not isinstance(a, Fault)} <= done()
        assert carrier.carry_out(["last"]) == ["last done"]
