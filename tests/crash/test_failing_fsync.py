"""A disk that says it could not keep what was written: then nobody is told that it was kept.

What is shown is that a failed fsync is heeded: PostgreSQL ends rather than go on, and neither it nor the journal says
that something is safe. That the disk has lost nothing else cannot be shown so.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from crash.ground import Ground, Postgres
from crash.life import Life
from fairgate.sim.load import Wanted

PEOPLE = Wanted(900, 700, 100)
SOURCE = Path(__file__).with_name("failing_fsync.c")


class Failing:
    """fsync fails for files whose path holds `below`, in what is started with `environment`, as long as `on`."""

    def __init__(self, folder: Path, below: str) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("no C compiler is here")
        library = folder / "failing_fsync.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True)
        self._switch = folder / "fsync-fails"
        self.environment = {
            "LD_PRELOAD": str(library),
            "FSYNC_FAILS_BELOW": below,
            "FSYNC_FAILS_WHILE": str(self._switch),
        }

    def on(self) -> None:
        self._switch.touch()

    def off(self) -> None:
        self._switch.unlink()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_when_the_journal_cannot_be_flushed_nobody_is_told_that_an_attempt_is_on_record(
    folder: Path, seed: int, opened: ExitStack
) -> None:
    failing = Failing(folder, "/journal/")
    life = Life(folder, seed, PEOPLE, Postgres(folder / "postgres"), failing.environment)
    opened.callback(life.close)
    with Ground(life.postgres, life.service, life.log) as ground:
        life.clients.begin()
        life.await_served(ground)
        life.postgres.kill()
        life.await_kept(ground, True)
        failing.on()
        life.await_kept(ground, False)
        failing.off()
        life.await_kept(ground, True)
        life.postgres.start()
        life.await_served(ground)
        reckoning = life.reckon(ground)
    reckoning.agrees()


def test_when_the_database_cannot_flush_its_log_nobody_is_told_that_something_is_done(
    folder: Path, seed: int, opened: ExitStack
) -> None:
    failing = Failing(folder, "/pg_wal/")
    settings = {"wal_sync_method": "fdatasync"}
    life = Life(folder, seed, PEOPLE, Postgres(folder / "postgres", settings, failing.environment))
    opened.callback(life.close)
    with Ground(life.postgres, life.service, life.log) as ground:
        life.clients.begin()
        life.await_served(ground)
        failing.on()
        life.await_turned_away(ground)
        failing.off()
        life.postgres.kill()
        life.postgres.start()
        life.await_served(ground)
        reckoning = life.reckon(ground)
    assert "PANIC:  could not fdatasync file" in life.postgres.said()
    reckoning.agrees()
