"""The pages' connections to the domain's tables: a few, shared by all threads, opened when first needed.

While the database is away, pages say so at once. There are few threads, and a thread that waits in vain for seconds
keeps all those waiting who stand behind it: at a dozen pages a second the line would grow without end. So a database
that did not answer is asked again by one thread at a time, once a second, and all others are told what is known.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

import django.db
import psycopg
import structlog
from django.conf import settings
from psycopg_pool import ConnectionPool, PoolTimeout

from fairgate.store import heads
from fairgate.web.patient import Connection, Silent

CONNECTIONS = 8  # a page waits for the database a few milliseconds; more connections would only queue there
PATIENCE_SECONDS = 3.0  # then the person gets a page that says so, instead of a spinning wheel
ASK_AGAIN_SECONDS = 1.0
AWAY = (psycopg.OperationalError, PoolTimeout, django.db.OperationalError)  # what says that there was no answer

log = structlog.get_logger()


class Away(psycopg.OperationalError):
    """The database did not answer a moment ago, and was not asked now."""


class Pool:
    """The connections to the database at `url`."""

    def __init__(self, url: str, home: Path | None = None) -> None:
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it tells of each connection that fails
        self._url = url
        self._home = home
        self._away_since: float | None = None
        self._ask_at = 0.0  # when it is away
        self._turn = threading.Lock()  # whose it is to ask then
        self._pool = ConnectionPool(
            url,
            connection_class=Connection,
            min_size=0,
            max_size=CONNECTIONS,
            timeout=PATIENCE_SECONDS,
            reconnect_timeout=PATIENCE_SECONDS,  # then whoever asks begins anew, without its long pauses
            kwargs={"autocommit": True, "connect_timeout": 3},
            configure=None if home is None else partial(heads.refuse_older, home=home),
            check=ConnectionPool.check_connection if home is None else partial(_check, home=home),
            open=True,
        )

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """A connection for the length of the block; raises Away, PoolTimeout or what connecting raises."""
        if self._away_since is not None:
            self._ask_in_turn()
        try:
            with self._pool.connection() as conn:
                yield conn
        except (PoolTimeout, Silent):
            self._is_away()
            raise

    def close(self) -> None:
        self._pool.close()

    def _ask_in_turn(self) -> None:
        """Return when the database answers again; raises Away for those whose turn to ask it is not."""
        if time.monotonic() < self._ask_at or not self._turn.acquire(blocking=False):
            raise Away
        try:
            with Connection.connect(self._url, autocommit=True, connect_timeout=3) as conn:
                if self._home is not None:
                    heads.refuse_older(conn, self._home)
        except psycopg.Error as error:
            self._is_away()
            raise Away from error
        finally:
            self._turn.release()
        self._is_back()

    def _is_away(self) -> None:
        now = time.monotonic()
        self._ask_at = now + ASK_AGAIN_SECONDS
        if self._away_since is None:
            self._away_since = now
            log.error("database away", who="pages")

    def _is_back(self) -> None:
        since, self._away_since = self._away_since, None
        if since is not None:
            log.info("database back", who="pages", away_s=round(time.monotonic() - since))


def _check(conn: psycopg.Connection, home: Path) -> None:
    """What an append would find out is not asked for each page."""
    ConnectionPool.check_connection(conn)
    heads.refuse_held(home)


@lru_cache(maxsize=4)
def pool(url: str) -> Pool:
    """The pool for one database, whose ledger has to go on from what was signed in our home."""
    return Pool(url, settings.FAIRGATE_HOME)


@contextmanager
def connection() -> Iterator[psycopg.Connection]:
    """A connection for the length of the block; commands open their own transactions on it."""
    with pool(settings.DATABASE_URL).connection() as conn:
        yield conn
