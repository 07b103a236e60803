"""What the page of a draw finds in a bundle is what the product finds: on known answers, generated rounds and damaged
files. The thread runs as pages load it, with the browser's own hashes.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checking import EXAMPLE, Checker, by_product, by_worker, change
from fairgate.core import bundle as files
from fairgate.core import draw as drawing
from fairgate.core.beacon import randomness
from sealed_rounds import REVEALS, Round, rounds

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
PIECES = st.binary(max_size=3) | st.sampled_from(
    [
        *', | " { } [ ] 0 -1 1.0 NaN true null ٣ \\ud800 a'.encode().split(),
        b" ",
        b"\n",
        b"\r",
        b"\x00",
        b"\xff",
        b"9" * 5000,
    ]
)


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the shared vectors are not there")
@pytest.mark.parametrize("number", range(6))
def test_known_answers_come_out(checker: Checker, copied: Callable[[Path], Path], number: int) -> None:
    folder = copied(VECTORS / f"draw-{number}")
    said = checker.check(folder)
    expected = json.loads((folder / "expected.json").read_text())
    assert by_worker(said) == ("right", (expected["root"], expected["seed"], expected["carry_out"]))
    assert said["sealing"]["state"] == "absent"
    assert said["parts"] == sorted(said["parts"]), "a bar never goes back"


TAMPERED = [
    (
        "entries.csv",
        "145f14ada53f9386398120f31a111b6e,3,4,NOG|SYS\n",
        "",
        "results.csv line 4",
    ),  # another root and seed
    ("entries.csv", "\nad5b", f"\n{'a' * 32},1,0,SYS\nad5b", "results.csv line 4"),
    ("entries.csv", "ticket,", "Ticket,", "entries.csv line 1"),
    ("entries.csv", "145f", "f45f", "entries.csv line 3"),
    ("entries.csv", "\n145f", "\r\n145f", "entries.csv line 1"),
    ("entries.csv", ",SYS|NOG\n", ",SYS|SYS\n", "entries.csv line 4"),
    ("entries.csv", ",SYS|NOG\n", ",SYS|XXX\n", "entries.csv line 4"),
    ("manifest.json", '"capacity":4', '"capacity":5', "results.csv line 4"),
    ("manifest.json", "T16:30:00Z", "T16:31:00Z", "results.csv line 4"),
    ("manifest.json", '{"beacon"', '{ "beacon"', "manifest.json"),
    ("manifest.json", '"carry":1', '"carry":0', "results.csv line 4"),
    ("manifest.json", '"seniority_share":[1,2]', '"seniority_share":[3,2]', "manifest.json key seniority_share"),
    ("manifest.json", "fairgate-draw/1", "fairgate-draw/2", "manifest.json key rules"),
    ("beacon.json", "6e6e", "6e6f", "beacon.json key reveals"),
    ("beacon.json", '"kind":"commit-reveal"', '"kind":"drand"', "beacon.json key round"),
    ("results.csv", "SYS,1,seniority", "NOG,1,seniority", "results.csv line 2"),
    ("results.csv", ",offered,SYS,3,lottery", ",offered,SYS,3,seniority", "results.csv line 4"),
    ("results.csv", "reserve,,1,\n", "reserve,,1,", "results.csv line 7"),
    ("results.csv", "reserve,,1,\n", "reserve,,1,\n\n", "results.csv line 8"),
]


@pytest.mark.parametrize(("file", "old", "new", "where"), TAMPERED)
def test_a_changed_file_is_found_out_at_its_first_wrong_place(
    checker: Checker, copied: Callable[[Path], Path], file: str, old: str, new: str, where: str
) -> None:
    folder = copied(EXAMPLE)
    assert by_worker(checker.check(folder))[0] == "right"
    change(folder / file, old, new)
    found = by_worker(checker.check(folder))
    assert found == ("wrong", where)
    assert found == by_product(folder)


@pytest.mark.parametrize("end", [b"\r\n", b"\xff\n", b""])
def test_of_several_wrong_lines_of_the_list_the_first_is_named(
    checker: Checker, copied: Callable[[Path], Path], end: bytes
) -> None:
    folder = copied(EXAMPLE)
    lines = (folder / "entries.csv").read_bytes().split(b"\n")
    lines[2], lines[3] = lines[3], lines[2]
    (folder / "entries.csv").write_bytes(b"\n".join(lines).rstrip(b"\n") + end)
    assert by_worker(checker.check(folder)) == ("wrong", "entries.csv line 4") == by_product(folder)


def test_a_difference_is_shown_as_both_lines(checker: Checker, copied: Callable[[Path], Path]) -> None:
    folder = copied(EXAMPLE)
    lines = (folder / "results.csv").read_text().split("\n")
    lines[1], lines[2] = lines[2], lines[1]
    (folder / "results.csv").write_text("\n".join(lines))
    said = checker.check(folder)
    assert (said["file"], said["place"], said["found"], said["wanted"]) == (
        "results.csv",
        {"line": 2},
        lines[1],
        lines[2],
    )


def test_a_line_after_the_last_is_told_to_be_one_too_many(checker: Checker, copied: Callable[[Path], Path]) -> None:
    folder = copied(EXAMPLE)
    with (folder / "results.csv").open("a") as results:
        results.write(f"{'a' * 32},reserve,,2,\n")
    said = checker.check(folder)
    assert (said["place"], said["found"], said["wanted"]) == ({"line": 7}, f"{'a' * 32},reserve,,2,", None)


@pytest.mark.parametrize("name", ["manifest.json", "entries.csv", "beacon.json", "results.csv"])
def test_a_missing_file_is_named(checker: Checker, copied: Callable[[Path], Path], name: str) -> None:
    folder = copied(EXAMPLE)
    (folder / name).unlink()
    said = checker.check(folder)
    assert (said["say"], said["file"], said["code"]) == ("wrong", name, "missing")


SIGNATURE = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
INFINITY = f"c0{'00' * 47}"
OUTSIDE = f"80{'00' * 46}04"  # x = 4 has a point on the curve, and it is not in the subgroup


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the shared vectors are not there")
@pytest.mark.parametrize(
    ("file", "old", "new", "where"),
    [
        ("beacon.json", SIGNATURE, INFINITY, "beacon.json key signature"),
        ("beacon.json", SIGNATURE, OUTSIDE, "beacon.json key signature"),
        ("beacon.json", "b44679", "b44678", "beacon.json key signature"),
        ("beacon.json", '"b44679b9', '"c00000b9', "beacon.json key signature"),
        ("beacon.json", '"round":1000', '"round":1001', "beacon.json key round"),
        ("manifest.json", '"round":1000', '"round":1001', "manifest.json key beacon.round"),
        ("manifest.json", "15:59:22Z", "15:59:25Z", "manifest.json key beacon.round"),
        ("manifest.json", "52db9ba7", "52db9ba8", "manifest.json key beacon.chain"),
    ],
)
def test_only_the_announced_value_of_drand_is_taken(
    checker: Checker, copied: Callable[[Path], Path], file: str, old: str, new: str, where: str
) -> None:
    folder = copied(VECTORS / "draw-2")
    change(folder / file, old, new)
    assert by_worker(checker.check(folder)) == ("wrong", where) == by_product(folder)


def write(folder: Path, world: Round) -> None:
    entries = files.write_entries(world.entries)
    drawn = drawing.draw(world.manifest, files.lines_root(entries), world.entries, randomness(world.manifest, REVEALS))
    (folder / "manifest.json").write_text(world.manifest.to_json())
    (folder / "entries.csv").write_bytes(entries)
    (folder / "beacon.json").write_bytes(files.write_beacon(REVEALS))
    (folder / "results.csv").write_bytes(files.write_results(drawn))


FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(world=rounds())
def test_generated_rounds_come_out_as_in_the_product(checker: Checker, world: Round) -> None:
    folder = checker.folder / "generated"
    folder.mkdir(exist_ok=True)
    write(folder, world)
    assert by_worker(checker.check(folder)) == by_product(folder)


@FEW
@given(world=rounds(entries_most=6), data=st.data())
def test_damaged_files_come_out_as_in_the_product(checker: Checker, world: Round, data: st.DataObject) -> None:
    folder = checker.folder / "damaged"
    folder.mkdir(exist_ok=True)
    write(folder, world)
    file = folder / data.draw(st.sampled_from(["manifest.json", "entries.csv", "beacon.json", "results.csv"]))
    good = file.read_bytes()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 4)))
    file.write_bytes(good[:start] + data.draw(PIECES) + good[end:])
    assert by_worker(checker.check(folder)) == by_product(folder)
