"""Hand notices over to channels: at least once, and only from what is committed.

A batch is claimed in one short transaction: each notice is due again in a few minutes, unless somebody says before
that it was handed over. Then the connection is given back, and texts are written and handed over without
one. Whoever dies in between leaves notices that come due again; a channel knows them by their id.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import structlog

from fairgate.commands import looping
from fairgate.commands.looping import Clock, Connect, Loop
from fairgate.core import faults
from fairgate.core.profile import Profile
from fairgate.notify.channels import Channel, Folder, Message
from fairgate.notify.writing import write
from fairgate.store import clock, notices, profiles
from fairgate.store.notices import Due

BATCH = 100
CLAIMED = timedelta(minutes=5)  # longer than handing a batch over takes
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=5)
TRIES = 48  # about four hours; by then somebody has to look

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Desk:
    """What handing over works with."""

    connect: Connect
    channel: Channel
    clock: Clock = clock.now


def run(dsn: str, home: Path, stop: threading.Event, poll_seconds: float = 1.0, *, clock: Clock = clock.now) -> None:
    """Hand over what is due until `stop` is set. Any number may run."""
    with looping.connections(dsn, 1) as connect:
        desk = Desk(connect, Folder(home), clock)
        log.info("notify started")
        looping.run([Loop("notices", lambda: hand_over(desk), poll_seconds)], stop)
    log.info("notify stopped")


def hand_over(desk: Desk) -> bool:
    """Hand over a batch of what is due; whether there was anything."""
    with desk.connect() as conn:
        claimed = _claim(conn, desk.clock(conn))
        profile = profiles.current(conn) if claimed else None
    if profile is None:
        return False
    nobodys = [notice for notice in claimed if _for_nobody(notice, profile)]
    sent: list[Due] = []
    failed: list[Due] = []
    for notice in claimed:
        if notice not in nobodys:
            (sent if _handed_over(desk.channel, notice, profile) else failed).append(notice)
    with desk.connect() as conn, conn.transaction():
        now = desk.clock(conn)
        notices.sent(conn, [notice.id for notice in (*nobodys, *sent)], now)
        for notice in failed:
            notices.failed(conn, notice.id, now=now, retry_after=_pause(notice.tries + 1))
    if sent or failed:
        log.info("notices", sent=len(sent), failed=len(failed))
    return True


def _claim(conn: psycopg.Connection, now: datetime) -> Sequence[Due]:
    with conn.transaction():
        found = notices.due(conn, now, BATCH)
        notices.claim(conn, [notice.id for notice in found], now + CLAIMED)
    return found


def _handed_over(channel: Channel, notice: Due, profile: Profile) -> bool:
    try:
        text = write(notice.kind, {"port": notice.port, **notice.facts}, notice.language, profile)
        channel.hand_over(Message(notice.id, notice.number, notice.kind, text))
    except Exception as error:  # one notice that cannot be handed over keeps no other waiting
        fault = {"error": type(error).__name__, "place": faults.place(error)}
        log.error("notice failed", notice=notice.id, registration=notice.registration_id, kind=notice.kind, **fault)
        return False
    return True


def _for_nobody(notice: Due, profile: Profile) -> bool:
    """Whether it is about a hidden program: that serves the machinery, and no person has a place in it."""
    program = profile.find_program(str(notice.facts.get("program")))
    return program is not None and program.hidden


def _pause(tries: int) -> timedelta | None:
    """How long to wait after so many tries that failed; None when it is time to give up."""
    if tries >= TRIES:
        return None
    doubled = FIRST_PAUSE * (1 << min(tries - 1, 10))
    return min(doubled, LONGEST_PAUSE)
