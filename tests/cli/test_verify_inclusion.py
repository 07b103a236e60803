"""`fairgate verify` of a receipt against a ledger: its files in a folder or at an address, or a proof."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from fairgate.cli import fetching
from fairgate.cli.main import run
from fairgate.core import tiles
from fairgate.core.note import NoteSigner, note_text
from fairgate.core.policy import Log
from fairgate.core.receipts import read
from fairgate.core.tlog_proof import Proof, parse_proof, proof_text
from ledgers import LOG, ORIGIN, WITNESSES, Published
from loopback import loopback
from signed import OPERATOR_ALONE, TRUSTED, cosigned, holding, keys_file, policy_file, published, signed

RECEIPT = signed()


class Ran:
    """`fairgate verify` in this process, with a home of its own; what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str], keys: Path) -> None:
        self._capsys = capsys
        self._keys = keys

    def __call__(self, *args: object, expect: int = 0) -> str:
        code = run(["verify", *map(str, args), *self._with_keys(args[0])])
        said = self._capsys.readouterr()
        assert code == expect, said
        return said.out if code == 0 else said.err

    def json(self, *args: object, expect: int = 0) -> dict[str, object]:
        code = run(["verify", *map(str, args), *self._with_keys(args[0]), "--json"])
        said = self._capsys.readouterr()
        assert code == expect, said
        found: dict[str, object] = json.loads(said.out)
        return found

    def _with_keys(self, what: object) -> list[str]:
        """Receipts are texts here, and need them; proofs are files."""
        return [] if isinstance(what, Path) else ["--keys", str(self._keys)]


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    monkeypatch.setenv("FAIRGATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("fairgate.cli.main._quietly", lambda code: code)  # capsys wants its standard output left alone
    return Ran(capsys, keys_file(tmp_path))


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A folder with a ledger that holds the receipt at leaf 300 of 701, cosigned by two witnesses."""
    return published(tmp_path, holding(RECEIPT))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return policy_file(tmp_path)


def test_a_receipt_that_the_ledger_holds_is_said_to_be_held_and_by_whom_that_was_seen(verify, ledger, policy):
    said = verify(RECEIPT, "--ledger", ledger, "--policy", policy)
    root = holding(RECEIPT).root().hex()
    assert f"  proof   shown: in the checkpoint over 701 leaves, root {root}\n" in said
    assert "holds exactly this at this leaf" in said
    assert "enough of its witnesses had seen it by\n2026-11-30T00:53:21Z (w1, w2)" in said
    assert "was not checked against" not in said
    assert "none is checked here" not in said


def test_without_a_policy_it_says_that_the_checkpoints_signature_was_not_checked(verify, ledger):
    said = verify(RECEIPT, "--ledger", ledger)
    assert "holds exactly this at this leaf" in said
    assert "Who signed that checkpoint was not checked: anybody can make up one" in said
    assert "proves that the ledger" not in said


def test_a_policy_without_witnesses_is_the_operators_word(verify, ledger, tmp_path):
    said = verify(RECEIPT, "--ledger", ledger, "--policy", policy_file(tmp_path, OPERATOR_ALONE))
    assert "the operator alone vouches\nthat others are shown the same ledger" in said


def test_the_findings_for_programs_have_what_was_shown(verify, ledger, policy):
    found = verify.json(RECEIPT, "--ledger", ledger, "--policy", policy)
    assert found["ok"] is True
    assert found["inclusion_shown"] is True
    assert found["inclusion"] == {
        "covered": True,
        "origin": ORIGIN,
        "size": 701,
        "root": holding(RECEIPT).root().hex(),
        "log_signature_checked": True,
        "witnesses": {"w1": "2026-11-30T00:53:20Z", "w2": "2026-11-30T00:53:21Z"},
        "witnessed_at": "2026-11-30T00:53:21Z",
    }
    found = verify.json(RECEIPT, "--ledger", ledger)
    assert found["inclusion"]["log_signature_checked"] is False


def test_only_the_tiles_on_the_way_to_the_root_are_read(tmp_path, verify):
    """70,000 leaves are 274 tiles of the lowest level; a proof takes a handful of all of them."""
    receipt = signed(leaf=69_000)
    held = holding(receipt, before=69_000, after=1_000)
    place = published(tmp_path, held)
    held.read_paths.clear()
    tiles.inclusion(69_000, held.size, held.read)
    needed = set(held.read_paths)
    assert len(needed) < 8
    for path in held.files.keys() - needed:
        (place / path).unlink()
    assert "holds exactly this" in verify(receipt, "--ledger", place)


def test_each_of_them_is_fetched_once():
    held, asked = holding(RECEIPT), []

    def files(name: str, most: int) -> bytes | None:
        asked.append(name)
        return held.files.get(name)

    read = fetching.reader(files)
    assert tiles.inclusion(300, held.size, read)
    assert tiles.leaf(300, held.size, read) == held.hashes[300]
    assert len(asked) == len(set(asked))


@pytest.fixture
def address(ledger: Path) -> Iterator[str]:
    """The ledger at an address; its last part is not the folder's name."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with loopback(partial(Quiet, directory=str(ledger))) as port:
        yield f"http://127.0.0.1:{port}"


def test_a_ledger_is_looked_up_over_the_network(verify, address, policy):
    for where in (address, f"{address}/"):
        assert "holds exactly this" in verify(RECEIPT, "--ledger", where, "--policy", policy)


def test_a_partial_tile_that_was_replaced_by_its_full_one_is_found_there(verify, tmp_path, ledger):
    grown = holding(RECEIPT, after=800)
    for path, data in grown.files.items():
        (ledger / path).parent.mkdir(parents=True, exist_ok=True)
        (ledger / path).write_bytes(data)
    (ledger / "tile/0/002.p/189").unlink()
    assert "over 701 leaves" in verify(RECEIPT, "--ledger", ledger)


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/001", "tile/1/000.p/2"])
def test_what_is_missing_is_named(verify, ledger, address, path):
    (ledger / path).unlink()
    for where in (ledger, address):
        assert path.split("/")[0] in verify(RECEIPT, "--ledger", where, expect=2)


def test_an_address_where_nothing_answers_is_one_line(verify):
    said = verify(RECEIPT, "--ledger", "http://127.0.0.1:1/ledger", expect=2)
    assert "http://127.0.0.1:1/ledger/checkpoint: does not answer" in said
    assert said.count("\n") == 1
    assert "not a folder that is there, nor an address" in verify(RECEIPT, "--ledger", "nowhere", expect=2)


def test_a_file_far_too_large_is_not_taken(verify, ledger, address):
    with (ledger / "tile/0/001").open("ab") as file:
        file.truncate(1 << 30)
    for where in (ledger, address):
        assert "has more than 8192 bytes" in verify(RECEIPT, "--ledger", where, expect=2)


def test_a_receipt_younger_than_the_newest_checkpoint_is_right_and_not_yet_covered(verify, tmp_path, policy):
    receipt = signed(leaf=701)
    place = published(tmp_path, holding(RECEIPT))
    said = verify(receipt, "--ledger", place, "--policy", policy, "--at", "2026-11-26T20:16:00Z")
    assert said.startswith("right: ")
    assert "  proof   not covered yet: the newest checkpoint is over 701 leaves\n" in said
    assert "published at least once a\nminute" in said
    assert "stands still" not in said
    found = verify.json(receipt, "--ledger", place)
    assert (found["ok"], found["inclusion_shown"], found["inclusion"]["covered"]) == (True, False, False)


def test_a_ledger_that_does_not_cover_an_old_receipt_is_said_to_stand_still(verify, ledger):
    said = verify(signed(leaf=701), "--ledger", ledger, "--at", "2026-11-26T20:25:04Z")
    assert "the ledger stands still, or an old state of it is shown here" in said


def test_a_ledger_that_has_something_else_there_is_false(verify, ledger, tmp_path):
    other = signed(size=3)
    said = verify(other, "--ledger", ledger, expect=1)
    assert "the ledger has something else at leaf 300" in said
    assert verify.json(other, "--ledger", ledger, expect=1) == {
        "ok": False,
        "problem": "not in the ledger",
        "kid": read(other).kid.hex(),
    }


def test_another_ledger_is_not_asked(verify, tmp_path):
    ledger = holding(RECEIPT)
    place = published(tmp_path, ledger)
    text = ledger.checkpoint().text().replace(ORIGIN, "other.example.org/ledger")
    signer = NoteSigner(b"O" * 32, "other.example.org/ledger")
    (place / "checkpoint").write_text(f"{text}\n{signer.sign(text)}", encoding="utf-8")
    said = verify(RECEIPT, "--ledger", place, expect=2)
    assert 'is about the ledger "other.example.org/ledger", and this is of "places.example.org/ledger"' in said


# -- whom to believe ----------------------------------------------------------------------------


def test_a_checkpoint_that_no_log_of_the_policy_signed_is_false(verify, ledger, tmp_path):
    stranger = replace(TRUSTED, logs=(Log(NoteSigner(b"X" * 32, ORIGIN).key),))
    said = verify(RECEIPT, "--ledger", ledger, "--policy", policy_file(tmp_path, stranger), expect=1)
    assert "no log of the policy signed it" in said


@pytest.mark.parametrize("witnesses", [[], WITNESSES[:1]])
def test_a_checkpoint_that_too_few_witnesses_have_seen_is_false(verify, tmp_path, policy, witnesses):
    place = published(tmp_path, holding(RECEIPT), witnesses=witnesses)
    said = verify(RECEIPT, "--ledger", place, "--policy", policy, expect=1)
    assert "the quorum of the policy is not there" in said
    assert ("w1" if witnesses else "no witness") in said


@pytest.mark.parametrize("late", [1_796_000_900, 1 << 62])
def test_who_saw_it_after_there_were_enough_is_not_said_to_have_seen_it_by_then(verify, tmp_path, policy, late):
    place = published(tmp_path, holding(RECEIPT))
    text = (place / "checkpoint").read_text(encoding="utf-8")
    line = WITNESSES[2].sign(text.partition("\n\n")[0] + "\n", late)
    (place / "checkpoint").write_text(text + line, encoding="utf-8")
    said = verify(RECEIPT, "--ledger", place, "--policy", policy)
    assert "enough of its witnesses had seen it by\n2026-11-30T00:53:21Z (w1, w2)" in said


def test_a_checkpoint_that_was_changed_is_false_with_a_policy(verify, tmp_path, ledger, policy):
    """Without one it is only a root that the tiles do not come to."""
    text = (ledger / "checkpoint").read_text(encoding="utf-8")
    (ledger / "checkpoint").write_text(text.replace("\n701\n", "\n700\n"), encoding="utf-8")
    assert "no log of the policy signed it" in verify(RECEIPT, "--ledger", ledger, "--policy", policy, expect=1)
    assert "tile/0/002.p/188" in verify(RECEIPT, "--ledger", ledger, expect=2)


# -- this home's ledger -------------------------------------------------------------------------


def test_the_ledger_of_this_home_is_looked_at_without_being_asked(verify, tmp_path):
    published(tmp_path / "home" / "public", holding(RECEIPT))
    assert "holds exactly this" in verify(RECEIPT)


def test_the_ledger_of_another_name_in_this_home_is_left_alone(verify, tmp_path):
    place = published(tmp_path / "home" / "public", holding(RECEIPT))
    other = Published(3)
    text = other.checkpoint().text().replace(ORIGIN, "other.example.org/ledger")
    signer = NoteSigner(b"O" * 32, "other.example.org/ledger")
    (place / "checkpoint").write_text(f"{text}\n{signer.sign(text)}", encoding="utf-8")
    said = verify(RECEIPT)
    assert "none is checked here" in said
    assert "there is no ledger to look at" in verify(RECEIPT, "--policy", policy_file(tmp_path), expect=2)


# -- proofs -------------------------------------------------------------------------------------


def test_a_proof_is_saved_given_to_somebody_else_and_checked_without_the_ledger(verify, ledger, policy, tmp_path):
    file = tmp_path / "mine.tlog-proof"
    verify(RECEIPT, "--ledger", ledger, "--policy", policy, "--save-proof", file)
    assert "holds exactly this" in verify(RECEIPT, "--proof", file, "--policy", policy)
    said = verify(file, "--policy", policy)
    assert said.startswith('right: the ledger "places.example.org/ledger" holds this statement.\n')
    assert f"  says    {read(RECEIPT).statement()}\n" in said
    assert "(w1, w2)" in said
    unsigned = verify(file)
    assert unsigned.startswith('right: a checkpoint in the name of "places.example.org/ledger" holds this statement.\n')
    assert "anybody can make up one" in unsigned
    found = verify.json(file)
    assert found["leaf"]["index"] == 300
    assert found["leaf"]["data"] == read(RECEIPT).leaf_data().hex()
    assert found["statement"] == read(RECEIPT).statement()
    assert found["inclusion"]["log_signature_checked"] is False


def bare(**about: object) -> Proof:
    """A proof as a ledger gives it, with nothing but place, hashes and checkpoint."""
    ledger = holding(RECEIPT)
    hashes = tuple(tiles.inclusion(300, ledger.size, ledger.read))
    return replace(Proof(300, hashes, cosigned(ledger.note(), WITNESSES[:2])), **about)


def test_a_proof_without_the_statement_needs_the_receipt(verify, tmp_path, policy):
    file = tmp_path / "proof"
    file.write_text(proof_text(bare()), encoding="utf-8")
    assert "holds exactly this" in verify(RECEIPT, "--proof", file, "--policy", policy)
    assert f"give the receipt that it is of, with --proof {file}" in verify(file, expect=2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"index": 299}, "proves leaf 299, and this is leaf 300"),
        ({"hashes": bare().hashes[:-1]}, "does not lead from this leaf to the root"),
        ({"hashes": (*bare().hashes[:-1], bytes(32))}, "does not lead from this leaf to the root"),
        ({"hashes": bare().hashes[::-1]}, "does not lead from this leaf to the root"),
    ],
)
def test_a_proof_of_something_else_is_false(verify, tmp_path, change, said):
    file = tmp_path / "proof"
    file.write_text(proof_text(bare(**change)), encoding="utf-8")
    assert said in verify(RECEIPT, "--proof", file, expect=1)


def test_a_statement_that_was_changed_in_a_proof_is_false(verify, ledger, tmp_path):
    file = tmp_path / "mine.tlog-proof"
    verify(RECEIPT, "--ledger", ledger, "--save-proof", file)
    proof = parse_proof(file.read_bytes(), "proof")
    file.write_text(proof_text(replace(proof, extra=proof.extra.replace(b'"size":2', b'"size":3'))), encoding="utf-8")
    assert "does not lead from this leaf" in verify(file, expect=1)
    assert verify.json(file, expect=1) == {"ok": False, "problem": "not in the ledger"}
    assert "holds exactly this" in verify(RECEIPT, "--proof", file), "beside the receipt, extra does not matter"


def test_what_cannot_be_asked_is_refused_with_one_line(verify, ledger, tmp_path):
    file = tmp_path / "proof"
    file.write_text(proof_text(bare()), encoding="utf-8")
    assert "both are given" in verify(RECEIPT, "--proof", file, "--ledger", ledger, expect=2)
    young = signed(leaf=701)
    said = verify(young, "--ledger", ledger, "--save-proof", tmp_path / "out", expect=2)
    assert "does not cover this receipt yet" in said
    assert not (tmp_path / "out").exists()
    file.write_text("c2sp.org/tlog-proof@v1\nnonsense", encoding="utf-8")
    assert "proof" in verify(file, expect=2)
    assert '"later" is not a time in UTC' in verify(RECEIPT, "--at", "later", expect=2)


def test_a_ledger_signed_by_an_operator_who_shows_two_is_found_by_who_holds_the_other_checkpoint(verify, tmp_path):
    """The receipt is in one of the two; whoever was shown the other sees that it is not there."""
    forked = Published(701, "another story")
    place = published(tmp_path, forked)
    (place / "checkpoint").write_text(note_text(cosigned(forked.note(signer=LOG), [])), encoding="utf-8")
    assert "something else at leaf 300" in verify(RECEIPT, "--ledger", place, expect=1)
