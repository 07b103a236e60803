"""Loops go on: past errors of their own and of others, and past a database that is away."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from databases import Databases
from fairgate.commands import looping
from fairgate.commands.looping import Loop
from fairgate.store import clock, slots
from fairgate.worker.run import run
from time_world import DAY, TimeWorld


@contextmanager
def running(target: Callable[..., None], *args: object) -> Iterator[None]:
    """`target(*args, stop)` in a thread, stopped at the end of the block."""
    stop = threading.Event()
    thread = threading.Thread(target=target, args=(*args, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def soon(true: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


def test_a_loop_that_fails_is_tried_again_and_stops_no_other() -> None:
    counts = {"good": 0, "bad": 0}

    def good() -> bool:
        counts["good"] += 1
        return False

    def bad() -> bool:
        counts["bad"] += 1
        raise RuntimeError("no")

    with running(looping.run, [Loop("good", good, 0.01), Loop("bad", bad, 0.01)]):
        assert soon(lambda: counts["bad"] >= 4 and counts["good"] > 20)
    assert counts["good"] > counts["bad"]  # who fails waits longer each time


def test_a_loop_that_found_something_looks_again_at_once() -> None:
    left = list(range(50))

    def once() -> bool:
        if left:
            left.pop()
        return bool(left)

    with running(looping.run, [Loop("busy", once, 30.0)]):
        assert soon(lambda: not left, 5)


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    return TimeWorld(conn, tmp_path)


def test_the_worker_goes_on_when_a_lost_database_comes_back(world: TimeWorld, dsn: str, databases: Databases) -> None:
    def work(stop: threading.Event) -> None:
        run(dsn, world.home, stop, 0.05, evidence_seconds=0.5)

    def opened() -> bool:
        return bool(world.conn.execute("SELECT 1 FROM round").fetchone())

    name = sql.Identifier(world.conn.info.dbname)
    with psycopg.connect(databases.url, autocommit=True) as away, running(work):
        time.sleep(0.3)  # it has its connections
        away.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        away.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
            [world.conn.info.dbname, world.conn.info.backend_pid],
        )
        slots.schedule(world.conn, "arrival", DAY, clock.now(world.conn))
        time.sleep(0.5)
        assert not opened()
        away.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
        assert soon(opened, 40)


def test_the_worker_stops_when_it_is_told_to(world: TimeWorld, dsn: str) -> None:
    started = time.monotonic()
    with running(lambda stop: run(dsn, world.home, stop)):
        time.sleep(0.2)
    assert time.monotonic() - started < 10
