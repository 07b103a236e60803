"""The funnel: what arrives while one transaction commits is the next transaction.

A commit waits for the disk, and one commit costs the disk as much for one act as for five hundred. So acts stand in
line while a batch is under way, and all that stand there are the next batch. When it is quiet nobody waits: an act that
finds a free connection goes at once, alone. When it is not, batches grow by themselves to what the database can take.

    arriving   ->  line (bounded)  ->  batch  ->  carrier (a thread and its connection)  ->  each answered by itself

The line is bounded, and nobody stands in it for longer than `patience_s`: who cannot be served is told so, and the try
is put on record elsewhere. Clients hold nothing: one that is slow, or gone, has its act carried out like any other.

Everything here happens in the event loop's thread, except what a carrier does.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from fairgate.gate.carrying import Fault

A = TypeVar("A")  # an act
R = TypeVar("R")  # its outcome
A_contra = TypeVar("A_contra", contravariant=True)

LOOK_S = 0.5  # how often the line is looked over for those who wait too long


class Unanswered(Exception):  # noqa: N818  what is told is that there is no answer, not that something broke
    """There is no outcome: `fault` says why. The act may or may not have been done."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Carries(Protocol[A_contra, R]):
    """Takes one batch at a time to where it is done; `fairgate.gate.carrying.Carrier` to the database."""

    def carry_out(self, acts: Sequence[A_contra]) -> list[R | Fault]: ...
    def abandon(self) -> None: ...
    def close(self) -> None: ...


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
    answer: "asyncio.Future[R]"


@dataclass(eq=False, slots=True)
class Batch(Generic[A, R]):
    """Acts under way since a moment of the clock."""

    waiting: list[Waiting[A, R]]
    carrier: Carries[A, R]
    since: float
    given_up: bool = False


class Funnel(Generic[A, R]):
    """Acts of one kind. `carriers` is how many batches are under way at once; `queue_most` acts may stand in line."""

    def __init__(
        self,
        name: str,
        carriers: Sequence[Carries[A, R]],
        *,
        queue_most: int,
        batch_most: int,
        patience_s: float,
        watcher: Watcher,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.name = name
        self._free = list(carriers)
        self._under_way: set[Batch[A, R]] = set()
        self._line: deque[Waiting[A, R]] = deque()
        self._queue_most = queue_most
        self._batch_most = batch_most
        self._patience_s = patience_s
        self._watcher = watcher
        self._threads = ThreadPoolExecutor(len(carriers), thread_name_prefix=f"funnel {name}")
        self._loop = asyncio.get_running_loop()
        self._clock = clock or self._loop.time
        self._looking = False
        self._called = False
        self._closed = False

    async def submit(self, act: A) -> R:
        """The outcome of an act, once it is committed; raises Unanswered."""
        if self._closed or len(self._line) >= self._queue_most:
            self._watcher.unanswered(self.name, Fault.FULL, 1)
            raise Unanswered(Fault.FULL)
        answer: asyncio.Future[R] = self._loop.create_future()
        self._line.append(Waiting(act, self._clock(), answer))
        if self._free and not self._called:
            self._called = True
            self._loop.call_soon(self._send)  # after all that arrived with this one
        return await answer

    async def close(self) -> None:
        """Take no more, finish what is under way and in line, and let the connections go."""
        self._closed = True
        while self._line or self._under_way:
            await asyncio.sleep(LOOK_S / 10)
        self._threads.shutdown()
        for carrier in self._free:
            carrier.close()

    def _send(self) -> None:
        """Give each free carrier a batch, while there is anybody in line."""
        self._called = False
        while self._free and self._line:
            most = min(len(self._line), self._batch_most)
            batch = Batch([self._line.popleft() for _ in range(most)], self._free.pop(), self._clock())
            self._under_way.add(batch)
            done = self._loop.run_in_executor(self._threads, batch.carrier.carry_out, [w.act for w in batch.waiting])
            done.add_done_callback(partial(self._finished, batch))
        self._watcher.line(self.name, len(self._line))
        if not self._looking:
            self._looking = True
            self._loop.call_later(LOOK_S, self._look)

    def _finished(self, batch: Batch[A, R], done: "asyncio.Future[list[R | Fault]]") -> None:
        self._under_way.discard(batch)
        self._free.append(batch.carrier)
        outcomes = done.result()
        assert len(outcomes) == len(batch.waiting), "a command answers every act"
        self._watcher.batch(self.name, len(outcomes), batch.since - batch.waiting[0].since, self._clock() - batch.since)
        for waiting, outcome in zip(batch.waiting, outcomes, strict=True):
            self._answer(waiting, outcome)
        self._send()

    def _answer(self, waiting: Waiting[A, R], outcome: R | Fault) -> None:
        if waiting.answer.done():
            return  # gone, or told already that nobody knows
        if isinstance(outcome, Fault):
            self._watcher.unanswered(self.name, outcome, 1)
            waiting.answer.set_exception(Unanswered(outcome))
        else:
            waiting.answer.set_result(outcome)

    def _look(self) -> None:
        """Let go of those who have stood in line, or whose batch has been under way, for too long."""
        latest = self._clock() - self._patience_s
        while self._line and self._line[0].since <= latest:
            self._answer(self._line.popleft(), Fault.AWAY)
        for batch in self._under_way:
            if batch.since <= latest and not batch.given_up:
                batch.given_up = True
                batch.carrier.abandon()
                for waiting in batch.waiting:
                    self._answer(waiting, Fault.AWAY)
        self._looking = bool(self._line or self._under_way)
        if self._looking:
            self._loop.call_later(LOOK_S, self._look)
