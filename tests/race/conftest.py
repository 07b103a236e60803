"""The fixture of races."""

from collections.abc import Callable

import psycopg
import pytest

from meeting import Meeting


@pytest.fixture
def meeting(make_conn: Callable[[], psycopg.Connection], monkeypatch: pytest.MonkeyPatch) -> Meeting:
    return Meeting(make_conn, monkeypatch)
