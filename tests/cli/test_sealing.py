"""What `fairgate verify` says of a bundle's sealing: by whose keys, and what that proves."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bundles
from bundles import Bundle
from fairgate.core.lines import data_text
from fairgate.core.note import NoteSigner
from ledgers import WITNESSES
from sealed_rounds import a_manifest


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A bundle sealed in time, its checkpoint cosigned by three witnesses, beside a policy that wants two."""
    (tmp_path / "policy").write_bytes(bundles.policy())
    return Bundle().write(tmp_path / "sealed")


def findings(ended: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    return dict(json.loads(ended.stdout))


def test_verify_says_what_a_witnessed_sealing_proves(fairgate, sealed):
    ended = fairgate("verify", sealed, "--policy", sealed.parent / "policy")
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout.decode()
    assert '  sealed  2026-11-20T17:10:00Z, leaf 4 of the ledger "places.example.org/ledger"\n' in said
    assert "  seen    2026-11-20T17:11:00Z, by enough witnesses\n" in said
    assert "This proves that manifest and entries were fixed before the random value existed" in said
    found = findings(fairgate("verify", sealed, "--policy", sealed.parent / "policy", "--json"))
    assert found["ok"]
    assert found["sealing_shown"]
    assert found["sealing"] == {
        "act": "sealed",
        "at": "2026-11-20T17:10:00Z",
        "origin": "places.example.org/ledger",
        "leaf": 4,
        "size": 7,
        "root": Bundle().proof().checkpoint().root.hex(),
        "policy": str(sealed.parent / "policy"),
        "witnessed_at": "2026-11-20T17:11:00Z",
        "problem": None,
    }


def test_verify_without_keys_says_that_no_signature_was_checked(fairgate, sealed):
    ended = fairgate("verify", sealed)
    assert ended.returncode == 0, ended.stderr
    assert b"Signatures were not checked" in ended.stdout
    root = data_text(Bundle().proof().checkpoint().root)
    assert f"  tree    7 leaves, root {root}\n" in ended.stdout.decode()
    found = findings(fairgate("verify", sealed, "--json"))
    assert found["ok"]
    assert not found["sealing_shown"]
    assert found["sealing"]["policy"] is None


def test_verify_with_a_policy_that_asks_for_no_witness_says_whose_word_the_time_is(fairgate, sealed):
    (sealed.parent / "policy").write_bytes(bundles.policy(quorum=None))
    ended = fairgate("verify", sealed, "--policy", sealed.parent / "policy")
    assert ended.returncode == 0, ended.stderr
    assert b"time is its own word, as this policy asks for no witness" in ended.stdout
    found = findings(fairgate("verify", sealed, "--policy", sealed.parent / "policy", "--json"))
    assert (found["sealing_shown"], found["sealing"]["witnessed_at"]) == (True, None)


@pytest.mark.parametrize("where", ["ledger/policy", "public/ledger/policy"])
def test_the_policy_of_this_home_is_taken_if_it_is_of_this_ledger(fairgate, sealed, where):
    home = sealed.parent / "home"
    (home / where).parent.mkdir(parents=True)
    (home / where).write_bytes(bundles.policy())
    found = findings(fairgate("verify", sealed, "--json"))
    assert (found["sealing_shown"], found["sealing"]["policy"]) == (True, str(home / where))
    (home / where).write_bytes(bundles.policy(log=NoteSigner(b"o" * 32, "other.example.org/ledger")))
    found = findings(fairgate("verify", sealed, "--json"))
    assert (found["sealing_shown"], found["sealing"]["policy"]) == (False, None)


def test_a_sealing_that_contradicts_is_exit_code_1_with_the_reason(fairgate, sealed):
    replace(Bundle(), witnesses=WITNESSES[:1]).write(sealed)
    command = ("verify", sealed, "--policy", sealed.parent / "policy")
    ended = fairgate(*command)
    assert (ended.returncode, ended.stdout) == (1, b"")
    problem = "checkpoint: is not cosigned by enough witnesses of the policy"
    assert ended.stderr.decode() == f"fairgate: {problem}\n"
    found = findings(fairgate(*command, "--json"))
    assert (found["ok"], found["sealing_shown"], found["sealing"]["problem"]) == (False, False, problem)
    assert found["first_difference"] is None


@pytest.mark.parametrize("missing", [("checkpoint",), ("sealing.tlog-proof",), ("checkpoint", "sealing.tlog-proof")])
def test_who_names_a_policy_is_told_that_files_of_the_sealing_were_taken_away(fairgate, sealed, missing):
    for name in missing:
        (sealed / name).unlink()
    policy = sealed.parent / "policy"
    ended = fairgate("verify", sealed, "--policy", policy)
    told = f"fairgate: {missing[0]}: is not there, so by {policy} the sealing is not shown\n"
    assert (ended.returncode, ended.stdout, ended.stderr.decode()) == (1, b"", told)
    found = findings(fairgate("verify", sealed, "--policy", policy, "--json"))
    assert (found["ok"], found["sealing_shown"], found["sealing"]) == (False, False, None)
    results = (sealed / "results.csv").read_bytes()
    (sealed / "results.csv").write_bytes(results[:-1])
    assert fairgate("verify", sealed, "--policy", policy).stderr.startswith(b"fairgate: results.csv line 26: ")
    (sealed / "results.csv").write_bytes(results)
    ended = fairgate("verify", sealed)
    assert ended.returncode == 0, ended.stderr
    files = " and ".join(f"`{name}`" for name in missing)
    assert f"The sealing is not shown: without {files} nothing here says" in ended.stdout.decode()


def test_a_policy_without_this_ledger_is_said_to_have_no_key_of_it(fairgate, sealed):
    other = NoteSigner(b"o" * 32, "other.example.org/ledger")
    (sealed.parent / "policy").write_bytes(bundles.policy(log=other))
    ended = fairgate("verify", sealed, "--policy", sealed.parent / "policy")
    assert ended.returncode == 1
    assert b'the policy has no key of the ledger "places.example.org/ledger"' in ended.stderr


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("sealing.tlog-proof", b"", "sealing.tlog-proof: has no checkpoint under an empty line"),
        ("sealing.tlog-proof", b"c2sp.org/tlog-proof@v1\n\n", "sealing.tlog-proof: "),
        ("policy", b"quorum\n", "policy line 1: "),
    ],
)
def test_a_proof_or_a_policy_that_is_none_is_refused(refused, sealed, name, data, told):
    path = sealed.parent / name if name == "policy" else sealed / name
    path.write_bytes(data)
    assert told in refused("verify", sealed, "--policy", sealed.parent / "policy")


def test_a_sealing_that_was_put_off_is_one_too(fairgate, sealed):
    replace(Bundle(), kind="postponed", facts={"was": "2026-11-20T16:45:00Z"}).write(sealed)
    found = findings(fairgate("verify", sealed, "--policy", sealed.parent / "policy", "--json"))
    assert (found["sealing_shown"], found["sealing"]["act"]) == (True, "postponed")
    for policy in ([], ["--policy", sealed.parent / "policy"]):
        said = fairgate("verify", sealed, *policy).stdout.decode()
        assert "  put off 2026-11-20T17:10:00Z, leaf 4 of the ledger" in said
        assert 'the random value of "2026-11-20T16:45:00Z" was not used' in said


def test_a_draw_that_is_older_than_the_policy_of_this_home_is_right_and_its_sealing_not_shown(fairgate, sealed):
    """As in a rehearsal, whose witness begins when its days are over. Who names a policy means it."""
    replace(Bundle(), witnesses=()).write(sealed)
    home = sealed.parent / "home"
    (home / "ledger").mkdir(parents=True)
    (home / "ledger" / "policy").write_bytes(bundles.policy())
    ended = fairgate("verify", sealed, env={"FAIRGATE_HOME": str(home)})
    assert ended.returncode == 0, ended.stderr
    assert b"the sealing is not shown: checkpoint: is not cosigned by enough witnesses" in ended.stdout
    found = findings(fairgate("verify", sealed, "--json", env={"FAIRGATE_HOME": str(home)}))
    assert (found["ok"], found["sealing_shown"]) == (True, False)
    assert "not cosigned by enough" in found["sealing"]["problem"]
    assert fairgate("verify", sealed, "--policy", home / "ledger" / "policy").returncode == 1


def test_what_the_draw_before_left_is_compared_when_it_is_named(fairgate, sealed):
    after = Bundle(a_manifest(round="2026-12-02")).write(sealed.parent / "after")
    ended = fairgate("verify", after, "--after", sealed)
    assert ended.returncode == 0, ended.stderr
    assert b"What is paid back here is what the draw of 2026-12-01 left." in ended.stdout
    ended = fairgate("verify", sealed, "--after", after)
    assert (ended.returncode, ended.stderr) == (1, f"fairgate: {after}: is not an earlier draw of arrival\n".encode())
