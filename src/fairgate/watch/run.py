"""Watch: every ten seconds one confirmation, and on record whether it worked.

This goes on when everything else is down. With the database away the confirmation has failed, the sample waits on local
disk, and the time is that of the database's clock as it was last seen. What only this program gets wrong is no
evidence against the service: then there is no sample, and silence is never taken for health either.

After each sample the watcher looks for outages itself, as the worker does: either of them alone is enough for an outage
to be on record and for deadlines to stand still.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import structlog

from fairgate.commands.canary import Prepare, Ready, prepare, turn_of
from fairgate.commands.evidence import RecordSample, record_samples
from fairgate.commands.find_outages import find_outages
from fairgate.core import faults
from fairgate.core.canary import PROGRAM
from fairgate.core.lifecycle import Refused
from fairgate.core.outages import Sample
from fairgate.core.sealing import Keys
from fairgate.store import clock, evidence, heads, keys
from fairgate.store.status import State
from fairgate.watch.confirming import Failed, confirm
from fairgate.watch.figures import LONGEST, Address, Figures, shown
from fairgate.watch.spool import Spool, Spooled
from fairgate.watch.telling import Telling

CONNECT_SECONDS = 2
LOST_SECONDS = 8  # how long a network may swallow what is sent before the connection counts as lost
LOCK_SECONDS, LOOK_SECONDS = 4, 1  # who holds the lock on outages is looking for them, and then we need not
# A database that does not answer is away. A transaction in which nothing happens, as we were stopped, is ended by it.
OPTIONS = "-c statement_timeout=4000 -c lock_timeout={lock}s -c idle_in_transaction_session_timeout=8000"

# What makes preparing fail when people could not confirm either: a database that is gone, full or a copy to read from.
AWAY = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)

log = structlog.get_logger()


class Clock:
    """The database's clock: what it showed when it was last asked, carried on by a clock that is never set."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def set(self, shown: datetime) -> None:
        self._ahead = shown.timestamp() - time.monotonic()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._ahead + time.monotonic(), UTC)


@dataclass(frozen=True, slots=True)
class Watcher:
    """`source` names the watcher in its samples; `every` in seconds; in `home` is what was signed of the ledger."""

    url: str
    dsn: str
    source: str
    keys: Keys
    spool: Spool
    every: float
    clock: Clock = field(default_factory=Clock)
    figures: Figures = field(default_factory=Figures)
    telling: Telling | None = None
    home: Path | None = None

    def connect(self, lock: int = LOCK_SECONDS) -> psycopg.Connection:
        """A connection on which every wait has an end, the one for a lock after `lock` seconds.

        A database that was restored from a backup is away, as for everybody: the outage that this makes must not become
        its next leaf.
        """
        conn = psycopg.connect(
            self.dsn,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            options=OPTIONS.format(lock=lock),
            keepalives_idle=LOST_SECONDS // 2,
            keepalives_interval=2,
            keepalives_count=2,
            tcp_user_timeout=LOST_SECONDS * 1000,
        )
        try:
            if self.home is not None:
                heads.refuse_older(conn, self.home)
        except BaseException:
            conn.close()
            raise
        return conn


def run(
    url: str,
    dsn: str,
    home: Path,
    stop: threading.Event,
    every: float = 10.0,
    *,
    metrics: Address | None = None,
    tell: Callable[[State], None] = lambda _: None,
) -> None:
    """Watch the service at `url` until `stop` is set; one watcher a `home`.

    Figures are shown at `metrics`; `tell` puts the public state of the service into words.
    """
    spool = Spool(home / "watch" / "samples")
    watcher = Watcher(
        url,
        dsn,
        f"watch {socket.gethostname()}",
        keys.load(home),
        spool,
        every,
        telling=Telling(home, tell),
        home=home,
    )
    log.info("watch started", url=url)
    try:
        with shown(watcher.figures, metrics):
            _keep_watching(watcher, stop)
    finally:
        spool.close()
    log.info("watch stopped")


def _keep_watching(watcher: Watcher, stop: threading.Event) -> None:
    while True:
        at, pause = next_sample(watcher)
        if stop.wait(pause):
            break
        try:
            watch(watcher, at)
        except Exception as error:
            log.error("watch failed", error=type(error).__name__, place=faults.place(error))


def next_sample(watcher: Watcher) -> tuple[datetime, float]:
    """The end of the next sample's time, and how many seconds until that time begins."""
    now = watcher.clock.now().timestamp()
    begins = (now // watcher.every + 1) * watcher.every
    return datetime.fromtimestamp(begins + watcher.every, UTC), begins - now


def watch(watcher: Watcher, at: datetime) -> None:
    """Try a confirmation in the time that ends `at`, keep the sample, bring in what is kept, and look for outages."""
    failure = _try(watcher, at)
    sample = Spooled(at, int(failure is None), int(failure is not None))
    watcher.figures.tried(Sample(*sample))
    watcher.spool.add(sample)
    if failure is not None:
        log.warning("confirming failed", at=at.isoformat(), failure=failure)
    watcher.figures.looked(_bring_in(watcher) and _look_for_outages(watcher))
    watcher.figures.waiting = watcher.spool.waiting
    if watcher.telling is not None:
        watcher.telling.tried(at, timedelta(seconds=watcher.every), worked=failure is None)
        _tell(watcher, watcher.telling)


def _try(watcher: Watcher, at: datetime) -> str | None:
    """Confirm a place; why it failed, or None. Raises what is our own fault."""
    try:
        ready = _prepare(watcher, at)
    except AWAY:
        return "database away"
    began = time.monotonic()
    try:
        confirm(watcher.url, PROGRAM, ready.number, ready.code)
    except Failed as failed:
        return str(failed)
    watcher.figures.took(time.monotonic() - began)
    return None


def _prepare(watcher: Watcher, at: datetime) -> Ready:
    day, turn = turn_of(at, watcher.every)
    with watcher.connect() as conn:
        now = clock.now(conn)
        watcher.clock.set(now)
        return prepare(conn, Prepare(watcher.source, day, turn), keys=watcher.keys, now=now)


def _bring_in(watcher: Watcher) -> bool:
    """Put what is kept on record, unless the database is away; then it is kept on. Whether it was there."""

    def take(samples: Sequence[Spooled]) -> None:
        acts = [RecordSample(sample.at, watcher.source, sample.ok, sample.failed) for sample in samples]
        outcomes = record_samples(conn, acts, now=clock.now(conn) + timedelta(seconds=watcher.every))
        refused = sum(isinstance(outcome, Refused) for outcome in outcomes)
        if refused:
            log.error("samples refused", count=refused)

    try:
        with watcher.connect() as conn:
            brought = watcher.spool.bring_in(take)
            if not watcher.figures.complete:
                now = clock.now(conn)
                until = now + timedelta(seconds=watcher.every)
                watcher.figures.complete_with(evidence.samples_of(conn, watcher.source, now - LONGEST, until))
    except AWAY:
        log.warning("samples wait", reason="database away")
        return False
    if brought > 1:
        log.info("samples brought in", count=brought)
    return True


def _tell(watcher: Watcher, telling: Telling) -> None:
    """Write the public state where nobody else does. What goes wrong here costs no sample."""
    try:
        if telling.needed(watcher.clock.now()):
            with watcher.connect(LOOK_SECONDS) as conn:
                telling.read(conn, clock.now(conn))
    except AWAY:
        pass  # what was known before holds, and what we see ourselves
    except Exception as error:
        log.error("status not read", error=type(error).__name__, place=faults.place(error))
    try:
        if telling.write(watcher.clock.now()):
            log.warning("status written", reason="nobody else did")
    except Exception as error:
        log.error("status not written", error=type(error).__name__, place=faults.place(error))


def _look_for_outages(watcher: Watcher) -> bool:
    """Bring outages and deadlines up to date; whether that was done. What goes wrong here costs no sample."""
    try:
        with watcher.connect(LOOK_SECONDS) as conn:
            moved = find_outages(conn, now=clock.now(conn), chance=os.urandom)
    except psycopg.errors.LockNotAvailable:
        return True  # somebody else is looking
    except Exception as error:
        log.error("outages not looked for", error=type(error).__name__, place=faults.place(error))
        return False
    if moved:
        log.warning("outages", deadlines_moved=moved)
    return True
