"""Virtual time: it jumps from one moment at which something is due to the next, and what was planned happens."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

HOURS = 3  # the longest jump; divides a day

T = TypeVar("T")


def moments(
    since: datetime, until: datetime, stops: Sequence[datetime], due_after: Callable[[datetime], datetime | None]
) -> Iterator[datetime]:
    """The moments after `since` at which to look: every three hours, at `stops`, when something is due, and `until`.

    `due_after` is asked again after each moment, for what was done there may have made other things due.
    """
    now = since
    while now < until:
        ahead = (_next_mark(now), due_after(now), *stops, until)
        now = min(moment for moment in ahead if moment is not None and moment > now)
        yield now


def _next_mark(now: datetime) -> datetime:
    hour = now.replace(minute=0, second=0, microsecond=0)
    return hour + timedelta(hours=HOURS - hour.hour % HOURS)


class Agenda(Generic[T]):
    """What is to happen when; things planned for the same time keep their order."""

    def __init__(self) -> None:
        self._planned: list[tuple[datetime, int, T]] = []
        self._count = 0

    def plan(self, at: datetime, what: T) -> None:
        heapq.heappush(self._planned, (at, self._count, what))
        self._count += 1

    def next_at(self) -> datetime | None:
        """When the next of it is planned."""
        return self._planned[0][0] if self._planned else None

    def due(self, now: datetime) -> list[T]:
        """Take off what was planned for `now` or before, in the order of time."""
        found = []
        while self._planned and self._planned[0][0] <= now:
            found.append(heapq.heappop(self._planned)[2])
        return found
