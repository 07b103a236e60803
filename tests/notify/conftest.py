"""A small deployment without anybody in it."""

from pathlib import Path

import psycopg
import pytest

from time_world import TimeWorld


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    return TimeWorld(conn, tmp_path)
