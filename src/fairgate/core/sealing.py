"""Personal data under lock: one sealed blob a person, each under a key of its own.

A person's data is encrypted with AES-256-GCM under a fresh key, and that key is wrapped (encrypted)
under the deployment's key. Both are bound to the row they belong to, so that blobs cannot be
swapped between people. Whoever deletes the wrapped key has destroyed the data in every backup that was
taken of the blob. Equality (is this the same person? is this the right access code?) is asked
through keyed hashes, which tell nothing to somebody without the deployment's key.
"""

import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fairgate.core.canonical import canonical

Chance = Callable[[int], bytes]  # asked for n, gives n unpredictable bytes (os.urandom)

_NONCE = 12
_ACCENTS = re.compile("[\u0300-\u034e\u0350-\u036f]+")  # combining marks; U+034F among them is not one
_NO_LETTER_OR_DIGIT = re.compile("[^0-9A-Za-z]+")


@dataclass(frozen=True)
class Keys:
    """The deployment's key (32 bytes) and what is derived from it, one key for each purpose."""

    master: bytes

    def __post_init__(self) -> None:
        assert len(self.master) == 32, "the deployment's key has 32 bytes"

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose; HKDF-Expand (RFC 5869) of a key that is uniform already."""
        return hmac.digest(self.master, b"fairgate|" + purpose.encode() + b"\x01", "sha256")

    @cached_property
    def wrapping(self) -> bytes:
        return self.derive("wrap")

    @cached_property
    def identity(self) -> bytes:
        return self.derive("identity")

    @cached_property
    def code(self) -> bytes:
        return self.derive("access code")

    @cached_property
    def recipient(self) -> bytes:
        return self.derive("recipient")

    @cached_property
    def appointment(self) -> bytes:
        return self.derive("appointment")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A person's data as it is stored: `wrapped` is the person's own key under the deployment's key."""

    wrapped: bytes
    blob: bytes


@lru_cache(maxsize=4)
def _wrapper(key: bytes) -> AESGCM:
    return AESGCM(key)


def _encrypt(cipher: AESGCM, plain: bytes, about: bytes, chance: Chance) -> bytes:
    nonce = chance(_NONCE)
    return nonce + cipher.encrypt(nonce, plain, about)


def seal(keys: Keys, person: Mapping[str, object], about: str, chance: Chance) -> Sealed:
    """Seal JSON-able `person`; `about` names the row (registration number), and opens nothing else."""
    own = chance(32)
    plain = canonical(person).encode()
    bound = about.encode()
    return Sealed(
        wrapped=_encrypt(_wrapper(keys.wrapping), own, bound, chance),
        blob=_encrypt(AESGCM(own), plain, bound, chance),
    )


def unseal(keys: Keys, sealed: Sealed, about: str) -> dict[str, object]:
    """The person again; raises cryptography's InvalidTag when a byte, the key or the row is another."""
    bound = about.encode()
    own = _wrapper(keys.wrapping).decrypt(sealed.wrapped[:_NONCE], sealed.wrapped[_NONCE:], bound)
    plain = AESGCM(own).decrypt(sealed.blob[:_NONCE], sealed.blob[_NONCE:], bound)
    person = json.loads(plain)
    assert isinstance(person, dict)
    return person


def wrap(keys: Keys, secret: bytes, about: str, chance: Chance) -> bytes:
    """A short secret (a round's ticket key) under the deployment's key, bound to `about`."""
    return _encrypt(_wrapper(keys.wrapping), secret, about.encode(), chance)


def unwrap(keys: Keys, wrapped: bytes, about: str) -> bytes:
    """The secret that `wrap` hid; raises InvalidTag when it was not wrapped for `about` by these keys."""
    return _wrapper(keys.wrapping).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], about.encode())


def _plain_letters(name: str) -> str:
    """Upper case without accents and punctuation: 'José  Núñez-Díaz' and 'JOSE NUNEZ DIAZ' are one."""
    text = _ACCENTS.sub("", unicodedata.normalize("NFKD", name))
    if text.isascii():  # nearly always, and several times faster than looking at every character
        return " ".join(_NO_LETTER_OR_DIGIT.sub(" ", text).upper().split())
    letters = (c if c.isalnum() else " " for c in text if not unicodedata.combining(c))
    return " ".join("".join(letters).upper().split())


def identity(keys: Keys, given_names: str, family_names: str, born_on: date) -> bytes:
    """Keyed hash (16 bytes) that is equal for the same names and birth date, to count a person once."""
    text = f"{_plain_letters(given_names)}|{_plain_letters(family_names)}|{born_on.isoformat()}"
    return hmac.digest(keys.identity, text.encode(), "sha256")[:16]


def code_hash(keys: Keys, number: str, code: str) -> bytes:
    """Keyed hash (16 bytes) of an access code, other for every registration; 55 bits of chance need no slow hash."""
    return hmac.digest(keys.code, f"{number}|{code}".encode(), "sha256")[:16]


def code_matches(keys: Keys, number: str, code: str, stored: bytes) -> bool:
    """Whether `code` is the one whose hash is stored, compared in constant time."""
    return hmac.compare_digest(code_hash(keys, number, code), stored)


def recipient_hash(keys: Keys, number: str, channel: str, address: str) -> bytes:
    """Keyed hash (16 bytes) of where a notice goes, other for every registration: it tells nobody who shares one."""
    return hmac.digest(keys.recipient, f"{number}|{channel}|{address.casefold()}".encode(), "sha256")[:16]


def appointment_id(keys: Keys, number: str, program: str, day: date) -> str:
    """How a pass names an appointment: 16 hex digits, the same again from the same people, program and date.

    So a pass that a restored backup knows nothing of is still the one that is revoked with its appointment.
    """
    return hmac.digest(keys.appointment, f"{number}|{program}|{day.isoformat()}".encode(), "sha256")[:8].hex()
