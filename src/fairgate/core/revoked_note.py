"""The list of passes that count no more, signed: whoever hands it on can leave no line out, nor make an old one new.

    fairgate-revoked/1
    {"at":"2026-12-14T18:00:10Z","ids":["03f1a90c5b77d210"],"issuer":"places.example.org/ledger"}

    — places.example.org/ledger XC2aEQ5J…

It is a signed note (core/note.py) by the ledger's key, the one that policies name. The second line is what
revoked.json holds. Nobody can take it for a checkpoint, nor a checkpoint for it: the second line of that is a number.
"""

from typing import Final

from fairgate.core.errors import BadInput, shown
from fairgate.core.note import Note, NoteSigner, parse_note
from fairgate.core.passes import REVOKED_BYTES_MOST, Revoked, parse_revoked

KIND: Final = "fairgate-revoked/1"
NOTE_BYTES_MOST: Final = REVOKED_BYTES_MOST + 4096


def signed(signer: NoteSigner, found: Revoked) -> bytes:
    """The whole note over a list; the signer is that of the list's ledger."""
    assert signer.key.name == found.issuer, "a list is signed by its own ledger"
    text = f"{KIND}\n{found.to_bytes().decode()}"
    return f"{text}\n{signer.sign(text)}".encode()


def is_note(data: bytes) -> bool:
    """Whether this is meant to be such a note, and not the bare list."""
    return data.startswith(KIND.encode())


def parse(file: str, data: bytes) -> tuple[Revoked, Note]:
    """The list in a note, of which no signature is checked yet; raises BadInput for what cannot be right."""
    note = parse_note(data, file, NOTE_BYTES_MOST)
    kind, _, listed = note.text.partition("\n")
    if kind != KIND:
        raise BadInput(file, f"is {shown(kind)}, not {KIND}", "fetch the list of revoked passes again")
    found = parse_revoked(file, listed.encode())
    if found.to_bytes() != listed.encode():
        raise BadInput(file, "its list is not written as it is signed: canonical JSON on one line", "fetch it again")
    return found, note
