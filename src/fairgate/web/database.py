"""The pages' connections to the domain's tables: a few, shared by all threads, opened when first needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import psycopg
from django.conf import settings
from psycopg_pool import ConnectionPool

CONNECTIONS = 8  # a page waits for the database a few milliseconds; more connections would only queue there
PATIENCE_SECONDS = 3.0  # then the person gets a page that says so, instead of a spinning wheel


@lru_cache(maxsize=4)
def pool(url: str) -> ConnectionPool:
    """The pool for one database."""
    return ConnectionPool(
        url,
        min_size=0,
        max_size=CONNECTIONS,
        timeout=PATIENCE_SECONDS,
        kwargs={"autocommit": True, "connect_timeout": 3},
        check=ConnectionPool.check_connection,
        open=True,
    )


@contextmanager
def connection() -> Iterator[psycopg.Connection]:
    """A connection for the length of the block; commands open their own transactions on it."""
    with pool(settings.DATABASE_URL).connection() as conn:
        yield conn
