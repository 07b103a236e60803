"""The embedded PostgreSQL starts where it can, says why where it cannot, and never outlives its owner."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from databases import fast_folder
from fairgate.core.errors import BadInput
from fairgate.store import embedded

# A process that has a server, writes one row, and leaves when its input ends.
OWNER_OF_A_SERVER = """
import sys
from pathlib import Path
import psycopg
from fairgate.store import embedded
with embedded.server(Path(sys.argv[1])) as url:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS seen (at timestamptz DEFAULT now())")
        conn.execute("INSERT INTO seen DEFAULT VALUES")
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that nobody else may enter, as somebody's home is."""
    made = Path(tempfile.mkdtemp(prefix="fairgate-embedded-", dir=fast_folder()))
    yield made / "postgres"
    shutil.rmtree(made)


@contextmanager
def process_with_server(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", OWNER_OF_A_SERVER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline().startswith("postgresql://")
            yield process
        finally:
            if process.poll() is None:
                process.communicate()  # the end of its input lets it leave, and its server with it


def rows(folder: Path) -> int:
    with embedded.server(folder) as url, psycopg.connect(url) as conn:
        row = conn.execute("SELECT count(*) FROM seen").fetchone()
        assert row
        return row[0]


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_it_is_durable_speaks_utf8_and_utc_and_listens_on_no_network(folder: Path):
    with embedded.server(folder) as url, psycopg.connect(url) as conn:
        names = ("fsync", "synchronous_commit", "server_encoding", "TimeZone", "listen_addresses")
        shown = [conn.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names]
        assert shown == [("on",), ("on",), ("UTF8",), ("UTC",), ("",)]
        assert conn.info.server_version // 10000 == 18


def test_it_is_found_while_it_runs_and_gone_afterwards(folder: Path):
    assert embedded.running(folder) is None
    with embedded.server(folder) as url:
        assert embedded.running(folder) == url
        pid = postmaster(folder)
    assert embedded.running(folder) is None
    wait_until_gone(pid)


def test_after_kill_9_it_ends_by_itself_and_the_next_start_has_everything_committed(folder: Path):
    with process_with_server(folder) as process:
        pid = postmaster(folder)
        process.kill()
    wait_until_gone(pid)
    assert rows(folder) == 1


def test_the_next_start_waits_for_a_server_whose_owner_was_just_killed(folder: Path):
    with process_with_server(folder) as process:
        process.kill()
    assert rows(folder) == 1


def test_after_kill_9_of_the_server_too_the_next_start_recovers(folder: Path):
    with process_with_server(folder) as process:
        os.kill(postmaster(folder), signal.SIGKILL)
        process.kill()
    assert rows(folder) == 1


def test_a_process_that_was_given_the_number_of_a_dead_server_does_not_hinder(folder: Path):
    with process_with_server(folder) as process:
        os.kill(postmaster(folder), signal.SIGKILL)
        process.kill()
    left = folder / "data" / "postmaster.pid"
    left.write_text(left.read_text().replace(left.read_text().splitlines()[0], str(os.getppid()), 1))
    assert rows(folder) == 1


def test_a_second_process_is_told_who_has_the_folder(folder: Path):
    with process_with_server(folder) as process:
        with pytest.raises(BadInput) as refused, embedded.server(folder):
            pass
        assert (
            str(refused.value) == f"{folder}: process {process.pid} already runs PostgreSQL here; stop that one first"
        )


def test_a_path_too_long_for_a_socket_gets_a_short_one_that_is_removed(folder: Path):
    deep = folder / ("deep" * 30) / "postgres"
    with embedded.server(deep, durable=False) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
        sockets = (deep / "socket").readlink()
        assert sockets.is_dir()
    assert not sockets.exists()


def test_a_half_made_cluster_is_made_anew(folder: Path):
    (folder / "data.new").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18\n")
    with embedded.server(folder, durable=False) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert not (folder / "data.new").exists()


def test_a_file_in_the_way_is_one_line_that_names_it(tmp_path: Path):
    (tmp_path / "postgres").write_text("not a folder")
    with pytest.raises(BadInput) as refused, embedded.server(tmp_path / "postgres"):
        pass
    assert str(refused.value).startswith(f"{tmp_path / 'postgres'}: no database can be kept here")


def test_what_postgresql_says_when_it_gives_up_is_passed_on_in_one_line(folder: Path):
    with pytest.raises(BadInput) as refused, embedded.server(folder, durable=False, settings={"max_connections": "x"}):
        pass
    assert 'invalid value for parameter "max_connections"' in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_named(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(BadInput, match="it may not be written to"), embedded.server(tmp_path / "postgres"):
        pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a small disk can be made by root only")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_a_full_disk_is_named_and_leaves_nothing_half_made(small_disk: Path):
    with pytest.raises(BadInput, match="the disk is full; make room"), embedded.server(small_disk / "postgres"):
        pass
    assert sorted(path.name for path in (small_disk / "postgres").iterdir()) == ["lock"]
