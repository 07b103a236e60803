"""The real program, run as a person runs it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from world import World

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def fairgate(tmp_path: Path) -> Run:
    """Runs `fairgate` with these arguments; `env` are further variables. Its home is a folder of this test."""

    def run(*args: object, env: dict[str, str] | None = None, **more: object) -> subprocess.CompletedProcess[bytes]:
        given = os.environ | {"FAIRGATE_HOME": str(tmp_path / "home"), "PYTHONWARNINGS": "error"} | (env or {})
        command = [sys.executable, "-m", "fairgate.cli.main", *map(str, args)]
        return subprocess.run(command, env=given, capture_output="stdout" not in more, check=False, timeout=120, **more)

    return run


@pytest.fixture
def refused(fairgate: Run) -> Callable[..., str]:
    """Runs `fairgate`, sees that it refuses with one line, exit code 2 and nothing on standard output; the line."""

    def run(*args: object, **more: object) -> str:
        ended = fairgate(*args, **more)
        said = ended.stderr.decode()
        assert ended.returncode == 2, said
        assert ended.stdout == b""
        assert said.startswith("fairgate: ")
        assert said.count("\n") == 1, said
        return said.removeprefix("fairgate: ").rstrip("\n")

    return run


@pytest.fixture
def world(conn):
    """A database with the profile of two ports, nobody registered."""
    return World(conn)


@pytest.fixture
def on_database(dsn: str, world: World) -> dict[str, str]:
    """The environment in which the program finds this test's database."""
    return {"DATABASE_URL": dsn}
