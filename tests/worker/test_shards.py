"""Each drawn round is cut into 4096 small files, from which a phone loads the one that it needs."""

import gzip
import hashlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from fairgate.commands.rounds import Void, void
from fairgate.store import shards
from fairgate.store.profiles import parse
from fairgate.worker.loops import publish
from time_world import DAY, NOON, PROFILE, TimeWorld, must, step

HEADER = "ticket,outcome,port,order,phase"
PREFIXES = [f"{number:03x}" for number in range(4096)]


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    """Nine groups ask for four places; the first round is open."""
    made = TimeWorld(conn, tmp_path)
    made.start_calendar()
    for size in (1, 2, 1, 3, 1, 1, 2, 1, 4):
        made.asking("SYS", "NOG", size=size)
    step(made.worker())
    return made


def go_to(world: TimeWorld, hours: float) -> Path:
    """Let the time since the opening be so many hours; the folder of the round's shards."""
    world.now = NOON + timedelta(hours=hours - 24)
    step(world.worker())
    return world.home / "public" / "results" / DAY.isoformat()


def results(count: int) -> bytes:
    """A results.csv: a tenth offers, the rest reserve."""
    offers = count // 10
    tickets = [hashlib.sha256(b"%d" % i).hexdigest()[:32] for i in range(count)]
    lines = [f"{t},offered,SYS,{i},lottery" for i, t in enumerate(tickets[:offers], 1)]
    lines += [f"{t},reserve,,{i}," for i, t in enumerate(tickets[offers:], 1)]
    return "\n".join([HEADER, *lines, ""]).encode()


def test_the_shards_appear_with_the_draw_and_hold_its_results(world: TimeWorld) -> None:
    assert not go_to(world, 23.6).exists()
    folder = go_to(world, 24)
    assert {file.name for file in folder.iterdir()} == {*PREFIXES, *(f"{prefix}.gz" for prefix in PREFIXES)}
    whole = (world.home / "public" / "draws" / DAY.isoformat() / "results.csv").read_text()
    found = []
    for prefix in PREFIXES:
        header, *lines = (folder / prefix).read_text().splitlines()
        assert header == HEADER
        assert lines == sorted(lines)
        assert all(hashlib.sha256(line[:32].encode()).hexdigest().startswith(prefix) for line in lines)
        assert gzip.decompress((folder / f"{prefix}.gz").read_bytes()) == (folder / prefix).read_bytes()
        found += lines
    assert sorted(found) == sorted(whole.splitlines()[1:])
    assert len(found) == 9
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}
    assert [file.name for file in folder.parent.iterdir()] == [DAY.isoformat()]


def test_a_known_ticket_is_in_a_known_shard() -> None:
    """SHA-256 of this text begins with 594 (`printf 00112233445566778899aabbccddeeff | sha256sum`)."""
    assert shards.prefix("00112233445566778899aabbccddeeff") == "594"


def test_what_a_round_said_is_found_by_the_ticket_alone(tmp_path: Path) -> None:
    whole = results(50)
    place = tmp_path / "2026-12-22"
    offered, waiting = whole.decode().splitlines()[3], whole.decode().splitlines()[-1]
    with pytest.raises(FileNotFoundError):
        shards.find(place, offered[:32])
    assert shards.write(place, whole)
    assert shards.find(place, offered[:32]) == (offered[:32], "offered", "SYS", 3, "lottery")
    assert shards.find(place, waiting[:32]) == (waiting[:32], "reserve", "", 45, "")
    assert shards.find(place, "0" * 32) is None


def test_shards_once_written_stay_as_they_are(world: TimeWorld) -> None:
    go_to(world, 12)
    folder = go_to(world, 24)
    before = (folder / "000").stat()
    world.conn.execute("UPDATE round SET published_at = NULL")
    assert publish(world.worker())
    world.conn.execute(
        "UPDATE round SET state = 'closed', closed_at = now(), due_at = NULL, published_at = NULL WHERE date = %s",
        [DAY],
    )
    assert publish(world.worker())
    assert (folder / "000").stat() == before


def test_a_void_round_has_none(world: TimeWorld) -> None:
    go_to(world, 12)
    must(void(world.conn, [Void("arrival", DAY, "the list was wrong")], now=world.now, chance=os.urandom))
    assert not go_to(world, 25).exists()


def test_a_hidden_program_has_none(conn: psycopg.Connection, tmp_path: Path) -> None:
    texts = dict(PROFILE)
    texts["programs.toml"] += (
        PROFILE["programs.toml"].replace("[arrival", "[canary").replace("group_max", "hidden = true\ngroup_max")
    )
    made = TimeWorld(conn, tmp_path, texts)
    made.start_calendar()
    made.asking("SYS")
    step(made.worker())
    conn.execute("UPDATE round SET program = 'canary'")
    go_to(made, 12)
    go_to(made, 25)
    assert [row[0] for row in conn.execute("SELECT state FROM round WHERE program = 'canary'")] == ["drawn"]
    assert not (tmp_path / "public" / "results").exists()


def test_programs_after_the_first_have_a_folder_of_their_own(tmp_path: Path) -> None:
    second = PROFILE["programs.toml"].replace("arrival", "cargo")
    found = parse({**PROFILE, "programs.toml": PROFILE["programs.toml"] + second})
    public = tmp_path / "public" / "results"
    assert shards.folder(tmp_path, found, "arrival", DAY) == public / "2026-12-22"
    assert shards.folder(tmp_path, found, "cargo", DAY) == public / "cargo" / "2026-12-22"


def test_a_folder_that_a_crash_left_half_written_is_done_again(tmp_path: Path) -> None:
    draft = tmp_path / ".2026-12-22.new"
    draft.mkdir()
    (draft / "000").write_bytes(b"half of")
    assert shards.write(tmp_path / "2026-12-22", results(20))
    assert (tmp_path / "2026-12-22" / "000").read_bytes().startswith(HEADER.encode())
    assert not draft.exists()


def test_two_who_write_at_once_write_once(tmp_path: Path) -> None:
    whole = results(100)
    with ThreadPoolExecutor(4) as pool:
        wrote = list(pool.map(lambda _: shards.write(tmp_path / "2026-12-22", whole), range(4)))
    assert sorted(wrote) == [False, False, False, True]


def test_killed_at_any_moment_they_are_all_there_or_none(tmp_path: Path) -> None:
    """A process that writes them is killed later and later, and at last let through."""
    place, source = tmp_path / "results" / "2026-12-22", tmp_path / "results.csv"
    source.write_bytes(results(20_000))
    write = "import sys, pathlib as p; from fairgate.store import shards; print('now', flush=True); " + (
        "shards.write(p.Path(sys.argv[1]), p.Path(sys.argv[2]).read_bytes())"
    )
    for seconds in (0, 0.1, 0.3, 0.6, None):
        command = [sys.executable, "-c", write, str(place), str(source)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            if seconds is not None:
                time.sleep(seconds)
                writer.kill()
        assert not place.exists() or len(list(place.iterdir())) == 2 * 4096
    assert [folder.name for folder in place.parent.iterdir()] == ["2026-12-22"]
    assert not shards.write(place, source.read_bytes())
