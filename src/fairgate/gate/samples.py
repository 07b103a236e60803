"""What a server saw of confirming, every ten seconds: into the database, or into the journal while that is away."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg
import structlog
from starlette.concurrency import run_in_threadpool

from fairgate.commands.evidence import RecordSample, record_samples
from fairgate.core import faults
from fairgate.core.lifecycle import Refused
from fairgate.gate.counted import SLOT_S
from fairgate.gate.desk import Desk
from fairgate.store import clock, heads
from fairgate.store.journal import Counted

LOOK_S: Final = 1.0
CONNECT_S: Final = 2
SLOT: Final = timedelta(seconds=SLOT_S)

log = structlog.get_logger()


async def bring_in(desk: Desk, database_url: str, home: Path) -> None:
    """Put what the desk counted on record, until cancelled. Nothing that goes wrong here ends it."""
    away = _Away()
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            counted = desk.counter.due(time.time())
            if counted:
                await _keep(desk, database_url, home, counted, away)
        except Exception as error:
            log.error("samples failed", error=type(error).__name__, place=faults.place(error))


@dataclass(slots=True)
class _Away:
    """Since when the database is away, as far as samples tell; said once, when it goes and when it is back."""

    since: float | None = None

    def goes(self, error: Exception) -> None:
        if self.since is None:
            self.since = time.monotonic()
            log.error("database away", who="gate", error=type(error).__name__, samples="to the journal")

    def is_back(self) -> None:
        if self.since is not None:
            log.info("database back", who="gate", away_s=round(time.monotonic() - self.since))
            self.since = None


async def _keep(desk: Desk, database_url: str, home: Path, counted: Sequence[Counted], away: _Away) -> None:
    try:
        await run_in_threadpool(_record, database_url, home, counted)
    except psycopg.Error as error:
        away.goes(error)
        for sample in counted:
            await desk.tries.keep(sample)
    else:
        away.is_back()
        await run_in_threadpool(desk.tries.let_go)


def _record(database_url: str, home: Path, counted: Sequence[Counted], here: datetime | None = None) -> None:
    """Put samples on record, their times mended where this host's clock, which shows `here`, is wrong by many seconds.

    What worked must not count for another time, in which it may have failed.
    """
    with psycopg.connect(database_url, autocommit=True, connect_timeout=CONNECT_S) as conn:
        heads.refuse_older(conn, home)
        now = clock.now(conn)
        behind = SLOT * round((now - (here or datetime.now(UTC))) / SLOT)
        acts = [RecordSample(sample.at + behind, sample.source, sample.ok, sample.failed) for sample in counted]
        outcomes = record_samples(conn, acts, now=now + SLOT)
    refused = sum(isinstance(outcome, Refused) for outcome in outcomes)
    if refused:
        log.error("samples refused", count=refused)
