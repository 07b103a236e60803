"""A database that is there and says nothing: nobody waits for it longer than a person would."""

import time
from pathlib import Path

import psycopg
import psycopg_pool
import pytest

from fairgate.store import heads
from fairgate.web import database, patient

SLEEP = "SELECT pg_sleep(20)"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "LONGEST_S", 0.3)


def test_a_statement_without_an_answer_ends_its_connection(dsn: str) -> None:
    conn = patient.Connection.connect(dsn, autocommit=True)
    assert conn.execute("SELECT 1").fetchone() == (1,)
    began = time.monotonic()
    with pytest.raises(patient.Silent):
        conn.execute(SLEEP)
    assert time.monotonic() - began < 10
    assert conn.closed, "nobody knows what would still come over it"


def test_a_silent_database_is_away_for_the_pages_and_back_when_it_answers(dsn: str) -> None:
    pool = database.Pool(dsn)
    try:
        with pytest.raises(patient.Silent), pool.connection() as conn:
            conn.execute(SLEEP)
        with pytest.raises(database.Away), pool.connection():
            pass
        time.sleep(database.ASK_AGAIN_SECONDS)
        with pool.connection() as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
    finally:
        pool.close()


def test_a_database_that_was_restored_is_away_at_once_for_all_but_one(dsn: str, tmp_path: Path) -> None:
    """Nobody stands in line behind those who ask it in vain, until it is the right one again."""
    pool = database.Pool(dsn, tmp_path)
    try:
        heads.hold(tmp_path, "20 leaves were signed, the database has 12")
        with pytest.raises(psycopg_pool.PoolTimeout), pool.connection():
            pass
        for wait in (0, 0, database.ASK_AGAIN_SECONDS, 0, database.ASK_AGAIN_SECONDS):
            time.sleep(wait)
            begun = time.monotonic()
            with pytest.raises(database.Away), pool.connection():
                pass
            assert time.monotonic() - begun < database.PATIENCE_SECONDS / 2
        heads.release(tmp_path)
        time.sleep(database.ASK_AGAIN_SECONDS)
        with pool.connection() as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
    finally:
        pool.close()


def test_staff_accounts_wait_no_longer_either(web: None) -> None:
    from django.db import OperationalError, connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert isinstance(connection.connection, psycopg.Connection)
        with pytest.raises(OperationalError):
            cursor.execute(SLEEP)
