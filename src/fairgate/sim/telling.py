"""How the notices of a replay are handed over: so many a minute, and some people's not at all while SMS is down.

As in the service: what cannot be handed over is tried again every few minutes, and given up after four hours. An outage
counts as told when every notice about it was handed over or given up.
"""

from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

import psycopg

from fairgate.sim.scenario import Telling
from fairgate.store import notices

MINUTE = timedelta(minutes=1)
AGAIN_AFTER = timedelta(minutes=5)
GIVEN_UP_AFTER = timedelta(hours=4)
IT_WORKS_AGAIN = "outage over"


class Told(NamedTuple):
    """A notice that was handed over, or (not `arrived`) given up."""

    at: datetime
    kind: str
    number: str
    arrived: bool


class Messenger:
    """Hands notices over, once a minute while there are any; `next_at` is when it is to be called again."""

    def __init__(self, telling: Telling, seed: int) -> None:
        self._telling = telling
        self._seed = seed
        self.next_at: datetime | None = None
        self._retry_at: datetime | None = None

    def look_at(self, at: datetime) -> None:
        """There may be something to hand over at this time."""
        self.next_at = at if self.next_at is None else min(self.next_at, at)

    def hand_over(self, conn: psycopg.Connection, now: datetime) -> list[Told]:
        """A minute's worth of what is due, committed like everything else."""
        with conn.transaction():
            found = notices.due(conn, now, self._telling.a_minute)
            arriving = [notice for notice in found if self._reaches(notice.number, now)]
            failing = [notice for notice in found if notice not in arriving]
            over = [notice for notice in failing if now - notice.created_at >= GIVEN_UP_AFTER]
            notices.sent(conn, [notice.id for notice in arriving], now)
            for notice in failing:
                notices.failed(conn, notice.id, now=now, retry_after=None if notice in over else AGAIN_AFTER)
        if len(failing) > len(over):
            self._retry_at = now + AGAIN_AFTER
        self.next_at = now + MINUTE if found else self._retry_at
        told = [Told(now, notice.kind, notice.number, True) for notice in arriving]
        return told + [Told(now, notice.kind, notice.number, False) for notice in over]

    def _reaches(self, number: str, now: datetime) -> bool:
        if not any(since <= now < until for since, until in self._telling.sms_down):
            return True
        lot = Random(f"sms|{self._seed}|{number}").random() * 100  # noqa: S311  nothing secret
        return lot >= self._telling.sms_only_percent
