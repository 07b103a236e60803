"""Bring what gates wrote to this host's disk, while the database was away, into the database."""

from collections.abc import Sequence
from time import monotonic

import psycopg
import structlog

from fairgate.commands.evidence import RecordAttempt, RecordSample, record_attempts, record_samples
from fairgate.commands.looping import Clock
from fairgate.core import faults
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Refused
from fairgate.store.journal import MOST_AT_A_LOOK, Counted, Intake, Record, Tried

log = structlog.get_logger()


def take_in(intake: Intake, conn: psycopg.Connection, clock: Clock) -> bool:
    """Take in what is new; whether there may be more. Raises what the database raises when it is away.

    Where nothing is new the database is not asked for anything.
    """
    start = monotonic()
    taken = intake.take_in(lambda records: _take(conn, records, clock))
    if taken.records:
        log.info("journal taken in", records=taken.records, ms=round((monotonic() - start) * 1000))
    if taken.torn:
        log.warning("journal torn", files=taken.torn)
    if taken.bad:
        log.error("journal has bad lines", lines=taken.bad)
    for file in taken.unreadable:
        log.error("journal unreadable", file=file)
    return taken.records >= MOST_AT_A_LOOK


def _take(conn: psycopg.Connection, records: Sequence[Record], clock: Clock) -> int:
    """Put records on record; how many can never be. When one cannot, the others are taken one by one."""
    try:
        _record(conn, records, clock)
        return 0
    except Exception as error:
        if not _lies_in_them(error):
            raise
        log.error("record failed", records=len(records), error=type(error).__name__, place=faults.place(error))
    if len(records) == 1:
        return 1
    return sum(_take(conn, [record], clock) for record in records)


def _lies_in_them(error: Exception) -> bool:
    """Whether it is of no use to try again later: the other troubles of a database pass."""
    return isinstance(error, (psycopg.DataError, psycopg.IntegrityError)) or not isinstance(
        error, (psycopg.Error, BadInput)
    )


def _record(conn: psycopg.Connection, records: Sequence[Record], clock: Clock) -> None:
    now = clock(conn)
    tried = [RecordAttempt(*record) for record in records if isinstance(record, Tried)]
    counted = [RecordSample(*record) for record in records if isinstance(record, Counted)]
    if tried:
        dropped = sum(isinstance(outcome, Refused) for outcome in record_attempts(conn, tried, now=now))
        if dropped:
            log.warning("attempts dropped", count=dropped)  # of a registration or program that is not there
    if counted:
        refused = sum(isinstance(outcome, Refused) for outcome in record_samples(conn, counted, now=now))
        if refused:
            log.error("samples refused", count=refused)
