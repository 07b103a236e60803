"""Make the ledger's next checkpoint: every leaf that it covers is hashed again from its statement before it is signed.

Whoever signs keeps a `Head`, and that outside of the database: the size and the right edge of the tree that was signed
last, and its last leaf. The next tree is grown from that edge, so it has the signed one as its beginning, and a
database that says otherwise is found out: one restored from a backup has fewer leaves, or others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from fairgate.core.checkpoint import Checkpoint
from fairgate.core.note import NoteSigner
from fairgate.core.tree import Frontier, leaf_hash
from fairgate.store import audit, checkpoints, rounds
from fairgate.store.checkpoints import Published
from fairgate.store.heads import Head
from fairgate.store.ledger import leaf_data


class Contradiction(Exception):  # noqa: N818  a finding about the ledger, not a defect of ours
    """What is to be signed does not agree with itself, or with what was signed; somebody has to look."""


class SetBack(Contradiction):
    """The database does not go on from what was signed: it would give out indexes again that are on receipts."""


def grown(conn: psycopg.Connection, head: Head, size: int) -> Head:
    """The head over the first `size` leaves, which goes on from `head`; raises SetBack where they do not.

    Each leaf is recomputed from its salt and statement, where these were not destroyed; one that differs, or is
    missing, is a Contradiction.
    """
    there = audit.size(conn)
    if there < head.size:
        problem = f"{head.size} leaves were signed, the database has {there}"
        raise SetBack(f"{problem}: it was restored from a backup of before")
    if head.size and audit.hash_at(conn, head.size - 1) != head.last:
        raise SetBack(f"leaf {head.size - 1} is another than the one that was signed: indexes were given out twice")
    tree, last = Frontier(head.size, head.edge), head.last
    for expected, leaf in enumerate(audit.leaves(conn, head.size, size), head.size):
        if leaf.place != expected:
            raise Contradiction(f"leaf {expected} is missing; the next one is {leaf.place}")
        if leaf.salt is not None and leaf.body is not None and leaf_data(leaf.salt, leaf.body) != leaf.data:
            raise Contradiction(f"leaf {expected} is not what its statement hashes to")
        tree.append(leaf.data)
        last = leaf_hash(leaf.data)
    if tree.size != size:
        raise Contradiction(f"the ledger counts {there} leaves and leaf {tree.size} is missing")
    return Head(tree.size, tuple(tree.edge), last)


def signed(signer: NoteSigner, head: Head) -> str:
    """The checkpoint over `head` as a signed note."""
    text = Checkpoint(signer.key.name, head.size, head.root()).text()
    return f"{text}\n{signer.sign(text)}"


@dataclass(slots=True)
class Notary:
    """Signs for a rehearsal, in which nobody is outside: its only witness is at hand, and the head kept in memory."""

    signer: NoteSigner
    witness: NoteSigner | None = None
    head: Head = field(default_factory=Head)

    def sign(self, conn: psycopg.Connection, now: datetime) -> None:
        """Put a checkpoint over all that is in the ledger on record, as signed and shown at `now`."""
        with conn.transaction():
            self.head = grown(conn, self.head, audit.size(conn))
            note = signed(self.signer, self.head)
            if self.witness is not None:
                note += self.witness.sign(note.split("\n\n")[0] + "\n", int(now.timestamp()))
            record_checkpoints(conn, [Published(self.head.size, self.head.root(), note, now, now)])


def record_checkpoints(conn: psycopg.Connection, made: Sequence[Published]) -> None:
    """Put checkpoints on record, in the order in which they were signed; they show what was sealed before."""
    with conn.transaction():
        for each in made:
            checkpoints.insert(conn, each)
            if each.witnessed_at is not None:
                rounds.shown(conn, each.size)
