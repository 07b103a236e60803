"""Carry a batch of acts out over one connection, and know afterwards of each act whether it was done.

Whatever happens to a batch, one of three things is true of it:

    the command answered             what it says is committed
    the command raised               PostgreSQL has rolled back; nothing of the batch was done
    the connection was lost          nobody knows: the server may have committed and died before it said so

A batch that was rolled back is tried again act by act, once, so that one bad act harms nobody else. Where nobody knows,
the same acts are sent again on a new connection. Each carries an idempotency key, and the answer under a key is written
in the transaction of the act: if it was done, the answer is read; if not, it is done now. Either way the person is told
what is true. Only when no connection is to be had in time is the answer that nobody knows.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Generic, TypeVar

import psycopg
import structlog

from fairgate.commands.looping import away
from fairgate.core import faults

A = TypeVar("A")  # an act
R = TypeVar("R")  # what it is answered with, its outcome
Command = Callable[[psycopg.Connection, Sequence[A]], list[R]]
Connect = Callable[[], psycopg.Connection]

AGAIN_AFTER_S = 0.05  # a server that was restarted answers within a second or two

log = structlog.get_logger()


class Fault(StrEnum):
    """Why an act has no answer."""

    FULL = "queue full"  # not tried
    AWAY = "database away"  # not tried, or tried and nobody knows
    FAILED = "failed"  # tried alone and rolled back


class Carrier(Generic[A, R]):
    """One connection and the command that runs on it. `carry_out` is called by one thread at a time.

    `patience_s`: how long after a connection was lost another one is sought. After that a batch tries once.
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
        self._conn: psycopg.Connection | None = None
        self._lost_at: float | None = None  # since then no connection has worked

    def carry_out(self, acts: Sequence[A]) -> list[R | Fault]:
        """The outcome of each act, or why there is none, in the same order. Raises nothing."""
        try:
            return list(self._run(acts))
        except Exception as error:
            if _lost(error):
                return [Fault.AWAY] * len(acts)
            log.warning("batch failed", acts=len(acts), error=type(error).__name__, place=faults.place(error))
        until = self._clock() + self._patience_s
        return [self._alone(act, until) for act in acts]

    def abandon(self) -> None:
        """Cut the connection under a batch that does not come back; called from another thread."""
        conn = self._conn
        with contextlib.suppress(OSError, psycopg.Error):
            if conn is not None and not conn.closed:
                with socket.socket(fileno=socket.dup(conn.fileno())) as line:  # ours to close, the same line
                    line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _alone(self, act: A, until: float) -> R | Fault:
        if self._clock() >= until:
            return Fault.AWAY
        try:
            [outcome] = self._run([act])
        except Exception as error:
            if _lost(error):
                return Fault.AWAY
            log.error("act failed", act=type(act).__name__, error=type(error).__name__, place=faults.place(error))
            return Fault.FAILED
        return outcome

    def _run(self, acts: Sequence[A]) -> list[R]:
        """Run the command, again on a new connection when one is lost; raises what the last try raised."""
        while True:
            try:
                if self._conn is None or self._conn.closed:
                    self._conn = self._connect()
                outcomes = self._command(self._conn, acts)
            except Exception as error:
                if not _lost(error):
                    raise
                self.close()
                self._lost_at = self._clock() if self._lost_at is None else self._lost_at
                if self._clock() >= self._lost_at + self._patience_s:
                    raise
            else:
                self._lost_at = None
                return outcomes
            self._pause(AGAIN_AFTER_S)


def _lost(error: Exception) -> bool:
    """Whether the connection is gone or leads to a server that cannot write, so that another one may do."""
    return away(error) or isinstance(error, psycopg.errors.ReadOnlySqlTransaction)
