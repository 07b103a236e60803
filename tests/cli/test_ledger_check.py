"""`fairgate ledger check` holds the database against everything that others were shown of the ledger."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from fairgate.commands.record import record
from fairgate.core.lifecycle import Done
from fairgate.store import heads
from fairgate.worker.loops import write_tiles
from signing_world import sign
from time_world import TimeWorld

LEAVES = 600  # two full tiles, and a partial one on each level


@pytest.fixture
def here(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    """A home with tiles and a signed head over 600 leaves and more."""
    made = TimeWorld(conn, tmp_path / "home")
    made.asking()
    acts = [(None, Done("recovered", None, {"first": n, "back": 0, "skipped": 0})) for n in range(LEAVES)]
    record(conn, acts, now=made.now, chance=os.urandom)
    write_tiles(made.worker())
    sign(made)
    return made


@pytest.fixture
def env(dsn: str) -> dict[str, str]:
    return {"DATABASE_URL": dsn}


def test_tiles_heads_and_database_that_agree_are_right(fairgate, env, here: TimeWorld):
    write_tiles(here.worker())
    here.asking()  # not in the tiles yet, which is nothing wrong
    ended = fairgate("ledger", "check", "--json", env=env)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["ok"]
    assert found["tiles"] == LEAVES + 2 == found["size"] - 2


def rewritten(home: Path, conn: psycopg.Connection) -> None:
    """History, told anew by somebody who owns the server: leaf and statement agree with each other."""
    with conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("""UPDATE statement SET body = '{"kind":"other"}' WHERE leaf = 300""")
        conn.execute("""
            UPDATE leaf SET data = sha256(s.salt || convert_to(s.body, 'UTF8')) FROM statement s
             WHERE s.leaf = index AND index = 300
        """)


def restored(home: Path, conn: psycopg.Connection) -> None:
    with conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("DELETE FROM statement WHERE leaf >= 300")
        conn.execute("DELETE FROM leaf WHERE index >= 300")
        conn.execute("UPDATE ledger SET size = 300")
        conn.execute("DELETE FROM checkpoint")


def in_file(name: str, change: Callable[[bytes], bytes | None]) -> Callable[[Path, psycopg.Connection], None]:
    def happens(home: Path, _conn: psycopg.Connection) -> None:
        file = home / name
        data = change(file.read_bytes())
        file.unlink() if data is None else file.write_bytes(data)

    return happens


def flipped(data: bytes) -> bytes:
    return data[:40] + bytes((data[40] ^ 1,)) + data[41:]


def other_head(home: Path, _conn: psycopg.Connection) -> None:
    heads.save(heads.path(home), heads.Head(2, (b"x" * 32,), b"y" * 32))


TILES = "public/ledger/tile"


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (rewritten, "tile/0/001 is not what the leaves of the database come to"),
        (restored, "is over 602 leaves, the database has 300"),
        (other_head, "ledger/head has another root over the first 2 leaves"),
        (in_file("ledger/head", lambda _: b"{}"), "does not hold what was signed last"),
        (in_file("public/ledger/checkpoint", lambda _: b"x\n\nx"), "does not end with whole signature lines"),
        (in_file(f"{TILES}/0/000", flipped), "tile/0/000 is not what the leaves of the database come to"),
        (in_file(f"{TILES}/1/000.p/2", flipped), "tile/1/000.p/2 is not what"),
        (in_file(f"{TILES}/0/002.p/90", lambda data: data[:-1]), "tile/0/002.p/90 is not what"),
        (in_file(f"{TILES}/0/001", lambda _: None), "tile/0/001 is not there"),
        (in_file(f"{TILES}/entries/001", flipped), "tile/entries/001 has other leaves than the database"),
        (in_file(f"{TILES}/entries/002.p/90", lambda data: data[:-1]), "is truncated"),
        (in_file("public/ledger/.tiled", lambda _: b"many"), "does not hold a number"),
    ],
)
def test_what_differs_is_found_and_named(fairgate, env, here: TimeWorld, happens, told):
    happens(here.home, here.conn)
    ended = fairgate("ledger", "check", env=env)
    assert ended.returncode == 1, ended.stdout
    assert ended.stdout == b""
    assert told in ended.stderr.decode()


def test_without_the_ledgers_files_the_checkpoints_on_record_are_compared(fairgate, env, here: TimeWorld, tmp_path):
    """As on a host that serves nothing: another home."""
    env["FAIRGATE_HOME"] = str(tmp_path / "elsewhere")
    assert json.loads(fairgate("ledger", "check", "--json", env=env).stdout)["tiles"] == 0
    rewritten(here.home, here.conn)
    ended = fairgate("ledger", "check", env=env)
    assert ended.returncode == 1
    assert "a checkpoint on record has another root over the first 602 leaves" in ended.stderr.decode()
