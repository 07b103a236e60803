"""A disk that is full: nobody is told anything untrue, everyone is told to come back, and with room all goes on."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

from crash.ground import Ground, Postgres
from crash.life import Life
from fairgate.sim.load import Wanted

PEOPLE = Wanted(900, 700, 100)
# What was written to the log stays there, so that a full disk stays full.
KEEPING = {"wal_keep_size": "10GB", "min_wal_size": "32MB", "max_wal_size": "1GB"}


class Disk:
    """A small one, in memory."""

    def __init__(self, place: Path, size: str) -> None:
        self.place = place
        place.mkdir(parents=True)
        self._mount("-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs")

    def grow(self, size: str) -> None:
        self._mount("-o", f"remount,size={size}")

    def fill(self) -> None:
        """Take what is left, to the last page."""
        with (self.place / "filler").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(65_536))

    def make_room(self) -> None:
        (self.place / "filler").unlink()

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.place)], check=True)

    def _mount(self, *how: str) -> None:
        done = subprocess.run(["mount", *how, str(self.place)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disks() -> Iterator[ExitStack]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    with ExitStack() as mounted:
        yield mounted


def test_with_a_full_disk_nobody_is_told_that_an_attempt_is_on_record(
    folder: Path, seed: int, disks: ExitStack
) -> None:
    """The journal's disk fills while the database is away."""
    disk = Disk(folder / "home" / "journal", "8k")
    disks.callback(disk.remove)
    life = Life(folder, seed, PEOPLE, Postgres(folder / "postgres"))
    disks.callback(life.close)
    with Ground(life.postgres, life.service, life.log) as ground:
        life.clients.begin()
        life.await_served(ground)
        life.postgres.kill()
        life.await_kept(ground, True)
        life.await_kept(ground, False)
        disk.grow("8m")
        life.await_kept(ground, True)
        life.postgres.start()
        life.await_served(ground)
        reckoning = life.reckon(ground)
    reckoning.agrees()


def test_a_full_disk_under_the_database_costs_nobody_what_they_were_told(
    folder: Path, seed: int, disks: ExitStack
) -> None:
    """First tables cannot grow, and PostgreSQL refuses; then its log cannot, and it ends."""
    disk = Disk(folder / "disk", "400m")
    disks.callback(disk.remove)
    (disk.place / "postgres").mkdir()
    (disk.place / "postgres" / "log").symlink_to(folder / "log")  # what it says last is to be read
    life = Life(folder, seed, PEOPLE, Postgres(disk.place / "postgres", KEEPING))
    disks.callback(life.close)
    with Ground(life.postgres, life.service, life.log) as ground:
        life.clients.begin()
        life.await_served(ground)
        next_file_of_the_log(life)
        disk.fill()
        life.await_turned_away(ground)
        disk.make_room()
        life.await_served(ground)
        disk.fill()
        life.await_that(lambda: next_file_is_one_too_many(life), "PostgreSQL ends", ground)
        life.await_turned_away(ground)
        disk.make_room()
        life.postgres.kill()
        life.postgres.start()
        life.await_served(ground)
        reckoning = life.reckon(ground)
    assert "ERROR:  could not extend file" in life.postgres.said()
    reckoning.agrees()


def next_file_of_the_log(life: Life) -> None:
    with psycopg.connect(life.postgres.url, autocommit=True) as conn:
        conn.execute("SELECT pg_switch_wal()")
        conn.execute("SELECT pg_logical_emit_message(true, 'crash', 'begins the next file')")


def next_file_is_one_too_many(life: Life) -> bool:
    with suppress(psycopg.Error):
        next_file_of_the_log(life)
    return "PANIC" in life.postgres.said()
