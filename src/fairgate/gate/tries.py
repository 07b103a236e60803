"""Attempts to confirm that got no answer, on their way to the journal on local disk.

They take the way that acts take: a funnel, whose batches are written and flushed at once. So a thousand people who are
turned away in one moment cost the disk no more than one of them.
"""

import threading
import time
from collections.abc import Sequence

import structlog

from fairgate.core import faults
from fairgate.gate.carrying import Fault
from fairgate.gate.figures import Figures
from fairgate.gate.funnel import Funnel, Unanswered
from fairgate.store.journal import Journal, Record

QUEUE_MOST = 20_000
BATCH_MOST = 2_000
PATIENCE_S = 10.0
SAID_EVERY_S = 1.0

log = structlog.get_logger()


class Tries:
    """The funnel in front of a journal; made inside the event loop."""

    def __init__(self, journal: Journal, figures: Figures) -> None:
        self._figures = figures
        self._writer = _Writer(journal)
        self._funnel: Funnel[Record, None] = Funnel(
            "journal",
            [self._writer],
            queue_most=QUEUE_MOST,
            batch_most=BATCH_MOST,
            patience_s=PATIENCE_S,
            watcher=figures,
        )

    async def keep(self, record: Record) -> bool:
        """Whether the record is on disk."""
        try:
            await self._funnel.submit(record)
        except Unanswered:
            self._figures.kept(False)
            return False
        self._figures.kept(True)
        return True

    def let_go(self) -> None:
        """The database answers: let the worker have the file to its end. Called from any thread."""
        self._writer.close()

    async def close(self) -> None:
        await self._funnel.close()


class _Writer:
    """Carries batches to the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._alone = threading.Lock()
        self._lost = 0  # since it was last said
        self._said_at: float | None = None

    def carry_out(self, records: Sequence[Record]) -> list[Fault | None]:
        try:
            with self._alone:
                self._journal.write(records)
        except Exception as error:
            self._tell(len(records), error)
            return [Fault.FAILED] * len(records)
        return [None] * len(records)

    def _tell(self, records: int, error: Exception) -> None:
        """Say it at once, and then once a second at most: a disk that is full is full for everybody who comes."""
        self._lost += records
        now = time.monotonic()
        if self._said_at is None or now >= self._said_at + SAID_EVERY_S:
            log.error("journal failed", records=self._lost, error=type(error).__name__, place=faults.place(error))
            self._lost, self._said_at = 0, now

    def abandon(self) -> None:
        """A disk cannot be let go of; whoever waits is told."""

    def close(self) -> None:
        with self._alone:
            self._journal.close()
