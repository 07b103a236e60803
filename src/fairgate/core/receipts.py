"""Receipts: what was promised, signed, in a text that fits on a slip of paper.

A receipt says "this act stands in the ledger, at this leaf", and is signed with the receipt key of the deployment. It
holds all of the act's statement and the salt beside it, so that its holder can make the leaf's data again,

    SHA256(salt || statement)

and nobody can say later that something else was on record. It holds no name.

In bytes it is a COSE_Sign1 (RFC 9052, tag 18): Ed25519 (alg -8), the key's id (kid) in the protected header, nothing in
the unprotected one, and as payload a map in deterministic CBOR (RFC 8949, 4.2). As text it is "FG1:" and the bytes in
base45. There is exactly one text for a receipt: `read` refuses every other way to write the same.

    d2 84                      tag 18, a list of four
       4d a2 01 27 04 48 kid   protected: {1: -8, 4: kid}; kid = first 8 bytes of SHA-256(public key)
       a0                      unprotected: {}
       58 ae payload           {"at": …, "iss": …, "kind": …, "leaf": …, "salt": …, "number": …, and the act's facts}
       58 40 signature         over ["Signature1", protected, h'', payload]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from fairgate.core import base45
from fairgate.core.errors import BadInput, shown
from fairgate.core.lifecycle import Done, Fact
from fairgate.core.statements import statement

PREFIX: Final = "FG1:"
TEXT_MOST: Final = 4096  # characters; a receipt has about 400
ISSUER_MOST: Final = 64  # characters; with longer ones the text of some acts would not fit a QR code of version 15
NAMES_MOST: Final = 71  # characters of issuer and program together, for the longest of all (honoured) to fit one
KID_BYTES, SALT_BYTES, SIGNATURE_BYTES = 8, 16, 64

_OWN: Final = ("iss", "kind", "number", "at", "salt", "leaf")
_SIGN1: Final = b"\xd2\x84"
_PROTECTED: Final = b"\xa2\x01\x27\x04\x48"  # {1: -8, 4: a byte string of 8}
_SIGNED: Final = b"\x84\x6aSignature1"
_SIGNATURE: Final = b"\x58\x40"
_AT_END: Final = 253_402_300_800  # seconds; the year 10000
_WHOLE_END: Final = 1 << 53  # canonical JSON has no larger ones
_WAY_OUT: Final = "scan it again, or copy it whole and unchanged, on one line, blanks inside it included"


class KeyUnknown(Exception):  # noqa: N818  a result, not a defect
    """The receipt names a key that is not in the list; whether it is right cannot be said."""


class SignatureWrong(Exception):  # noqa: N818  a result, not a defect
    """The receipt's key did not sign these bytes: they were changed, or made up."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says; `at` in seconds since the epoch, `facts` those of the act."""

    issuer: str
    kind: str
    number: str
    at: int
    salt: bytes
    leaf: int
    facts: Mapping[str, Fact]
    kid: bytes

    def statement(self) -> str:
        """The statement that the ledger keeps of the act, made again."""
        return statement(self.kind, self.number, self.facts, datetime.fromtimestamp(self.at, UTC))

    def leaf_data(self) -> bytes:
        """The 32 bytes that the ledger has at `leaf`."""
        return sha256(self.salt + self.statement().encode()).digest()


def key_id(public: bytes) -> bytes:
    """How receipts name a raw Ed25519 public key (32 bytes): 8 bytes."""
    return sha256(public).digest()[:KID_BYTES]


class Signer:
    """Signs receipts for one ledger; `seed` is the Ed25519 private key (32 bytes), `issuer` the ledger's origin.

    It is on the way of every act, so whatever is the same in all receipts is made once, here, and it is libsodium that
    signs (decision record 25).
    """

    def __init__(self, seed: bytes, issuer: str) -> None:
        assert 0 < len(issuer) <= ISSUER_MOST, "receipts fit a QR code"
        self.issuer = issuer
        self.public, self._private = crypto_sign_seed_keypair(seed)
        self.kid = key_id(self.public)
        protected = _text_of_bytes(_PROTECTED + self.kid)
        self._begin = _SIGN1 + protected + b"\xa0"
        self._signed = _SIGNED + protected + b"\x40"

    def receipt(self, done: Done) -> str:
        """The receipt of an act about a registration that stands in the ledger.

        Facts are texts, whole numbers, lists of texts, True, False or None; what has lists of objects is no act.
        """
        leaf = done.leaf
        assert leaf is not None, "only what stands in the ledger has a receipt"
        assert done.number is not None, "receipts are for acts about a registration"
        said: dict[str, object] = {
            **done.facts,
            "iss": self.issuer,
            "kind": done.kind,
            "number": done.number,
            "at": int(leaf.at.timestamp()),
            "salt": leaf.salt,
            "leaf": leaf.index,
        }
        assert len(said) == len(_OWN) + len(done.facts), "no fact is called like a key of every receipt"
        payload = _text_of_bytes(cbor2.dumps({key: said[key] for key in _in_order(tuple(said))}))
        signature = crypto_sign(self._signed + payload, self._private)[:SIGNATURE_BYTES]
        return PREFIX + base45.encode(b"".join((self._begin, payload, _SIGNATURE, signature)))


@lru_cache(maxsize=256)
def _in_order(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Keys of a map in the order of deterministic CBOR: by their encoded bytes. There are few sets of them."""
    return tuple(sorted(keys, key=cbor2.dumps))


def _text_of_bytes(data: bytes) -> bytes:
    """`data` as a byte string of CBOR, for lengths below 65536."""
    size = len(data)
    if size < 24:
        return bytes((0x40 + size,)) + data
    return (bytes((0x58, size)) if size < 256 else b"\x59" + size.to_bytes(2, "big")) + data


def verify(text: str, keys: Mapping[bytes, bytes]) -> Receipt:
    """The receipt in `text`, signed by one of `keys` (public keys of 32 bytes by kid).

    Raises BadInput for what is no receipt, KeyUnknown and SignatureWrong for what may not be believed.
    """
    receipt, signed, signature = _taken_apart(text)
    public = keys.get(receipt.kid)
    if public is None:
        raise KeyUnknown(f"the receipt is signed with the key {receipt.kid.hex()}, which is not in this list of keys")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except InvalidSignature:
        raise SignatureWrong(f"the signature is not that of the key {receipt.kid.hex()} over this receipt") from None
    return receipt


def read(text: str) -> Receipt:
    """What a receipt says, whoever signed it; raises BadInput for anything that `Signer.receipt` never writes."""
    return _taken_apart(text)[0]


def _taken_apart(text: str) -> tuple[Receipt, bytes, bytes]:
    """The receipt, the bytes that are signed and the signature."""
    data = _bytes_of(text)
    start = len(_SIGN1) + 1 + len(_PROTECTED)
    if data[: len(_SIGN1)] != _SIGN1:
        raise _wrong("is no COSE_Sign1 (tag 18, a list of four)")
    if data[len(_SIGN1) : start] != bytes((0x40 + len(_PROTECTED) + KID_BYTES,)) + _PROTECTED:
        raise _wrong("has another protected header than Ed25519 (alg -8) and a key id of 8 bytes")
    kid, rest = data[start : start + KID_BYTES], data[start + KID_BYTES :]
    if rest[:1] != b"\xa0":
        raise _wrong("has something in its unprotected header, which must be empty")
    middle, end = rest[1 : -len(_SIGNATURE) - SIGNATURE_BYTES], rest[-len(_SIGNATURE) - SIGNATURE_BYTES :]
    payload = middle[2:] if middle[:1] == b"\x58" else middle[3:]
    if end[: len(_SIGNATURE)] != _SIGNATURE or middle != _text_of_bytes(payload):
        raise _wrong("does not end with a payload and a signature of 64 bytes, or has bytes too many")
    protected = data[len(_SIGN1) : start + KID_BYTES]
    signed = _SIGNED + protected + b"\x40" + middle
    return _said(payload, kid), signed, end[len(_SIGNATURE) :]


def _bytes_of(text: str) -> bytes:
    if not text.startswith(PREFIX):
        raise _wrong(f"{shown(text, 12)} does not begin with {PREFIX}")
    if len(text) > TEXT_MOST:
        raise _wrong(f"has more than {TEXT_MOST} characters")
    try:
        return base45.decode(text[len(PREFIX) :])
    except ValueError as fault:
        raise _wrong(f"what follows {PREFIX} is not base45 ({fault})") from None


def _said(payload: bytes, kid: bytes) -> Receipt:
    """The payload, which must be a map with all keys of a receipt in the one way of writing it."""
    said = _map_of(payload)
    for key in _OWN:
        if key not in said:
            raise _wrong(f"its key {key} is missing")
    receipt = Receipt(
        issuer=_text(said, "iss"),
        kind=_text(said, "kind"),
        number=_text(said, "number"),
        at=_whole(said, "at", _AT_END),
        salt=_salt(said),
        leaf=_whole(said, "leaf", _WHOLE_END),
        facts={key: _fact(said, key) for key in said if key not in _OWN},
        kid=kid,
    )
    if cbor2.dumps({key: said[key] for key in sorted(said, key=cbor2.dumps)}) != payload:
        raise _wrong("its map is not in deterministic CBOR")
    return receipt


def _map_of(payload: bytes) -> dict[str, object]:
    try:
        said = cbor2.loads(payload)
    except Exception as fault:  # whatever a decoder says of bytes that anybody may have made up
        raise _wrong(f"its payload is not CBOR that can be read ({type(fault).__name__})") from None
    if not isinstance(said, dict) or not all(isinstance(key, str) and key.isascii() for key in said):
        raise _wrong("its payload is not a map with text keys")
    return said


def _text(said: Mapping[str, object], key: str) -> str:
    value = said[key]
    if not isinstance(value, str) or not value:
        raise _wrong(f"its key {key} is not a text")
    return value


def _whole(said: Mapping[str, object], key: str, end: int) -> int:
    value = said[key]
    if type(value) is not int or not 0 <= value < end:
        raise _wrong(f"its key {key} is not a whole number from 0 to {end - 1}")
    return value


def _salt(said: Mapping[str, object]) -> bytes:
    value = said["salt"]
    if not isinstance(value, bytes) or len(value) != SALT_BYTES:
        raise _wrong(f"its key salt is not {SALT_BYTES} bytes")
    return value


def _fact(said: Mapping[str, object], key: str) -> Fact:
    value = said[key]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and abs(value) < _WHOLE_END:
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise _wrong(f"its key {shown(key)} is not what a fact can be")


def _wrong(problem: str) -> BadInput:
    return BadInput("receipt", problem, _WAY_OUT)
