"""The ledger's checkpoints: signed over what was hashed again, witnessed, public, and never one against another."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from fairgate.core import tree
from fairgate.core.note import verified
from fairgate.core.policy import cosigned_at, log_signed
from fairgate.store import audit, checkpoints, heads, keys
from fairgate.store.ledger_files import LedgerFiles
from fairgate.worker import signing
from fairgate.worker.loops import write_tiles
from signing_world import public, sign, signer_of, signing_process
from time_world import TimeWorld
from witness_process import WitnessProcess


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    made = TimeWorld(conn, tmp_path / "home")
    made.asking()
    return made


@pytest.fixture
def witness(world: TimeWorld, tmp_path: Path) -> Iterator[WitnessProcess]:
    with WitnessProcess(tmp_path / "witness", logs=(signer_of(world).key,)).running() as running:
        yield running


def leaves(world: TimeWorld) -> list[bytes]:
    with audit.one_moment(world.conn):
        return [leaf.data for leaf in audit.leaves(world.conn)]


def test_a_checkpoint_is_over_all_leaves_signed_and_witnessed(world: TimeWorld, witness: WitnessProcess) -> None:
    write_tiles(world.worker())
    sign(world, witness)
    note, checkpoint, policy = public(world)
    assert checkpoint.origin == keys.LOCAL
    assert (checkpoint.size, checkpoint.root) == (2, tree.root(leaves(world)))
    assert log_signed(note, policy, "policy")
    assert set(cosigned_at(note, policy)) == {"w0"}
    kept = checkpoints.newest(world.conn)
    assert kept is not None
    assert kept.witnessed_at is not None
    assert (kept.size, kept.root) == (checkpoint.size, checkpoint.root)
    assert witness.seen() == 2


def test_each_checkpoint_continues_the_one_before(world: TimeWorld, witness: WitnessProcess) -> None:
    sizes = []
    for count in (1, 0, 30, 200, 1):
        for _ in range(count):
            world.asking()
        write_tiles(world.worker())
        sign(world, witness)
        sizes.append(public(world)[1].size)
        assert public(world)[1].root == tree.root(leaves(world))
    assert sizes == [4, 4, 64, 464, 466]
    assert witness.seen() == 466
    assert world.conn.execute("SELECT count(*) FROM checkpoint").fetchone() == (1,), (
        "they are public, not all on record"
    )
    world.now += timedelta(hours=1)
    world.asking()
    write_tiles(world.worker())
    sign(world, witness)
    assert checkpoints.newest(world.conn).size == 468


def test_a_process_that_begins_again_goes_on_from_what_was_signed(world: TimeWorld, witness: WitnessProcess) -> None:
    write_tiles(world.worker())
    sign(world, witness)
    world.asking()
    write_tiles(world.worker())
    sign(world, witness)
    assert public(world)[1].size == 4


def test_signed_and_not_published_is_published_by_the_next(world: TimeWorld) -> None:
    """The process ended between the two."""
    write_tiles(world.worker())
    with audit.one_moment(world.conn):
        heads.save(heads.path(world.home), signing.grown(world.conn, heads.Head(), 2))
    assert not LedgerFiles(world.home).checkpoint.exists()
    sign(world)
    assert public(world)[1].size == 2


def test_the_head_that_was_lost_is_made_again_from_what_is_public(world: TimeWorld) -> None:
    write_tiles(world.worker())
    sign(world)
    heads.path(world.home).unlink()
    world.asking()
    write_tiles(world.worker())
    sign(world)
    assert public(world)[1].size == 4
    assert heads.load(heads.path(world.home)).size == 4


def test_without_its_witness_a_checkpoint_shows_nothing_until_it_is_back(world: TimeWorld, tmp_path: Path) -> None:
    witness = WitnessProcess(tmp_path / "witness", logs=(signer_of(world).key,))
    with witness.running():
        pass
    write_tiles(world.worker())
    sign(world, witness)
    assert public(world)[1].size == 2
    assert checkpoints.newest(world.conn).witnessed_at is None
    with witness.running():
        write_tiles(world.worker())
        sign(world, witness)
    assert checkpoints.newest(world.conn).witnessed_at is not None
    note, _, policy = public(world)
    assert set(cosigned_at(note, policy)) == {"w0"}


def test_a_start_while_the_witness_is_away_takes_nothing_from_what_is_public(world: TimeWorld, tmp_path: Path) -> None:
    witness = WitnessProcess(tmp_path / "witness", logs=(signer_of(world).key,))
    write_tiles(world.worker())
    with witness.running():
        sign(world, witness)
    sign(world, witness)
    assert set(cosigned_at(public(world)[0], public(world)[2])) == {"w0"}
    world.asking()
    write_tiles(world.worker())
    sign(world, witness)
    assert public(world)[1].size == 4, "what is new is public without it"


@pytest.mark.parametrize("what", ["statement", "salt"])
def test_a_leaf_that_is_not_what_its_statement_hashes_to_is_not_signed(
    world: TimeWorld, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    world.conn.execute("ALTER TABLE statement DISABLE TRIGGER statement_not_rewritten")
    change = "body = body || ' '" if what == "statement" else "salt = substring(sha256(salt) FROM 1 FOR 16)"
    world.conn.execute(f"UPDATE statement SET {change} WHERE leaf = 1".encode())
    write_tiles(world.worker())
    sign(world)
    assert not LedgerFiles(world.home).checkpoint.exists()
    assert heads.held(world.home) is None, "people go on; the signing has stopped, and says so"
    assert "leaf 1 is not what its statement hashes to" in capfd.readouterr().out


def test_what_comes_again_after_it_was_mended_is_told_again(
    world: TimeWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    counter = LedgerFiles(world.home).counter
    with signing_process(world) as process:
        for size in (2, 4):
            write_tiles(world.worker())
            counter.write_text("what is this")
            process.look()
            process.look()
            counter.write_text(str(size))
            process.look()
            assert public(world)[1].size == size
            world.asking()
    assert capfd.readouterr().out.count("does not hold a number") == 2


def test_a_destroyed_statement_leaves_its_leaf_signed_for(world: TimeWorld) -> None:
    world.conn.execute("DELETE FROM statement WHERE leaf = 0")
    write_tiles(world.worker())
    sign(world)
    assert public(world)[1].size == 2


def test_tiles_that_are_not_the_databases_are_not_signed(world: TimeWorld, capfd: pytest.CaptureFixture[str]) -> None:
    write_tiles(world.worker())
    files = LedgerFiles(world.home)
    sign(world)
    for _ in range(200):
        world.asking()
    write_tiles(world.worker())
    tile = files.folder / "tile/0/000"
    data = bytearray(tile.read_bytes())
    data[-1] ^= 1
    tile.write_bytes(bytes(data))
    sign(world)
    assert public(world)[1].size == 2
    assert "not signed" in capfd.readouterr().out
    shutil.rmtree(files.folder / "tile")
    (files.folder / ".tiled").unlink()
    write_tiles(world.worker())
    sign(world)
    assert public(world)[1].size == 402


def test_the_policy_that_is_public_keeps_its_remarks_whatever_their_bytes(world: TimeWorld) -> None:
    place = world.home / "ledger" / "policy"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"# \xa1 proves nothing \xc2\x85log to others\nquorum none\n")
    signing.policy_of(world.home, signer_of(world), "http://127.0.0.1")
    _, remark, quorum = LedgerFiles(world.home).policy.read_bytes().splitlines(keepends=True)
    assert remark + quorum == place.read_bytes()


def test_the_policy_that_is_public_names_our_own_key(world: TimeWorld, witness: WitnessProcess) -> None:
    write_tiles(world.worker())
    sign(world, witness)
    note, _, policy = public(world)
    assert [log.key for log in policy.logs] == [signer_of(world).key]
    assert [log.url for log in policy.logs] == ["http://127.0.0.1/ledger/"]
    assert set(verified(note, [signer_of(world).key])) == {signer_of(world).key}


def test_two_processes_never_sign_one_ledger(dsn: str, conn: psycopg.Connection, tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": dsn, "FAIRGATE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "fairgate.cli.main", "ledger", "sign", "--every", "0.5"]
    first = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while not (tmp_path / "public" / "ledger" / "policy").exists() and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(1)
        public = (tmp_path / "public" / "ledger" / "policy").read_bytes()
        elsewhere = [*command, "--address", "http://elsewhere.example.org"]
        second = subprocess.run(elsewhere, env=environment, capture_output=True, text=True, timeout=30, check=False)
    finally:
        first.terminate()
        first.wait(30)
    assert second.returncode == 2
    assert "another process signs this ledger" in second.stderr
    assert (tmp_path / "public" / "ledger" / "policy").read_bytes() == public, "who may not sign says nothing in public"
