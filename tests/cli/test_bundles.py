"""`fairgate draw` and `fairgate verify` on the known answers, and on bundles that somebody tampered with."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import vectors

pytestmark = vectors.needed

Refused = Callable[..., str]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of a known bundle, to be spoilt: draw-3, with its own results."""
    copy = tmp_path / "bundle"
    copy.mkdir()
    for name in ("manifest.json", "entries.csv", "beacon.json", "results.csv"):
        shutil.copyfile(vectors.path("draw-3") / name, copy / name)
    return copy


def change(file: Path, old: bytes, new: bytes) -> None:
    data = file.read_bytes()
    assert old in data
    file.write_bytes(data.replace(old, new, 1))


@pytest.mark.parametrize("known", vectors.draws(), ids=lambda path: path.name)
def test_draw_gives_the_known_results_to_the_byte(fairgate, known):
    ended = fairgate("draw", known)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == (known / "results.csv").read_bytes()
    assert ended.stderr == b""


@pytest.mark.parametrize("known", vectors.draws(), ids=lambda path: path.name)
def test_draw_gives_the_known_root_seed_and_carry(fairgate, known):
    expected = json.loads((known / "expected.json").read_bytes())
    assert json.loads(fairgate("draw", known, "--json").stdout) == expected


@pytest.mark.parametrize("known", vectors.draws(), ids=lambda path: path.name)
def test_verify_finds_the_known_bundles_right_and_says_that_the_sealing_is_not_shown(fairgate, known):
    ended = fairgate("verify", known)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(b"right: ")
    assert b"sealing is not shown" in ended.stdout


def test_verify_names_the_first_line_that_differs(fairgate, bundle):
    lines = (bundle / "results.csv").read_bytes().split(b"\n")
    right, lines[3] = lines[3].decode(), b"0" * 32 + lines[3][32:]
    (bundle / "results.csv").write_bytes(b"\n".join(lines))
    ended = fairgate("verify", bundle)
    assert ended.returncode == 1
    assert ended.stdout == b""
    assert ended.stderr.decode() == (
        f'fairgate: results.csv line 4: expected "{right}", found "{"0" * 32}{right[32:]}"\n'
    )
    findings = json.loads(fairgate("verify", bundle, "--json").stdout)
    assert not findings["ok"]
    assert (findings["first_difference"]["file"], findings["first_difference"]["line"]) == ("results.csv", 4)


@pytest.mark.parametrize(("cut", "told"), [(-1, "found no line"), (-40, "expected")])
def test_verify_notices_results_that_end_early(fairgate, bundle, cut, told):
    data = (bundle / "results.csv").read_bytes()
    (bundle / "results.csv").write_bytes(data[:cut])
    ended = fairgate("verify", bundle)
    assert ended.returncode == 1
    assert told in ended.stderr.decode()


def test_verify_notices_results_that_go_on(fairgate, bundle):
    with (bundle / "results.csv").open("ab") as file:
        file.write(b"f" * 32 + b",reserve,,99999,\n")
    ended = fairgate("verify", bundle)
    assert ended.returncode == 1
    assert "99999" in ended.stderr.decode()


def test_verify_notices_that_an_entry_was_changed_after_the_draw(fairgate, bundle):
    lines = (bundle / "entries.csv").read_bytes().split(b"\n")
    del lines[1]
    (bundle / "entries.csv").write_bytes(b"\n".join(lines))
    assert fairgate("verify", bundle).returncode == 1


def test_a_ticket_twice_is_refused_with_both_lines(refused, bundle):
    lines = (bundle / "entries.csv").read_bytes().split(b"\n")
    lines.insert(2, lines[1])
    (bundle / "entries.csv").write_bytes(b"\n".join(lines))
    for command in ("draw", "verify"):
        said = refused(command, bundle)
        assert said.startswith("entries.csv line 3: ticket stands twice (first on line 2);")


def test_rules_that_are_unknown_are_refused(refused, bundle):
    change(bundle / "manifest.json", b'"fairgate-draw/1"', b'"fairgate-draw/2"')
    assert "manifest.json key rules" in refused("draw", bundle)


def test_a_group_of_nobody_is_refused(refused, bundle):
    lines = (bundle / "entries.csv").read_bytes().split(b"\n")
    ticket, _, rest = lines[5].split(b",", 2)
    lines[5] = b",".join((ticket, b"0", rest))
    (bundle / "entries.csv").write_bytes(b"\n".join(lines))
    assert refused("draw", bundle).startswith("entries.csv line 6: size 0 ")


def test_a_line_that_is_not_utf_8_is_refused_by_its_number(refused, bundle):
    lines = (bundle / "entries.csv").read_bytes().split(b"\n")
    lines[4] += b"\xff"
    (bundle / "entries.csv").write_bytes(b"\n".join(lines))
    assert refused("draw", bundle).startswith("entries.csv line 5: not UTF-8")


def test_the_beacon_of_another_round_is_refused(refused, tmp_path):
    for name in ("manifest.json", "entries.csv", "beacon.json", "results.csv"):
        shutil.copyfile(vectors.path("draw-2") / name, tmp_path / name)
    change(tmp_path / "beacon.json", b'"round":1000', b'"round":1001')
    for command in ("draw", "verify"):
        assert "beacon.json key round" in refused(command, tmp_path)


@pytest.mark.parametrize("name", ["manifest.json", "entries.csv", "beacon.json"])
def test_a_file_that_is_missing_is_named(refused, bundle, name):
    (bundle / name).unlink()
    assert name in refused("draw", bundle)


def test_results_that_are_missing_are_named_by_verify_and_not_needed_by_draw(fairgate, refused, bundle):
    (bundle / "results.csv").unlink()
    assert fairgate("draw", bundle).returncode == 0
    assert "results.csv" in refused("verify", bundle)


@pytest.mark.parametrize("what", ["nowhere", "a\nb"])
def test_verify_says_plainly_what_it_cannot_check(refused, what):
    assert "is no receipt, and there is no file or folder of this name" in refused("verify", what)


def test_a_line_after_the_last_of_the_results_is_told_to_be_one_too_many(fairgate, bundle):
    results = bundle / "results.csv"
    lines = results.read_bytes().count(b"\n")
    results.write_bytes(results.read_bytes() + b"more\n")
    ended = fairgate("verify", bundle)
    told = f'fairgate: results.csv line {lines + 1}: expected no line, found "more"\n'
    assert (ended.returncode, ended.stderr.decode()) == (1, told)


def test_a_full_disk_is_one_line(fairgate):
    with Path("/dev/full").open("wb") as full:
        ended = fairgate("draw", vectors.path("draw-3"), stdout=full)
    assert ended.returncode == 2
    assert ended.stderr == b"fairgate: writing: the disk is full; make room and run this again\n"


def test_a_reader_that_goes_away_is_no_error(fairgate, tmp_path):
    shutil.copytree(vectors.path("draw-3"), tmp_path / "many")
    lines = b"".join(hashlib.sha256(b"%d" % i).hexdigest()[:32].encode() + b"\n" for i in range(20_000))
    tickets = sorted(lines.split())
    ports = json.loads((tmp_path / "many" / "manifest.json").read_bytes())["ports"]
    body = b"".join(ticket + f",1,3,{ports[0]['port']}\n".encode() for ticket in tickets)
    (tmp_path / "many" / "entries.csv").chmod(0o644)
    (tmp_path / "many" / "entries.csv").write_bytes(b"ticket,size,weeks,ports\n" + body)
    with subprocess.Popen(["head", "-n1"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader:
        ended = fairgate("draw", tmp_path / "many", stdout=reader.stdin)
        reader.stdin.close()
    assert ended.stderr == b""


def test_a_word_that_is_no_command_is_one_line_with_a_way_out(refused):
    assert "--help" in refused("drwa")
    assert "--help" in refused("draw")
    assert "--help" in refused("explain")


@pytest.mark.parametrize(
    "group", [(), ("round",), ("ledger",), ("explain",)], ids=lambda group: " ".join(group) or "all"
)
def test_each_line_of_a_list_of_commands_is_a_whole_sentence(fairgate, group):
    said = fairgate(*group, "--help").stdout.decode().split("Commands:\n")[1].strip().splitlines()
    assert [line for line in said if not line.endswith(".") or line.endswith("...")] == []


def test_help_teaches_with_an_example(fairgate):
    for command in ("draw", "verify"):
        said = fairgate(command, "--help").stdout.decode()
        assert f"fairgate {command} bundle/" in said
