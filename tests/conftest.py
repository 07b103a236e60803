"""What every test may ask for: a database of its own (`dsn`, `conn`, `make_conn`). Only those that ask get one."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings

import order
from databases import Databases, folder_of_this_run, memory_has_room, throw_away_server

_GIVEN_SERVER = os.environ.pop("DATABASE_URL", None)  # so that no test writes into the database it names

settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


class _Server:
    """The server of this run, started by the process that began the run when it is first needed."""

    def __init__(self) -> None:
        self.run = uuid4().hex[:12]
        self._url: str | None = None
        self._open = ExitStack()

    def url(self) -> str:
        if self._url is None:
            self._url = _GIVEN_SERVER or self._open.enter_context(throw_away_server())
        return self._url

    def close(self) -> None:
        if self._url is not None:
            left = Databases(self._url, self.run, "end")
            left.drop_all()
            left.close()
        self._open.close()


_SERVER = pytest.StashKey[_Server]()
_TEMPORARY = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_SERVER] = _Server()
        if memory_has_room():
            _be_temporary_in_memory(config)


def _be_temporary_in_memory(config: pytest.Config) -> None:
    """All temporary files of the run, its children's too: each round drawn is 8,192 files, and each act is flushed."""
    folder = config.stash[_TEMPORARY] = folder_of_this_run()
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None  # is read again


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=order.place)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """What failed tests left stays until the next run."""
    if exitstatus and _TEMPORARY in session.config.stash:
        del session.config.stash[_TEMPORARY]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a worker of pytest-xdist which server is there."""
    server = node.config.stash[_SERVER]
    node.workerinput["fairgate_server"] = (server.url(), server.run)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SERVER in config.stash:
        config.stash[_SERVER].close()
    if _TEMPORARY in config.stash:
        shutil.rmtree(config.stash[_TEMPORARY], ignore_errors=True)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """Fresh databases, for tests to which one is not enough."""
    config = request.config
    if hasattr(config, "workerinput"):
        url, run = config.workerinput["fairgate_server"]
        made = Databases(url, run, config.workerinput["workerid"])
    else:
        server = config.stash[_SERVER]
        made = Databases(server.url(), server.run, "main")
    yield made
    made.close()


@pytest.fixture(scope="session")
def given_server() -> str | None:
    """The URL of the server that DATABASE_URL names; None where the tests have one of their own."""
    return _GIVEN_SERVER


@pytest.fixture
def dsn(databases: Databases) -> Iterator[str]:
    """The URL of a migrated database that is this test's own."""
    with databases.new() as url:
        yield url


@pytest.fixture
def make_conn(dsn: str) -> Iterator[Callable[[], psycopg.Connection]]:
    """Opens one more connection to this test's database, in autocommit mode; all are closed afterwards."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(psycopg.connect(dsn, autocommit=True))


@pytest.fixture
def conn(make_conn: Callable[[], psycopg.Connection]) -> psycopg.Connection:
    """A connection to this test's database, in autocommit mode."""
    return make_conn()
