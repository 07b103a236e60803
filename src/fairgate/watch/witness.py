"""A witness for ledgers of others: cosigns a checkpoint only where it continues the one that it cosigned last.

What it remembers of each ledger is one file, and that file is on disk before a cosignature leaves the house. So
whatever happens to this machine, no two of its cosignatures are ever on two ledgers of which neither continues the
other. Two checkpoints that cannot both be honest are kept, with the ledger's signatures on them.
The times that it signs never go back either.

    witness.key                 the private key, of mode 0600; made at first use
    seen/ID                     the last checkpoint of a ledger, with its signature and ours; ID is of the origin
    forks/ID-SIZE-HASH/         two checkpoints of the same size with different roots: proof that a ledger has two faces
    unproven/ID-SIZE-HASH/      a checkpoint that came without a valid proof that it continues the one before
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from fairgate.core.checkpoint import Checkpoint, parse_checkpoint
from fairgate.core.errors import BadInput, shown
from fairgate.core.note import (
    COSIGNATURE,
    Key,
    Note,
    NoteSigner,
    note_text,
    parse_note,
    signed_only,
    verified,
    with_signature,
)
from fairgate.core.witnessing import Answer, Request, Verdict, decide, parse_request
from fairgate.store.files import flush_folder, put
from fairgate.store.secret_files import load_own
from fairgate.watch import contradictions
from fairgate.watch.contradictions import ledger_id

KEY_FILE: Final = "witness.key"

_PLAIN: Final = "text/plain; charset=utf-8"
_SIZE: Final = "text/x.tlog.size"
_PUBLIC: Final = 0o644
_SAID: Final = {
    Answer.SIGNED_BY_NOBODY: "no key that is known here for this ledger signed the checkpoint",
    Answer.UNKNOWN: "this witness does not know this ledger",
    Answer.BAD: "the old size is larger than the checkpoint's",
    Answer.INCONSISTENT: "the proof does not show that the checkpoint continues the last one",
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP."""

    status: int
    body: bytes
    media_type: str = _PLAIN


@dataclass(frozen=True, slots=True)
class Seen:
    """The last checkpoint of a ledger that was cosigned here."""

    note: Note
    checkpoint: Checkpoint


class Witness:
    """One witness, which alone writes into `home`. `logs` are the keys of the ledgers that it cosigns, by their origin.

    `now` is the clock, in seconds since the epoch. Its methods are called one after the other, by one thread at a time.
    Raises BadInput where what it remembers cannot be read: then it must not start again from nothing.
    """

    def __init__(self, home: Path, name: str, logs: Sequence[Key], now: Callable[[], float]) -> None:
        self._home = home
        self._now = now
        self._seen_folder = home / "seen"
        self._seen_folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._signer = NoteSigner(load_own(home / KEY_FILE), name, COSIGNATURE)
        self._logs: dict[str, list[Key]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)
        self._seen = {origin: self._remembered(origin) for origin in self._logs}

    @property
    def key(self) -> Key:
        return self._signer.key

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answer a request by tlog-witness; what is cosigned is on disk before this returns."""
        try:
            request = parse_request(body)
        except BadInput as fault:
            return _told(Answer.BAD, fault.problem)
        seen = self._seen.get(request.checkpoint.origin)
        verdict = decide(request, seen.checkpoint if seen else None, self._logs)
        if verdict.answer == Answer.COSIGNED:
            return self._cosign(request, seen)
        if seen and verdict.contradicts:
            self._keep_evidence(request, seen, verdict)
        if verdict.answer == Answer.CONFLICT:
            return Reply(verdict.answer.value, b"%d\n" % (verdict.size or 0), _SIZE)
        return _told(verdict.answer, _SAID[verdict.answer])

    def about(self) -> Reply:
        """Who this is, for people and for the policies that name it."""
        lines = [
            f"{self.key.vkey}",
            "",
            "This witness cosigns these ledgers, each at the address of its last checkpoint:",
        ]
        for origin, seen in self._seen.items():
            size = "nothing yet" if seen is None else f"{seen.checkpoint.size} leaves"
            lines += ["", f"{origin}: {size}", f"/seen/{ledger_id(origin)}"]
        return Reply(200, "".join(f"{line}\n" for line in lines).encode())

    def last(self, which: str) -> Reply | None:
        """The last checkpoint of the ledger of this id, with the signatures that made this witness believe it."""
        for origin, seen in self._seen.items():
            if seen is not None and ledger_id(origin) == which:
                return Reply(200, note_text(seen.note).encode())
        return None

    def _cosign(self, request: Request, seen: Seen | None) -> Reply:
        line = self._signer.sign(request.note.text, self._time(seen))
        known = with_signature(signed_only(request.note, self._logs[request.checkpoint.origin]), line)
        if seen is None or seen.note != known:  # at most once a second for the same checkpoint
            self._remember(Seen(known, request.checkpoint))
        return Reply(Answer.COSIGNED.value, line.encode())

    def _time(self, seen: Seen | None) -> int:
        """When this is cosigned, in seconds; never before what was cosigned last, whatever became of the clock.

        A cosignature says which tree was the largest by then. Set back, a clock would let a list seem sealed earlier.
        """
        now, last = int(self._now()), 0 if seen is None else verified(seen.note, [self.key])[self.key] or 0
        if now < last:
            log.error("clock was set back", last=last, now=now)
        return max(now, last)

    def _remember(self, seen: Seen) -> None:
        """Put it on disk, then believe it. Where it cannot be written (OSError) nothing has changed."""
        place = self._seen_folder / ledger_id(seen.checkpoint.origin)
        put(place, note_text(seen.note).encode(), _PUBLIC)
        flush_folder(self._seen_folder)
        self._seen[seen.checkpoint.origin] = seen
        doubt = self._home / "unproven" / contradictions.called(seen.checkpoint)
        if doubt.exists():
            shutil.rmtree(doubt)  # it came again, with its proof

    def _remembered(self, origin: str) -> Seen | None:
        place = self._seen_folder / ledger_id(origin)
        if not place.exists():
            return None
        note = parse_note(place.read_bytes(), str(place))
        checkpoint = parse_checkpoint(note, str(place))
        if checkpoint.origin != origin or self.key not in verified(note, [self.key]):
            problem = f"is not a checkpoint of {shown(origin)} that this witness cosigned"
            way_out = "find out what happened to it; a witness that forgot must begin again with a new key"
            raise BadInput(str(place), problem, way_out)
        return Seen(note, checkpoint)

    def _keep_evidence(self, request: Request, seen: Seen, verdict: Verdict) -> None:
        """Both checkpoints as files, once; what cannot be written is told in the log, and the answer stays the same."""
        proven = verdict.answer == Answer.CONFLICT
        folder = self._home / ("forks" if proven else "unproven")
        second = signed_only(request.note, self._logs[request.checkpoint.origin])
        log.error("two checkpoints", ledger=seen.checkpoint.origin, size=request.checkpoint.size, proven=proven)
        try:
            contradictions.keep(folder, seen.note, second, request.checkpoint, self._now())
        except OSError as error:
            log.error("evidence not kept", error=type(error).__name__)


def _told(answer: Answer, problem: str) -> Reply:
    return Reply(answer.value, f"{problem}\n".encode())
