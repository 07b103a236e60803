"""Connections that wait for no answer longer than a person would.

PostgreSQL ends by itself what takes too long, but not when it is stopped, its disk stands still, or the line swallows
what is sent: then nothing ever comes. The pages have few threads, and each that waits for ever is one less.
"""

from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen

RV = TypeVar("RV")

LONGEST_S: Final = 5.0  # what pages ask is answered in milliseconds; a lock may take a second or two


class Silent(psycopg.OperationalError):
    """No answer came in time; the connection is closed, as nobody knows what would still come over it."""


class Connection(psycopg.Connection[Any]):
    """A connection that gives up on each statement after LONGEST_S."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, LONGEST_S if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise Silent("no answer in time") from None
