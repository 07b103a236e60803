"""Loops over what is due, for the rooms in which time passes.

Each loop has a thread. It looks, does what it finds, and looks again: at once when it found something, else after a
pause. A failure in one loop is one line in the log and a longer pause for it; the others do not notice. Nothing
is remembered between two looks that is not in the database, so a loop can be killed at any point.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import psycopg
import structlog
from psycopg_pool import ConnectionPool, PoolTimeout

from fairgate.core import faults
from fairgate.store import heads

LONGEST_PAUSE = 30.0  # seconds; when the database comes back, nobody waits much longer than it was away
PATIENCE = 10.0
IDLE = 30.0  # seconds after which a connection that all looks did without is given back

Connect = Callable[[], AbstractContextManager[psycopg.Connection]]
Clock = Callable[[psycopg.Connection], datetime]  # one clock decides, the database's: it is asked over a connection

log = structlog.get_logger()


def away(error: Exception) -> bool:
    """Whether this says that the database cannot be reached or is about to stop, and nothing about what was asked."""
    if isinstance(error, psycopg.OperationalError):
        return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))  # no answer, connection, shutdown
    return isinstance(error, PoolTimeout)


@dataclass(frozen=True, slots=True)
class Loop:
    """`once` does what is due, within a limit, and says whether there may be more; `every` in seconds."""

    name: str
    once: Callable[[], bool]
    every: float


@contextmanager
def connections(dsn: str, most: int, home: Path | None = None) -> Iterator[Connect]:
    """Connections to borrow, in autocommit mode. They are made when needed, and again when the database was away.

    With a `home` only to a database that goes on from what was signed there, else borrowing one raises OlderDatabase.
    That is asked each time: a database can be restored from a backup under connections that stay.
    """
    kwargs = {"autocommit": True, "connect_timeout": 5}
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # loops say that the database is away, once each
    pool = ConnectionPool(
        dsn,
        min_size=0,
        max_size=most,
        timeout=PATIENCE,
        kwargs=kwargs,
        check=ConnectionPool.check_connection,
        max_idle=IDLE,
        reconnect_timeout=PATIENCE,  # then whoever asks next begins anew, and waits for no long pause of the pool
        open=True,
    )
    with pool:
        yield pool.connection if home is None else partial(_going_on, pool, home)


@contextmanager
def _going_on(pool: ConnectionPool, home: Path) -> Iterator[psycopg.Connection]:
    """A connection of the pool, asked outside of it: the pool would try for long, and say then that there is none."""
    with pool.connection() as conn:
        heads.refuse_older(conn, home)
        yield conn


def run(loops: Sequence[Loop], stop: threading.Event) -> None:
    """Run the loops until `stop` is set; each ends with the step that it is at."""
    threads = [threading.Thread(target=_keep_on, args=(loop, stop), name=loop.name) for loop in loops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _keep_on(loop: Loop, stop: threading.Event) -> None:
    pause, failures = 0.0, 0
    while not stop.wait(pause):
        try:
            pause = 0.0 if loop.once() else loop.every
            failures = 0
        except Exception as error:
            failures += 1
            pause = min(loop.every * 2**failures, LONGEST_PAUSE)
            event = "database away" if away(error) else "loop failed"
            why = {"why": str(error)} if isinstance(error, heads.OlderDatabase) else {}  # a message of our own
            kind = type(error).__name__
            log.error(event, loop=loop.name, error=kind, place=faults.place(error), again_in_s=round(pause, 1), **why)
