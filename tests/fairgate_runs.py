"""Runs of the program `fairgate`: processes of their own, forked from one that has it loaded."""

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from json import dumps
from pathlib import Path
from typing import IO, Any

from fairgate.cli.main import RUN_ON

SERVER = Path(__file__).with_name("fork_server.py")
LONGEST_S = 120.0


def run(
    *args: object,
    env: Mapping[str, str] | None = None,
    stdout: IO[bytes] | int | None = None,
    new: bool = False,
    **more: Any,
) -> subprocess.CompletedProcess[bytes]:
    """Run `fairgate` with these arguments; `env` are further variables. Standard output is kept unless it is given.

    With `new`, with more that `subprocess.run` takes (`input`, `pass_fds`), and where the program would run on and so
    loads other things, Python is started for it.
    """
    words = list(map(str, args))
    given = {**os.environ, "PYTHONWARNINGS": "error", **(env or {})}
    new = new or any(tuple(words[:n]) in RUN_ON for n in (1, 2))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        kept = out if stdout is None else stdout
        code = _start(words, given, kept, err, **more) if new or more else _fork(words, given, kept, err)
        said, complained = (_read(file) for file in (out, err))
    return subprocess.CompletedProcess(words, code, said if stdout is None else None, complained)


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _start(words: list[str], env: dict[str, str], out: IO[bytes] | int, err: IO[bytes], **more: Any) -> int:
    command = [sys.executable, "-m", "fairgate.cli.main", *words]
    return subprocess.run(command, env=env, stdout=out, stderr=err, check=False, timeout=LONGEST_S, **more).returncode


def _fork(words: list[str], env: dict[str, str], out: IO[bytes] | int, err: IO[bytes]) -> int:
    server = _server()
    number = out if isinstance(out, int) else out.fileno()
    asked = dumps({"args": words, "env": env, "cwd": str(Path.cwd())}).encode()
    with Path(os.devnull).open("rb") as nothing:
        socket.send_fds(server, [asked], [nothing.fileno(), number, err.fileno()])
    pid = int(server.recv(64))
    try:
        return int(server.recv(64))
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        server.recv(64)  # that it has ended
        raise subprocess.TimeoutExpired(words, LONGEST_S) from None


@cache
def _server() -> socket.socket:
    """Started when it is first needed; it ends when this process does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, str(SERVER), str(theirs.fileno())]
    with theirs:
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONWARNINGS": "error"}, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
    ours.settimeout(LONGEST_S)
    atexit.register(lambda: (ours.close(), process.wait()))
    return ours
