"""The ledger's witnesses: all are asked at once to cosign a checkpoint, and no answer is believed unchecked.

A witness that is away costs seconds and nothing else. Two answers are findings that somebody has to look at: a witness
that has seen more leaves than we have (then this ledger was set back, as by a restored backup), and one that says we
do not continue what it saw.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final

import httpx
import structlog

from fairgate.core.checkpoint import Checkpoint, parse_checkpoint
from fairgate.core.clocks import CALENDAR_END
from fairgate.core.errors import BadInput
from fairgate.core.lines import number
from fairgate.core.note import Note, parse_note, parse_signatures, verified
from fairgate.core.policy import Policy, Witness
from fairgate.core.witnessing import Answer, request_bytes

TIMEOUT_S: Final = 5.0
ANSWER_MOST: Final = 64 * 1024  # bytes; a cosignature has two hundred
TRIES: Final = 2  # a second one with the size that the witness told
PLAIN: Final = {"Accept-Encoding": "identity"}

Proofs = Callable[[int, int], Sequence[bytes]]  # (old size, size) to the consistency proof between them

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ahead:
    """A witness has cosigned `size` leaves of this ledger, and there are fewer here: it was set back."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Contradicted:
    """A witness has seen `size` leaves of this ledger that are not the first ones here: there are two stories."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What the witnesses answered.

    `lines`: verified signature lines, for the note. `sizes`: how many leaves each has seen by now, by its name in the
    policy, for the next time. `ahead` and `contradicted`: what has to be looked at. `away`: who gave no answer that is
    one.
    """

    lines: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    ahead: list[Ahead] = field(default_factory=list)
    contradicted: list[Contradicted] = field(default_factory=list)
    away: list[str] = field(default_factory=list)


class Witnesses:
    """The witnesses of `policy` that have an address. `timeout` bounds, in seconds, what one try may take."""

    def __init__(self, policy: Policy, timeout: float = TIMEOUT_S) -> None:
        self._witnesses = [witness for witness in policy.witnesses if witness.url]
        self._timeout = timeout
        self._client = httpx.Client(timeout=timeout, limits=httpx.Limits(keepalive_expiry=75.0), headers=PLAIN)
        self._threads = ThreadPoolExecutor(max(1, len(self._witnesses)), "witness")
        self._running: dict[str, Future[str | Ahead | Contradicted | None]] = {}  # by the witness's name

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def cosign(self, note: bytes, old_sizes: Mapping[str, int], proof: Proofs) -> Asked:
        """Ask all to cosign the checkpoint `note`; `old_sizes` has what each had seen last (0 where it is not known).

        Never raises for what a witness does. One that dribbles its answer is not asked anew before that has ended: it
        costs itself the thread that it has, and no other witness one. `proof` is called from other threads, by one at a
        time; what it raises is raised here.
        """
        parsed = parse_note(note, "checkpoint")
        question = _Question(note, parsed, parse_checkpoint(parsed, "checkpoint"), _one_at_a_time(proof))
        asked = Asked(sizes=dict(old_sizes))
        free = [witness for witness in self._witnesses if self._is_free(witness)]
        for witness in free:
            known = old_sizes.get(witness.name, 0)
            self._running[witness.name] = self._threads.submit(self._ask, witness, question, known)
        _, late = wait([self._running[witness.name] for witness in free], timeout=TRIES * self._timeout + 1)
        for witness in self._witnesses:
            running = self._running[witness.name]
            if witness not in free or running in late:
                log.info("witness away", witness=witness.name, error="its answer does not end")
                asked.away.append(witness.name)
            else:
                _add(asked, witness, running.result(), question)
        return asked

    def _is_free(self, witness: Witness) -> bool:
        last = self._running.get(witness.name)
        return last is None or last.done()

    def _ask(self, witness: Witness, question: "_Question", old_size: int) -> "str | Ahead | Contradicted | None":
        """The witness's line, a finding, or None where it is away."""
        size, old = question.checkpoint.size, min(old_size, question.checkpoint.size)
        for _ in range(TRIES):
            hashes = question.proof(old, size)
            try:
                status, body = self._post(witness, request_bytes(old, hashes, question.note))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                log.info("witness away", witness=witness.name, error=type(error).__name__)
                return None
            if status == Answer.COSIGNED.value:
                return _own_line(witness, question, body)
            known = number(re.sub(r"\n\Z", "", body)) if status == Answer.CONFLICT.value else None
            if known is None:
                return self._refused(witness, status, old)
            if known > size:
                return Ahead(witness.name, known)
            if known == old:
                return Contradicted(witness.name, known)
            old = known
        log.info("witness away", witness=witness.name, error="it names another size each time")
        return None

    def _refused(self, witness: Witness, status: int, old: int) -> Contradicted | None:
        if status == Answer.INCONSISTENT.value and old > 0:
            return Contradicted(witness.name, old)
        log.warning("witness refuses", witness=witness.name, status=status)
        return None

    def _post(self, witness: Witness, body: bytes) -> tuple[int, str]:
        """Status and text of an answer, of which no more is read, and for no longer, than can be right.

        None is unfolded: a kilobyte that was folded often enough unfolds to more than there is memory.
        """
        until, said = time.monotonic() + self._timeout, b""
        address = f"{(witness.url or '').rstrip('/')}/add-checkpoint"
        with self._client.stream("POST", address, content=body) as answer:
            for chunk in answer.iter_raw():
                said += chunk
                if len(said) > ANSWER_MOST or time.monotonic() > until:
                    raise httpx.ReadError("the answer is too long, or takes too long")
            return answer.status_code, said.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class _Question:
    note: bytes
    parsed: Note
    checkpoint: Checkpoint
    proof: Proofs


def _add(asked: Asked, witness: Witness, found: str | Ahead | Contradicted | None, question: _Question) -> None:
    match found:
        case None:
            asked.away.append(witness.name)
        case Ahead():
            log.error("witness ahead", witness=witness.name, seen=found.size, here=question.checkpoint.size)
            asked.ahead.append(found)
        case Contradicted():
            log.error("witness contradicts", witness=witness.name, seen=found.size, here=question.checkpoint.size)
            asked.contradicted.append(found)
        case line:
            asked.lines.append(line)
            asked.sizes[witness.name] = question.checkpoint.size


def _own_line(witness: Witness, question: _Question, body: str) -> str | None:
    """The witness's own signature out of its answer, if it holds and says when; lines of other keys are left out."""
    try:
        signatures = parse_signatures(body, witness.name)
    except BadInput:
        signatures = ()
    for signature in signatures:
        at = verified(Note(question.parsed.text, (signature,)), [witness.key]).get(witness.key)
        if at is not None and at < CALENDAR_END:
            return signature.line()
    log.warning("witness wrong", witness=witness.name)
    return None


def _one_at_a_time(proof: Proofs) -> Proofs:
    """The proofs, each made once: most witnesses have seen the same size."""
    lock, made = threading.Lock(), dict[tuple[int, int], Sequence[bytes]]()

    def guarded(old: int, size: int) -> Sequence[bytes]:
        with lock:
            if (old, size) not in made:
                made[old, size] = proof(old, size)
            return made[old, size]

    return guarded
