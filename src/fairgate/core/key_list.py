"""The public list of receipt keys: every key that ever signed here, so that old receipts still verify.

    {"issuer":"places.example.org/ledger","keys":[{"kid":"…","public":"…","since":"2026-12-01T12:00:00Z"}]}

Canonical JSON, oldest key first. `kid` is in hex, `public` (raw Ed25519, 32 bytes) in base64. The last key is the one
that signs now.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fairgate.core.canonical import Fields, canonical, read_json
from fairgate.core.clocks import read_moment
from fairgate.core.errors import BadInput
from fairgate.core.places import moment
from fairgate.core.receipts import KID_BYTES, key_id

PUBLIC_BYTES: Final = 32
_WAY_OUT: Final = "fetch it again, or restore it from a backup"


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A public key of 32 bytes, and since when it signs."""

    public: bytes
    since: datetime

    @property
    def kid(self) -> bytes:
        return key_id(self.public)


@dataclass(frozen=True, slots=True)
class KeyList:
    """The keys of one issuer, oldest first."""

    issuer: str
    keys: tuple[ListedKey, ...] = ()

    def by_kid(self) -> Mapping[bytes, bytes]:
        """The public keys as `receipts.verify` wants them."""
        return {key.kid: key.public for key in self.keys}

    def now_signing(self, issuer: str, public: bytes, now: datetime) -> "KeyList":
        """The list once `issuer` signs with `public`; a key that was in it already goes to its end as it is."""
        mine = next((key for key in self.keys if key.public == public), ListedKey(public, now))
        return KeyList(issuer, (*(key for key in self.keys if key.public != public), mine))

    def to_bytes(self) -> bytes:
        keys = [
            {"kid": key.kid.hex(), "public": base64.b64encode(key.public).decode(), "since": moment(key.since)}
            for key in self.keys
        ]
        return canonical({"issuer": self.issuer, "keys": keys}).encode() + b"\n"


def parse_keys(file: str, data: bytes) -> KeyList:
    """The list in `data`; raises BadInput naming file and key for what cannot be right."""
    main = Fields(file, "", read_json(file, data), ("issuer", "keys"))
    return KeyList(main.text("issuer"), tuple(map(_key, main.objects("keys", ("kid", "public", "since")))))


def _key(fields: Fields) -> ListedKey:
    try:
        public = base64.b64decode(fields.text("public"), validate=True)
    except ValueError:
        public = b""
    if len(public) != PUBLIC_BYTES:
        raise BadInput(fields.place("public"), f"is not {PUBLIC_BYTES} bytes in base64", _WAY_OUT)
    if fields.text("kid") != key_id(public).hex():
        problem = f"is not the first {KID_BYTES} bytes of the SHA-256 of its public key, in hex"
        raise BadInput(fields.place("kid"), problem, _WAY_OUT)
    return ListedKey(public, read_moment(fields.text("since"), fields.place("since")))
