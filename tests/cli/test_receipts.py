"""`fairgate verify` on receipts: in words and as JSON, from a text and from a file, with and without the right keys."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fairgate.core import base45
from fairgate.core.key_list import KeyList
from fairgate.core.lifecycle import Done, Leaf
from fairgate.core.receipts import Signer
from fairgate.core.tree import leaf_hash
from fairgate.store.keys import list_path, load_signer

ISSUER = "places.example.org/ledger"
AT = datetime(2026, 11, 26, 20, 15, 4, tzinfo=UTC)
FACTS = {"program": "arrival", "port": "SYS", "date": "2026-12-17", "time": "09:00", "size": 2, "how": "on time"}
DONE = Done("confirmed", "K48J-2J9P", FACTS, leaf=Leaf(1234567, bytes(range(16)), AT))
DATA = "19c8440acef6fc0219c154920d173a5c59062f81750f13a7e2a5f9c30f3d8935"
SIGNER = Signer(bytes(range(32)), ISSUER)
TEXT = SIGNER.receipt(DONE)
NOBODY = {"DATABASE_URL": "postgresql://127.0.0.1:1/nowhere"}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys.json"
    file.write_bytes(KeyList(ISSUER).now_signing(ISSUER, SIGNER.public, AT).to_bytes())
    return file


def test_a_right_receipt_is_told_in_plain_words(fairgate, keys):
    ended = fairgate("verify", TEXT, "--keys", keys, env=NOBODY)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == b""
    assert ended.stdout.decode() == (
        "right: a key of places.example.org/ledger signed this receipt.\n"
        "  what    confirmed\n"
        "  who     registration K48J-2J9P\n"
        "  when    2026-11-26T20:15:04Z\n"
        "  with    date 2026-12-17, how on time, port SYS, program arrival, size 2, time 09:00\n"
        "  ledger  places.example.org/ledger, leaf 1234567\n"
        f"  data    {DATA}\n"
        f"  hash    {leaf_hash(bytes.fromhex(DATA)).hex()}\n"
        "  key     56475aa75463474c\n"
        "This proves that the holder of the key said that this act was done then, and that it stands in the ledger at\n"
        "this leaf with this data. It does not prove that the ledger has it there: that takes a proof of inclusion, "
        "and\n"
        "none is checked here. Nor does it say what was done afterwards, or whether this is the right list of keys.\n"
    )


def test_the_findings_are_json_for_programs(fairgate, keys):
    found = json.loads(fairgate("verify", TEXT, "--keys", keys, "--json", env=NOBODY).stdout)
    statement = found.pop("statement")
    assert json.loads(statement) == {"kind": "confirmed", "number": "K48J-2J9P", "at": "2026-11-26T20:15:04Z", **FACTS}
    assert found == {
        "ok": True,
        "issuer": ISSUER,
        "keys_of": ISSUER,
        "kid": SIGNER.kid.hex(),
        "kind": "confirmed",
        "number": "K48J-2J9P",
        "at": "2026-11-26T20:15:04Z",
        "facts": FACTS,
        "salt": bytes(range(16)).hex(),
        "leaf": {"index": 1234567, "data": DATA, "hash": leaf_hash(bytes.fromhex(DATA)).hex()},
        "inclusion_shown": False,
    }


@pytest.mark.parametrize(
    "around", ["{}", "{}\n", "\r\n  {}\r\n\r\n", "\ufeff{}"], ids=["bare", "line", "blanks", "mark"]
)
def test_a_receipt_may_be_in_a_file(fairgate, keys, tmp_path, around):
    (tmp_path / "receipt.txt").write_text(around.format(TEXT), encoding="utf-8", newline="")
    ended = fairgate("verify", tmp_path / "receipt.txt", "--keys", keys, env=NOBODY)
    assert ended.stdout.startswith(b"right: "), ended.stderr
    if around != "\ufeff{}":  # which no keyboard writes
        assert fairgate("verify", around.format(TEXT), "--keys", keys, env=NOBODY).stdout == ended.stdout


def test_without_keys_those_of_this_home_are_taken(fairgate, refused, tmp_path):
    assert "name the list that the service publishes as /keys.json" in refused("verify", TEXT, env=NOBODY)
    signer = load_signer(tmp_path / "home", ISSUER, AT)
    ended = fairgate("verify", signer.receipt(DONE), env=NOBODY)
    assert ended.stdout.startswith(b"right: "), ended.stderr
    ended = fairgate("verify", TEXT, env=NOBODY)
    assert ended.returncode == 1
    assert ended.stderr.decode() == (
        "fairgate: receipt: the receipt is signed with the key 56475aa75463474c, which is not in this list of keys\n"
    )
    list_path(tmp_path / "home").write_bytes(b"{}")
    assert "key issuer: missing" in refused("verify", TEXT, env=NOBODY)


def forged() -> str:
    """The receipt, for a group of three."""
    data = base45.decode(TEXT.removeprefix("FG1:"))
    assert b"size\x02" in data
    return "FG1:" + base45.encode(data.replace(b"size\x02", b"size\x03"))


def test_a_receipt_that_was_changed_is_told_with_nothing_of_what_it_says(fairgate, keys):
    ended = fairgate("verify", forged(), "--keys", keys, env=NOBODY)
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert ended.stderr.decode() == (
        "fairgate: receipt: the signature is not that of the key 56475aa75463474c over this receipt\n"
    )


@pytest.mark.parametrize("case", ["changed", "another's"])
def test_what_is_wrong_is_json_too(fairgate, keys, case):
    text = forged() if case == "changed" else Signer(bytes(32), ISSUER).receipt(DONE)
    ended = fairgate("verify", text, "--keys", keys, "--json", env=NOBODY)
    assert ended.returncode == 1
    found = json.loads(ended.stdout)
    assert found.keys() == {"ok", "problem", "kid"}
    assert (found["ok"], found["problem"]) == (False, "signature wrong" if case == "changed" else "key unknown")


@pytest.mark.parametrize("spoil", [str.lower, lambda text: text[:-1], lambda text: f"{text}AAA", lambda _: "FG1:ABC"])
def test_what_is_no_receipt_is_refused_with_one_line(refused, keys, tmp_path, spoil: Callable[[str], str]):
    text = spoil(TEXT)
    given = [text.replace("fg1:", "FG1:"), tmp_path / "receipt.txt"]
    given[1].write_text(given[0])
    for what in given:
        assert refused("verify", what, "--keys", keys, env=NOBODY).startswith("receipt: ")


def test_a_file_far_too_long_is_refused_without_reading_it_all(refused, keys, tmp_path):
    with (tmp_path / "receipt.txt").open("wb") as file:
        file.write(b"FG1:")
        file.truncate(1 << 40)
    assert "more than 4096 characters" in refused("verify", tmp_path / "receipt.txt", "--keys", keys, env=NOBODY)


def test_keys_that_are_not_there_are_named(refused, tmp_path):
    said = refused("verify", TEXT, "--keys", tmp_path / "none.json", env=NOBODY)
    assert said == f"{tmp_path / 'none.json'}: is not there; correct the path"


def test_a_ledger_of_another_name_is_mentioned(fairgate, tmp_path):
    (tmp_path / "keys.json").write_bytes(
        KeyList("").now_signing("new.example.org/ledger", SIGNER.public, AT).to_bytes()
    )
    ended = fairgate("verify", TEXT, "--keys", tmp_path / "keys.json", env=NOBODY)
    assert ended.returncode == 0
    assert b"The receipt and the list name different ledgers" in ended.stdout


def test_words_that_could_deceive_a_reader_are_shown_as_what_they_are(fairgate, keys):
    facts = {"why": "x\n  who     registration \x1b[2J", "ports": ["AAA", "\u202eBBB"]}
    text = SIGNER.receipt(Done("cancelled", "K48J-2J9P", facts, leaf=DONE.leaf))
    said = fairgate("verify", text, "--keys", keys, env=NOBODY).stdout.decode()
    assert '  with    ports AAA "\\u202eBBB", why "x\\n  who     registration \\x1b[2J"\n' in said
