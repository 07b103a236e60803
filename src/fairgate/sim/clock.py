"""Virtual time: it goes on by whole hours, and whatever was planned for an hour happens at its end."""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Generic, TypeVar

HOUR = timedelta(hours=1)

T = TypeVar("T")


def hours(since: datetime, until: datetime) -> Iterator[datetime]:
    """Every whole hour after `since` and before `until`, then `until` itself."""
    now = since.replace(minute=0, second=0, microsecond=0) + HOUR
    while now < until:
        yield now
        now += HOUR
    yield until


class Agenda(Generic[T]):
    """What is to happen when; things planned for the same time keep their order."""

    def __init__(self) -> None:
        self._planned: list[tuple[datetime, int, T]] = []
        self._count = 0

    def plan(self, at: datetime, what: T) -> None:
        heapq.heappush(self._planned, (at, self._count, what))
        self._count += 1

    def due(self, now: datetime) -> list[T]:
        """Take off what was planned for `now` or before, in the order of time."""
        found = []
        while self._planned and self._planned[0][0] <= now:
            found.append(heapq.heappop(self._planned)[2])
        return found
