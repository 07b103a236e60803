"""What the page of a draw finds in a bundle is what the product finds: on known answers, generated rounds and damaged
files. The thread runs as pages load it, with the browser's own hashes.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

import signed_notes
from checking import Checker, by_product, by_worker, serving
from fairgate.core import bundle as files
from fairgate.core import draw as drawing
from fairgate.core import tree
from fairgate.core.beacon import randomness
from fairgate.core.canonical import canonical
from fairgate.core.lifecycle import Done, Leaf
from fairgate.core.note import note_text, with_signature
from fairgate.core.receipts import Signer
from fairgate.core.tlog_proof import Proof, proof_text
from ledgers import LOG, WITNESSES, Published
from sealed_rounds import REVEALS, Round, rounds
from signed_notes import WITNESS, Sealed, Signing, b64
from verifier import by_product as with_product

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
EXAMPLE = Path(__file__).parents[2] / "docs" / "rules" / "example" / "draw"
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


@pytest.fixture(scope="module")
def checker(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    folder = tmp_path_factory.mktemp("bundles")
    with serving(folder) as url:
        page = chromium.new_page()
        page.goto(url)
        yield Checker(page, folder)
        page.close()


@pytest.fixture
def copied(checker: Checker, request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Path]]:
    """A bundle of this test's own, below what the browser can reach."""
    made: list[Path] = []

    def copy(source: Path) -> Path:
        made.append(checker.folder / f"{sha256(request.node.nodeid.encode()).hexdigest()[:12]}-{len(made)}")
        made[-1].mkdir()
        for file in source.iterdir():
            (made[-1] / file.name).write_bytes(file.read_bytes())
        return made[-1]

    yield copy
    for folder in made:
        shutil.rmtree(folder)


def change(file: Path, old: str, new: str) -> None:
    data = file.read_bytes()
    assert old.encode() in data, "a change that changes nothing shows nothing"
    file.write_bytes(data.replace(old.encode(), new.encode(), 1))


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


# -- the sealing --------------------------------------------------------------------------------


@pytest.fixture
def sealed(checker: Checker, copied: Callable[[Path], Path]) -> tuple[Path, dict[str, Any]]:
    """The example with what its ledger would have said of it."""
    folder = copied(EXAMPLE)
    manifest = (folder / "manifest.json").read_bytes()
    read = files.parse_manifest(manifest)
    root = files.lines_root((folder / "entries.csv").read_bytes()).hex()
    about = {"program": read.program, "round": read.round}
    return folder, {**about, "manifest": sha256(manifest).hexdigest(), "root": root}


def seed_at(folder: Path) -> int:
    return int(files.parse_manifest((folder / "manifest.json").read_bytes()).seed_at.timestamp())


def show(folder: Path, made: Sealed, note: str, *policy: str) -> None:
    (folder / "checkpoint").write_text(note)
    (folder / "sealing.tlog-proof").write_text(made.proof(note))
    if policy:
        (folder / "policy").write_text("".join(f"{line}\n" for line in policy))


def witnesses(count: int) -> list[Signing]:
    return [Signing(f"w{number}.example/witness", WITNESS) for number in range(count)]


@pytest.mark.parametrize(("before", "state"), [((60, 30), "seen"), ((60, -1), "late"), ((60,), "late"), ((), "late")])
def test_a_sealing_is_shown_when_enough_observers_saw_it_before_the_random_value(
    checker: Checker, sealed: tuple[Path, dict[str, Any]], before: tuple[int, ...], state: str
) -> None:
    folder, facts = sealed
    made, (a, b, c) = Sealed(facts), witnesses(3)
    lines = [each.line(made.body, seed_at(folder) - s) for each, s in zip((a, b), before, strict=False)]
    rules = [f"log {made.log.vkey}", *(f"witness {n} {key.vkey}" for n, key in zip("abc", (a, b, c), strict=True))]
    show(folder, made, made.checkpoint(*lines), "# ours", "", *rules, "group any2 2 a b c", "quorum any2")
    said = checker.check(folder)
    assert said["say"] == "right", said
    shown = said["sealing"]
    assert (shown["state"], shown["origin"], shown["leaf"]) == (state, "places.example.org/ledger", "5")
    names = [(key.name, seed_at(folder) - s) for key, s in zip((a, b), before, strict=False)]
    assert [(each["name"], each["at"]) for each in shown["witnesses"]] == names


def test_without_observers_or_without_keys_the_sealing_is_said_to_be_less(
    checker: Checker, sealed: tuple[Path, dict[str, Any]]
) -> None:
    folder, facts = sealed
    made = Sealed(facts)
    show(folder, made, made.checkpoint())
    assert checker.check(folder)["sealing"]["state"] == "unsigned"
    show(folder, made, made.checkpoint(), f"log {Signing(made.log.name).vkey}", "quorum none")
    assert checker.check(folder)["sealing"]["state"] == "unsigned"
    show(folder, made, made.checkpoint(), f"log {made.log.vkey}", "quorum none")
    assert checker.check(folder)["sealing"]["state"] == "alone"


@pytest.mark.parametrize("size", [6, 7, 8, 9, 64, 65])
def test_inclusion_holds_in_trees_of_every_form(
    checker: Checker, sealed: tuple[Path, dict[str, Any]], size: int
) -> None:
    folder, facts = sealed
    made = Sealed(facts, index=5, size=size)
    show(folder, made, made.checkpoint(), f"log {made.log.vkey}", "quorum none")
    assert checker.check(folder)["sealing"]["state"] == "alone"


@pytest.mark.parametrize("fact", ["manifest", "root", "round", "program", "kind"])
def test_a_sealing_of_something_else_is_found_out(
    checker: Checker, sealed: tuple[Path, dict[str, Any]], fact: str
) -> None:
    folder, facts = sealed
    made = Sealed({**facts, fact: "0" * 64})
    show(folder, made, made.checkpoint(), f"log {made.log.vkey}", "quorum none")
    said = checker.check(folder)
    assert (said["code"], said["place"], said["found"]) == ("statement", {"key": fact}, "0" * 64)


@pytest.mark.parametrize(
    ("at", "state"),
    [("2026-11-26T16:29:59Z", "right"), ("2026-11-26T16:30:00Z", "late"), ("2027-01-01T00:00:00Z", "late")],
)
def test_a_sealing_that_is_late_by_its_own_words_is_found_out(
    checker: Checker, sealed: tuple[Path, dict[str, Any]], at: str, state: str
) -> None:
    folder, facts = sealed
    assert seed_at(folder) == datetime.fromisoformat("2026-11-26T16:30:00Z").timestamp()
    made = Sealed({**facts, "at": at})
    show(folder, made, made.checkpoint())
    said = checker.check(folder)
    assert said.get("code", said["say"]) == state
    if state == "late":
        assert (said["place"], said["found"], said["wanted"]) == ({"key": "at"}, at, "2026-11-26T16:30:00Z")


def test_a_draw_that_was_put_off_is_told_to_be_one(checker: Checker, sealed: tuple[Path, dict[str, Any]]) -> None:
    folder, facts = sealed
    for kind in ("sealed", "postponed"):
        made = Sealed({**facts, "kind": kind})
        show(folder, made, made.checkpoint())
        assert checker.check(folder)["sealing"]["act"] == kind


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (",", ", ", "not-canonical"),
        ("{", '{"a":1,', "shape"),
        ("}", ',"x":1.5}', "shape"),
        ("}", ',"x":-1}', "shape"),
        ("}", ',"x":""}', "shape"),
        ("}", ',"x":[1]}', "shape"),
        ("}", ',"x":"\\ud800"}', "shape"),
        ("}", ',"x":' + "9" * 16 + "}", "shape"),
        ("}", ',"x":"' + "a" * 400_000 + '"}', "proof-form"),
        ("T17:", "T24:", "shape"),
    ],
    ids=lambda text: text[:20],
)
def test_a_statement_that_is_not_as_the_ledger_writes_them_is_refused(
    checker: Checker,
    sealed: tuple[Path, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    code: str,
) -> None:
    folder, facts = sealed
    written = canonical({"kind": "sealed", "at": "2026-11-20T17:00:00Z", **facts}).replace(old, new)
    monkeypatch.setattr(signed_notes, "canonical", lambda _: written)
    made = Sealed(facts)
    show(folder, made, made.checkpoint())
    said = checker.check(folder)
    assert (said["say"], said["code"]) == ("wrong", code)


@pytest.mark.parametrize(
    ("lines", "taken"),
    [
        ("— k\ufeff AAAAAAAA\n", True),
        ("— k\u0085 AAAAAAAA\n", False),
        ("— k\u00a0 AAAAAAAA\n", False),
        ("— k AAAAAAAA\n" * 63, True),
        ("— k AAAAAAAA\n" * 64, False),
        (f"— k {'A' * (1 << 18)}\n", False),
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_signature_lines_are_read_as_the_product_reads_them(
    checker: Checker, sealed: tuple[Path, dict[str, Any]], lines: str, taken: bool
) -> None:
    folder, facts = sealed
    made = Sealed(facts)
    show(folder, made, made.checkpoint(lines))
    assert (checker.check(folder)["say"] == "right") == (with_product(folder)[0] == 0) == taken


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("sealing.tlog-proof", "index 5", "index 4", "not-included"),
        ("sealing.tlog-proof", "index 5", "index 05", "proof-form"),
        ("sealing.tlog-proof", "@v1", "@v2", "proof-form"),
        ("sealing.tlog-proof", "\n9\n", "\n8\n", "proof-checkpoint"),
        ("checkpoint", "\n9\n", "\n8\n", "proof-checkpoint"),
        ("policy", "quorum none", "quorum nobody", "policy"),
        ("policy", "quorum none", "", "policy"),
        ("policy", "log places.", "log pieces.", "policy"),
    ],
)
def test_a_damaged_proof_is_found_out(
    checker: Checker, sealed: tuple[Path, dict[str, Any]], file: str, old: str, new: str, code: str
) -> None:
    folder, facts = sealed
    made = Sealed(facts)
    show(folder, made, made.checkpoint(), f"log {made.log.vkey}", "quorum none")
    change(folder / file, old, new)
    said = checker.check(folder)
    assert (said["say"], said["code"]) == ("wrong", code)


def test_a_wrong_signature_under_a_known_name_is_found_out(
    checker: Checker, sealed: tuple[Path, dict[str, Any]]
) -> None:
    folder, facts = sealed
    made, (witness,) = Sealed(facts), witnesses(1)
    rules = [f"log {made.log.vkey}", f"witness w {witness.vkey}", "quorum w"]
    elsewhere = made.body.replace("\n9\n", "\n8\n")
    for note in (
        made.checkpoint(witness.line(elsewhere, seed_at(folder) - 9)),
        "".join([made.body, "\n", made.log.line(elsewhere), witness.line(made.body, seed_at(folder) - 9)]),
    ):
        show(folder, made, note, *rules)
        said = checker.check(folder)
        assert (said["say"], said["file"], said["code"]) == ("wrong", "checkpoint", "signature")


def test_what_the_product_writes_of_a_ledger_is_read(checker: Checker, sealed: tuple[Path, dict[str, Any]]) -> None:
    folder, facts = sealed
    made = Sealed(facts)
    ledger = Published()
    ledger.grow(300)
    ledger.entries[260] = sha256(made.extra).digest()
    ledger.hashes[260] = tree.leaf_hash(ledger.entries[260])
    note = ledger.note()
    for witness in WITNESSES[:2]:
        note = with_signature(note, witness.sign(note.text, seed_at(folder) - 1))
    proof = Proof(260, tuple(tree.inclusion_proof(ledger.hashes, 260)), note, made.extra)
    (folder / "checkpoint").write_text(note_text(note))
    (folder / "sealing.tlog-proof").write_text(proof_text(proof))
    lines = [
        f"log {LOG.key.vkey} http://127.0.0.1/ledger",
        *(f"witness w{n} {w.key.vkey}" for n, w in enumerate(WITNESSES)),
    ]
    (folder / "policy").write_text("\n".join([*lines, "group most 2 w0 w1 w2", "quorum most", ""]))
    said = checker.check(folder)
    assert said["say"] == "right", said
    assert (said["sealing"]["state"], said["sealing"]["leaf"]) == ("seen", "260")


# -- a ticket -----------------------------------------------------------------------------------


TICKETS = [
    ("f41a1074fc14e0595f077bb6c04a0eaa", 6, "seniority", "SYS", 1, 0),
    ("ad5b4cf75817d3c87fded6dcea0cc5f6", 5, "lottery", "SYS", 3, 1),
    ("145f14ada53f9386398120f31a111b6e", 2, "lottery", "NOG", 4, 3),
    ("74757e2fe43ef2300587993f2fcb2d51", 3, "reserve", "", 1, 2),
]


@pytest.mark.parametrize(("ticket", "line", "outcome", "port", "order", "lot"), TICKETS)
def test_a_ticket_stands_where_the_rules_example_has_it(
    checker: Checker,
    copied: Callable[[Path], Path],
    ticket: str,
    line: int,
    outcome: str,
    port: str,
    order: int,
    lot: int,
) -> None:
    found = checker.check(copied(EXAMPLE), ticket)["standing"]
    said = tuple(found[key] for key in ("line", "outcome", "port", "order", "lot", "lots"))
    assert said == (line, outcome, port, order, lot, 3)
    assert [each["ticket"] for each in found["neighbours"] if each["mine"]] == [ticket]
    lines = (EXAMPLE / "results.csv").read_text().splitlines()
    for each in found["neighbours"]:
        assert lines[each["line"] - 1].startswith(f"{each['ticket']},{each['outcome']},{each['port']},{each['order']},")


@pytest.mark.parametrize(
    ("asked", "readable", "ticket"),
    [
        (" F41A1074fc14e059 5f077bb6c04a0eaa\n", True, "f41a1074fc14e0595f077bb6c04a0eaa"),
        ("f41a1074", False, ""),
        ("FG1:", False, ""),
        ("FG1:BB8", False, ""),
        ("FG1:" + "0" * 5000, False, ""),
        ("K48J-2J9P", False, ""),
        ("", False, ""),
    ],
)
def test_what_is_typed_is_a_ticket_or_it_is_said_not_to_be(
    checker: Checker, copied: Callable[[Path], Path], asked: str, readable: bool, ticket: str
) -> None:
    found = checker.check(copied(EXAMPLE), asked)
    assert (found["asked"]["readable"], found["asked"]["ticket"]) == (readable, ticket)
    assert (found["standing"] is not None) == readable


@pytest.mark.parametrize("change_at", [None, 40, -3])
def test_the_ticket_of_a_receipt_is_read_and_its_signature_checked(
    checker: Checker, copied: Callable[[Path], Path], change_at: int | None
) -> None:
    signer = Signer(b"k" * 32, "places.example.org/ledger")
    round_ = files.parse_manifest((EXAMPLE / "manifest.json").read_bytes()).round
    facts = {"round": round_, "ticket": TICKETS[0][0], "port": "SYS", "size": 2, "ports": ["SYS", "NOG"], "why": None}
    text = signer.receipt(
        Done("offered", "K48J-2J9P", facts, leaf=Leaf(7, b"s" * 16, datetime.fromisoformat("2026-11-26T05:00:00Z")))
    )
    folder = copied(EXAMPLE)
    assert checker.check(folder, text)["asked"]["signature"] == "unknown"
    listed = {"issuer": signer.issuer, "keys": [{"kid": signer.kid.hex(), "public": b64(signer.public), "since": ""}]}
    (folder / "keys.json").write_text(json.dumps(listed))
    if change_at is not None:
        text = f"{text[:change_at]}{'0' if text[change_at] != '0' else '1'}{text[change_at:][1:]}"
    found = checker.check(folder, text)
    if change_at is None:
        assert found["asked"] == {"ticket": TICKETS[0][0], "round": round_, "signature": "right", "readable": True}
        assert found["standing"]["line"] == 6
    else:
        assert found["asked"]["signature"] != "right"


def test_a_receipt_about_another_draw_is_not_looked_for(checker: Checker, copied: Callable[[Path], Path]) -> None:
    signer = Signer(b"k" * 32, "places.example.org/ledger")
    leaf = Leaf(7, b"s" * 16, datetime.fromisoformat("2026-11-26T05:00:00Z"))
    facts = {"round": "2025-01-01", "ticket": TICKETS[0][0]}
    found = checker.check(copied(EXAMPLE), signer.receipt(Done("offered", "K48J-2J9P", facts, leaf=leaf)))
    assert (found["asked"]["round"], found["standing"]) == ("2025-01-01", None)
