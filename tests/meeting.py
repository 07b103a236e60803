"""Two commands that meet, always at the same point: no sleeping, no luck.

The first one stops right after a function of the store has answered it for the first time (`pause_after`): it has seen
what it decides on, and has written nothing. Then the second one starts, and runs until it is done or until PostgreSQL
says that it waits for a lock. Then the first goes on.

Without the lock, the second one is through before the first goes on, and what the first has seen is no longer true.
"""

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import psycopg
import pytest

LIMIT_S = 30.0
POLL_S = 0.01
LOCKS = (" FOR NO KEY UPDATE", " FOR SHARE")


def without_lock(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> None:
    """Let the query `name` of a store module read without locking."""
    query = getattr(module, name)
    bare = query
    for lock in LOCKS:
        bare = bare.replace(lock, "")
    assert bare != query, f"{name} has no lock to take away"
    monkeypatch.setattr(module, name, bare)


class Running(threading.Thread):
    """A command on its way over its own connection; `answer` is what it returned or raised."""

    def __init__(self, conn: psycopg.Connection, command: Callable[[psycopg.Connection], Any]) -> None:
        super().__init__(daemon=True)
        self._conn = conn
        self._command = command
        self.answer: Any = None

    def run(self) -> None:
        try:
            self.answer = self._command(self._conn)
        except Exception as error:  # it is the answer
            self.answer = error


class Meeting:
    """Lets two commands meet; see above."""

    def __init__(self, make_conn: Callable[[], psycopg.Connection], monkeypatch: pytest.MonkeyPatch) -> None:
        self._make_conn = make_conn
        self._monkeypatch = monkeypatch
        self._watching = make_conn()
        self.second_waited = False

    def of(
        self,
        first: Callable[[psycopg.Connection], Any],
        second: Callable[[psycopg.Connection], Any],
        *,
        pause_after: tuple[ModuleType, str],
        when: Callable[[dict[str, Any]], bool] = lambda _: True,
    ) -> tuple[Any, Any]:
        """What the two answered. `when` tells from the keywords of a call whether it is the one to pause after."""
        seen, go_on = threading.Event(), threading.Event()
        one, other_conn = Running(self._make_conn(), first), self._make_conn()
        other = Running(other_conn, second)
        module, name = pause_after
        real = getattr(module, name)

        def paused(*args: Any, **keywords: Any) -> Any:
            answer = real(*args, **keywords)
            if threading.current_thread() is one and not seen.is_set() and when(keywords):
                seen.set()
                assert go_on.wait(LIMIT_S)
            return answer

        self._monkeypatch.setattr(module, name, paused)
        one.start()
        try:
            assert seen.wait(LIMIT_S), f"the first command never called {name}: {one.answer!r}"
            other.start()
            self.second_waited = self._until_done_or_waiting(other, other_conn.info.backend_pid)
        finally:
            go_on.set()
        for running in (one, other):
            running.join(LIMIT_S)
            assert not running.is_alive()
        return one.answer, other.answer

    def _until_done_or_waiting(self, running: Running, backend: int) -> bool:
        query = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
        for _ in range(int(LIMIT_S / POLL_S)):
            running.join(POLL_S)
            if not running.is_alive():
                return False
            if self._watching.execute(query, [backend]).fetchone() == (True,):
                return True
        raise AssertionError("the second command neither ended nor waited")
