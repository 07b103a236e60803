"""Carry a batch of acts out over one connection, and know afterwards of each act whether it was done.

Whatever happens to a batch, one of three things is true of it:

    the command answered             what it says is committed
    the command raised               PostgreSQL has rolled back; nothing of the batch was done
    the connection was lost          nobody knows: the server may have committed and died before it said so

A batch that was rolled back is tried again in parts, and a part that fails again act by act, so that one bad act harms
nobody else. Among 512 acts one bad one costs 24 parts and then 22 acts alone, not 512.

Where nobody knows, the same acts are sent again on a new connection. Each carries an idempotency key, and the answer
under a key is written in the transaction of the act: if it was done, the answer is read; if not, it is done now. The
lost transaction may still run, but it holds the locks that the new one needs, so that the two follow each other.
Either way the person is told what is true. Only when no connection is to be had in time is the answer that nobody
knows; and once a connection was lost under a batch, no later failure of it is taken for proof that it was not done.
"""

import contextlib
import math
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Generic, TypeVar

import psycopg
import structlog
from psycopg.pq import TransactionStatus

from fairgate.commands.looping import away
from fairgate.core import faults

A = TypeVar("A")  # an act
R = TypeVar("R")  # what it is answered with, its outcome
Command = Callable[[psycopg.Connection, Sequence[A]], list[R]]
Connect = Callable[[], psycopg.Connection]

MIDDLE = (TransactionStatus.ACTIVE, TransactionStatus.INTRANS, TransactionStatus.INERROR)
AGAIN_AFTER_S = 0.05  # a server that was restarted answers within a second or two

log = structlog.get_logger()


class Fault(StrEnum):
    """Why an act has no answer."""

    FULL = "queue full"  # not tried
    AWAY = "database away"  # not tried, or tried and nobody knows
    FAILED = "failed"  # tried and rolled back: it is not done


class Carrier(Generic[A, R]):
    """One connection and the command that runs on it. `carry_out` is called by one thread at a time.

    `connect` opens connections in autocommit mode. `patience_s`: how long after a connection was lost another one is
    sought, after which a batch tries once; and how long after a batch has failed its parts are tried.
    """

    def __init__(
        self,
        command: Command[A, R],
        connect: Connect,
        *,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._command = command
        self._connect = connect
        self._patience_s = patience_s
        self._clock = clock
        self._pause = pause
        self._lost_at: float | None = None  # since then no connection has worked
        self._in_doubt = False  # a connection was lost under this batch, or the command did not answer every act
        self._given_up = False  # nobody waits for this batch any more
        self._swap = threading.Lock()  # around these two, never held while anything is waited for
        self._conn: psycopg.Connection | None = None
        self._wire: socket.socket | None = None

    def carry_out(self, acts: Sequence[A]) -> list[R | Fault]:
        """The outcome of each act, or why there is none, in the same order. Raises nothing."""
        self._given_up = self._in_doubt = False
        answers: list[R | Fault] = [Fault.FAILED] * len(acts)
        parts, until = deque([range(len(acts))]), math.inf
        while parts and self._clock() < until and not self._given_up:
            part = parts.popleft()
            outcomes = self._try([acts[i] for i in part])
            answers[part.start : part.stop] = [outcomes] * len(part) if isinstance(outcomes, Fault) else outcomes
            if outcomes is Fault.AWAY:
                break
            if outcomes is Fault.FAILED and len(part) > 1:
                until = min(until, self._clock() + self._patience_s)
                parts.extend(_smaller(part, len(acts)))
        if self._in_doubt:
            answers = [Fault.AWAY if answer is Fault.FAILED else answer for answer in answers]
        return answers

    def abandon(self) -> None:
        """Cut the connection under a batch that does not come back, and let it not be tried again; from any thread."""
        with self._swap, contextlib.suppress(OSError):
            self._given_up = True
            if self._wire is not None:
                self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._swap:
            conn, wire = self._conn, self._wire
            self._conn = self._wire = None
        if conn is not None:
            conn.close()
        if wire is not None:
            wire.close()

    def _try(self, acts: Sequence[A]) -> list[R] | Fault:
        """Run the command, again on a new connection when one is lost; AWAY: nobody knows; FAILED: rolled back."""
        while True:
            try:
                outcomes = self._run(acts)
            except Exception as error:
                if not _lost(error):
                    self._lost_at = None
                    say = log.warning if len(acts) > 1 else log.error
                    say("batch failed", acts=len(acts), error=type(error).__name__, place=faults.place(error))
                    return Fault.FAILED
                self.close()
                self._lost_at = self._clock() if self._lost_at is None else self._lost_at
                if self._given_up or self._clock() >= self._lost_at + self._patience_s:
                    return Fault.AWAY
            else:
                self._lost_at = None
                return outcomes
            self._pause(AGAIN_AFTER_S)

    def _run(self, acts: Sequence[A]) -> list[R]:
        """Run the command once; raises whatever goes wrong, and leaves no connection in the middle of anything."""
        conn = self._connected()
        if self._given_up:
            raise psycopg.OperationalError("given up")
        try:
            outcomes = self._command(conn, acts)
            assert conn.pgconn.transaction_status not in MIDDLE, "a command commits what it says is done"
        except Exception as error:
            self._in_doubt |= away(error)
            if conn.pgconn.transaction_status in MIDDLE:
                self.close()
            raise
        if len(outcomes) != len(acts):
            self._in_doubt = True  # all is committed, and nobody knows which outcome is whose
            raise AssertionError("a command answers every act")
        return outcomes

    def _connected(self) -> psycopg.Connection:
        """The connection, a new one if there is none that works.

        libpq closes its descriptor by itself when the line breaks, and a moment later the number may be somebody
        else's. So what `abandon` cuts is a duplicate, which only `close` closes.
        """
        if self._conn is None or self._conn.closed:
            self.close()
            conn = self._connect()
            try:
                wire = socket.socket(fileno=os.dup(conn.fileno()))
            except OSError:
                conn.close()
                raise
            with self._swap:
                self._conn, self._wire = conn, wire
        assert self._conn is not None
        return self._conn


def _smaller(part: range, acts: int) -> list[range]:
    """What is tried next of a part that failed: parts of the square root of the whole, then each act alone."""
    size = math.isqrt(acts) if len(part) == acts else 1
    return [part[i : i + size] for i in range(0, len(part), size)]


def _lost(error: Exception) -> bool:
    """Whether the connection is gone or leads to a server that cannot write, so that another one may do."""
    return away(error) or isinstance(error, psycopg.errors.ReadOnlySqlTransaction)
