"""Whatever zone the PostgreSQL server is in, times come back in UTC; files and statements are written from them."""

from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

import fairgate.store  # noqa: F401  it says so to every connection of the process


def test_a_server_in_new_york_tells_times_in_utc(dsn: str):
    with psycopg.connect(dsn, autocommit=True) as conn:
        name = sql.Identifier(conn.info.dbname)
        conn.execute(sql.SQL("ALTER DATABASE {} SET timezone TO 'America/New_York'").format(name))
    at = datetime(2026, 11, 26, 5, tzinfo=UTC)
    with psycopg.connect(dsn) as conn:
        row = conn.execute("SELECT %s::timestamptz", [at]).fetchone()
    assert row is not None
    assert row[0] == at
    assert row[0].utcoffset() == timedelta(0)
