"""Receipts and passes for tests: what is signed, by which keys, and the ledgers that hold them."""

import io
from datetime import UTC, datetime
from pathlib import Path

import segno
from PIL import Image

from fairgate.core import tiles
from fairgate.core.key_list import KeyList
from fairgate.core.lifecycle import Done, Fact, Leaf
from fairgate.core.note import Note, NoteSigner, note_text, with_signature
from fairgate.core.policy import Group, Log, Policy, Witness
from fairgate.core.receipts import Signer, read
from fairgate.core.tree import leaf_hash
from ledgers import LOG, ORIGIN, WITNESSES, Published
from policies import policy_bytes

AT = datetime(2026, 11, 26, 20, 15, 4, tzinfo=UTC)
SALT = bytes(range(16))
SIGNER = Signer(bytes(range(32)), ORIGIN)
PLACE: dict[str, Fact] = {"program": "arrival", "port": "SYS", "date": "2026-12-17", "time": "09:00", "size": 2}
PASS: dict[str, Fact] = {
    "appointment": "8f2a00112233aabb",
    "port": "SYS",
    "date": "2026-12-17",
    "slot": "09:00",
    "size": 2,
    "exp": 1797602400,  # 14:00 UTC on 18 December 2026, six hours after that day's end at San Ysidro
}
BEFORE = "2026-12-17T17:00:00Z"
FACTS = {"confirmed": {**PLACE, "how": "on time"}, "pass": PASS}
TRUSTED = Policy(
    (Log(LOG.key),),
    tuple(Witness(f"w{n}", signer.key) for n, signer in enumerate(WITNESSES, 1)),
    (Group("two", 2, ("w1", "w2", "w3")),),
    "two",
)
OPERATOR_ALONE = Policy((Log(LOG.key),), (), (), "none")


def signed(kind: str = "confirmed", leaf: int = 300, **facts: Fact) -> str:
    """The text of a receipt or, of the kind "pass", a pass; at this leaf of the ledger."""
    return SIGNER.receipt(Done(kind, "K48J-2J9P", {**FACTS[kind], **facts}, leaf=Leaf(leaf, SALT, AT)))


def keys_file(folder: Path) -> Path:
    file = folder / "keys.json"
    file.write_bytes(KeyList(ORIGIN).now_signing(ORIGIN, SIGNER.public, AT).to_bytes())
    return file


def holding(*texts: str, before: int = 300, after: int = 400) -> Published:
    """A ledger that holds these receipts one after the other, `before` other leaves before and `after` behind them."""
    ledger = Published(before)
    for text in texts:
        data = read(text).leaf_data()
        ledger.entries.append(data)
        ledger.hashes.append(leaf_hash(data))
        for tile, written in list(tiles.grown(ledger.size - 1, ledger.hashes[-1:], ledger.read)):
            ledger.files[tile.path] = written
    ledger.grow(after)
    return ledger


def cosigned(note: Note, witnesses: list[NoteSigner], at: int = 1_796_000_000) -> Note:
    for n, witness in enumerate(witnesses):
        note = with_signature(note, witness.sign(note.text, at + n))
    return note


def published(folder: Path, ledger: Published, *, witnesses: list[NoteSigner] | None = None) -> Path:
    """The ledger's files in a folder of their own, its checkpoint cosigned."""
    place = folder / "ledger"
    for path, data in ledger.files.items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    note = cosigned(ledger.note(), WITNESSES[:2] if witnesses is None else witnesses)
    (place / "checkpoint").write_text(note_text(note), encoding="utf-8")
    return place


def policy_file(folder: Path, policy: Policy = TRUSTED) -> Path:
    file = folder / "trusted.policy"
    file.write_bytes(policy_bytes(policy))
    return file


def picture(text: str, scale: int = 4) -> Image.Image:
    """A QR code as pages draw it, `scale` pixels a module, in shades of grey."""
    data = io.BytesIO()
    segno.make(text, error="m", boost_error=False, micro=False).save(data, kind="png", scale=scale, border=4)
    return Image.open(data).convert("L")
