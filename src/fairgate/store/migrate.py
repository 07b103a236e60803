"""Migrations: plain SQL files, applied in order of their names, once each, forward only."""

from collections.abc import Iterator
from importlib.resources import files

import psycopg

_BOOK = """
    CREATE TABLE IF NOT EXISTS migration (
        name text PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
_LOCK = 0x6661697267617465  # "fairgate": one process migrates, others wait for it


def pending(conn: psycopg.Connection) -> list[str]:
    """The names of the migrations that this database has not seen."""
    known = conn.execute("SELECT to_regclass('public.migration') IS NOT NULL").fetchone()
    done: set[str] = set()
    if known and known[0]:
        done = {name for (name,) in conn.execute("SELECT name FROM migration")}
    return [name for name in _names() if name not in done]


def migrate(conn: psycopg.Connection) -> list[str]:
    """Bring the database to the newest schema, each migration in a transaction; the names applied."""
    applied = []
    conn.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        conn.execute(_BOOK)
        for name in pending(conn):
            with conn.transaction():
                conn.execute(_text(name).encode())
                conn.execute("INSERT INTO migration (name) VALUES (%s)", [name])
            applied.append(name)
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    return applied


def _folder() -> Iterator[str]:
    for file in (files("fairgate.store") / "migrations").iterdir():
        if file.name.endswith(".sql"):
            yield file.name


def _names() -> list[str]:
    return sorted(_folder())


def _text(name: str) -> str:
    return (files("fairgate.store") / "migrations" / name).read_text(encoding="utf-8")
