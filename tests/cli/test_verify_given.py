"""What `fairgate verify` can be given, as people and programs really hand it on, and what it does not look at."""

import json
import os
import re
from pathlib import Path

import pytest

from fairgate.cli.given import PROOF, USED, Kind
from ledgers import ORIGIN
from signed import BEFORE, holding, keys_file, picture, published, signed

TEXT = signed()
PASS = signed("pass")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return keys_file(tmp_path)


def wrapped(text: str, width: int = 72) -> str:
    """As a mail program breaks a long line."""
    return "\r\n".join(text[place : place + width] for place in range(0, len(text), width))


SENT = {
    "broken into lines": wrapped,
    "with hard blanks": lambda text: text.replace(" ", "\u00a0"),
    "both": lambda text: "\n" + wrapped(text.replace("  ", " \u00a0"), 60) + "\n",
}


@pytest.mark.parametrize("how", SENT)
def test_a_receipt_that_a_mail_program_has_broken_up_is_read(fairgate, keys, tmp_path, how):
    sent = SENT[how](TEXT)
    assert sent != TEXT
    (tmp_path / "mail.txt").write_text(sent, encoding="utf-8", newline="")
    for what in (sent, tmp_path / "mail.txt"):
        ended = fairgate("verify", what, "--keys", keys)
        assert ended.stdout.startswith(b"right: "), ended.stderr


def test_nothing_else_that_is_missing_is_made_up(refused, keys):
    for text in (TEXT.replace(" ", "", 1), TEXT.replace("  ", " ", 1), wrapped(TEXT.replace(" ", ""))):
        assert refused("verify", text, "--keys", keys).startswith("receipt: ")


def test_a_receipt_in_small_letters_is_told_what_is_wrong_with_it(refused, keys):
    assert "does not begin with FG1:" in refused("verify", TEXT.lower(), "--keys", keys)


def test_standard_input_is_read_where_a_dash_stands(fairgate, refused, keys, tmp_path):
    photo = tmp_path / "photo.png"
    picture(TEXT).save(photo)
    for data in (TEXT.encode(), f"{TEXT}\n".encode(), photo.read_bytes()):
        ended = fairgate("verify", "-", "--keys", keys, input=data)
        assert ended.stdout.startswith(b"right: "), ended.stderr
    assert '"standard input": is neither a receipt' in refused("verify", "-", "--keys", keys, input=b"")


def test_a_pipe_is_read_to_its_end(fairgate, keys):
    """As `fairgate verify <(curl …)` gives it."""
    reading, writing = os.pipe()
    os.write(writing, TEXT.encode())
    os.close(writing)
    ended = fairgate("verify", f"/dev/fd/{reading}", "--keys", keys, pass_fds=[reading])
    os.close(reading)
    assert ended.stdout.startswith(b"right: "), ended.stderr


def test_a_proof_is_read_from_standard_input_too(fairgate, keys, tmp_path):
    proof = tmp_path / "mine.proof"
    fairgate("verify", TEXT, "--keys", keys, "--ledger", published(tmp_path, holding(TEXT)), "--save-proof", proof)
    ended = fairgate("verify", "-", input=proof.read_bytes())
    assert ended.stdout.startswith(b"right: "), ended.stderr


def test_a_device_without_an_end_is_refused_before_memory_is_full(refused, keys):
    """Each of them is /dev/zero; a process of 3 GB would be over in a second."""
    assert "is neither a receipt" in refused("verify", "/dev/zero", "--keys", keys)
    for option in ("--keys", "--proof", "--policy"):
        assert "/dev/zero: " in refused("verify", TEXT, option, "/dev/zero", *(["--keys", keys] * (option != "--keys")))
    assert "/dev/zero: " in refused("verify", PASS, "--keys", keys, "--revoked", "/dev/zero")


@pytest.mark.parametrize(
    "what", ["", "  ", "receipt.txt", "a" * 300, f"Receipt: {TEXT}", f'"{TEXT}"', "loop", "\x1b[2J"], ids=str
)
def test_what_is_not_there_is_told_on_one_short_line(refused, tmp_path, what):
    (tmp_path / "loop").symlink_to("loop")
    said = refused("verify", what, cwd=tmp_path)
    assert said.endswith("; name a bundle's folder or a file, or give a text that begins with FG1:, in single quotes")
    assert "is no receipt, and there is no file or folder of this name" in said
    assert len(said) < 250
    assert "\x1b" not in said


# -- what is asked for and not looked at ---------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [(option, "somewhere") for option in sorted(USED[Kind.RECEIPT] - USED[Kind.PROOF])] + [("--after", "somewhere")],
)
def test_a_proof_is_not_taken_for_checked_by_what_says_nothing_about_it(refused, tmp_path, option, value):
    (tmp_path / "a.proof").write_bytes(PROOF + b"v1\n")
    said = refused("verify", tmp_path / "a.proof", option, value)
    assert said == f"{option}: says nothing about a proof, which is what was given; leave it out"


def test_neither_is_a_bundle_nor_a_receipt(refused, keys, tmp_path):
    for option in sorted(USED[Kind.RECEIPT] - USED[Kind.BUNDLE]):
        assert refused("verify", tmp_path, option, "x").startswith(f"{option}: says nothing about a bundle")
    assert refused("verify", TEXT, "--after", tmp_path).startswith("--after: says nothing about a receipt")


def test_every_option_is_looked_at_for_something(fairgate):
    said = fairgate("verify", "--help").stdout.decode()
    assert frozenset().union(*USED.values()) == set(re.findall(r"  (--[a-z-]+)", said)) - {"--json", "--help"}


def test_a_receipt_is_not_taken_for_a_pass_that_was_not_revoked(refused, keys, tmp_path):
    """A door that asks about revoked passes must not open for the receipt of a confirmation."""
    said = refused("verify", TEXT, "--keys", keys, "--revoked", tmp_path / "revoked.json")
    assert said.startswith("--revoked: says nothing about a receipt (confirmed): it is no pass, and admits nobody; ")


def test_an_empty_name_of_a_ledger_is_not_taken_for_none(refused, keys):
    """As --ledger "$LEDGER" is, where the variable is not set: nothing would be looked up, exit code 0."""
    assert refused("verify", TEXT, "--keys", keys, "--ledger", "").startswith("--ledger: ")


# -- what is written ----------------------------------------------------------------------------


def test_a_proof_is_written_over_an_older_one_and_over_nothing_else(fairgate, refused, keys, tmp_path):
    ledger = published(tmp_path, holding(TEXT))
    receipt, proof = tmp_path / "receipt.txt", tmp_path / "mine.proof"
    receipt.write_text(TEXT)
    said = refused("verify", receipt, "--keys", keys, "--ledger", ledger, "--save-proof", receipt)
    assert said == f"{receipt}: is there already, and is no proof; name another file: it is not written over"
    assert receipt.read_text() == TEXT
    for before in (None, b"", PROOF + b"v1\nan older one"):
        if before is not None:
            proof.write_bytes(before)
        ended = fairgate("verify", receipt, "--keys", keys, "--ledger", ledger, "--save-proof", proof, "--json")
        assert json.loads(ended.stdout)["inclusion_shown"], ended.stderr
        assert fairgate("verify", proof).stdout.startswith(f'right: a checkpoint in the name of "{ORIGIN}"'.encode())


# -- what is odd is said --------------------------------------------------------------------------


def listed(file: Path, issuer: str, at: str) -> Path:
    file.write_text(json.dumps({"issuer": issuer, "at": at, "ids": []}))
    return file


def test_a_list_of_another_service_is_not_passed_off_as_this_ones(fairgate, keys, tmp_path):
    for issuer in (ORIGIN, "other.example.org/ledger"):
        file = listed(tmp_path / "revoked.json", issuer, BEFORE)
        said = fairgate("verify", PASS, "--keys", keys, "--revoked", file, "--at", BEFORE).stdout.decode()
        assert ("  list    of another ledger than the pass names" in said) == (issuer != ORIGIN)


def test_a_list_from_later_than_was_asked_about_is_not_called_fresh(fairgate, keys, tmp_path):
    file = listed(tmp_path / "revoked.json", ORIGIN, "2026-12-18T09:00:00Z")
    said = fairgate("verify", PASS, "--keys", keys, "--revoked", file, "--at", BEFORE).stdout.decode()
    assert "of 2026-12-18T09:00:00Z, later than the time that was asked about\n" in said


def test_what_names_a_time_that_is_still_to_come_is_told(fairgate, keys):
    for at, odd in (("2026-11-26T20:00:00Z", True), ("2026-11-26T20:10:04Z", False), (BEFORE, False)):
        for text in (TEXT, PASS):
            said = fairgate("verify", text, "--keys", keys, "--at", at).stdout.decode()
            assert (f"It names a time later than {at}" in said) == odd


def test_what_is_left_for_people_to_see_is_said_of_a_pass(fairgate, keys):
    for text, said in ((PASS, True), (TEXT, False)):
        words = fairgate("verify", text, "--keys", keys, "--at", BEFORE).stdout.decode()
        assert ("Whether this is its port and its day" in words) == said
