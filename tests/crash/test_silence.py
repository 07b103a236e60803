"""Whatever is killed, for however long: afterwards an outage is on record, and deadlines stand still.

The real server, watcher, worker and PostgreSQL, in processes of their own, and kill -9. Five minutes of silence are an
outage; so that nobody has to wait for them, the samples that are there are moved back by six.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from crash.ground import Postgres
from fairgate.commands.evidence import RecordSample, record_samples
from fairgate.core.deadlines import Outage
from fairgate.store import clock, evidence, offers, profiles
from fairgate.store.databases import make_anew
from fairgate.store.migrate import migrate
from service import Service
from time_world import TimeWorld

HERE = Path(__file__).parent
AWAY = timedelta(minutes=6)


class Parts:
    """Everything that a deployment runs, on a database of its own; nothing runs yet but PostgreSQL."""

    def __init__(self, postgres: Postgres, folder: Path, name: str) -> None:
        self.postgres = postgres
        self.home = folder / name
        self.dsn = make_anew(postgres.url, name)
        with self.connect() as conn:
            migrate(conn)
            TimeWorld(conn, self.home)
            self.window = _open_window(conn)
        self.service = Service(self.dsn, self.home)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.dsn, autocommit=True)

    def start(self, *names: str) -> None:
        for name in names:
            if name == "gate":
                self.service.start()
                self.service.await_ready()
            else:
                self._running[name] = subprocess.Popen(
                    [sys.executable, *self._command(name)], stdout=subprocess.DEVNULL
                )

    def kill(self, *names: str) -> None:
        """SIGKILL."""
        for name in names:
            if name == "gate":
                self.service.kill()
            else:
                process = self._running.pop(name)
                process.kill()
                process.wait()

    def end(self) -> None:
        self.kill(*self._running)
        with suppress(AssertionError):
            self.service.kill()

    def _command(self, name: str) -> list[str]:
        if name == "watcher":
            return [str(HERE / "fast_watch.py"), self.service.url, self.dsn, str(self.home)]
        with self.connect() as conn:
            now = clock.now(conn).isoformat()
        return [str(HERE / "fast_worker.py"), self.dsn, str(self.home), now, now, "1"]

    # -- what is on record ----------------------------------------------------------------------

    def ask(self, query: str) -> list[tuple[datetime, int, int]]:
        with self.connect() as conn:
            return conn.execute(query.encode()).fetchall()

    def samples(self) -> list[tuple[datetime, int, int]]:
        return self.ask("SELECT at, ok, failed FROM sample ORDER BY at")

    def works(self) -> datetime:
        """Wait for three good samples more; the time of the last one."""
        before = len(self.samples())
        soon(lambda: len([1 for _, ok, _ in self.samples()[before:] if ok]) >= 3)
        return self.samples()[-1][0]

    def outages(self) -> list[Outage]:
        with self.connect() as conn:
            return [found.outage for found in evidence.untold(conn)]

    def is_paused(self) -> bool:
        with self.connect() as conn:
            row = conn.execute('SELECT deadline IS NULL FROM "window" WHERE id = %s', [self.window]).fetchone()
        return bool(row and row[0])

    def six_minutes_pass(self) -> None:
        """What was until now was six minutes ago."""
        with self.connect() as conn:
            conn.execute("UPDATE sample SET at = at - %s", [AWAY])


def _open_window(conn: psycopg.Connection) -> int:
    """A window that opened an hour ago."""
    opened_at = clock.now(conn).replace(microsecond=0) - timedelta(hours=1)
    policy = profiles.current(conn).program("arrival").policy
    return offers.open_window(conn, "arrival", "Etc/UTC", opened_at, opened_at + policy.window, policy)


def soon(true: Callable[[], object], seconds: float = 40) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it does not come to that"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A durable cluster, made once for all tests here."""
    folder = tmp_path_factory.mktemp("pg")
    for place in (folder, *folder.parents):
        if place.is_relative_to(tmp_path_factory.getbasetemp()):
            place.chmod(0o755)
    made = Postgres(folder / "postgres")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def parts(cluster: Postgres, tmp_path: Path) -> Iterator[Parts]:
    made = Parts(cluster, tmp_path, "silence")
    yield made
    made.end()


def test_a_watcher_that_was_killed_leaves_an_outage_which_a_worker_alone_finds(parts: Parts) -> None:
    parts.start("gate", "worker", "watcher")
    last = parts.works()
    parts.kill("watcher")
    last = parts.samples()[-1][0]
    assert parts.outages() == []
    parts.six_minutes_pass()
    with parts.connect() as conn:  # a person confirms, and the server counts it
        now = clock.now(conn)
        record_samples(conn, [RecordSample(now, "gate", 1, 0)], now=now)
    soon(parts.outages)
    assert parts.outages() == [Outage(last - AWAY)]
    soon(parts.is_paused)


def test_a_watcher_finds_its_own_silence_when_it_is_back(parts: Parts) -> None:
    parts.start("gate", "watcher")
    parts.works()
    parts.kill("watcher")
    last = parts.samples()[-1][0]
    parts.six_minutes_pass()
    parts.start("watcher")
    soon(parts.outages)
    assert parts.outages() == [Outage(last - AWAY)]
    assert parts.is_paused()


def test_a_server_that_was_killed_is_an_outage_though_no_worker_runs(parts: Parts) -> None:
    parts.start("gate", "watcher")
    parts.works()
    parts.kill("gate")
    soon(parts.outages)
    [found] = parts.outages()
    assert any(at == found.start and ok for at, ok, _ in parts.samples()), "it began where things last worked"
    assert parts.is_paused()
    parts.start("gate")
    parts.works()
    assert parts.outages() == [found], "a few good samples do not end it"


def test_a_database_that_was_killed_is_an_outage_once_it_is_back(parts: Parts) -> None:
    parts.start("gate", "watcher")
    parts.works()
    parts.postgres.kill()
    time.sleep(4)  # of which the watcher writes samples down on its disk
    parts.postgres.start()
    soon(parts.outages)
    failed = [at for at, ok, failed in parts.samples() if failed and not ok]
    assert len(failed) >= 3
    [found] = parts.outages()
    assert found.start < min(failed)
    assert found.end is None
    assert parts.is_paused()


def test_everything_killed_at_once_is_an_outage_from_the_last_good_sample(parts: Parts) -> None:
    parts.start("gate", "worker", "watcher")
    parts.works()
    parts.kill("watcher", "worker", "gate")
    parts.postgres.kill()
    parts.postgres.start()
    last = parts.samples()[-1][0]
    parts.six_minutes_pass()
    parts.start("worker", "gate", "watcher")
    soon(parts.outages)
    assert parts.outages() == [Outage(last - AWAY)]
    soon(parts.is_paused)
