"""The signed list of revoked passes: whoever hands it on can neither leave a line out nor make an old one new."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fairgate.core import revoked_note
from fairgate.core.note import NoteSigner
from fairgate.core.passes import Revoked
from ledgers import LOG, ORIGIN
from signed import BEFORE, OPERATOR_ALONE, keys_file, policy_file, signed

TEXT = signed("pass")
OURS = "8f2a00112233aabb"
LIST_AT = datetime(2026, 12, 17, 16, 59, 20, tzinfo=UTC)
OTHER = NoteSigner(b"o" * 32, ORIGIN)  # of the same name, with another key


def note(*ids: str, signer: NoteSigner = LOG) -> bytes:
    return revoked_note.signed(signer, Revoked(signer.key.name, LIST_AT, frozenset(ids)))


@pytest.fixture
def verify(fairgate, tmp_path: Path):
    """Verifies the pass against a list of these bytes, with or without a policy that names the ledger's key."""
    keys, policy, file = keys_file(tmp_path), policy_file(tmp_path, OPERATOR_ALONE), tmp_path / "revoked.note"

    def run(data: bytes, *more: object, trusted: bool = True):
        file.write_bytes(data)
        who = ("--policy", policy) if trusted else ()
        return fairgate("verify", TEXT, "--keys", keys, "--revoked", file, "--at", BEFORE, *who, *more)

    return run


def test_a_list_that_the_ledger_signed_says_who_and_of_when(verify):
    ended = verify(note("0000000000000000"))
    assert (ended.returncode, ended.stderr) == (0, b"")
    said = ended.stdout.decode()
    assert "  revoked no, says the list of places.example.org/ledger of 2026-12-17T16:59:20Z, 40 seconds old\n" in said
    assert "  list    signed, as it is, by a log of your policy\n" in said
    found = json.loads(verify(note("0000000000000000"), "--json").stdout)["pass"]["revoked_list"]
    assert found == {"issuer": ORIGIN, "at": "2026-12-17T16:59:20Z", "signed_by": LOG.key.vkey}


def test_a_revoked_pass_is_found_on_it(verify):
    ended = verify(note("0000000000000000", OURS), "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["problem"] == "revoked"


@pytest.mark.parametrize(
    "changed",
    [
        note("0000000000000000", OURS).replace(b',"8f2a00112233aabb"', b""),  # the line left out
        note("0000000000000000").replace(b"16:59:20Z", b"17:00:00Z"),  # an old one made new
        note(signer=OTHER),
        note().replace(b"places.example.org/ledger", b"elsewhere.example.org/l"),
    ],
)
def test_one_that_was_changed_on_its_way_is_false(verify, changed):
    ended = verify(changed, "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["problem"] == "revoked list not signed"
    assert "no log of the policy signed this list of revoked passes" in ended.stderr.decode()


def test_without_a_policy_it_says_that_nobodys_signature_was_checked(verify):
    said = verify(note("0000000000000000"), trusted=False).stdout.decode()
    assert "  list    signed, by whom was not checked: give a policy with the ledger's key (--policy)\n" in said
    found = json.loads(verify(note(signer=OTHER), "--json", trusted=False).stdout)["pass"]["revoked_list"]
    assert found["signed_by"] is None


def test_the_bare_list_is_said_to_be_signed_by_nobody(verify):
    bare = Revoked(ORIGIN, LIST_AT, frozenset()).to_bytes()
    said = verify(bare, trusted=False).stdout.decode()
    assert "  list    not signed: whoever served it may have left lines out" in said


def test_a_list_of_another_ledger_is_named(verify):
    said = verify(Revoked("other.example.org/ledger", LIST_AT, frozenset()).to_bytes(), trusted=False).stdout.decode()
    assert "  list    of another ledger than the pass names" in said


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (note()[:-1], "does not end with whole signature lines"),
        (b"fairgate-revoked/1\n", "has no signature under an empty line"),
        (note().replace(b"fairgate-revoked/1\n", b"fairgate-revoked/12\n"), "not fairgate-revoked/1"),
        (note().replace(b'"ids":[]', b'"ids": []'), "is not written as it is signed"),
        (note().replace(b'"ids":[]', b'"ids":[1]'), "is not 16 hex digits"),
    ],
)
def test_one_that_cannot_be_right_is_refused(verify, data, told):
    ended = verify(data)
    assert ended.returncode == 2
    assert told in ended.stderr.decode()
