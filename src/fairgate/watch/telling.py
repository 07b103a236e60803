"""The public state of the service, written by the watcher where nobody else writes it.

The worker writes it every ten seconds. When it does not, because it is not there or its database is not, the file grows
old, and the watcher writes what it knows itself: what was on record when it last saw that, and that confirming has
failed since.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg

from fairgate.core.outages import BAD_IN_A_ROW
from fairgate.store import status
from fairgate.store.status import State

STALE: Final = timedelta(seconds=25)  # two writings of the worker that did not come


@dataclass(slots=True)
class Telling:
    """What is known, and what to say of it; `tell` puts a state into words for people."""

    home: Path
    tell: Callable[[State], None]
    known: State | None = None  # as it was last read from the database
    failing_since: datetime | None = None
    failures: int = field(default=0)

    def tried(self, at: datetime, every: timedelta, *, worked: bool) -> None:
        """Take note of a confirmation in the time that ends `at`."""
        if worked:
            self.failures, self.failing_since = 0, None
            return
        if self.failures == 0:
            self.failing_since = at - every
        self.failures += 1

    def read(self, conn: psycopg.Connection, now: datetime) -> None:
        """Take note of what is on record."""
        self.known = status.read(conn, now)

    def needed(self, now: datetime) -> bool:
        """Whether nobody else has written the public state lately, or nothing is known yet that could be written."""
        age = status.age(self.home, now)
        return self.known is None or age is None or age >= STALE

    def write(self, now: datetime) -> bool:
        """Write the public state if that is needed; whether it was written. Raises OSError when the disk refuses.

        A failure or two say nothing yet; then the old file stands, and grows older.
        """
        if self.known is None or not self.needed(now) or 0 < self.failures < BAD_IN_A_ROW:
            return False
        state = self.known if self.failing_since is None else self.known.broken(self.failing_since, now)
        status.write(self.home, state)
        self.tell(state)
        return True
