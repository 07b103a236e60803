"""Somebody with the power to write the files of a draw tries to change it; both verifiers have to notice.

Each attack is made on a bundle that is right, and the same bundle without the attack passes. Exit code 1 says that
files contradict each other, 2 that a file cannot be right as it is.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import bundles
from bundles import Bundle
from fairgate.core.beacon import QUICKNET, Drand, DrandProof
from fairgate.core.bundle import parse_entries, parse_manifest, write_entries, write_results
from fairgate.core.draw import Entry, allocate
from fairgate.core.manifest import PortPlaces
from fairgate.core.note import NoteSigner, note_text
from fairgate.core.tlog_proof import proof_text
from ledgers import LOG, WITNESSES
from sealed_rounds import a_manifest, an_entry
from verifier import by_product, by_verify_py, run

Files = dict[str, bytes]
CARRIED = a_manifest(ports=(PortPlaces("SYS", 20, 6), PortPlaces("NOG", 8, 1)))
AT_1000 = datetime(2023, 8, 23, 15, 59, 24, tzinfo=UTC)
BY_DRAND = a_manifest(
    beacon=Drand(QUICKNET, 1000), seed_at=AT_1000, closes_at=AT_1000 - timedelta(hours=1), round="2023-09-13"
)
SIGNED = {
    1000: "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
}


def a_bundle() -> Bundle:
    ports = ["SYS", "SYS|NOG", "NOG|SYS"]
    entries = [an_entry(number, size=1 + number % 4, weeks=number % 7, ports=ports[number % 3]) for number in range(24)]
    return Bundle(CARRIED, entries)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy"
    path.write_bytes(bundles.policy())
    return path


def refused(folder: Path, policy: Path | None, *, code: int, named: str) -> None:
    """Both verifiers refuse the bundle, with this code, and name this file."""
    for found, said in (by_product(folder, policy), by_verify_py(folder)):
        assert (found, said.split(":")[0].split(" ")[0]) == (code, named), said


def test_without_an_attack_both_find_the_bundle_right(tmp_path: Path, policy: Path) -> None:
    for name, bundle in {"revealed": a_bundle(), "drand": Bundle(BY_DRAND, value=drand(1000))}.items():
        folder = bundle.write(tmp_path / name)
        assert by_product(folder, policy) == (0, "")
        assert by_product(folder) == (0, "")
        code, said = by_verify_py(folder)
        assert code == 0, said
        assert "Z, in the tree of 'places.example.org/ledger', 7 leaves" in said


def drand(number: int) -> DrandProof:
    return DrandProof(number, bytes.fromhex(SIGNED[1000]))


# -- the list after the sealing -----------------------------------------------------------------


def added(entries: list[Entry]) -> list[Entry]:
    return [*entries, an_entry(1000, size=1, weeks=900)]


def removed(entries: list[Entry]) -> list[Entry]:
    return entries[:-1]


def changed(entries: list[Entry]) -> list[Entry]:
    return [entries[0]._replace(weeks=900), *entries[1:]]


@pytest.mark.parametrize("attack", [added, removed, changed])
@pytest.mark.parametrize("draws_again", [False, True])
def test_an_entry_added_removed_or_changed_after_the_sealing(
    tmp_path: Path, policy: Path, attack: Callable[[list[Entry]], list[Entry]], draws_again: bool
) -> None:
    bundle = a_bundle()
    files = bundle.files()
    later = replace(bundle, entries=attack(sorted(bundle.entries)))
    files["entries.csv"] = write_entries(later.entries)
    if draws_again:  # results that follow from the changed list: only the sealing gives it away
        files["results.csv"] = write_results(later.drawn())
    folder = bundles.write(tmp_path / "bundle", files)
    refused(folder, policy, code=1, named="sealing.tlog-proof")
    assert by_product(folder)[0] == 1, "also for those who have no keys"


@pytest.mark.parametrize("attack", [added, removed, changed])
def test_a_changed_list_gives_other_results_where_the_sealing_is_not_at_hand(
    tmp_path: Path, attack: Callable[[list[Entry]], list[Entry]]
) -> None:
    files = without_sealing(a_bundle())
    files["entries.csv"] = write_entries(attack(sorted(a_bundle().entries)))
    refused(bundles.write(tmp_path / "bundle", files), None, code=1, named="results.csv")


def without_sealing(bundle: Bundle) -> Files:
    return {name: data for name, data in bundle.files().items() if name not in ("checkpoint", "sealing.tlog-proof")}


# -- the terms after the random value is known --------------------------------------------------


@pytest.mark.parametrize("draws_again", [False, True])
def test_the_manifest_changed_after_the_seed(tmp_path: Path, policy: Path, draws_again: bool) -> None:
    bundle = a_bundle()
    files = bundle.files()
    later = replace(bundle, manifest=replace(CARRIED, seniority_share=(1, 1)))
    files["manifest.json"] = later.manifest.to_json().encode()
    if draws_again:
        files["results.csv"] = write_results(later.drawn())
    folder = bundles.write(tmp_path / "bundle", files)
    refused(folder, policy, code=1, named="sealing.tlog-proof")
    if not draws_again:
        (folder / "checkpoint").unlink()
        refused(folder, None, code=1, named="results.csv")


def test_a_manifest_that_means_the_same_but_hashes_otherwise(tmp_path: Path, policy: Path) -> None:
    files = a_bundle().files()
    files["manifest.json"] += b"\n"
    refused(bundles.write(tmp_path / "bundle", files), policy, code=2, named="manifest.json")


def test_the_sealing_of_another_round_or_program(tmp_path: Path, policy: Path) -> None:
    for name, of_another in {"round": {"round": "2026-12-02"}, "program": {"program": "cargo"}}.items():
        folder = replace(a_bundle(), facts=of_another).write(tmp_path / name)
        refused(folder, policy, code=1, named="sealing.tlog-proof")


def test_an_act_that_is_no_sealing(tmp_path: Path, policy: Path) -> None:
    refused(replace(a_bundle(), kind="drawn").write(tmp_path / "bundle"), policy, code=1, named="sealing.tlog-proof")


# -- the random value ---------------------------------------------------------------------------


def test_a_seed_from_another_round_of_drand(tmp_path: Path, policy: Path) -> None:
    files = Bundle(BY_DRAND, value=drand(1000)).files()
    files["beacon.json"] = files["beacon.json"].replace(b'"round":1000', b'"round":999')
    refused(bundles.write(tmp_path / "other", files), policy, code=2, named="beacon.json")


def test_a_manifest_that_announces_a_round_which_somebody_chose(tmp_path: Path, policy: Path) -> None:
    files = Bundle(BY_DRAND, value=drand(1000)).files()
    for name in ("manifest.json", "beacon.json"):
        files[name] = files[name].replace(b'"round":1000', b'"round":999')
    refused(bundles.write(tmp_path / "chosen", files), policy, code=2, named="manifest.json")


def test_a_value_that_drand_never_signed(tmp_path: Path, policy: Path) -> None:
    files = Bundle(BY_DRAND, value=drand(1000)).files()
    files["beacon.json"] = files["beacon.json"].replace(b"b44679b9", b"b44679b8")
    refused(bundles.write(tmp_path / "forged", files), policy, code=2, named="beacon.json")


def test_a_reveal_that_nobody_had_promised(tmp_path: Path, policy: Path) -> None:
    files = a_bundle().files()
    files["beacon.json"] = files["beacon.json"].replace(b"6e6e6e6e", b"6e6e6e6f", 1)
    refused(bundles.write(tmp_path / "bundle", files), policy, code=2, named="beacon.json")


# -- the results --------------------------------------------------------------------------------


def test_the_carry_forgotten_in_the_draw(tmp_path: Path, policy: Path) -> None:
    """The manifest says what is to be paid back, and the draw gives it out all the same."""
    files = a_bundle().files()
    manifest = parse_manifest(files["manifest.json"])
    entries = parse_entries(files["entries.csv"], manifest)
    bundle = a_bundle()
    paying = tuple(replace(port, carry=0) for port in manifest.ports)
    files["results.csv"] = write_results(allocate(replace(manifest, ports=paying), entries, bundle.drawn().seed))
    assert files["results.csv"] != bundle.files()["results.csv"]
    refused(bundles.write(tmp_path / "bundle", files), policy, code=1, named="results.csv")


def test_the_carry_taken_out_of_the_manifest_after_the_sealing(tmp_path: Path, policy: Path) -> None:
    bundle = a_bundle()
    files = bundle.files()
    forgetful = replace(CARRIED, ports=tuple(replace(port, carry=0) for port in CARRIED.ports))
    files["manifest.json"] = forgetful.to_json().encode()
    files["results.csv"] = write_results(replace(bundle, manifest=forgetful).drawn())
    refused(bundles.write(tmp_path / "bundle", files), policy, code=1, named="sealing.tlog-proof")


def test_the_carry_forgotten_from_the_beginning(tmp_path: Path, policy: Path) -> None:
    """Sealed and drawn as if the draw before had left nothing: right by itself, and not after that draw."""
    before = Bundle(a_manifest(ports=(PortPlaces("SYS", 3, 0),)), [an_entry(n, size=4) for n in range(3)])
    assert before.drawn().carry_out == {"SYS": 1}
    earlier = before.write(tmp_path / "before")
    for carry, code in ((1, 0), (0, 1)):
        day_after = Bundle(a_manifest(round="2026-12-02", ports=(PortPlaces("SYS", 3, carry),)))
        folder = day_after.write(tmp_path / f"carry{carry}")
        assert by_product(folder, policy) == (0, "")
        found, said = by_product(folder, policy, after=earlier)
        ended = run(folder, earlier)
        assert (found, ended.returncode) == (code, code), (said, ended.stderr)
    assert said == "manifest.json: the carry of SYS is 0, and the draw before left 1"


@pytest.mark.parametrize(("one", "other"), [(1, 2), (1, -2), (-3, -2)])
def test_rows_of_the_results_swapped(tmp_path: Path, policy: Path, one: int, other: int) -> None:
    files = a_bundle().files()
    rows = files["results.csv"].split(b"\n")
    tickets = rows[one][:32], rows[other][:32]
    rows[one], rows[other] = tickets[1] + rows[one][32:], tickets[0] + rows[other][32:]
    files["results.csv"] = b"\n".join(rows)
    refused(bundles.write(tmp_path / "bundle", files), policy, code=1, named="results.csv")


def test_a_row_of_the_results_left_out_or_added(tmp_path: Path, policy: Path) -> None:
    files = a_bundle().files()
    *rows, end = files["results.csv"].split(b"\n")
    for name, results in {"out": [*rows[:-1], end], "added": [*rows, rows[-1], end]}.items():
        folder = bundles.write(tmp_path / name, {**files, "results.csv": b"\n".join(results)})
        refused(folder, policy, code=1, named="results.csv")


# -- the sealing itself -------------------------------------------------------------------------


def test_a_sealing_that_came_too_late_by_its_own_words(tmp_path: Path, policy: Path) -> None:
    late = replace(a_bundle(), sealed_before=timedelta(0))
    refused(late.write(tmp_path / "late"), policy, code=1, named="sealing.tlog-proof")


def test_an_act_that_was_never_in_the_ledger(tmp_path: Path, policy: Path) -> None:
    bundle = a_bundle()
    proof = bundle.proof()
    for name, forged in {
        "salt": replace(proof, extra=b"t" + (proof.extra or b"")[1:]),
        "place": replace(proof, index=3),
        "path": replace(proof, hashes=proof.hashes[:-1]),
        "neighbour": replace(proof, hashes=(b"\x00" * 32, *proof.hashes[1:])),
    }.items():
        files = {**bundle.files(), "sealing.tlog-proof": proof_text(forged).encode()}
        refused(bundles.write(tmp_path / name, files), policy, code=1, named="sealing.tlog-proof")


def test_a_checkpoint_that_is_not_the_one_of_the_proof(tmp_path: Path, policy: Path) -> None:
    bundle = a_bundle()
    other = replace(bundle, index=2).files()
    folder = bundles.write(tmp_path / "bundle", {**bundle.files(), "checkpoint": other["checkpoint"]})
    assert by_product(folder, policy)[0] == by_product(folder)[0] == by_verify_py(folder)[0] == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (",", ", "),
        ("{", '{"a":1,'),
        ("}", ',"x":1.5}'),
        ("}", ',"x":-1}'),
        ("}", ',"x":NaN}'),
        ("}", ',"x":true}'),
        ("}", ',"x":""}'),
        ("}", ',"x":"\\ud800"}'),
        ("}", ',"x":' + "[" * 150 + "]" * 150 + "}"),
        ("}", ',"x":' + "9" * 16 + "}"),
        ("}", ',"x":"' + "a" * 400_000 + '"}'),
        ("T17:", "T24:"),
        ('"kind"', '"at":"2026-11-20T17:00:00Z","kind"'),
    ],
    ids=lambda text: text[:20],
)
def test_a_statement_that_is_not_as_the_ledger_writes_them(
    tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    """Two readings of one act would be two truths: it stands in the tree all right, and is refused all the same."""
    bundle = a_bundle()
    written = bundle.statement().replace(old, new)
    assert written != bundle.statement()
    monkeypatch.setattr(Bundle, "statement", lambda _: written)
    refused(bundle.write(tmp_path / "bundle"), policy, code=2, named="sealing.tlog-proof")


@pytest.mark.parametrize("signed", [True, False], ids=["signature", "text"])
def test_a_checkpoint_of_more_than_256_kibibytes(tmp_path: Path, policy: Path, signed: bool) -> None:
    files = a_bundle().files()
    head, note = files["sealing.tlog-proof"].split(b"\n\n", 1)
    long = b"A" * 4 * (1 << 16)
    note = note + "— someone ".encode() + long + b"\n" if signed else note.replace(b"\n\n", b"\n" + long + b"\n\n")
    spoilt = {"checkpoint": note, "sealing.tlog-proof": head + b"\n\n" + note}
    refused(bundles.write(tmp_path / "bundle", {**files, **spoilt}), policy, code=2, named="sealing.tlog-proof")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path, policy: Path) -> None:
    """A pipe gives nothing, a device bytes without end; a folder that somebody packed can hold links to both."""
    files = a_bundle().files()
    for name in files:
        folder = bundles.write(tmp_path / name.replace(".", "-"), files)
        (folder / name).unlink()
        os.mkfifo(folder / name)
        assert by_product(folder, policy)[0] == by_verify_py(folder)[0] == 2
        (folder / name).unlink()
        (folder / name).symlink_to("/dev/zero")
        assert by_product(folder, policy)[0] == by_verify_py(folder)[0] == 2


def test_a_sealing_that_contradicts_counts_also_where_there_are_no_results(tmp_path: Path, policy: Path) -> None:
    files = replace(a_bundle(), sealed_before=timedelta(0)).files()
    del files["results.csv"]
    refused(bundles.write(tmp_path / "bundle", files), policy, code=1, named="sealing.tlog-proof")


# verify.py checks no signatures and says so: what follows is for those who have keys and `fairgate verify`.


def only_product_refuses(bundle: Bundle, folder: Path, policy: Path, said: str) -> None:
    bundle.write(folder)
    code, why = by_product(folder, policy)
    assert (code, why.split(":")[0]) == (1, "checkpoint")
    assert said in why
    assert by_verify_py(folder)[1].endswith("who signed it is not checked here")


def test_witnesses_that_saw_it_when_the_value_was_known(tmp_path: Path, policy: Path) -> None:
    for seconds in (0, -1, -3600):
        late = replace(a_bundle(), cosigned_before=timedelta(seconds=seconds))
        only_product_refuses(late, tmp_path / f"late{seconds}", policy, "not before seed_at")
    in_time = replace(a_bundle(), cosigned_before=timedelta(seconds=1))
    assert by_product(in_time.write(tmp_path / "in time"), policy) == (0, "")


def test_too_few_witnesses(tmp_path: Path, policy: Path) -> None:
    alone = replace(a_bundle(), witnesses=WITNESSES[:1])
    only_product_refuses(alone, tmp_path / "bundle", policy, "not cosigned by enough witnesses")
    enough = replace(a_bundle(), witnesses=WITNESSES[1:])
    assert by_product(enough.write(tmp_path / "enough"), policy) == (0, "")


def test_a_ledger_that_somebody_made_up(tmp_path: Path, policy: Path) -> None:
    made_up = NoteSigner(b"X" * 32, LOG.key.name)
    bundle = a_bundle()
    proof = bundle.proof(made_up)
    files = {**bundle.files(), "checkpoint": note_text(proof.note).encode()}
    folder = bundles.write(tmp_path / "bundle", {**files, "sealing.tlog-proof": proof_text(proof).encode()})
    code, why = by_product(folder, policy)
    assert (code, "is not signed by the key" in why) == (1, True)


@pytest.mark.parametrize("forged", [LOG, WITNESSES[0]], ids=["log", "witness"])
def test_a_signature_that_its_key_never_made(tmp_path: Path, forged: NoteSigner) -> None:
    """Whoever's policy it is, and also where that wants fewer witnesses than there are, or none."""
    files = a_bundle().files()
    proof, checkpoint = files["sealing.tlog-proof"], files["checkpoint"]
    (line,) = (each for each in checkpoint.split(b"\n") if each.startswith(f"— {forged.key.name} ".encode()))
    spoilt = line[:-4] + (b"AAAA" if line[-4:] != b"AAAA" else b"BBBB")
    files |= {"sealing.tlog-proof": proof.replace(line, spoilt), "checkpoint": checkpoint.replace(line, spoilt)}
    folder = bundles.write(tmp_path / "bundle", files)
    for quorum in (None, 1, 2, 3):
        (tmp_path / "policy").write_bytes(bundles.policy(quorum=quorum))
        code, why = by_product(folder, tmp_path / "policy")
        assert (code, why) == (1, f'checkpoint: the signature of "{forged.key.name}" is wrong')
