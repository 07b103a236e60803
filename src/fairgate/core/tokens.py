"""Signed tokens: what a cookie or a form carries and nobody but us can have written.

A token is base64url(JSON) "." base64url(HMAC-SHA256), under a key of its own for each purpose, so that
a token for one purpose opens nothing else. It is signed, not hidden: nothing secret belongs in it.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from fairgate.core.lifecycle import Done
from fairgate.core.sealing import Keys

Payload = Mapping[str, str | int]

SESSION = "session"  # who is signed in: number, until (seconds since the epoch); cookie and bearer token alike
COOKIE = "registration"  # its name in a browser
DONE = "done"  # the cookie that carries what was done over a redirect, once; it is not signed
OFFICER = "officer"  # somebody who checks groups in: name, until


def done(act: Done) -> str:
    """What the cookie DONE says of an act: its kind, and its leaf in the ledger if that is known: "confirmed.4711"."""
    return act.kind if act.leaf is None else f"{act.kind}.{act.leaf.index}"


def sign(keys: Keys, purpose: str, payload: Payload) -> str:
    """The token that carries `payload` for `purpose`."""
    body = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    return f"{_text(body)}.{_text(_tag(keys, purpose, body))}"


def read(keys: Keys, purpose: str, token: str) -> Payload | None:
    """What `sign` was given; None for anything that it did not write for this purpose."""
    try:
        body, tag = (urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
    except ValueError:
        return None
    if not hmac.compare_digest(tag, _tag(keys, purpose, body)):
        return None
    payload = json.loads(body)
    assert isinstance(payload, dict), "only sign writes what the tag proves"
    return payload


def read_number(keys: Keys, token: str, now: float) -> str | None:
    """The registration number that `token` signs in at `now` (seconds since the epoch); None for nobody."""
    payload = read(keys, SESSION, token)
    if payload is None or int(payload["until"]) < now:
        return None
    return str(payload["number"])


def sign_page(keys: Keys, number: str, opened_at: datetime) -> str:
    """Says when the confirm page was opened, for the person who is then in line (docs/rules/deadlines.md)."""
    return sign(keys, "page", {"number": number, "at": int(opened_at.timestamp())})


def read_page(keys: Keys, number: str, token: str) -> datetime | None:
    """When `number`'s page was opened; None for a token that is not one of ours or not this person's."""
    payload = read(keys, "page", token)
    if payload is None or payload["number"] != number:
        return None
    return datetime.fromtimestamp(int(payload["at"]), UTC)


def _tag(keys: Keys, purpose: str, body: bytes) -> bytes:
    return hmac.digest(_key(keys, purpose), body, "sha256")


@lru_cache(maxsize=32)
def _key(keys: Keys, purpose: str) -> bytes:
    return keys.derive(f"token {purpose}")


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
