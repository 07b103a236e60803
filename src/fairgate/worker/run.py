"""Run the worker until it is told to stop."""

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from fairgate.commands import looping
from fairgate.commands.looping import Clock
from fairgate.store import clock, keys
from fairgate.store.status import State
from fairgate.worker.beacons import Beacons
from fairgate.worker.loops import EVIDENCE_EVERY, Worker, loops

CONNECTIONS = 8  # one a loop

log = structlog.get_logger()


def run(
    dsn: str,
    home: Path,
    stop: threading.Event,
    poll_seconds: float = 1.0,
    *,
    evidence_seconds: float = EVIDENCE_EVERY,
    clock: Clock = clock.now,
    tell: Callable[[State], None] = lambda _: None,
    issuer: str = keys.origin(""),
) -> None:
    """Take what is due by the database's clock, until `stop` is set. Any number of workers may run.

    `tell` puts the public state of the service into words; `issuer` is the ledger's name.
    """
    with looping.connections(dsn, CONNECTIONS, home) as connect:
        worker = Worker(home, keys.load(home), connect, Beacons(home), clock, tell=tell, issuer=issuer)
        log.info("worker started")
        looping.run(loops(worker, poll_seconds, evidence_seconds), stop)
    log.info("worker stopped")
