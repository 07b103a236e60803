"""The real server in a process of its own, for tests that talk to it over HTTP."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx


class Service:
    """The real server on a database and a home of its own."""

    def __init__(self, dsn: str, home: Path) -> None:
        self.dsn = dsn
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def serving(self, log: Path | None = None) -> Iterator[None]:
        """The server runs in the block; what it logs goes to the file `log`."""
        given = {"DATABASE_URL": self.dsn, "FAIRGATE_HOME": str(self.home)}
        command = [sys.executable, "-m", "fairgate.cli.main", "serve", "--port", str(self.port)]
        with Path(log or os.devnull).open("ab") as output:
            process = subprocess.Popen(command, env=os.environ | given, stdout=output, stderr=output)
        try:
            self._await(process)
            yield
        finally:
            process.terminate()
            process.wait(20)

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until:
            try:
                if httpx.get(f"{self.url}/health/ready").is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError("the server does not get ready")
