"""Commands in the event loop's own thread: plain synchronous code that lets the loop go on while PostgreSQL works.

Commands are synchronous, and there is only one copy of them. In a thread of their own they would fight with the loop
for Python's lock: whoever lets go of it for a moment, to sign a receipt or to read a socket, waits for milliseconds to
have it again. So a batch is a greenlet, a stack of its own that is left when it has to wait and entered again when the
socket is ready. Nothing in a command knows of it; what waits is the connection.

    loop:      requests  requests |        | requests  answers  requests |       |
    batch:                        | decide |                             | write |  ...
    database:            locks, reads                writes

Everything here is called in the loop's thread.
"""

import asyncio
import select
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg
from greenlet import getcurrent, greenlet
from psycopg.abc import PQGen
from psycopg.waiting import Ready

R = TypeVar("R")
RV = TypeVar("RV")

READ: Final = int(Ready.R)
WRITE: Final = int(Ready.W)


def begin(work: Callable[..., R], *args: Any) -> "asyncio.Future[R]":
    """Start `work`, which runs until it first waits; what it returns or raises comes with the future."""
    done: asyncio.Future[R] = asyncio.get_running_loop().create_future()

    def run() -> None:
        try:
            result = work(*args)
        except BaseException as error:  # it is what the work came to; the loop is not to end of it
            if not done.done():
                done.set_exception(error)
        else:
            if not done.done():
                done.set_result(result)

    greenlet(run).switch()
    return done


def pause(seconds: float) -> None:
    """Wait inside of work that was begun here."""
    asyncio.get_running_loop().call_later(seconds, getcurrent().switch)
    _leave()


def in_a_thread(blocking: Callable[[], R]) -> Callable[[], R]:
    """Let work that was begun here call what blocks and cannot be woven; it runs in a thread meanwhile."""

    def call() -> R:
        done = asyncio.get_running_loop().run_in_executor(None, blocking)
        done.add_done_callback(getcurrent().switch)
        _leave()
        return done.result()

    return call


class Connection(psycopg.Connection[Any]):
    """A connection that waits by leaving to the event loop."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Drive `gen` to its end, as psycopg's own `wait` does; who waits for too long is cut off by the funnel."""
        if getcurrent().parent is None:  # not begun here, as when a connection is made
            return super().wait(gen, interval, timeout)
        poll = select.poll()
        fd = self.pgconn.socket
        try:
            wanted = int(next(gen))
            while True:
                wanted = int(gen.send(Ready(_ready(fd, wanted, poll))))
        except StopIteration as end:
            result: RV = end.value
            return result


def _ready(fd: int, wanted: int, poll: "select.poll") -> int:
    """Which of READ and WRITE that are wanted the socket is ready for, at once where it is."""
    poll.register(fd, (select.POLLIN if wanted & READ else 0) | (select.POLLOUT if wanted & WRITE else 0))
    for _, event in poll.poll(0):
        if event & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
            return wanted  # trying tells what is the matter; being told that nothing is ready, psycopg would ask on
        return wanted & ((READ if event & select.POLLIN else 0) | (WRITE if event & select.POLLOUT else 0))
    loop, back = asyncio.get_running_loop(), getcurrent().switch
    if wanted & READ:
        loop.add_reader(fd, back, READ)
    if wanted & WRITE:
        loop.add_writer(fd, back, WRITE)
    try:
        ready: int = _leave()
    finally:
        if wanted & READ:
            loop.remove_reader(fd)
        if wanted & WRITE:
            loop.remove_writer(fd)
    return ready


def _leave() -> Any:
    """Let the loop go on, until something switches back; what that brings."""
    parent = getcurrent().parent
    assert parent is not None, "only work that was begun here waits here"
    return parent.switch()
