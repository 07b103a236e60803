"""Deadlines from the outages on record, for the commands that need them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import psycopg

from fairgate.core.deadlines import Deadline, Outage, Step, explain, keep_promise
from fairgate.store import evidence, profiles

# Outages that ended shortly before a window opened can be merged with later ones, so look back.
LOOK_BACK = timedelta(days=7)


class Shared(Protocol):
    """What an offer shares with all that were opened with it: a window, or an offer with its window's columns."""

    @property
    def program(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def opened_at(self) -> datetime: ...
    @property
    def promised(self) -> datetime | None: ...


class Deadlines:
    """The outages on record since the earliest of these opening times, read once."""

    def __init__(self, conn: psycopg.Connection, opened: Sequence[datetime]) -> None:
        self.profile = profiles.current(conn)
        self._outages: list[Outage] = []
        self._explained: dict[tuple[str, datetime, str], tuple[Deadline, tuple[Step, ...]]] = {}
        if opened:
            self._outages = [r.outage for r in evidence.outages(conn, min(opened) - LOOK_BACK)]

    def of(self, shared: Shared) -> Deadline:
        return self.explain(shared)[0]

    def explain(self, shared: Shared) -> tuple[Deadline, tuple[Step, ...]]:
        """The deadline of a window and the sum that leads to it; never earlier than what people were told before."""
        return keep_promise(self._formula(shared.program, shared.opened_at, shared.zone), shared.promised)

    def of_new(self, program: str, opened_at: datetime, zone: str) -> Deadline:
        """The deadline of a window that is about to open."""
        return self._formula(program, opened_at, zone)[0]

    def _formula(self, program: str, opened_at: datetime, zone: str) -> tuple[Deadline, tuple[Step, ...]]:
        window = (program, opened_at, zone)
        if window not in self._explained:
            policy = self.profile.program(program).policy
            self._explained[window] = explain(opened_at, self._outages, policy, ZoneInfo(zone))
        return self._explained[window]
