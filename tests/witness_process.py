"""A real witness in a process of its own, for tests that talk to it over HTTP or kill it."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from fairgate.core.note import Key, parse_key
from fairgate.core.tree import consistency_proof
from fairgate.core.witnessing import request_bytes
from ledgers import LOG, Published

START_S = 30.0


class WitnessProcess:
    """`fairgate witness` with the folder `home`, which needs neither a database nor anything in the environment."""

    def __init__(self, home: Path, *, name: str = "witness.example.org/w1", logs: tuple[Key, ...] = (LOG.key,)) -> None:
        self.home = home
        self.name = name
        self._command = [sys.executable, "-m", "fairgate.cli.main", "witness", "--home", str(home), "--name", name]
        self._command += [word for key in logs for word in ("--log", key.vkey)] + ["--port", "0"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin; when this returns it listens, and `key` and `url` are known."""
        bare = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "FAIRGATE_HOME")}
        with (self.home.parent / f"{self.home.name}.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=log, env=bare)
        said = self._lines(2)
        self.key = parse_key(said[0].removeprefix("witness "), "standard output")
        self.url = said[1].removeprefix("listening at ")

    def _lines(self, count: int) -> list[str]:
        assert self._process is not None
        assert self._process.stdout is not None
        said, until = b"", time.monotonic() + START_S
        while said.count(b"\n") < count and time.monotonic() < until:
            if select.select([self._process.stdout], [], [], 0.1)[0]:
                more = os.read(self._process.stdout.fileno(), 4096)
                assert more, "it ended before it listened"
                said += more
        return said.decode().splitlines()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait until it has; the exit code."""
        assert self._process is not None
        code = self._process.wait(START_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    @contextmanager
    def running(self) -> Iterator["WitnessProcess"]:
        self.start()
        try:
            yield self
        finally:
            self.end()

    def ask(self, old: int, ledger: Published, size: int | None = None, client: httpx.Client | None = None):
        """Ask it to cosign the ledger at `size`, as continuing `old`."""
        at = ledger.size if size is None else size
        body = request_bytes(old, consistency_proof(ledger.hashes[:at], min(old, at)), ledger.signed(at))
        return (client or httpx).post(f"{self.url}/add-checkpoint", content=body)

    def seen(self) -> int:
        """How many leaves it has seen of the one ledger, as its file says."""
        files = [path for path in (self.home / "seen").iterdir() if not path.name.startswith(".")]
        assert len(files) <= 1, "of one ledger"
        return int(files[0].read_text().split("\n")[1]) if files else 0
