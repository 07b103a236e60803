"""The real server in processes of its own, for tests that talk to it over HTTP or kill it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx


class Service:
    """The real server on a database and a home of its own; `environment` is added to this process's own."""

    def __init__(self, dsn: str, home: Path, *, workers: int = 1, environment: Mapping[str, str] | None = None) -> None:
        self.dsn = dsn
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "fairgate.cli.main", "serve", "--port", str(self.port)]
        self._command += ["--workers", str(workers)]
        self._environment = {"DATABASE_URL": dsn, "FAIRGATE_HOME": str(home), **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def serving(self, log: Path | None = None) -> Iterator[None]:
        """The server runs in the block; what it logs goes to the file `log`."""
        self.start(log)
        try:
            self.await_ready()
            yield
        finally:
            self.stop()

    def start(self, log: Path | None = None) -> None:
        """Begin, as the head of a group of processes; `await_ready` says when it answers."""
        with Path(log or os.devnull).open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                env=os.environ | self._environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def stop(self) -> None:
        """SIGTERM: what is in hand is finished."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)

    def kill(self) -> None:
        """SIGKILL to all its processes at once."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def ended(self) -> bool:
        """Whether it has ended by itself: Granian does when one of its processes dies twice within 5.5 s."""
        return self._process is not None and self._process.poll() is not None

    def workers(self) -> list[int]:
        """The processes that answer."""
        assert self._process is not None
        master = self._process.pid
        try:
            return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]
        except FileNotFoundError:
            return []

    def await_ready(self) -> None:
        """Return when it answers, and the database behind it."""
        assert self._process is not None
        until = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < until:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health/ready", timeout=5).is_success:
                    return
            time.sleep(0.05)
        raise AssertionError("the server does not get ready")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
