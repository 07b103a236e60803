"""Whole bundles in folders, sealed in a ledger of the tests' own: for those who check them, and those who attack."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from fairgate.core import tree
from fairgate.core.beacon import Proof as Value
from fairgate.core.beacon import randomness
from fairgate.core.bundle import entries_root, write_beacon, write_entries, write_results
from fairgate.core.draw import Drawn, Entry, draw
from fairgate.core.lifecycle import Fact
from fairgate.core.lines import data_text
from fairgate.core.manifest import Manifest
from fairgate.core.note import Note, NoteSigner, note_text, with_signature
from fairgate.core.statements import statement
from fairgate.core.tlog_proof import Proof, proof_text
from ledgers import LOG, WITNESSES
from sealed_rounds import REVEALS, a_manifest, an_entry

SALT = b"s" * 16
OTHERS = [sha256(b"act %d" % number).digest() for number in range(6)]  # what else is in the ledger: leaves' data
ENTRIES = [an_entry(number, size=1 + number % 4, weeks=number % 7) for number in range(24)]


@dataclass
class Bundle:
    """What a bundle is made of; change any of it, then `write`. Without changes it is right and witnessed."""

    manifest: Manifest = field(default_factory=a_manifest)
    entries: Sequence[Entry] = tuple(ENTRIES)
    value: Value = REVEALS
    facts: dict[str, Fact] = field(default_factory=dict)
    kind: str = "sealed"
    sealed_before: timedelta = timedelta(minutes=20)
    cosigned_before: timedelta = timedelta(minutes=19)
    witnesses: Iterable[NoteSigner] = tuple(WITNESSES)
    index: int = 4

    def drawn(self) -> Drawn:
        return draw(self.manifest, self.root, self.entries, randomness(self.manifest, self.value))

    @property
    def root(self) -> bytes:
        return entries_root(self.entries)

    def statement(self) -> str:
        """What the ledger keeps of the sealing."""
        hashes = {"manifest": self.manifest.hash().hex(), "root": self.root.hex()}
        about = {"program": self.manifest.program, "round": self.manifest.round}
        return statement(self.kind, None, {**about, **hashes, **self.facts}, self.manifest.seed_at - self.sealed_before)

    def proof(self, log: NoteSigner = LOG) -> Proof:
        extra = SALT + self.statement().encode()
        leaves = [*OTHERS]
        leaves.insert(self.index, sha256(extra).digest())
        hashes = [tree.leaf_hash(data) for data in leaves]
        note = Note(f"{log.key.name}\n{len(hashes)}\n{data_text(tree.root_of_hashes(hashes))}\n")
        note = with_signature(note, log.sign(note.text))
        at = int((self.manifest.seed_at - self.cosigned_before).timestamp())
        for witness in self.witnesses:
            note = with_signature(note, witness.sign(note.text, at))
        return Proof(self.index, tuple(tree.inclusion_proof(hashes, self.index)), note, extra)

    def files(self) -> dict[str, bytes]:
        proof = self.proof()
        return {
            "manifest.json": self.manifest.to_json().encode(),
            "entries.csv": write_entries(self.entries),
            "beacon.json": write_beacon(self.value),
            "results.csv": write_results(self.drawn()),
            "checkpoint": note_text(proof.note).encode(),
            "sealing.tlog-proof": proof_text(proof).encode(),
        }

    def write(self, folder: Path) -> Path:
        return write(folder, self.files())


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def policy(*, quorum: int | None = 2, log: NoteSigner = LOG) -> bytes:
    """A policy that wants so many of the tests' three witnesses, or none of them."""
    lines = [f"log {log.key.vkey}"]
    lines += [f"witness w{number} {each.key.vkey}" for number, each in enumerate(WITNESSES, 1)]
    lines += ["quorum none"] if quorum is None else [f"group enough {quorum} w1 w2 w3", "quorum enough"]
    return "".join(f"{line}\n" for line in lines).encode()
