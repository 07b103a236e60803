"""Receipts: what they say, that others read the same in them, and what is no receipt."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import base45 as base45_library
import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pycose.keys import OKPKey
from pycose.keys.curves import Ed25519
from pycose.messages import Sign1Message

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.request import Ask, request
from fairgate.core import base45
from fairgate.core.errors import BadInput
from fairgate.core.key_list import KeyList, ListedKey, parse_keys
from fairgate.core.lifecycle import Done, Fact, Leaf, Outcome
from fairgate.core.receipts import KeyUnknown, SignatureWrong, Signer, read, verify
from fairgate.store.keys import origin
from world import World

SEED = bytes(range(32))
SALT = bytes(range(16))
AT = datetime(2026, 11, 26, 20, 15, 4, tzinfo=UTC)
SIGNER = Signer(SEED, "places.example.org/ledger")
KEYS = {SIGNER.kid: SIGNER.public}
OTHER = Signer(bytes(32), "places.example.org/ledger")
PLACE: dict[str, Fact] = {"program": "arrival", "port": "SYS", "date": "2026-12-17", "time": "09:00", "size": 2}
CONFIRMED = Done("confirmed", "K48J-2J9P", {**PLACE, "how": "on time"}, leaf=Leaf(1234567, SALT, AT))
TEXT = SIGNER.receipt(CONFIRMED)

# -- what it says -------------------------------------------------------------------------------


def test_a_receipt_says_all_that_the_statement_says_and_where_it_stands():
    receipt = verify(TEXT, KEYS)
    assert receipt == read(TEXT)
    assert (receipt.issuer, receipt.kind, receipt.number) == ("places.example.org/ledger", "confirmed", "K48J-2J9P")
    assert (receipt.at, receipt.salt, receipt.leaf, receipt.kid) == (1795724104, SALT, 1234567, SIGNER.kid)
    assert receipt.facts == CONFIRMED.facts
    assert receipt.statement() == (
        '{"at":"2026-11-26T20:15:04Z","date":"2026-12-17","how":"on time","kind":"confirmed","number":"K48J-2J9P",'
        '"port":"SYS","program":"arrival","size":2,"time":"09:00"}'
    )
    assert receipt.leaf_data() == sha256(SALT + receipt.statement().encode()).digest()


def test_the_same_act_has_the_same_receipt_to_the_letter():
    again = Done(CONFIRMED.kind, CONFIRMED.number, dict(reversed(CONFIRMED.facts.items())), True, CONFIRMED.leaf)
    assert Signer(SEED, SIGNER.issuer).receipt(again) == TEXT


def test_a_key_is_named_by_the_first_eight_bytes_of_its_hash():
    assert SIGNER.public == Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    assert SIGNER.kid == sha256(SIGNER.public).digest()[:8]


@pytest.fixture
def world(conn):
    return World(conn)


def ledger_data(world: World, index: int) -> bytes:
    return bytes(world.one("SELECT data FROM leaf WHERE index = %s", index))


def test_who_holds_a_receipt_makes_the_very_data_that_the_ledger_has(world):
    def did(outcomes: list[Outcome]) -> Done:
        [outcome] = outcomes
        assert isinstance(outcome, Done)
        return outcome

    number, other = world.registered(2), world.registered()
    acts = [
        did(request(world.conn, [Ask(each, world.program, world.ports)], **world.clock)) for each in (number, other)
    ]
    world.drawn()
    acts += [did(confirm(world.conn, [Confirm(each, world.program)], **world.clock)) for each in (number, other)]
    acts.append(did(cancel(world.conn, [Cancel(other, world.program, "by holder")], **world.clock)))
    again = did(confirm(world.conn, [Confirm(number, world.program)], **world.clock))
    world.now = world.now.replace(year=2026, month=3, day=20, hour=18)
    acts.append(did(check_in(world.conn, [CheckIn(number, world.program)], **world.clock)))
    for act in acts:
        receipt = verify(SIGNER.receipt(act), KEYS)
        assert receipt.leaf_data() == ledger_data(world, receipt.leaf)
    assert again.repeated
    assert SIGNER.receipt(again) == SIGNER.receipt(acts[2])


# -- others read the same -----------------------------------------------------------------------


def test_a_library_for_cose_reads_it_and_finds_the_signature_right():
    protected, unprotected, payload, signature = cbor2.loads(base45_library.b45decode(TEXT.removeprefix("FG1:"))).value
    message = Sign1Message.from_cose_obj([protected, dict(unprotected), payload, signature], True)
    message.key = OKPKey(crv=Ed25519, x=SIGNER.public)
    assert message.verify_signature()
    assert [name.fullname for name in message.phdr] == ["ALG", "KID"]
    message.key = OKPKey(crv=Ed25519, x=OTHER.public)
    assert not message.verify_signature()


def test_a_reader_made_of_nothing_but_base45_cbor_and_ed25519_finds_the_same():
    tag = cbor2.loads(base45_library.b45decode(TEXT.removeprefix("FG1:")))
    protected, unprotected, payload, signature = tag.value
    assert (tag.tag, cbor2.loads(protected), dict(unprotected)) == (18, {1: -8, 4: SIGNER.kid}, {})
    key = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    key.verify(signature, cbor2.dumps(["Signature1", protected, b"", payload]))
    assert cbor2.loads(payload) == {
        "iss": "places.example.org/ledger",
        "kind": "confirmed",
        "number": "K48J-2J9P",
        "at": int(AT.timestamp()),
        "salt": SALT,
        "leaf": 1234567,
        **CONFIRMED.facts,
    }
    assert cbor2.dumps(cbor2.loads(payload), canonical=True) == payload


@pytest.mark.parametrize(
    ("data", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]
)
def test_base45_is_that_of_the_examples_in_rfc_9285(data: bytes, text: str):
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@pytest.mark.parametrize("text", ["GGW", "::", ":::", "A", "ABCD", "BB8a", "BB8\n", "ÄB8", "５B8"])
def test_what_base45_never_writes_is_refused(text: str):
    with pytest.raises(ValueError, match="character"):
        base45.decode(text)


# -- what is no receipt -------------------------------------------------------------------------


def written(payload: object, *, protected: bytes | None = None, tag: int = 18, more: bytes = b"", **cbor: Any) -> str:
    """A signed text around any payload, with whatever a test wants to be wrong."""
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    body = payload if isinstance(payload, bytes) else cbor2.dumps(payload, canonical=True)
    head = cbor2.dumps({1: -8, 4: SIGNER.kid}) if protected is None else protected
    signature = key.sign(cbor2.dumps(["Signature1", head, b"", body]))
    parts = [head, cbor.get("unprotected", {}), body, cbor.get("signature", signature)]
    return "FG1:" + base45.encode(cbor2.dumps(cbor2.CBORTag(tag, parts)) + more)


GOOD = cbor2.loads(cbor2.loads(base45.decode(TEXT[4:])).value[2])


def test_the_writer_of_these_tests_writes_right_ones_too():
    assert written(GOOD) == TEXT


KID = SIGNER.kid
OWN = ("iss", "kind", "number", "at", "salt", "leaf")
INDEFINITE = b"\xbf" + cbor2.dumps(GOOD, canonical=True)[1:] + b"\xff"
WRONG: dict[str, tuple[str, str]] = {
    "nothing": ("", "does not begin with FG1:"),
    "the prefix in small letters": (TEXT.replace("FG1:", "fg1:"), "does not begin with FG1:"),
    "a blank before it": (f" {TEXT}", "does not begin with FG1:"),
    "a line end after it": (f"{TEXT}\n", "is not base45 ("),
    "the prefix alone": ("FG1:", "is no COSE_Sign1"),
    "a small letter": (TEXT.lower().replace("fg1:", "FG1:"), "is not base45 ("),
    "a number over 65535": (f"{TEXT[:4]}:::{TEXT[7:]}", "characters 1 to 3 stand for more than 65535"),
    "a blank lost": (TEXT.replace(" ", "", 1), ""),
    "two blanks made one": (TEXT.replace("  ", " ", 1), ""),
    "the end lost": (TEXT[:-3], ""),
    "more than 4096 characters": ("FG1:" + "0" * 4093, "more than 4096"),
    "bytes after it": (written(GOOD, more=b"\x00\x00"), "payload and a signature"),
    "another tag": (written(GOOD, tag=17), "is no COSE_Sign1"),
    "no tag": ("FG1:" + base45.encode(base45.decode(TEXT[4:])[1:]), "is no COSE_Sign1"),
    "another algorithm": (written(GOOD, protected=cbor2.dumps({1: -7, 4: KID})), "another protected header"),
    "no kid": (written(GOOD, protected=cbor2.dumps({1: -8})), "another protected header"),
    "a short kid": (written(GOOD, protected=cbor2.dumps({1: -8, 4: KID[:4]})), "another protected header"),
    "kid before alg": (written(GOOD, protected=b"\xa2\x04\x48" + KID + b"\x01\x27"), "another protected header"),
    "something unprotected": (written(GOOD, unprotected={4: KID}), "must be empty"),
    "a short signature": (written(GOOD, signature=bytes(63)), "payload and a signature"),
    "a long signature": (written(GOOD, signature=bytes(65)), "payload and a signature"),
    "a list for a payload": (written([1] * 50), "not a map"),
    "a payload cut short": (written(cbor2.dumps(GOOD)[:-1]), "not CBOR"),
    "an empty payload": (written(b""), ""),
    "a payload in a payload": (written(cbor2.dumps(GOOD, canonical=True) + b"\x00"), ""),
    "keys in another order": (written(cbor2.dumps(dict(sorted(GOOD.items())))), "deterministic"),
    "a map without its length": (written(INDEFINITE), "deterministic"),
    "a number written long": (written(cbor2.dumps(GOOD, canonical=True).replace(b"size\x02", b"size\x18\x02")), ""),
    "a key twice": (written(b"\xae" + b"\x62at\x00" + cbor2.dumps(GOOD, canonical=True)[1:]), ""),
    "a key that is no text": (written({**GOOD, 1: 2}), "text keys"),
    "a key beyond ASCII": (written({**GOOD, "größe": 2}), "text keys"),
    "a fraction": (written({**GOOD, "size": 1.5}), 'key "size"'),
    "bytes for a fact": (written({**GOOD, "port": b"SYS"}), 'key "port"'),
    "a map for a fact": (written({**GOOD, "port": {"a": "b"}}), 'key "port"'),
    "a list of numbers": (written({**GOOD, "ports": [1]}), 'key "ports"'),
    "a number beyond 2^53": (written({**GOOD, "size": 1 << 53}), 'key "size"'),
    "a time beyond the years": (written({**GOOD, "at": 253_402_300_800}), "key at"),
    "a time before 1970": (written({**GOOD, "at": -1}), "key at"),
    "True for a leaf": (written({**GOOD, "leaf": True}), "key leaf"),
    "a text for a leaf": (written({**GOOD, "leaf": "1"}), "key leaf"),
    "a salt that is short": (written({**GOOD, "salt": SALT[:15]}), "key salt"),
    "no kind": (written({**GOOD, "kind": ""}), "key kind"),
    "nobody": (written({**GOOD, "number": None}), "key number"),
    **{
        f"{key} missing": (written({k: v for k, v in GOOD.items() if k != key}), f"key {key} is missing") for key in OWN
    },
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_exactly_a_receipt_is_refused_with_one_line(what: str):
    text, said = WRONG[what]
    with pytest.raises(BadInput) as caught:
        verify(text, KEYS)
    line = str(caught.value)
    assert line.startswith("receipt: ")
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize("depth", [10, 395, 500, 2000])
def test_a_payload_of_nothing_but_lists_in_lists_is_refused(depth: int):
    with pytest.raises(BadInput, match="receipt: "):
        read(written(b"\x81" * depth + b"\x00"))


def test_a_key_that_is_not_in_the_list_is_told_from_a_signature_that_is_wrong():
    with pytest.raises(KeyUnknown, match=OTHER.kid.hex()):
        verify(OTHER.receipt(CONFIRMED), KEYS)
    with pytest.raises(SignatureWrong, match=SIGNER.kid.hex()):
        verify(written({**GOOD, "size": 3}, signature=bytes(64)), KEYS)
    with pytest.raises(SignatureWrong):
        verify(TEXT, {SIGNER.kid: OTHER.public})


@pytest.mark.parametrize(
    "done",
    [
        Done("confirmed", "K48J-2J9P", PLACE),
        Done("sealed", None, {}, leaf=Leaf(1, SALT, AT)),
        Done("told", "K48J-2J9P", {"leaf": 2}, leaf=Leaf(1, SALT, AT)),
    ],
    ids=["without a leaf", "about nobody", "a fact that hides a key"],
)
def test_what_has_no_receipt_gets_none(done: Done):
    with pytest.raises(AssertionError):
        SIGNER.receipt(done)


# -- the list of keys and the ledger's name ------------------------------------------------------

LISTED = KeyList("places.example.org/ledger", (ListedKey(OTHER.public, AT), ListedKey(SIGNER.public, AT)))


def test_a_list_of_keys_is_read_as_it_was_written():
    assert parse_keys("keys.json", LISTED.to_bytes()) == LISTED
    assert LISTED.by_kid() == {OTHER.kid: OTHER.public, SIGNER.kid: SIGNER.public}


def test_the_key_that_signs_is_the_last_of_the_list_and_keeps_its_first_day():
    later = AT.replace(year=2027)
    assert LISTED.now_signing(LISTED.issuer, SIGNER.public, later) == LISTED
    turned = LISTED.now_signing("new.example.org/ledger", OTHER.public, later)
    assert turned == KeyList("new.example.org/ledger", (ListedKey(SIGNER.public, AT), ListedKey(OTHER.public, AT)))
    new = Signer(bytes([7]) * 32, LISTED.issuer)
    assert LISTED.now_signing(LISTED.issuer, new.public, later).keys[-1] == ListedKey(new.public, later)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"kid":"', '"kid":"0', "keys[0].kid"),
        ('"public":"', '"public":"?', "keys[0].public"),
        ('"public":"', '"public":"AAAA', "keys[0].public"),
        ('"since":"2026', '"since":"26', "keys[0].since"),
        ('"issuer":', '"name":', "issuer"),
        ("{", "[", ""),
    ],
)
def test_a_list_that_cannot_be_right_is_refused_by_its_place(old: str, new: str, place: str):
    with pytest.raises(BadInput, match=r"keys\.json") as caught:
        parse_keys("keys.json", LISTED.to_bytes().replace(old.encode(), new.encode(), 1))
    assert place in caught.value.place


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("", "localhost/ledger"),
        ("https://places.example.org", "places.example.org/ledger"),
        ("https://Places.Example.org", "places.example.org/ledger"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000/ledger"),
        ("http://[::1]:8000", "[::1]:8000/ledger"),
    ],
)
def test_the_ledger_is_named_after_the_address_without_its_scheme(address: str, name: str):
    assert origin(address) == name


@pytest.mark.parametrize(
    "address",
    ["places.example.org", "https://", "https://a b", "https://u:p@a.org", "http://[::1", f"https://{'a' * 58}"],
)
def test_an_address_that_names_no_ledger_is_refused(address: str):
    with pytest.raises(BadInput, match="FAIRGATE_ORIGIN"):
        origin(address)
