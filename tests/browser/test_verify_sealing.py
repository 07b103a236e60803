"""What the page of a draw finds of its sealing: the act, its place in the ledger, the ledger's signature and those of
the observers who saw it in time. The thread runs as pages load it.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import signed_notes
from checking import EXAMPLE, Checker, change
from fairgate.core import bundle as files
from fairgate.core import tree
from fairgate.core.canonical import canonical
from fairgate.core.note import note_text, with_signature
from fairgate.core.tlog_proof import Proof, proof_text
from ledgers import LOG, WITNESSES, Published
from signed_notes import WITNESS, Sealed, Signing
from verifier import by_product as with_product


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


def test_an_observer_with_a_time_that_no_calendar_has_hinders_no_other(
    checker: Checker, sealed: tuple[Path, dict[str, Any]]
) -> None:
    folder, facts = sealed
    made, (a, b, c) = Sealed(facts), witnesses(3)
    times = (seed_at(folder) - 60, seed_at(folder) - 30, (1 << 63) - 1)
    lines = [key.line(made.body, at) for key, at in zip((a, b, c), times, strict=True)]
    rules = [f"log {made.log.vkey}", *(f"witness {n} {key.vkey}" for n, key in zip("abc", (a, b, c), strict=True))]
    show(folder, made, made.checkpoint(*lines), *rules, "group any2 2 a b c", "quorum any2")
    said = checker.check(folder)
    assert said["say"] == "right", said
    assert said["sealing"]["state"] == "seen"
    assert [each["name"] for each in said["sealing"]["witnesses"]] == [a.name, b.name]


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


def test_a_sealing_of_something_else_is_named_before_the_lines_that_differ(
    checker: Checker, sealed: tuple[Path, dict[str, Any]]
) -> None:
    """As in the product: who sealed another list explains the results, and not the other way round."""
    folder, facts = sealed
    made = Sealed({**facts, "root": "0" * 64})
    show(folder, made, made.checkpoint())
    change(folder / "results.csv", ",SYS,1,", ",NOG,1,")
    said = checker.check(folder)
    code, told = with_product(folder)
    assert (code, told.split(":")[0]) == (1, said["file"]) == (1, "sealing.tlog-proof")
    for name in ("checkpoint", "sealing.tlog-proof"):
        (folder / name).unlink()
    assert checker.check(folder)["file"] == "results.csv"


def test_a_wrong_signature_under_a_known_name_is_found_out(
    checker: Checker, sealed: tuple[Path, dict[str, Any]]
) -> None:
    folder, facts = sealed
    made, (witness,) = Sealed(facts), witnesses(1)
    elsewhere = made.body.replace("\n9\n", "\n8\n")
    for note, forger in (
        (made.checkpoint(witness.line(elsewhere, seed_at(folder) - 9)), witness),
        ("".join([made.body, "\n", made.log.line(elsewhere), witness.line(made.body, seed_at(folder) - 9)]), made.log),
    ):
        for quorum in ("w", "none"):
            show(folder, made, note, f"log {made.log.vkey}", f"witness w {witness.vkey}", f"quorum {quorum}")
            said = checker.check(folder)
            assert (said["say"], said["file"], said["code"]) == ("wrong", "checkpoint", "signature")
            found = with_product(folder, folder / "policy")
            assert found == (1, f'checkpoint: the signature of "{forger.name}" is wrong')


@pytest.mark.parametrize(
    ("old", "new", "taken"),
    [
        (b"# ours\n", b"# o\xffrs\n", True),
        (b"# ours\n", b"# o\x07rs\n", False),
        (b"# ours\n", b"# ours\r\n", False),
        (b"quorum none\n", b"quorum none", False),
        (b"log ", b"\t log\t", True),
        (b"log ", b"\xef\xbb\xbflog ", False),
    ],
)
def test_a_policy_is_read_as_the_product_reads_it(
    checker: Checker, sealed: tuple[Path, dict[str, Any]], old: bytes, new: bytes, taken: bool
) -> None:
    folder, facts = sealed
    made = Sealed(facts)
    show(folder, made, made.checkpoint(), "# ours", f"log {made.log.vkey}", "quorum none")
    policy = folder / "policy"
    policy.write_bytes(policy.read_bytes().replace(old, new))
    said = checker.check(folder)
    assert (said["say"], said.get("file")) == (("right", None) if taken else ("wrong", "policy"))
    assert with_product(folder, policy)[0] == (0 if taken else 2)


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
