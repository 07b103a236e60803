"""A database restored from a backup would give out indexes of leaves again that others have on their receipts."""

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from databases import Databases
from fairgate.commands import looping
from fairgate.commands import recover as recovering
from fairgate.commands.looping import connections
from fairgate.commands.rounds import SET_BACK
from fairgate.core import tiles, tree
from fairgate.core.bundle import parse_manifest
from fairgate.store import audit, checkpoints, heads, publication, rounds
from fairgate.store.heads import OlderDatabase
from fairgate.store.ledger_files import LedgerFiles
from fairgate.store.rounds import Round
from fairgate.worker import loops
from fairgate.worker.loops import write_tiles
from notary import show_sealing
from signing_world import public, sign, signer_of
from time_world import DAY, NOON, TimeWorld
from witness_process import WitnessProcess

OTHERS = "this database has others or fewer"


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    """Ten groups have asked, and a checkpoint over their twenty leaves is public."""
    made = TimeWorld(conn, tmp_path / "home")
    for _ in range(10):
        made.asking()
    write_tiles(made.worker())
    sign(made)
    return made


def restore(world: TimeWorld, size: int) -> None:
    """The database is again as it was when the ledger had `size` leaves."""
    with world.conn.transaction():
        for trigger, table in (("leaf_append_only", "leaf"), ("leaf_counted_up", "ledger")):
            world.conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}".encode())
        world.conn.execute("DELETE FROM leaf WHERE index >= %s", [size])
        world.conn.execute("DELETE FROM statement WHERE leaf >= %s", [size])
        world.conn.execute("UPDATE ledger SET size = %s", [size])
        for trigger, table in (("leaf_append_only", "leaf"), ("leaf_counted_up", "ledger")):
            world.conn.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}".encode())


def test_no_part_of_the_service_writes_to_it(world: TimeWorld, dsn: str) -> None:
    heads.refuse_older(world.conn, world.home)
    restore(world, 12)
    with pytest.raises(OlderDatabase, match="20 leaves of the ledger are public"):
        heads.refuse_older(world.conn, world.home)
    with connections(dsn, 1, world.home) as connect, pytest.raises(OlderDatabase), connect():
        pass


def test_neither_where_it_has_grown_past_what_was_signed(world: TimeWorld) -> None:
    restore(world, 12)
    for _ in range(10):
        world.asking()
    with pytest.raises(OlderDatabase):
        heads.refuse_older(world.conn, world.home)


def test_nothing_is_signed_over_it_and_it_is_held(world: TimeWorld) -> None:
    before = public(world)[1]
    restore(world, 12)
    sign(world)
    assert "20 leaves were signed, the database has 12" in (heads.held(world.home) or "")
    with pytest.raises(OlderDatabase):
        heads.refuse_older(world.conn, world.home)
    for _ in range(10):
        world.asking()
    with pytest.raises(OlderDatabase):
        write_tiles(world.worker())
    assert LedgerFiles(world.home).size() == 20, "leaves that were given out twice do not become public"
    sign(world)
    assert public(world)[1] == before


def test_nor_over_a_connection_that_was_there_before_it_was_restored(world: TimeWorld) -> None:
    heads.refuse_older(world.conn, world.home)
    world.asking()
    restore(world, 12)
    with pytest.raises(OlderDatabase, match="20 leaves of the ledger are public"):
        world.asking()
    assert audit.size(world.conn) == 12, "the transaction was rolled back"


def test_nor_does_the_worker_take_anything_into_it(world: TimeWorld, dsn: str) -> None:
    """Tries that gates wrote to disk are kept for the database that is right."""
    with connections(dsn, 1, world.home) as connect:
        with connect():
            pass
        restore(world, 12)
        with pytest.raises(OlderDatabase), connect():
            pass


def test_and_its_log_says_why(world: TimeWorld, dsn: str) -> None:
    restore(world, 12)
    stop = threading.Event()

    def once() -> bool:
        stop.set()
        with connect():
            return False

    with connections(dsn, 1, world.home) as connect, capture_logs() as lines:
        looping.run([looping.Loop("calendar", once, 0.01)], stop)
    [line] = lines
    assert (line["event"], line["error"]) == ("database away", "OlderDatabase")
    assert line["why"] == f"20 leaves of the ledger are public and {OTHERS}: it was restored from a backup"


def test_files_that_have_gone_on_are_read_again_also_where_they_have_the_time_of_before(world: TimeWorld) -> None:
    counter = LedgerFiles(world.home).counter
    heads.refuse_older(world.conn, world.home)
    before = counter.stat()
    world.asking()
    write_tiles(world.worker())
    os.utime(counter, ns=(before.st_atime_ns, before.st_mtime_ns))
    restore(world, 20)
    with pytest.raises(OlderDatabase, match="22 leaves of the ledger are public"):
        heads.refuse_older(world.conn, world.home)


@pytest.mark.parametrize("head", [b"", b"{}", b'{"size": 20, "root": "00", "edge": [], "last": ""}', None])
def test_where_nobody_can_say_what_was_signed_the_database_counts_as_away(world: TimeWorld, head: bytes | None) -> None:
    """So that tries and samples are kept, and not lost over a fault of the machine."""
    place = heads.path(world.home)
    place.unlink()
    place.mkdir() if head is None else place.write_bytes(head)
    with pytest.raises(OlderDatabase, match=r"does not hold what was signed last|Is a directory"):
        heads.refuse_older(world.conn, world.home)


@pytest.mark.parametrize("lost", ["public", "ledger"])
def test_either_of_what_was_signed_and_what_is_public_is_enough(world: TimeWorld, lost: str) -> None:
    heads.refuse_older(world.conn, world.home)
    shutil.rmtree(world.home / lost)
    heads.refuse_older(world.conn, world.home)
    restore(world, 12)
    with pytest.raises(OlderDatabase, match="20 leaves of the ledger are public"):
        heads.refuse_older(world.conn, world.home)


def test_nor_over_one_that_was_there_before_it_was_held(world: TimeWorld) -> None:
    heads.refuse_older(world.conn, world.home)
    heads.hold(world.home, "witnesses know another ledger")
    with pytest.raises(OlderDatabase, match="witnesses know"):
        world.asking()
    heads.release(world.home)
    world.asking()


@pytest.mark.parametrize("file", ["tile/0/000.p/20", "tile/entries/000.p/20", ".tiled"])
@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_tile_is_taken_for_no_backup(world: TimeWorld, file: str, damage: bytes | None) -> None:
    """Whoever signs finds it. People go on confirming, and nothing is built on what is damaged."""
    place = world.home / "public" / "ledger" / file
    place.unlink() if damage is None else place.write_bytes(damage)
    heads.refuse_older(world.conn, world.home)
    world.asking()
    files = {path: path.read_bytes() for path in (world.home / "public" / "ledger" / "tile").rglob("*.p/*")}
    before = public(world)[1]
    write_tiles(world.worker())
    sign(world)
    assert heads.held(world.home) is None
    if file != ".tiled" or damage is not None:
        assert public(world)[1] == before
        assert files == {path: path.read_bytes() for path in files}
        assert not (world.home / "public" / "ledger" / "tile" / "0" / "000.p" / "22").exists()


def test_leaves_that_are_public_and_not_signed_yet_count_too(world: TimeWorld) -> None:
    world.asking()
    write_tiles(world.worker())
    restore(world, 20)
    with pytest.raises(OlderDatabase, match="22 leaves"):
        heads.refuse_older(world.conn, world.home)


def test_where_the_home_was_restored_too_the_witness_knows(world: TimeWorld, tmp_path: Path) -> None:
    """All of the machine is as it was before: nothing of ours can tell, but somebody else can."""
    with WitnessProcess(tmp_path / "witness", logs=(signer_of(world).key,)).running() as witness:
        sign(world, witness)
        old = {path: path.read_bytes() for path in (world.home / "ledger").iterdir() if path.is_file()}
        ledger = {p: p.read_bytes() for p in (world.home / "public" / "ledger").rglob("*") if p.is_file()}
        for _ in range(5):
            world.asking()
        write_tiles(world.worker())
        sign(world, witness)
        assert witness.seen() == 30
        restore(world, 20)
        for path in [p for p in (world.home / "public" / "ledger").rglob("*") if p.is_file()]:
            path.unlink()
        for path, data in {**old, **ledger}.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        heads.refuse_older(world.conn, world.home)  # as far as we know, all is well
        world.asking()
        write_tiles(world.worker())
        sign(world, witness)
        assert "w0 has seen 30 leaves" in (heads.held(world.home) or "")


def test_a_home_that_was_restored_alone_catches_up_and_stops_nobody(world: TimeWorld, tmp_path: Path) -> None:
    """The database has all that the witness has seen. Only the files are of before, and the worker writes them on."""
    with WitnessProcess(tmp_path / "witness", logs=(signer_of(world).key,)).running() as witness:
        sign(world, witness)
        folders = (world.home / "ledger", world.home / "public" / "ledger")
        old = {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}
        for _ in range(5):
            world.asking()
        write_tiles(world.worker())
        sign(world, witness)
        assert witness.seen() == 30
        for path in [path for folder in folders for path in folder.rglob("*") if path.is_file()]:
            path.unlink()
        for path, data in old.items():
            path.write_bytes(data)
        sign(world, witness)  # before the worker wrote anything
        assert heads.held(world.home) is None
        world.asking()
        write_tiles(world.worker())
        sign(world, witness)
        assert public(world)[1].size == witness.seen() == 32


def test_recovering_brings_the_public_leaves_back_and_gives_no_index_out_twice(world: TimeWorld) -> None:
    files = LedgerFiles(world.home)
    public_data, root = files.data(0, 20), public(world)[1].root
    restore(world, 12)
    assert recovering.first_difference(world.conn, files.data, files.size()) is None
    done = recovering.recover(world.conn, files.data, 20, skip=7, now=world.now, chance=lambda n: b"x" * n)
    assert (done.first, done.back, done.skipped) == (12, 8, 7)
    heads.refuse_older(world.conn, world.home)
    with audit.one_moment(world.conn):
        data = [leaf.data for leaf in audit.leaves(world.conn)]
    assert data[:20] == public_data
    assert len(data) == 20 + 7 + 1
    assert tree.root(data[:20]) == root
    world.asking()
    write_tiles(world.worker())
    sign(world)
    assert public(world)[1].size == 30
    assert tiles.root(20, files.read) == root


def test_a_database_that_went_on_after_it_was_restored_is_not_mended(world: TimeWorld) -> None:
    files = LedgerFiles(world.home)
    restore(world, 12)
    world.asking()
    assert recovering.first_difference(world.conn, files.data, files.size()) == 12


# -- what was lost with it is not done a second time --------------------------------------------


@pytest.fixture
def restored(databases: Databases, tmp_path: Path) -> Iterator[TimeWorld]:
    """A database of before the first list was sealed, in the home of one that had gone on; `recover` has been run."""
    with databases.new() as dsn, psycopg.connect(dsn, autocommit=True) as conn:
        made = TimeWorld(conn, tmp_path / "home")
        made.start_calendar()
        for _ in range(6):
            made.asking()
        yield made


def going_on(world: TimeWorld, hours: tuple[int, ...]) -> None:
    """As many hours after the round opened the calendar is looked at, and what is sealed is shown at once."""
    for hour in hours:
        world.now = NOON + timedelta(hours=hour - 24)
        while loops.calendar(world.worker()):
            if checkpoints.awaited(world.conn) is not None:
                show_sealing(world.conn, world.now)


@pytest.mark.parametrize("seen", [(0, 13), (0, 13, 24)], ids=["sealed", "drawn"])
def test_no_list_that_was_public_is_sealed_again(
    conn: psycopg.Connection, tmp_path: Path, restored: TimeWorld, seen: tuple[int, ...]
) -> None:
    lost = TimeWorld(conn, tmp_path / "home")
    lost.start_calendar()
    lost.asking()
    going_on(lost, seen)
    loops.publish(lost.worker())
    folder = tmp_path / "home" / "public" / "draws" / DAY.isoformat()
    public_ = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert ("results.csv" in public_) == (24 in seen)

    going_on(restored, (0, 13, 24))
    loops.publish(restored.worker())
    assert restored.states()[DAY.isoformat()] == "void"
    assert restored.conn.execute("SELECT void_reason FROM round WHERE date = %s", [DAY]).fetchone() == (SET_BACK,)
    assert restored.offers() == []
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == public_
    assert restored.states()[(DAY + timedelta(days=1)).isoformat()] == "open", "the next one is not concerned"


def test_the_same_list_goes_on_and_comes_to_the_same_results(conn: psycopg.Connection, tmp_path: Path) -> None:
    """Files that are there already are no reason to stop: a crash between two steps, or a round published late."""
    world = TimeWorld(conn, tmp_path / "home")
    world.start_calendar()
    world.asking()
    going_on(world, (0, 13))
    loops.publish(world.worker())
    going_on(world, (24,))
    assert world.states()[DAY.isoformat()] == "drawn"


def test_only_a_postponement_that_is_not_published_yet_may_differ(conn: psycopg.Connection, tmp_path: Path) -> None:
    world = TimeWorld(conn, tmp_path / "home")
    world.start_calendar()
    world.asking()
    going_on(world, (0, 13))
    loops.publish(world.worker())
    found, folder = rounds.find(conn, "arrival", DAY), tmp_path / "home" / "public" / "draws" / DAY.isoformat()
    assert found is not None
    assert found.manifest is not None
    sealed = parse_manifest(found.manifest.encode())

    def with_manifest(**changes: object) -> Round:
        return replace(found, manifest=replace(sealed, **changes).to_json())

    later, earlier = (sealed.seed_at + sign * timedelta(minutes=15) for sign in (1, -1))
    assert not publication.is_another(folder, found, postponing=True)
    assert not publication.is_another(folder, with_manifest(seed_at=later))
    assert publication.is_another(folder, with_manifest(seed_at=earlier)), "the public has seen the postponement"
    assert publication.is_another(folder, with_manifest(ticket_key_hash="0" * 64))
    (folder / "beacon.json").write_text("{}")
    assert not publication.is_another(folder, found), "the same value gives the same draw"
    assert publication.is_another(folder, found, postponing=True)
    assert publication.is_another(folder, with_manifest(seed_at=later))
