"""Signed notes, policies and proofs of a small ledger, made from the C2SP texts with nothing of ours but the tree."""

import base64
import os
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fairgate.core import tree
from fairgate.core.canonical import canonical

LOG, WITNESS = b"\x01", b"\x04"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass
class Signing:
    """A key with its name; `kind` is the type byte of signed-note."""

    name: str
    kind: bytes = LOG
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def number(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.number.hex()}+{b64(self.kind + self.public)}"

    def line(self, body: str, at: int = 0) -> str:
        """A signature line under `body`; for a witness, made at `at` seconds since the epoch."""
        if self.kind == LOG:
            signature = self.private.sign(body.encode())
        else:
            signature = at.to_bytes(8, "big") + self.private.sign(f"cosignature/v1\ntime {at}\n{body}".encode())
        return f"— {self.name} {b64(self.number + signature)}\n"


@dataclass
class Sealed:
    """The files that show a sealing: the statement is leaf `index` of `size` others."""

    facts: dict[str, object]
    log: Signing = field(default_factory=lambda: Signing("places.example.org/ledger"))
    index: int = 5
    size: int = 9

    def __post_init__(self) -> None:
        self.extra = os.urandom(16) + canonical({"kind": "sealed", "at": "2026-11-20T17:00:00Z", **self.facts}).encode()
        leaves = [sha256(b"%d" % number).digest() for number in range(self.size)]
        leaves[self.index] = sha256(self.extra).digest()
        hashes = [tree.leaf_hash(leaf) for leaf in leaves]
        self.path = tree.inclusion_proof(hashes, self.index)
        self.body = f"{self.log.name}\n{self.size}\n{b64(tree.root_of_hashes(hashes))}\n"

    def checkpoint(self, *lines: str) -> str:
        """The note, signed by the log, with more lines of others."""
        return "".join([self.body, "\n", self.log.line(self.body), *lines])

    def proof(self, checkpoint: str) -> str:
        head = ["c2sp.org/tlog-proof@v1", f"extra {b64(self.extra)}", f"index {self.index}", *map(b64, self.path)]
        return "\n".join([*head, "", checkpoint])
