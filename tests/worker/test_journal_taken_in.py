"""Who tried to confirm while the database was away keeps the place: the attempt comes in before anything lapses."""

import threading
import time
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from databases import Databases
from fairgate.commands import evidence
from fairgate.commands.confirm import Confirm, confirm
from fairgate.core.lifecycle import Done
from fairgate.core.outages import Sample
from fairgate.store import evidence as stored
from fairgate.store import keys
from fairgate.store.journal import Counted, Journal, Tried
from fairgate.worker import journal
from fairgate.worker.beacons import Beacons
from fairgate.worker.loops import Worker, calendar, step
from fairgate.worker.run import run
from world import World

MINUTE = timedelta(minutes=1)
HEALTH_LATER = timedelta(days=2)


@pytest.fixture
def world(conn: psycopg.Connection) -> World:
    return World(conn)


@pytest.fixture
def gate(tmp_path: Path) -> Journal:
    """What a gate on the worker's host writes to."""
    return Journal(tmp_path / "journal")


def worker_of(world: World, home: Path) -> Worker:
    """A worker whose clock shows the world's time."""
    return Worker(
        home, keys.load(home), lambda: nullcontext(world.conn), Beacons(home), lambda _: world.now, world.chance
    )


def tried(world: World, number: str) -> Tried:
    return Tried(number, world.program, world.now, "database away")


def over(world: World, *, after: timedelta = 31 * MINUTE) -> str:
    """A registration whose offer was not confirmed by the deadline and `after` it, in good health throughout."""
    number = world.offered()
    start = world.now
    offer = world.offer(number)
    assert offer is not None
    assert offer.deadline is not None
    world.now = offer.deadline + after
    world.samples(start - MINUTE, world.now)
    return number


def test_without_an_attempt_the_worker_lets_it_lapse(world: World, gate: Journal, tmp_path: Path) -> None:
    number = over(world)
    step(worker_of(world, tmp_path))
    assert world.state(number) == "lapsed"


def test_an_attempt_in_the_journal_holds_the_place_and_confirming_later_works(
    world: World, gate: Journal, tmp_path: Path
) -> None:
    number = world.offered()
    start = world.now
    offer = world.offer(number)
    assert offer is not None
    assert offer.deadline is not None
    world.now = offer.deadline - MINUTE
    gate.write([tried(world, number)])
    world.now = offer.deadline + 31 * MINUTE
    world.samples(start - MINUTE, world.now)

    step(worker_of(world, tmp_path))
    assert world.state(number) == "offered"
    world.now = offer.deadline + timedelta(hours=23)
    [outcome] = confirm(world.conn, [Confirm(number, world.program)], **world.clock)
    assert isinstance(outcome, Done)
    assert outcome.facts["how"] == "held"


def test_held_ends_too(world: World, gate: Journal, tmp_path: Path) -> None:
    number = over(world, after=-MINUTE)
    gate.write([tried(world, number)])
    before = world.now
    world.now += timedelta(hours=24, minutes=2)
    world.samples(before, world.now)
    step(worker_of(world, tmp_path))
    assert world.state(number) == "lapsed"


def test_what_a_dead_gate_left_comes_in_and_its_file_goes(world: World, gate: Journal, tmp_path: Path) -> None:
    number = world.offered()
    gate.write([tried(world, number), Counted(world.now, "gate here 1", 3, 1)])
    gate.close()
    worker = worker_of(world, tmp_path)
    calendar(worker)
    assert world.one("SELECT count(*) FROM attempt") == 1
    assert stored.samples(world.conn, world.now, world.now) == [Sample(world.now, 3, 1)]
    assert list((tmp_path / "journal").iterdir()) == []


def test_taken_in_again_by_a_worker_that_was_restarted_it_is_one_attempt(
    world: World, gate: Journal, tmp_path: Path
) -> None:
    gate.write([tried(world, world.offered()), Counted(world.now, "gate here 1", 3, 1)])
    for _ in range(3):
        calendar(worker_of(world, tmp_path))
    assert world.one("SELECT count(*) FROM attempt") == 1
    assert world.one("SELECT sum(ok) FROM sample") == 3


def test_an_unknown_number_and_a_sample_from_the_future_are_dropped(
    world: World, gate: Journal, tmp_path: Path
) -> None:
    number = world.offered()
    unknown = Tried("0000-0012", world.program, world.now, "database away")
    future = Counted(world.now + MINUTE, "gate here 1", 1, 0)
    gate.write([unknown, unknown._replace(number=number, program="no such"), future, tried(world, number)])
    gate.close()
    calendar(worker_of(world, tmp_path))
    assert world.one("SELECT count(*) FROM attempt") == 1
    assert world.one("SELECT count(*) FROM sample WHERE source = 'gate here 1'") == 0
    assert list((tmp_path / "journal").iterdir()) == []


def test_with_nothing_new_the_database_is_not_asked(world: World, gate: Journal, tmp_path: Path) -> None:
    worker = worker_of(world, tmp_path)
    gate.write([tried(world, world.offered())])
    assert not journal.take_in(worker.intake, world.conn, worker.clock)
    world.conn.close()
    assert not journal.take_in(worker.intake, world.conn, worker.clock)
    gate.write([tried(world, "0000-0012")])
    with pytest.raises(psycopg.OperationalError):
        journal.take_in(worker.intake, world.conn, worker.clock)


def test_a_record_that_finds_a_fault_in_us_holds_up_neither_the_others_nor_the_calendar(
    world: World, gate: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, odd = world.offered(), world.registered()
    gate.write([tried(world, number), tried(world, odd)])
    real = evidence.record_attempts

    def with_a_fault(conn: psycopg.Connection, acts: list[evidence.RecordAttempt], **given: object) -> object:
        assert all(act.number != odd for act in acts)
        return real(conn, acts, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(journal, "record_attempts", with_a_fault)
    gate.close()
    calendar(worker_of(world, tmp_path))
    assert world.one("SELECT count(*) FROM attempt") == 1
    assert [path.suffix for path in (tmp_path / "journal").iterdir()] == [".bad"]


def test_a_database_that_cannot_write_now_gets_them_later(world: World, gate: Journal, tmp_path: Path) -> None:
    gate.write([tried(world, world.offered())])
    worker = worker_of(world, tmp_path)
    world.conn.execute("SET default_transaction_read_only = on")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        calendar(worker)
    world.conn.execute("SET default_transaction_read_only = off")
    calendar(worker)
    assert world.one("SELECT count(*) FROM attempt") == 1


def test_after_an_outage_of_the_database_the_attempts_come_in_first(
    world: World, gate: Journal, tmp_path: Path, dsn: str, databases: Databases
) -> None:
    """The real worker, whose offers are due to lapse at the moment in which the database comes back."""
    first, second = world.asking(), world.asking()
    world.drawn()
    number, opened = first, world.now
    offer = world.offer(number)
    assert offer is not None
    assert offer.deadline is not None
    world.samples(opened - MINUTE, offer.deadline + 31 * MINUTE)
    world.now = offer.deadline - MINUTE
    name = sql.Identifier(world.conn.info.dbname)
    stop = threading.Event()
    thread = threading.Thread(
        target=run, args=(dsn, tmp_path, stop, 0.05), kwargs={"evidence_seconds": 60.0, "clock": lambda _: world.now}
    )
    with psycopg.connect(databases.url, autocommit=True) as away:
        away.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        thread.start()
        try:
            time.sleep(0.3)
            gate.write([tried(world, number)])
            world.now = offer.deadline + 31 * MINUTE
            time.sleep(0.3)
            away.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
            until = time.monotonic() + 40
            while world.state(second) != "lapsed" and time.monotonic() < until:
                time.sleep(0.05)
        finally:
            stop.set()
            thread.join(20)
    assert [world.state(one) for one in (first, second)] == ["offered", "lapsed"]


def test_an_attempt_of_the_last_moment_has_half_a_minute_to_reach_the_disk(
    world: World, gate: Journal, tmp_path: Path
) -> None:
    number = over(world, after=30 * MINUTE)
    last_moment, worker = tried(world, number), worker_of(world, tmp_path)
    world.now += timedelta(seconds=29)
    world.samples(world.now, world.now)
    step(worker)
    gate.write([last_moment])
    world.now += MINUTE
    world.samples(world.now, world.now)
    step(worker)
    assert world.state(number) == "offered"
