"""Receipts and passes of every kind, read by libraries that others wrote: base45, and pycose over cbor2.

Nothing of ours decodes here. Who reads them with a program of their own finds what we find.
"""

from datetime import UTC, datetime
from typing import Any

import base45
import cbor2
import pytest
from pycose.headers import KID, Algorithm
from pycose.keys import OKPKey
from pycose.keys.curves import Ed25519
from pycose.messages import Sign1Message

from fairgate.core.lifecycle import Done, Leaf
from fairgate.core.receipts import Signer
from signed import PASS, PLACE, SALT, SIGNER

AT = datetime(2026, 11, 26, 20, 15, 4, tzinfo=UTC)
PROTECTED, PAYLOAD, SIGNATURE = 0, 2, 3
ROUND = {"round": "2026-12-17", "ticket": "00112233445566778899aabbccddeeff"}
KINDS = {
    "registered": {"size": 2},
    "requested": {"program": "arrival", "ports": ["SYS", "CXI"]},
    "withdrawn": {"program": "arrival"},
    "offered": {**PLACE, **ROUND, "deadline": "2026-11-27T20:00:00Z"},
    "extended": {**PLACE, "deadline": "paused"},
    "passed over": {**ROUND, "port": "SYS", "why": "has a place"},
    "confirmed": {**PLACE, "how": "on time"},
    "declined": PLACE,
    "cancelled": {**PLACE, "why": "by holder"},
    "checked in": PLACE,
    "missed": PLACE,
    "pass": PASS,
}


def parts_of(text: str) -> list[Any]:
    """Protected header, unprotected header, payload and signature."""
    assert text.startswith("FG1:")
    whole = cbor2.loads(base45.b45decode(text[4:]))
    assert whole.tag == Sign1Message.cbor_tag
    protected, unprotected, payload, signature = whole.value
    return [protected, dict(unprotected), payload, signature]


def message(parts: list[Any]) -> Sign1Message:
    """The parts as pycose sees them."""
    return Sign1Message.from_cose_obj(list(parts), True)


def holds(parts: list[Any], public: bytes) -> bool:
    found = message(parts)
    found.key = OKPKey(crv=Ed25519, x=public)
    return bool(found.verify_signature())


@pytest.mark.parametrize("kind", KINDS)
def test_another_library_finds_the_signature_right_and_the_same_said(kind: str):
    text = SIGNER.receipt(Done(kind, "K48J-2J9P", KINDS[kind], leaf=Leaf(1234567, SALT, AT)))
    parts = parts_of(text)
    assert holds(parts, SIGNER.public)
    assert not holds(parts, Signer(bytes(32), SIGNER.issuer).public)
    found = message(parts)
    assert found.phdr[Algorithm].fullname == "EDDSA"
    assert found.phdr[KID] == SIGNER.kid
    assert found.uhdr == {}
    said = cbor2.loads(found.payload)
    own = {"iss": SIGNER.issuer, "kind": kind, "number": "K48J-2J9P", "at": 1795724104, "salt": SALT, "leaf": 1234567}
    assert said == {**own, **KINDS[kind]}


@pytest.mark.parametrize("kind", ["confirmed", "pass"])
def test_another_library_refuses_one_in_which_any_bit_of_what_is_signed_was_changed(kind: str):
    parts = parts_of(SIGNER.receipt(Done(kind, "K48J-2J9P", KINDS[kind], leaf=Leaf(1234567, SALT, AT))))
    for part in (PAYLOAD, SIGNATURE):
        for place in range(len(parts[part])):
            for bit in range(8):
                assert not holds(flipped(parts, part, place, bit), SIGNER.public), (part, place, bit)


def test_another_library_refuses_one_with_another_header():
    """Some of its bits make a header that this library cannot read at all, which is as well."""
    parts = parts_of(SIGNER.receipt(Done("pass", "K48J-2J9P", PASS, leaf=Leaf(1234567, SALT, AT))))
    kid = range(len(parts[PROTECTED]) - 8, len(parts[PROTECTED]))
    for place in kid:
        assert not holds(flipped(parts, PROTECTED, place, 0), SIGNER.public), place


def flipped(parts: list[Any], part: int, place: int, bit: int) -> list[Any]:
    changed = bytearray(parts[part])
    changed[place] ^= 1 << bit
    return [*parts[:part], bytes(changed), *parts[part + 1 :]]
