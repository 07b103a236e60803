"""Options for killing more than CI does, and for doing the same again."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

KILLS = 50
SECONDS_A_KILL = 6


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=KILLS, help=f"how often the gate is killed under load ({KILLS})")
    parser.addoption("--crash-seed", type=int, help="decides who does what and what is killed when")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A long dose takes its time."""
    for item in items:
        if "kills" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(240 + SECONDS_A_KILL * config.getoption("--kills", KILLS)))


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills", KILLS))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Printed, so that a run that failed can be done again."""
    given = request.config.getoption("--crash-seed", None)
    chosen = secrets.randbelow(2**32) if given is None else int(given)
    print(f"--crash-seed {chosen}")  # noqa: T201
    return chosen


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a disk, with a path that is short enough for a socket, and open to the account that PostgreSQL runs as."""
    made = Path(tempfile.mkdtemp(prefix="fairgate-crash-", dir="/var/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)
