"""What a server saw of confirming, every ten seconds: into the database, or into the journal while that is away."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import psycopg
import structlog
from starlette.concurrency import run_in_threadpool

from fairgate.commands.evidence import RecordSample, record_samples
from fairgate.core import faults
from fairgate.gate.desk import Desk
from fairgate.store import clock
from fairgate.store.journal import Counted

LOOK_S: Final = 1.0
CONNECT_S: Final = 2

log = structlog.get_logger()


async def bring_in(desk: Desk, database_url: str) -> None:
    """Put what the desk counted on record, until cancelled. Nothing that goes wrong here ends it."""
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            counted = desk.counter.due(time.time())
            if counted:
                await _keep(desk, database_url, counted)
        except Exception as error:
            log.error("samples failed", error=type(error).__name__, place=faults.place(error))


async def _keep(desk: Desk, database_url: str, counted: Sequence[Counted]) -> None:
    try:
        await run_in_threadpool(_record, database_url, counted)
        await run_in_threadpool(desk.tries.let_go)
    except psycopg.Error as error:
        log.warning("samples wait", samples=len(counted), error=type(error).__name__)
        for sample in counted:
            await desk.tries.keep(sample)


def _record(database_url: str, counted: Sequence[Counted]) -> None:
    acts = [RecordSample(sample.at, sample.source, sample.ok, sample.failed) for sample in counted]
    with psycopg.connect(database_url, autocommit=True, connect_timeout=CONNECT_S) as conn:
        record_samples(conn, acts, now=clock.now(conn) + timedelta(seconds=10))
