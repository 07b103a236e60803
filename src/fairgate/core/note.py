"""Signed notes: a text, and below it one line for each key that signed it.

    places.example.org/ledger                         the text, up to and with its last line end
    5
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
                                                      an empty line
    — places.example.org/ledger Az3grlgtzPICa5OS…     name of the key, base64(id of the key || signature)
    — witness.example.org/w1 jWbPPwAAAABkGFDLEZMH…    another key, over the same text

A key is handed on as a line of its own, the vkey: NAME+ID+base64(kind || public key). The id is short and only says
which key is meant; what is believed is the public key that the reader had before. Two kinds are known here: Ed25519,
which signs the text as it is, and the cosignature of a witness, which signs the text behind a line with the time.

Sources: C2SP signed-note and tlog-cosignature (the kind with Ed25519).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from fairgate.core.errors import BadInput, shown
from fairgate.core.lines import data_of, data_text

ED25519: Final = 1
COSIGNATURE: Final = 4
NOTE_MOST: Final = 256 * 1024  # bytes; ours have a thousand
SIGNATURES_MOST: Final = 64
KEY_BYTES, ID_BYTES, TIME_BYTES, SIGNATURE_BYTES = 32, 4, 8, 64

_DASH: Final = "— "
_TIME_END: Final = 1 << 63
_VKEY: Final = "write it as its owner gives it: NAME+ID+KEY, on one line"
_WHOLE: Final = "fetch it again, whole and unchanged"


@dataclass(frozen=True)
class Key:
    """A public key (32 bytes) under a name, for one kind of signature."""

    name: str
    kind: int
    public: bytes

    @cached_property
    def id(self) -> bytes:
        """How signature lines name this key, beside its name: 4 bytes."""
        return sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.public).digest()[:ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key on one line, for others to keep."""
        return f"{self.name}+{self.id.hex()}+{data_text(bytes((self.kind,)) + self.public)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: the key's name and id, and the bytes that it made."""

    name: str
    id: bytes
    data: bytes

    def line(self) -> str:
        return f"{_DASH}{self.name} {data_text(self.id + self.data)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its last line end, and the signatures under it in their order. None of them is checked yet."""

    text: str
    signatures: tuple[Signature, ...] = ()


class NoteSigner:
    """Signs notes; `seed` is the Ed25519 private key (32 bytes), `name` that of the key."""

    def __init__(self, seed: bytes, name: str, kind: int = ED25519) -> None:
        assert kind in (ED25519, COSIGNATURE), "a kind that is signed here"
        assert is_name(name), "a name without blanks and plus signs"
        public, self._private = crypto_sign_seed_keypair(seed)
        self.key = Key(name, kind, public)

    def sign(self, text: str, at: int | None = None) -> str:
        """The signature line under `text`, with its line end; a cosignature says when it was made, in seconds."""
        assert text.endswith("\n"), "a note's text ends with a line end"
        if self.key.kind == ED25519:
            assert at is None, "only cosignatures have a time"
            time, message = b"", text.encode()
        else:
            assert at is not None, "a cosignature has a time"
            time, message = at.to_bytes(TIME_BYTES, "big"), cosigned(text, at)
        signature = crypto_sign(message, self._private)[:SIGNATURE_BYTES]
        return Signature(self.key.name, self.key.id, time + signature).line()


def cosigned(text: str, at: int) -> bytes:
    """What a witness signs of a checkpoint's text at the time `at`, in seconds."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def parse_key(text: str, place: str) -> Key:
    """The key in a vkey; raises BadInput where it is none, or of a kind that is not known here."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_name(parts[0]):
        raise BadInput(place, f"{shown(text)} is no key", _VKEY)
    data = data_of(parts[2])
    if data is None or len(data) != 1 + KEY_BYTES or data[0] not in (ED25519, COSIGNATURE):
        problem = f"the key {shown(parts[0])} is neither one of Ed25519 (kind 1) nor a cosigner's (kind 4)"
        raise BadInput(place, problem, _VKEY)
    key = Key(parts[0], data[0], data[1:])
    if key.id.hex() != parts[1]:
        raise BadInput(place, f"the key {shown(key.name)} has the id {key.id.hex()}, not {shown(parts[1], 16)}", _VKEY)
    return key


def parse_note(data: bytes, place: str, most: int = NOTE_MOST) -> Note:
    """The note in a file or answer; raises BadInput for everything that is not written exactly as a note is."""
    if len(data) > most:
        raise BadInput(place, f"has more than {most} bytes", _WHOLE)
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise BadInput(place, "is not UTF-8", _WHOLE) from None
    if any(character < " " and character != "\n" for character in whole):
        raise BadInput(place, "holds a control character", _WHOLE)
    text, between, below = whole.rpartition("\n\n")
    if not between or not below:
        raise BadInput(place, "has no signature under an empty line", _WHOLE)
    return Note(text + "\n", parse_signatures(below, place))


def parse_signatures(lines: str, place: str) -> tuple[Signature, ...]:
    """Signature lines, each with its line end; raises BadInput."""
    *each, rest = lines.split("\n")
    if rest or not each:
        raise BadInput(place, "does not end with whole signature lines", _WHOLE)
    if len(each) > SIGNATURES_MOST:
        raise BadInput(place, f"has more than {SIGNATURES_MOST} signatures", _WHOLE)
    return tuple(_signature(line, place) for line in each)


def _signature(line: str, place: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    data = data_of(encoded)
    if not line.startswith(_DASH) or not is_name(name) or data is None or len(data) <= ID_BYTES:
        raise BadInput(place, f"{shown(line)} is no signature line", _WHOLE)
    return Signature(name, data[:ID_BYTES], data[ID_BYTES:])


def note_text(note: Note) -> str:
    """The whole note, as it is kept and sent. Of a note that was parsed, the same bytes again."""
    return f"{note.text}\n{''.join(signature.line() for signature in note.signatures)}"


def with_signature(note: Note, lines: str) -> Note:
    """The note with one or more signature lines added under it, each once; raises BadInput for what is none."""
    new = (each for each in parse_signatures(lines, "signature") if each not in note.signatures)
    return replace(note, signatures=(*note.signatures, *dict.fromkeys(new)))


def signed_only(note: Note, keys: Iterable[Key]) -> Note:
    """The note with the signatures that name these keys, each once, and none of those that anybody may have added."""
    known = {(key.name, key.id) for key in keys}
    named = (each for each in note.signatures if (each.name, each.id) in known)
    return replace(note, signatures=tuple(dict.fromkeys(named)))


def falsely_signed(note: Note, keys: Iterable[Key]) -> Key | None:
    """The first of these keys under whose name the note has a signature that it never made; None where none has."""
    known = {(key.name, key.id): key for key in keys}
    named = ((known.get((each.name, each.id)), each.data) for each in note.signatures)
    return next((key for key, data in named if key is not None and not _holds(key, note.text, data)), None)


def verified(note: Note, keys: Iterable[Key]) -> dict[Key, int | None]:
    """Which of these keys signed the note; of a cosignature its time (the earliest, where it has several), else None.

    Signatures of other keys are left out of account. One that names a known key and is wrong spoils the whole note:
    nothing of it is believed, and the answer is empty.
    """
    known = {(key.name, key.id): key for key in keys}
    signed: dict[Key, int | None] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.id))
        if key is None:
            continue
        if not _holds(key, note.text, signature.data):
            return {}
        at = int.from_bytes(signature.data[:TIME_BYTES], "big") if key.kind == COSIGNATURE else None
        before = signed.get(key)
        signed[key] = at if at is None or before is None else min(at, before)
    return signed


def _holds(key: Key, text: str, data: bytes) -> bool:
    message = text.encode()
    if key.kind == COSIGNATURE:
        at, data = int.from_bytes(data[:TIME_BYTES], "big"), data[TIME_BYTES:]
        if at >= _TIME_END:
            return False
        message = cosigned(text, at)
    if len(data) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(data + message, key.public)
    except BadSignatureError:
        return False
    return True


def is_name(name: str) -> bool:
    """Whether a key may be called this."""
    return name != "" and not any(c.isspace() or c == "+" or c < " " or "\ud800" <= c <= "\udfff" for c in name)
