"""An event loop whose time stands until a test lets it pass, and a carrier that does what a test says.

    with StandingTime() as loop:
        loop.run(scene())          # in the scene: `await loop.passes(6.0)`

Nothing waits for a clock: a scene goes on when a thread has come somewhere, or when time was made to pass.
"""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from typing import Any

from fairgate.gate.carrying import Fault

LIMIT_S = 20.0  # real seconds; a test that waits for a thread that never comes fails instead of hanging
STEP_S = 0.25  # finer than anything that the funnel does by the clock


class StandingTime(asyncio.SelectorEventLoop, AbstractContextManager["StandingTime"]):
    """Timers fire when `passes` has moved the time past them, and at no other moment."""

    def __init__(self) -> None:
        super().__init__(_NeverForTimers())
        self._now = 1000.0
        self.trouble: list[dict[str, Any]] = []  # exceptions that nobody caught
        self.set_exception_handler(lambda _loop, context: self.trouble.append(context))

    def time(self) -> float:
        return self._now

    async def passes(self, seconds: float) -> None:
        until = self._now + seconds
        while self._now < until:
            self._now = min(until, self._now + STEP_S)
            await settled()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let threads run, while time stands."""
        over = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < over, "nothing happens any more"
            time.sleep(0.0002)
            await settled()

    def run(self, scene: Coroutine[Any, Any, None], *, trouble: bool = False) -> None:
        """`trouble`: that the loop catches exceptions is what is meant to happen."""
        asyncio.set_event_loop(self)
        try:
            self.run_until_complete(scene)
        finally:
            asyncio.set_event_loop(None)
        assert bool(self.trouble) == trouble, self.trouble

    def __exit__(self, *_: object) -> None:
        self.close()


class _NeverForTimers(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Waits for threads and sockets however far away the next timer is: time does not pass meanwhile."""

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(timeout if timeout is not None and timeout <= 0 else LIMIT_S)
        assert found or (timeout is not None and timeout <= 0), "nothing happens any more"
        return found


async def settled() -> None:
    """Let everything run that is ready."""
    for _ in range(10):
        await asyncio.sleep(0)


class Told:
    """A funnel's watcher that keeps what it was told."""

    def __init__(self, name: str | None = "test") -> None:
        self._name = name
        self.batches: list[tuple[int, float, float]] = []  # acts, waited, took
        self.faults: list[tuple[Fault, int]] = []
        self.lines: list[int] = []
        self.ended = 0

    def batch(self, name: str, acts: int, waited_s: float, took_s: float) -> None:
        assert name == self._name or self._name is None
        self.ended += 1
        self.batches.append((acts, waited_s, took_s))

    def unanswered(self, name: str, fault: Fault, acts: int) -> None:
        self.faults.append((fault, acts))

    def line(self, name: str, waiting: int) -> None:
        self.lines.append(waiting)


class Said:
    """A carrier that waits, in its thread, until the test says how its batch ends."""

    def __init__(self, loop: StandingTime) -> None:
        self._loop = loop
        self._taken: asyncio.Queue[list[str]] = asyncio.Queue()
        self._end = threading.Semaphore(0)
        self._answer: Any = None
        self.begun = self.under_way = 0
        self.abandoned = 0
        self.closed = False

    def carry_out(self, acts: Sequence[str]) -> list[Any]:
        self.begun += 1
        self.under_way += 1
        assert self.under_way == 1, "one batch at a time"
        self._loop.call_soon_threadsafe(self._taken.put_nowait, list(acts))
        assert self._end.acquire(timeout=LIMIT_S)
        self.under_way -= 1
        if isinstance(self._answer, BaseException):
            raise self._answer
        return [f"{act} done" for act in acts] if self._answer is None else self._answer

    def abandon(self) -> None:
        self.abandoned += 1

    def close(self) -> None:
        assert not self.under_way
        self.closed = True

    async def taken(self) -> list[str]:
        """The acts of the next batch, once its thread has them."""
        return await self._taken.get()

    def ends(self, answer: Any = None) -> None:
        """The batch under way ends: with these outcomes, with this exception, or with "... done" for each act."""
        self._answer = answer
        self._end.release()
