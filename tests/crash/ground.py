"""What is under the clients: a cluster of PostgreSQL and the real server, to be killed and started again."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from unittest.mock import patch

import psycopg

from fairgate.store import embedded
from service import Service

SETTINGS = {"max_connections": "200", "recovery_init_sync_method": "syncfs"}  # not each of a thousand files

BUSIEST = """
    (SELECT pid FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
      ORDER BY backend_xid IS NULL, random() LIMIT 1) AS busiest
"""


class Postgres:
    """A durable cluster in `folder`; to be started and killed by one thread. `settings` go before ours, `environment`
    is added to this process's own."""

    def __init__(
        self, folder: Path, settings: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.ways = tuple(DOSE)
        self._settings = {**SETTINGS, **(settings or {})}
        self._environment = environment or {}
        self._running = ExitStack()
        self.url = ""

    def start(self) -> None:
        """As a deployment starts it; recovers from whatever there is to recover from."""
        with patch.dict(os.environ, self._environment):
            self.url = self._running.enter_context(embedded.server(self.folder, settings=self._settings))

    def stop(self) -> None:
        self._running.close()

    def kill(self) -> None:
        """SIGKILL to the postmaster, if it has not ended by itself, and to everything that it started."""
        with suppress(FileNotFoundError):
            for pid in (self._master(), *self._children()):
                _kill(pid)
        self._running.close()

    def kill_postmaster(self) -> None:
        """SIGKILL to the postmaster alone: what it started ends when it notices, and may commit before."""
        _kill(self._master())
        self._running.close()

    def kill_backend(self) -> None:
        """SIGKILL to one backend, if there is one to one that has written something and not committed it.

        PostgreSQL then ends all others and recovers.
        """
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, autocommit=True) as conn:
            found = conn.execute(f"SELECT pid FROM {BUSIEST}").fetchone()
            if found:
                _kill(found[0])

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """In the block nothing in PostgreSQL goes on, as on a disk that does not answer."""
        stopped = [self._master(), *self._children()]
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def said(self) -> str:
        """Its log."""
        return (self.folder / "log").read_text(errors="replace")

    def _master(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    def _children(self) -> list[int]:
        master = self._master()
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


class GivenServer:
    """A database on a server that others use too: nothing is killed there but connections to this database."""

    ways = ("backend", "worker", "server", "told to end")

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It goes on."""

    def kill_backend(self) -> None:
        """End one connection, if there is one one that has written something and not committed it."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(f"SELECT pg_terminate_backend(pid) FROM {BUSIEST}")


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Ground:
    """PostgreSQL and the server, with the ways to bring them down. Each way leaves everything started again,
    though perhaps not ready yet."""

    def __init__(self, postgres: Postgres | GivenServer, service: Service, log: Path) -> None:
        self.postgres = postgres
        self.service = service
        self.given_up = 0
        self._log = log

    def __enter__(self) -> "Ground":
        self.service.start(self._log)
        self.service.await_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.service.kill()

    def down(self, how: str, lot: float) -> None:
        """`lot`: from 0 to 1; what chance decides."""
        match how:
            case "backend":
                self.postgres.kill_backend()
            case "postgres":
                self.postgres.kill()
                time.sleep(lot / 2)
                self.postgres.start()
            case "postmaster":
                self.postgres.kill_postmaster()
                self.postgres.start()
            case "worker":
                self._kill_worker(lot)
            case "server":
                self.service.kill()
                self.service.start(self._log)
            case "both":
                self.service.kill()
                self.postgres.kill()
                self.postgres.start()
                self.service.start(self._log)
            case "told to end":
                self.service.stop()
                self.service.start(self._log)
            case "hang":
                with self.postgres.hanging():
                    time.sleep(0.5 + 3 * lot)
            case "long hang":
                with self.postgres.hanging():
                    time.sleep(8)
            case _:
                raise AssertionError(how)

    def look(self) -> None:
        """Start the server again when it has ended by itself, as whatever supervises it in a deployment does."""
        if self.service.ended():
            self.given_up += 1
            self.service.kill()  # what it may have left
            self.service.start(self._log)

    def restart(self) -> None:
        """Let the server finish what is in hand, and start it again."""
        self.service.stop()
        self.service.start(self._log)
        self.service.await_ready()

    def _kill_worker(self, lot: float) -> None:
        workers = self.service.workers()
        if workers:
            _kill(workers[int(lot * len(workers))])


# How often each of these is done in fifty; the last ones take the longest.
DOSE: Mapping[str, int] = {
    "backend": 16,
    "worker": 13,
    "postgres": 6,
    "postmaster": 3,
    "server": 6,
    "both": 1,
    "told to end": 2,
    "hang": 2,
    "long hang": 1,
}
