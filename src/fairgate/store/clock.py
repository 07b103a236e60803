"""One clock decides: the database's."""

from datetime import UTC, datetime

import psycopg


def now(conn: psycopg.Connection) -> datetime:
    """The database's time now, in UTC."""
    row = conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment.astimezone(UTC)
