"""The disk of the ledger's files is full: nothing is signed or public by halves, and with room all goes on."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from fairgate.core import tree
from fairgate.store import audit, heads
from fairgate.store.ledger_files import LedgerFiles
from fairgate.store.shown import Comparison, elsewhere, on_record
from fairgate.worker.loops import write_tiles
from signing_world import public, sign
from time_world import TimeWorld


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    return TimeWorld(conn, tmp_path / "home")


@pytest.fixture(params=["ledger", "public/ledger"])
def disk(world: TimeWorld, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A small disk of its own under one of the two folders."""
    place = world.home / request.param
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("no small disk can be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def whole(world: TimeWorld) -> None:
    """Tiles, heads and checkpoints agree with the database, as `fairgate ledger check` asks it."""
    there, line = elsewhere(world.home), tree.Frontier()
    with audit.one_moment(world.conn):
        compared = Comparison(there, on_record(world.conn))
        for leaf in audit.leaves(world.conn):
            line.append(leaf.data)
            assert compared.add(leaf.data, line) is None
        assert compared.end(line.size) is None


def test_whatever_fits_on_a_full_disk_is_whole_and_the_rest_comes_later(world: TimeWorld, disk: Path) -> None:
    """The disk is filled up to so many pages, and each time the ledger grows into what is left."""
    world.asking()
    write_tiles(world.worker())
    sign(world)
    full = 0
    for pages in range(6):
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        os.truncate(filler, max(0, filler.stat().st_size - 4096 * pages))
        before = public(world)[1].size
        for _ in range(40):
            world.asking()
        write_tiles(world.worker())
        full += LedgerFiles(world.home).size() < audit.size(world.conn)
        try:
            sign(world)
        except OSError:
            full += 1
        whole(world)
        head = heads.load(heads.path(world.home))
        assert head is not None
        assert before <= public(world)[1].size <= head.size <= LedgerFiles(world.home).size()
        filler.unlink()
        write_tiles(world.worker())
        sign(world)
        whole(world)
        assert public(world)[1].size == audit.size(world.conn)
    assert full > 0, "the disk was never full"
