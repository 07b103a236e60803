"""The funnel: what arrives while one transaction commits is the next transaction.

A commit waits for the disk, and one commit costs the disk as much for one act as for five hundred. So acts stand in
line while a batch is under way, and all that stand there are the next batch. When it is quiet nobody waits: an act that
finds a free connection goes at once, alone. When it is not, batches grow by themselves to what the database can take.

    arriving   ->  line (bounded)  ->  batch  ->  carrier (a connection)  ->  each answered by itself

The line is bounded, and nobody waits for longer than `patience_s`, in line and under way together: who cannot be served
is told so, and the try is put on record elsewhere. A batch that does not come back is abandoned, and what it answers
after that is heard by nobody. Clients hold nothing: one that is slow, or gone, has its act carried out like any other.

Everything here happens in the event loop's thread, except what a carrier does in one of its own. Whatever goes wrong
in a carrier or in a watcher, everyone is answered: people first, figures last.
"""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import structlog

from fairgate.core import faults
from fairgate.gate.carrying import Fault

A = TypeVar("A")  # an act
R = TypeVar("R")  # its outcome
A_contra = TypeVar("A_contra", contravariant=True)

START_S = 10.0
LOOK_S = 0.5  # how often is looked for those who wait too long, and for batches that are held up

log = structlog.get_logger()


class Unanswered(Exception):  # noqa: N818  what is told is that there is no answer, not that something broke
    """There is no outcome: `fault` says why. The act may or may not have been done."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Carries(Protocol[A_contra, R]):
    """Takes one batch at a time to where it is done; `fairgate.gate.carrying.Carrier` to the database.

    `abandon` comes from another thread, again and again, and makes a `carry_out` that is under way end soon.
    """

    def carry_out(self, acts: Sequence[A_contra]) -> list[R | Fault]: ...
    def abandon(self) -> None: ...
    def close(self) -> None: ...


Begin = Callable[..., "asyncio.Future[Any]"]  # given what to call and with what


class Watcher(Protocol):
    """Is told what goes on, for figures; every call is short."""

    def batch(self, name: str, acts: int, waited_s: float, took_s: float) -> None: ...
    def unanswered(self, name: str, fault: Fault, acts: int) -> None: ...
    def line(self, name: str, waiting: int) -> None: ...


@dataclass(slots=True)
class Waiting(Generic[A, R]):
    """An act in line or under way, and who waits for it."""

    act: A
    since: float
    answer: "asyncio.Future[R | Fault]"


@dataclass(eq=False, slots=True)
class Batch(Generic[A, R]):
    """Acts under way since a moment of the clock."""

    waiting: list[Waiting[A, R]]
    carrier: Carries[A, R]
    since: float


class Funnel(Generic[A, R]):
    """Acts of one kind, in batches of up to `batch_most`; `queue_most` acts may stand in line.

    As many batches as there are `carriers` may be under way at once. One begins when all others have been under way
    for `spare_after_s`: two at once would each be half as large, and cost twice as much. Made inside the event loop.
    `begin` sets a carrier to work; else each has a thread.
    """

    def __init__(
        self,
        name: str,
        carriers: Sequence[Carries[A, R]],
        *,
        queue_most: int,
        batch_most: int,
        patience_s: float,
        watcher: Watcher,
        spare_after_s: float = 0.0,
        clock: Callable[[], float] | None = None,
        begin: Begin | None = None,
    ) -> None:
        self.name = name
        self._free = list(carriers)
        self._under_way: set[Batch[A, R]] = set()
        self._line: deque[Waiting[A, R]] = deque()
        self._queue_most = queue_most
        self._batch_most = batch_most
        self._patience_s = patience_s
        self._spare_after_s = spare_after_s
        self._watcher = watcher
        self._threads = _started(len(carriers), name) if begin is None else None
        self._loop = asyncio.get_running_loop()
        self._begin = begin or partial(self._loop.run_in_executor, self._threads)
        self._clock = clock or self._loop.time
        self._looking = False
        self._called = False
        self._closed = False

    async def submit(self, act: A) -> R:
        """The outcome of an act, once it is committed; raises Unanswered."""
        if self._closed or len(self._line) >= self._queue_most:
            self._watcher.unanswered(self.name, Fault.FULL, 1)
            raise Unanswered(Fault.FULL)
        answer: asyncio.Future[R | Fault] = self._loop.create_future()
        self._line.append(Waiting(act, self._clock(), answer))
        if self._free and not self._called:
            self._called = True
            self._loop.call_soon(self._send)  # after all that arrived with this one
        outcome = await answer
        if isinstance(outcome, Fault):
            raise Unanswered(outcome)
        return outcome

    async def close(self) -> None:
        """Take no more, finish what is under way and in line, and let the connections go.

        Everyone is answered within `patience_s`. A batch that does not come back is left behind after twice that.
        """
        self._closed = True
        until = self._clock() + 2 * self._patience_s + LOOK_S
        while (self._line or self._under_way) and self._clock() < until:
            await asyncio.sleep(LOOK_S / 10)
        if self._threads is not None:
            self._threads.shutdown(wait=False)
        for carrier in self._free:
            carrier.close()

    def _send(self) -> None:
        """Give a free carrier a batch, while there is anybody in line and nothing under way but what is held up."""
        self._called = False
        while self._free and self._line and self._held_up():
            most = min(len(self._line), self._batch_most)
            batch = Batch([self._line.popleft() for _ in range(most)], self._free.pop(), self._clock())
            self._under_way.add(batch)
            done = self._begin(batch.carrier.carry_out, [w.act for w in batch.waiting])
            done.add_done_callback(partial(self._finished, batch))
        self._look_later()
        self._watcher.line(self.name, len(self._line))

    def _held_up(self) -> bool:
        """Whether every batch under way has been for longer than one should be; true when there is none."""
        latest = self._clock() - self._spare_after_s
        return all(batch.since <= latest for batch in self._under_way)

    def _finished(self, batch: Batch[A, R], done: "asyncio.Future[list[R | Fault]]") -> None:
        self._under_way.discard(batch)
        self._free.append(batch.carrier)
        took = self._clock() - batch.since
        without = self._answer(zip(batch.waiting, self._outcomes(batch, done), strict=True))
        self._send()
        self._watcher.batch(self.name, len(batch.waiting), batch.since - batch.waiting[0].since, took)
        self._tell(without)

    def _outcomes(self, batch: Batch[A, R], done: "asyncio.Future[list[R | Fault]]") -> list[R | Fault]:
        """What the carrier brought back; where it broke off, nobody knows."""
        error, acts = done.exception(), len(batch.waiting)
        if error is None and len(done.result()) == acts:
            return done.result()
        why = {"error": type(error).__name__, "place": faults.place(error)} if error else {}
        log.error("carrier broke off", lane=self.name, acts=acts, **why)
        return [Fault.AWAY] * acts

    def _answer(self, outcomes: Iterable[tuple[Waiting[A, R], R | Fault]]) -> Counter[Fault]:
        """Answer those who still wait; how many got no outcome, by why."""
        without: Counter[Fault] = Counter()
        for waiting, outcome in outcomes:
            if not waiting.answer.done():  # else gone, or told already that nobody knows
                waiting.answer.set_result(outcome)
                if isinstance(outcome, Fault):
                    without[outcome] += 1
        return without

    def _tell(self, without: Counter[Fault]) -> None:
        for fault, acts in without.items():
            self._watcher.unanswered(self.name, fault, acts)

    def _look_later(self) -> None:
        """Look as long as there is anybody to look for."""
        if not self._looking and (self._line or self._under_way):
            self._looking = True
            self._loop.call_later(LOOK_S, self._look)

    def _look(self) -> None:
        """Let go of who has waited for too long and of batches that do not come back; go round those held up."""
        self._looking = False
        self._look_later()
        latest = self._clock() - self._patience_s
        late = [waiting for batch in self._under_way for waiting in batch.waiting if waiting.since <= latest]
        while self._line and self._line[0].since <= latest:
            late.append(self._line.popleft())
        without = self._answer((waiting, Fault.AWAY) for waiting in late)
        for batch in self._under_way:
            if batch.since <= latest:
                batch.carrier.abandon()
        self._send()
        self._tell(without)


def _started(threads: int, name: str) -> ThreadPoolExecutor:
    """Threads that run already: where the system has none left, that is known at once, not in the middle of a rush."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix=f"funnel {name}")
    all_run = threading.Barrier(threads)
    for _ in range(threads):
        pool.submit(all_run.wait, START_S)
    return pool
