"""Sign the ledger's checkpoints: a process of its own, which alone has the key, and believes nobody.

The worker writes the tiles. This process reads the leaves from the database itself, hashes each again from its
statement, and signs only when three things agree: the tree grown from what was signed last, the tiles that are public,
and the proof out of these tiles that the tree that was signed last is the beginning of the new one. What is signed is
on disk before anybody sees it. Then the witnesses are asked, and the checkpoint is published with what they signed.

Where something does not agree, nothing more is signed until somebody has looked. Where the database is one of before
what was signed, nothing more is added to the ledger either (store/heads.py).
"""

import threading
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Final

import psycopg
import structlog

from fairgate.commands import looping
from fairgate.commands.checkpoint import Contradiction, SetBack, grown, record_checkpoints, signed
from fairgate.commands.looping import Clock, Connect, Loop
from fairgate.core import tiles, tree
from fairgate.core.checkpoint import Checkpoint, parse_checkpoint
from fairgate.core.errors import BadInput
from fairgate.core.note import NoteSigner, note_text, parse_note, verified, with_signature
from fairgate.core.policy import Policy, parse_policy, witnessed_at
from fairgate.store import audit, checkpoints, clock, heads
from fairgate.store.checkpoints import Published
from fairgate.store.heads import Head
from fairgate.store.ledger_files import LedgerFiles
from fairgate.worker.revoking import Revoking
from fairgate.worker.witnesses import Asked, Witnesses

EVERY_S: Final = 10.0  # while the ledger grows
KEPT_EVERY: Final = timedelta(hours=1)
SOON_S: Final = 1.0  # where a sealed round waits to be shown
LOOK_S: Final = 0.5
REVOKED_S: Final = 10.0
CONNECTIONS: Final = 2  # one a loop: witnesses that do not answer must not hold up the list of revoked passes

log = structlog.get_logger()


@dataclass(slots=True)
class Signing:
    """What the process works with, and what it knows of the last checkpoint that it published."""

    home: Path
    signer: NoteSigner
    connect: Connect
    policy: Policy
    witnesses: Witnesses
    every_s: float = EVERY_S
    clock: Clock = clock.now
    files: LedgerFiles = field(init=False)
    _published: int = 0  # leaves
    _witnessed: bool = False
    _sizes: dict[str, int] = field(default_factory=dict)  # what each witness has seen
    _signed_at: float = float("-inf")
    _told: str = ""

    def __post_init__(self) -> None:
        self.files = LedgerFiles(self.home)

    def look(self) -> bool:
        """Sign and publish what there is to be signed; nothing while somebody has to look first."""
        if heads.held(self.home) is not None:
            return False
        try:
            self._look()
        except SetBack as found:
            heads.hold(self.home, str(found))
            log.error("ledger held", why=str(found))
        except (Contradiction, BadInput) as found:
            if str(found) != self._told:  # once, until it is another
                log.error("not signed", why=str(found))
            self._told = str(found)
        return False

    def _look(self) -> None:
        with self.connect() as conn:
            head = heads.load(heads.path(self.home))
            if head is None:
                with audit.one_moment(conn):
                    head = self._begin(conn)
            size, awaited = self.files.size(), checkpoints.awaited(conn) is not None
            due = monotonic() - self._signed_at >= (min(SOON_S, self.every_s) if awaited else self.every_s)
            if size > head.size and due:
                with audit.one_moment(conn):
                    new = grown(conn, head, size)
                self._compare(head, new)
                heads.save(heads.path(self.home), new)
                self._signed_at = monotonic()
                head = new
            elif audit.size(conn) < head.size or size < head.size:
                with audit.one_moment(conn):
                    grown(conn, head, head.size)  # the tiles are written anew, or the database is an older one
                return
            if head.size > self._published or (not self._witnessed and head.size and due):
                self._publish(conn, head)

    def _begin(self, conn: psycopg.Connection) -> Head:
        """The head where there is no file of it: of the last checkpoint that is public or on record, else of nothing.

        All of it is hashed again. A home from which the file was lost so still does not contradict itself.
        """
        last = checkpoints.newest(conn)
        size, root = (last.size, last.root) if last else (0, Head().root())
        if self.files.checkpoint.exists():
            public = self._own(self.files.checkpoint.read_bytes())
            if public.size > size:
                size, root = public.size, public.root
        head = grown(conn, Head(), size)
        if head.root() != root:
            raise Contradiction(f"the database has another root over the first {size} leaves than was published")
        heads.save(heads.path(self.home), head)
        return head

    def _own(self, data: bytes) -> Checkpoint:
        note = parse_note(data, str(self.files.checkpoint))
        if not verified(note, [self.signer.key]):
            way_out = "put the key back that signed it, or move the file away if it is not ours"
            raise BadInput(str(self.files.checkpoint), "is not signed by the key of this home", way_out)
        return parse_checkpoint(note, str(self.files.checkpoint))

    def _compare(self, head: Head, new: Head) -> None:
        """The tiles, which others wrote, against the tree that was hashed here, and against what was signed last."""
        if tiles.root(new.size, self.files.read) != new.root():
            problem = f"the tiles give another root over {new.size} leaves than the database"
            raise BadInput(str(self.files.folder), problem, "move the folder away: all of it is written anew")
        proof = self.proof(head.size, new.size)
        if not tree.verify_consistency(head.size, head.root(), new.size, new.root(), proof):
            raise Contradiction(f"the tree of {head.size} leaves that was signed is not the beginning of this one")

    def proof(self, old: int, size: int) -> list[bytes]:
        """That the tree of `old` leaves is the beginning of that of `size`, out of the tiles."""
        return tiles.consistency(old, size, self.files.read)

    def _publish(self, conn: psycopg.Connection, head: Head) -> None:
        """Ask the witnesses, put the checkpoint on record, and let everybody see it.

        Nobody has seen it before it was asked for, whatever a clock of theirs says that is slow.
        """
        text, since = signed(self.signer, head), self.clock(conn)
        asked = self.witnesses.cosign(text.encode(), self._sizes, self.proof)
        self._sizes = asked.sizes
        self._heed(asked, audit.size(conn))
        note = parse_note(text.encode(), "checkpoint")
        for line in asked.lines:
            note = with_signature(note, line)
        now = self.clock(conn)
        at = witnessed_at(note, self.policy)
        seen = None if at is None else max(datetime.fromtimestamp(at, UTC), since) if at else now
        made = Published(head.size, head.root(), note_text(note), now, seen)
        if self._to_be_kept(conn, made):
            record_checkpoints(conn, [made])
        if head.size > self._shown() or seen is not None:
            self.files.put_checkpoint(made.note)
            log.info("checkpoint", size=head.size, witnessed=seen is not None)
        self._published, self._witnessed = head.size, seen is not None
        self._signed_at = monotonic()
        self._told = ""

    def _shown(self) -> int:
        """The leaves of the checkpoint that is public; one that was witnessed is not replaced by one that is not."""
        try:
            return self._own(self.files.checkpoint.read_bytes()).size
        except (FileNotFoundError, BadInput):
            return 0

    def _to_be_kept(self, conn: psycopg.Connection, made: Published) -> bool:
        """Whether a checkpoint goes on record: those that show a sealing, and now and then one of the others."""
        last = checkpoints.newest(conn)
        if last is None or (made.witnessed_at is not None and checkpoints.awaited(conn) is not None):
            return True
        if made.size == last.size:
            return made.witnessed_at is not None and last.witnessed_at is None
        return made.signed_at - last.signed_at >= KEPT_EVERY

    def _heed(self, asked: Asked, there: int) -> None:
        """Witnesses who have seen another ledger, or more leaves than the `there` of the database: it was set back.

        Of leaves that the database has, only the files are behind, as in a home that was restored alone: they come.
        One witness stops nobody: what it says of sizes is not signed. Without a quorum of the others it holds.
        """
        other = {ahead.name: ahead.size for ahead in asked.ahead if ahead.size > there}
        other |= {contradicted.name: contradicted.size for contradicted in asked.contradicted}
        willing = {witness.name for witness in self.policy.witnesses} - other.keys()
        if other and not self.policy.satisfied(willing):
            told = ", ".join(f"{name} has seen {size} leaves" for name, size in sorted(other.items()))
            raise SetBack(f"witnesses know another ledger than this one ({told}): it was restored from a backup")


def policy_of(home: Path, signer: NoteSigner, address: str) -> Policy:
    """Who witnesses this ledger: the file home/ledger/policy, and where there is none, nobody.

    What is published names our own key whatever the file says; raises BadInput for a file that is no policy.
    """
    path = home / "ledger" / "policy"
    data = path.read_bytes() if path.exists() else b"quorum none\n"
    policy = parse_policy(data, str(path))
    others = [line for line in data.splitlines(keepends=True) if line.split()[:1] != [b"log"]]  # with what they remark
    LedgerFiles(home).put_policy(b"".join([f"log {signer.key.vkey} {address}/ledger/\n".encode(), *others]))
    return policy


def run(
    dsn: str,
    home: Path,
    signer: NoteSigner,
    policy: Policy,
    stop: threading.Event,
    *,
    every_s: float = EVERY_S,
    clock: Clock = clock.now,
) -> None:
    """Sign until `stop` is set. One such process runs for a ledger; the lock is the caller's."""
    with looping.connections(dsn, CONNECTIONS) as connect, closing(Witnesses(policy)) as witnesses:
        signing = Signing(home, signer, connect, policy, witnesses, every_s, clock)
        log.info("signing", ledger=signer.key.name, key=signer.key.vkey)
        revoking = Revoking(home, signer, connect, clock)
        loops = [
            Loop("checkpoints", signing.look, min(LOOK_S, every_s)),
            Loop("revoked", revoking.tell, min(REVOKED_S, every_s)),
        ]
        looping.run(loops, stop)
