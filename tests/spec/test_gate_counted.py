"""The gate counts confirmations by the ten seconds in which they were answered."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from fairgate.gate import counted, samples
from fairgate.gate.counted import Counter
from fairgate.store import clock
from fairgate.store.journal import Counted
from fairgate.watch.run import Watcher, next_sample

START = datetime(2026, 12, 1, 12, tzinfo=UTC)
EPOCH = START.timestamp()


def test_a_sample_is_due_when_its_ten_seconds_are_over_and_once() -> None:
    counter = Counter("gate a 1")
    counter.ok(EPOCH)
    counter.ok(EPOCH + 9.999)
    counter.failed(EPOCH + 5)
    counter.ok(EPOCH + 10)
    assert counter.due(EPOCH + 9.999) == []
    assert counter.due(EPOCH + 10) == [Counted(START + timedelta(seconds=10), "gate a 1", 2, 1)]
    assert counter.due(EPOCH + 19.9) == []
    assert counter.due(EPOCH + 500) == [Counted(START + timedelta(seconds=20), "gate a 1", 1, 0)]


def test_ten_seconds_in_which_nothing_was_tried_are_no_sample() -> None:
    counter = Counter()
    counter.failed(EPOCH)
    counter.failed(EPOCH + 100)
    assert [sample.at - START for sample in counter.due(EPOCH + 200)] == [timedelta(seconds=s) for s in (10, 110)]
    assert Counter().due(EPOCH) == []


def test_the_times_are_those_of_the_watchers() -> None:
    clock = SimpleNamespace(now=lambda: START + timedelta(seconds=3.3))
    watcher = Watcher("", "", "", keys=None, spool=None, every=10.0, clock=clock)  # type: ignore[arg-type]
    at, begins_in = next_sample(watcher)
    counter = Counter()
    counter.ok(EPOCH + 3.3 + begins_in + 0.1)
    assert counter.due(at.timestamp()) == [Counted(at, counter.source, 1, 0)]


def test_what_nobody_fetches_is_bounded() -> None:
    counter = Counter()
    for i in range(counted.SLOTS_MOST + 5):
        counter.ok(EPOCH + 10 * i)
    due = counter.due(EPOCH + 10**6)
    assert len(due) == counted.SLOTS_MOST
    assert due[0].at == START + timedelta(seconds=60)


@pytest.mark.parametrize("wrong_s", [0, 4, -4, 3600, -3600, 25])
def test_a_servers_samples_go_by_the_databases_clock_though_its_own_is_wrong(
    dsn: str, conn: psycopg.Connection, tmp_path: Path, wrong_s: int
) -> None:
    now = clock.now(conn)
    here = now + timedelta(seconds=wrong_s)
    end = datetime.fromtimestamp(int(here.timestamp()) // 10 * 10, UTC)
    samples._record(dsn, tmp_path, [Counted(end, "gate a 1", 3, 1)], here)
    [(at, ok, failed)] = conn.execute("SELECT at, ok, failed FROM sample").fetchall()
    assert (ok, failed) == (3, 1)
    assert abs(at - now) < timedelta(seconds=20)
    assert at.timestamp() % 10 == 0


def test_a_servers_samples_from_a_time_that_cannot_be_are_let_go(
    dsn: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    samples._record(dsn, tmp_path, [Counted(clock.now(conn) - timedelta(days=31), "gate a 1", 3, 1)])
    assert conn.execute("SELECT count(*) FROM sample").fetchone() == (0,)
