"""The real program, run as a person runs it."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fairgate_runs
from world import World

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def fairgate(tmp_path: Path) -> Run:
    """Runs `fairgate` with these arguments; `env` are further variables. Its home is a folder of this test."""

    def run(*args: object, env: dict[str, str] | None = None, **more: Any) -> subprocess.CompletedProcess[bytes]:
        home = {"FAIRGATE_HOME": str(tmp_path / "home")}
        return fairgate_runs.run(*args, env=home | (env or {}), **more)

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
