"""What was drawn can be recomputed from the public folder by anybody."""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

import verifier
from fairgate.cli.main import run as fairgate
from fairgate.commands.honour import Honour, honour
from fairgate.core.beacon import randomness
from fairgate.core.bundle import entries_root, parse_beacon, parse_entries, parse_manifest, write_results
from fairgate.core.draw import draw
from fairgate.store import draw_figures, keys, profiles, publication, registrations, rounds
from fairgate.store.profiles import parse
from fairgate.worker.loops import publish, tables, write_tiles
from missing import receipt_of
from time_world import DAY, NOON, PROFILE, TimeWorld, must, step

SEALED = {"manifest.json", "entries.csv", "checkpoint", "sealing.tlog-proof", "verify.py"}
DRAWN = SEALED | {"beacon.json", "results.csv"}


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
    """Let the time since the opening be so many hours; the folder of the round."""
    world.now = NOON + timedelta(hours=hours - 24)
    step(world.worker())
    return world.home / "public" / "draws" / DAY.isoformat()


def names(folder: Path) -> set[str]:
    """The files of a bundle; beside each of them it lies compressed."""
    found = {file.name for file in folder.iterdir()}
    plain = {name for name in found if not name.endswith(".gz")}
    assert found - plain == {f"{name}.gz" for name in plain}
    assert all(gzip.decompress((folder / f"{name}.gz").read_bytes()) == (folder / name).read_bytes() for name in plain)
    return plain


def test_files_appear_when_a_round_is_sealed_seeded_and_drawn(world: TimeWorld) -> None:
    folder = world.home / "public" / "draws" / DAY.isoformat()
    assert not folder.exists()
    assert names(go_to(world, 12)) == SEALED
    assert names(go_to(world, 23.6)) == SEALED | {"beacon.json"}
    assert names(go_to(world, 24)) == DRAWN
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}


def test_anyone_can_recompute_the_draw_from_the_folder(world: TimeWorld, capsys: pytest.CaptureFixture[str]) -> None:
    go_to(world, 12)
    folder = go_to(world, 24)
    manifest = parse_manifest((folder / "manifest.json").read_bytes())
    entries = parse_entries((folder / "entries.csv").read_bytes(), manifest)
    value = randomness(manifest, parse_beacon((folder / "beacon.json").read_bytes()))
    drawn = draw(manifest, entries_root(entries), entries, value)
    assert write_results(drawn) == (folder / "results.csv").read_bytes()
    assert len(entries) == 9
    assert fairgate(["verify", str(folder)]) == 0, capsys.readouterr()


def test_the_fingerprints_in_the_ledger_are_those_of_the_files(world: TimeWorld) -> None:
    go_to(world, 12)
    folder = go_to(world, 24)
    said = dict(world.conn.execute("SELECT kind, body::jsonb FROM statement WHERE kind IN ('sealed', 'drawn')"))
    assert said["sealed"]["manifest"] == sha256(folder / "manifest.json")
    assert said["drawn"]["results"] == sha256(folder / "results.csv")


def test_lost_files_are_written_again_and_unchanged_ones_left_alone(world: TimeWorld) -> None:
    go_to(world, 12)
    folder = go_to(world, 24)
    before = {name: (folder / name).stat().st_ino for name in ("manifest.json", "entries.csv", "beacon.json")}
    content = (folder / "results.csv").read_bytes()
    (folder / "results.csv").unlink()
    world.conn.execute("UPDATE round SET published_at = NULL")
    assert publish(world.worker())
    assert (folder / "results.csv").read_bytes() == content
    assert {name: (folder / name).stat().st_ino for name in before} == before


def test_the_figures_of_a_draw_are_written_once_with_its_results(world: TimeWorld) -> None:
    go_to(world, 12)
    profile = profiles.current(world.conn)
    folder = draw_figures.folder(world.home, profile, "arrival", DAY)
    assert folder == world.home / "public" / "data" / "draws" / DAY.isoformat()
    assert not folder.exists()
    go_to(world, 24)
    assert names(folder) == set(draw_figures.FILES)
    tables = draw_figures.read(folder)
    assert tables["ports"].records()[-1]["asked"] == 9
    before = {file.name: file.stat().st_ino for file in folder.iterdir()}
    world.conn.execute("UPDATE round SET published_at = NULL")
    assert publish(world.worker())
    assert {file.name: file.stat().st_ino for file in folder.iterdir()} == before
    assert draw_figures.complete(folder)
    (folder / "sizes.json").unlink()
    assert not draw_figures.complete(folder)


def test_a_folder_that_was_lost_comes_back_with_the_next_edition_of_the_tables(world: TimeWorld) -> None:
    go_to(world, 12)
    folder = go_to(world, 24)
    public = world.home / "public"
    figures = draw_figures.folder(world.home, profiles.current(world.conn), "arrival", DAY)
    before = {file: file.read_bytes() for place in (folder, figures) for file in place.iterdir()}
    shutil.rmtree(public / "draws")
    shutil.rmtree(public / "data")
    assert not publish(world.worker()), "the database says that it is published"
    tables(world.worker())
    assert {file: file.read_bytes() for file in before} == before


def test_what_shows_a_sealing_comes_later_where_a_worker_was_killed_before_it_noted_that_it_may(
    world: TimeWorld,
) -> None:
    go_to(world, 12)
    folder = go_to(world, 24)
    before = (folder / "checkpoint").read_bytes()
    for name in ("checkpoint", "sealing.tlog-proof"):
        (folder / name).unlink()
        (folder / f"{name}.gz").unlink()
    assert not publish(world.worker()), "the database says that it is published"
    world.now += timedelta(hours=1)
    tables(world.worker())
    assert names(folder) == DRAWN
    assert (folder / "checkpoint").read_bytes() == before


def test_the_verifier_in_the_bundle_finds_it_right_and_is_that_of_this_version(world: TimeWorld) -> None:
    go_to(world, 12)
    folder = go_to(world, 24)
    assert (folder / "verify.py").read_bytes() == verifier.PATH.read_bytes()
    command = [sys.executable, "-I", "-S", "verify.py"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert ", in the tree of 'localhost/ledger', " in ended.stdout


def test_a_bundle_keeps_the_verifier_that_it_has_when_a_newer_version_ships(
    world: TimeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = go_to(world, 12) / "verify.py"
    published = first.read_bytes()
    monkeypatch.setattr(publication, "verifier", lambda: b"# a newer one\n")
    assert names(go_to(world, 24)) == DRAWN  # also beside it, it is the old one that lies compressed
    assert first.read_bytes() == published
    (first.parent / "verify.py.gz").unlink()
    world.conn.execute("UPDATE round SET published_at = NULL")
    assert publish(world.worker())
    assert names(first.parent) == DRAWN
    assert first.read_bytes() == published
    first.unlink()  # where the folder was lost, there is nothing to be kept
    (first.parent / "verify.py.gz").unlink()
    world.conn.execute("UPDATE round SET published_at = NULL")
    assert publish(world.worker())
    assert names(first.parent) == DRAWN
    assert first.read_bytes() == b"# a newer one\n"


def test_a_verifier_that_was_lost_takes_the_compressed_one_with_it(world: TimeWorld) -> None:
    folder = go_to(world, 12)
    (folder / "verify.py").unlink()
    (folder / "verify.py.gz").write_bytes(gzip.compress(b"# an older one\n"))
    assert names(go_to(world, 24)) == DRAWN
    assert (folder / "verify.py").read_bytes() == verifier.PATH.read_bytes()


def test_the_log_says_after_a_sealing_how_many_stand_alone_and_names_none(world: TimeWorld) -> None:
    with capture_logs() as lines:
        go_to(world, 12)
    [said] = [line for line in lines if line["event"] == "standing alone"]
    about = {"program": "arrival", "date": DAY.isoformat(), "entries": 9, "alone": 2, "by_size": {3: 1, 4: 1}}
    assert said == {**about, "event": "standing alone", "log_level": "info"}


def test_who_is_honoured_after_the_draw_is_added_beside_the_files_that_never_change(world: TimeWorld) -> None:
    missing = [world.asking("SYS"), world.asking("SYS", size=2)]
    owners = [registrations.find(world.conn, group.number) for group in missing]
    hidden = "UPDATE request SET asked_at = asked_at + %s WHERE registration_id = ANY(%s)"
    world.conn.execute(hidden, [timedelta(days=9999), [owner.id for owner in owners if owner]])
    go_to(world, 12)
    folder = go_to(world, 24)
    world.conn.execute(hidden, [-timedelta(days=9999), [owner.id for owner in owners if owner]])
    assert names(folder) == DRAWN
    before = {name: (folder / name).stat().st_ino for name in DRAWN}
    signer = keys.load_signer(world.home, "places.example.org/ledger", world.now)
    for count, group in enumerate(missing, 1):
        receipt = receipt_of(world, group.number, "arrival", signer)
        assert receipt is not None
        act = Honour("arrival", DAY, receipt.receipt)
        listed = keys.load_list(keys.list_path(world.home))
        must(honour(world.conn, [act], keys=world.keys, listed=listed, now=world.now, chance=os.urandom))
        assert publish(world.worker())
        assert names(folder) == DRAWN | {"honoured.csv"}
        assert (folder / "honoured.csv").read_bytes().count(b"\n") == 1 + count
        assert not publish(world.worker())
    assert {name: (folder / name).stat().st_ino for name in before} == before


def test_who_is_honoured_while_the_files_are_written_is_not_left_out(world: TimeWorld) -> None:
    """The files were read before, and are marked as published afterwards: then they are written once more."""
    go_to(world, 12)
    go_to(world, 24)
    found = rounds.find(world.conn, "arrival", DAY)
    assert found is not None
    rounds.honoured(world.conn, found.id)
    rounds.published(world.conn, found, world.now, shown=True, tiled=0)
    assert [waiting.id for waiting in rounds.unpublished(world.conn, 9)] == [found.id]


def test_files_of_before_that_come_late_over_newer_ones_are_replaced_again(world: TimeWorld) -> None:
    """One of two workers read a round, was slow, and wrote after the other had written the next step."""
    folder = go_to(world, 12)
    found = rounds.find(world.conn, "arrival", DAY)
    assert found is not None
    go_to(world, 24)
    now = {name: (folder / name).read_bytes() for name in DRAWN}
    assert not publish(world.worker())
    publication.write(folder, {"manifest.json": b"as it was before it was postponed\n"})
    rounds.published(world.conn, found, world.now, shown=True, tiled=0)
    assert publish(world.worker())
    assert {name: (folder / name).read_bytes() for name in DRAWN} == now


def test_a_draft_that_a_crash_left_is_taken_over(world: TimeWorld) -> None:
    folder = world.home / "public" / "draws" / DAY.isoformat()
    folder.mkdir(parents=True)
    (folder / ".manifest.json.new").write_bytes(b"half of")
    go_to(world, 12)
    assert names(folder) == SEALED


def test_a_disk_that_refuses_is_tried_again_and_stops_nobody_else(world: TimeWorld) -> None:
    public = world.home / "public"
    shutil.rmtree(public, ignore_errors=True)
    public.write_text("in the way")
    go_to(world, 12)
    assert world.states()[DAY.isoformat()] == "sealed"
    go_to(world, 24)
    assert world.states()[DAY.isoformat()] == "drawn"
    public.unlink()
    assert names(go_to(world, 24.1)) == DRAWN


def test_a_round_that_cannot_be_written_is_left_aside_for_longer_and_longer(world: TimeWorld) -> None:
    """Tried every second, it filled the log, and twenty of them left no others their turn."""
    folder = go_to(world, 12)
    shutil.rmtree(folder)
    folder.write_text("in the way")
    world.conn.execute("UPDATE round SET published_at = NULL")
    worker, failed = world.worker(), []
    for second in range(16):
        with capture_logs() as logs:
            publish(worker)
        failed += [second for line in logs if line["event"] == "publication failed"]
        world.now += timedelta(seconds=1)
    assert failed == [0, 1, 3, 7, 15]
    folder.unlink()
    world.now += timedelta(seconds=16)
    assert publish(worker)
    assert names(folder) == SEALED


def test_programs_after_the_first_have_a_folder_of_their_own(tmp_path: Path) -> None:
    second = PROFILE["programs.toml"].replace("arrival", "cargo")
    found = parse({**PROFILE, "programs.toml": PROFILE["programs.toml"] + second})
    draws = tmp_path / "public" / "draws"
    assert publication.folder(tmp_path, found, "arrival", DAY) == draws / "2026-12-22"
    assert publication.folder(tmp_path, found, "cargo", DAY) == draws / "cargo" / "2026-12-22"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_nothing_half_written_is_left_when_the_folder_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            publication.write(tmp_path, {"manifest.json": b"{}"})
        assert names(tmp_path) == set()
    finally:
        tmp_path.chmod(0o700)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_where_the_tiles_are_behind_a_round_is_published_once_and_again_when_they_have_come(world: TimeWorld) -> None:
    go_to(world, 12)
    ledger = world.home / "public" / "ledger"
    folder = world.home / "public" / "draws" / DAY.isoformat()
    for place in (ledger, folder):
        shutil.rmtree(place)
    world.conn.execute("UPDATE round SET published_at = NULL")
    assert publish(world.worker())
    assert not publish(world.worker()), "it is not written over and over"
    assert names(folder) == SEALED - {"checkpoint", "sealing.tlog-proof"}
    write_tiles(world.worker())
    assert publish(world.worker())
    assert names(folder) == SEALED
    assert not publish(world.worker())
