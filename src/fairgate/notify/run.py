"""Hand notices over to channels: at least once, and only from what is committed.

First a notice is *planned*: whom it goes to and over which channels becomes a row for each. Then each of these
deliveries is made by itself. Batches are taken in one short transaction (commands/deliver.py); then the connection is
given back, and texts are written and handed over without one. Every channel has a loop of its own, so that a slow
one keeps no other waiting, and what is taken twice, because somebody died over it, channels know by its id.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

import structlog

from fairgate.commands import deliver, looping
from fairgate.commands.deliver import Parcel, Plan, Tried
from fairgate.commands.looping import Clock, Connect, Loop
from fairgate.core import faults
from fairgate.core.delivering import LATE, Failed, Fault, Sent
from fairgate.core.profile import Profile
from fairgate.core.sealing import Keys
from fairgate.notify.channels import Channel, Folder, Message, Undeliverable
from fairgate.notify.configured import configured
from fairgate.notify.recipients import Group, groups, recipients
from fairgate.notify.writing import write
from fairgate.store import clock, deliveries, keys, notices, profiles

BATCH: Final = 100
CONNECTIONS: Final = 3  # lent for moments, to a loop for planning, one for each channel and one that sweeps
WORKED_ON_S: Final = 210.0  # then the rest of a batch is given back: it must not be here when it comes due again
SWEEP_EVERY: Final = 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Desk:
    """What handing over works with. Notices go out over all of `channels`; where there is none, into `folder`.

    When `stop` is set, a batch is ended with the messages that are under way.
    """

    connect: Connect
    folder: Channel
    keys: Keys
    channels: Sequence[Channel] = ()
    clock: Clock = clock.now
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def planned(self) -> Sequence[Channel]:
        return self.channels or (self.folder,)

    @property
    def open(self) -> Sequence[Channel]:
        """Those that are sent over: what was planned as a file stays one when a channel is set up afterwards."""
        return (self.folder, *self.channels)


def run(dsn: str, home: Path, stop: threading.Event, poll_seconds: float = 1.0, *, clock: Clock = clock.now) -> None:
    """Hand over what is due until `stop` is set, over what the environment sets up. Any number may run."""
    channels = configured(os.environ, home)
    with looping.connections(dsn, CONNECTIONS, home) as connect:
        desk = Desk(connect, Folder(home), keys.load(home), channels, clock, stop)
        log.info("notify started", channels=[channel.name for channel in desk.planned])
        loops = [
            Loop("notices", partial(plan, desk), poll_seconds),
            *(Loop(channel.name, partial(send, desk, channel), poll_seconds) for channel in desk.open),
            Loop("sweeper", partial(sweep, desk), SWEEP_EVERY),
        ]
        looping.run(loops, stop)
    log.info("notify stopped")


def hand_over(desk: Desk) -> bool:
    """Plan and send a batch of what is due; whether there was anything."""
    busy = plan(desk)
    for channel in desk.open:
        busy |= send(desk, channel)
    return busy


# -- planning -----------------------------------------------------------------------------------


def plan(desk: Desk) -> bool:
    """Write down the deliveries of a batch of notices; whether there were any."""
    with desk.connect() as conn:
        now = desk.clock(conn)
        taken = deliver.take_notices(conn, BATCH, now=now)
        if not taken:
            return False
        profile = profiles.current(conn)
        found = groups(conn, {notice.registration_id for notice in taken}, desk.planned)
    hidden = [notice.id for notice in taken if _for_nobody(notice, profile)]
    plans: list[Plan] = []
    unread: list[notices.Due] = []
    wrong = _Faults()
    for notice in taken:
        if notice.id not in hidden:
            try:
                plans.append(_planned(desk, notice, found[notice.registration_id], now.date()))
            except Exception as error:  # one that cannot be read keeps no other waiting
                wrong.note(notice.id, notice.registration_id, notice.kind, error)
                unread.append(notice)
    wrong.say()
    with desk.connect() as conn:
        now = desk.clock(conn)
        deliver.skip(conn, hidden, now=now)
        deliver.plan(conn, plans, now=now)
        deliver.postpone(conn, unread, now=now)
    return True


def _planned(desk: Desk, notice: notices.Due, group: Group, today: date) -> Plan:
    parcels = [
        Parcel(channel.name, each.hash, each.fault)
        for channel in desk.planned
        for each in recipients(channel, notice.number, group, keys=desk.keys, today=today)
    ]
    return Plan(notice.id, tuple(parcels))


def _for_nobody(notice: notices.Due, profile: Profile) -> bool:
    """Whether it is about a hidden program: that serves the machinery, and no person has a place in it."""
    program = profile.find_program(str(notice.facts.get("program")))
    return program is not None and program.hidden


# -- sending ------------------------------------------------------------------------------------


def send(desk: Desk, channel: Channel) -> bool:
    """Make a batch of the deliveries that are due over a channel; whether there may be more, and time for them."""
    began = monotonic()
    with desk.connect() as conn:
        now = desk.clock(conn)
        taken = deliver.take(conn, channel.name, BATCH, now=now)
        if not taken:
            return False
        profile = profiles.current(conn)
        found = groups(conn, {due.registration_id for due in taken}, [channel])
    wrong = _Faults()
    sender = _Sender(desk, channel, profile, found, now.date(), began + WORKED_ON_S, wrong)
    with ThreadPoolExecutor(channel.together, channel.name) as threads:
        came = [*threads.map(sender.try_one, taken)]
    tried = [each for each in came if each is not None]
    left = [due for due, each in zip(taken, came, strict=True) if each is None]
    channel.close()
    wrong.say(channel.name)
    with desk.connect() as conn:
        deliver.settle(conn, tried, left, now=desk.clock(conn))
    sent = sum(isinstance(each.outcome, Sent) for each in tried)
    log.info("notices", channel=channel.name, sent=sent, failed=len(tried) - sent)
    return not left


@dataclass(frozen=True, slots=True)
class _Sender:
    """Makes the deliveries of one batch, several at the same time, until `until` by the clock of `monotonic`."""

    desk: Desk
    channel: Channel
    profile: Profile
    groups: Mapping[int, Group]
    today: date
    until: float
    wrong: "_Faults"

    def try_one(self, due: deliveries.Due) -> Tried | None:
        """None when there is no time left for it. Whatever goes wrong with one keeps no other waiting."""
        if monotonic() > self.until or self.desk.stop.is_set():
            return None
        try:
            return Tried(due, self._hand_over(due))
        except Undeliverable as answer:
            return Tried(due, Failed(answer.fault))
        except Exception as error:
            self.wrong.note(due.notice_id, due.registration_id, due.kind, error)
            return Tried(due, Failed())

    def _hand_over(self, due: deliveries.Due) -> Sent:
        group = self.groups[due.registration_id]
        found = recipients(self.channel, due.number, group, keys=self.desk.keys, today=self.today)
        to = next((each.to for each in found if each.hash == due.recipient), None)
        if to is None:
            raise Undeliverable(Fault.ADDRESS_GONE)
        text = write(due.kind, {"port": due.port, **due.facts}, due.language, self.profile)
        return self.channel.hand_over(Message(due.id, due.notice_id, due.number, due.kind, to, text))


class _Faults:
    """What went wrong in a batch: a line for each kind of fault, for when a channel is away all of them fail alike."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        self._turn = threading.Lock()

    def note(self, notice: int, registration: int, kind: str, error: Exception) -> None:
        with self._turn:
            about = (kind, type(error).__name__, faults.place(error))
            self._found.setdefault(about, []).append((notice, registration))

    def say(self, channel: str | None = None) -> None:
        """Log them, each kind with how many there were and the first of them."""
        for (kind, error, place), found in self._found.items():
            notice, registration = found[0]
            about = {"kind": kind, "notice": notice, "registration": registration, "times": len(found)}
            log.error("notice failed", channel=channel, **about, error=error, place=place)


# -- sweeping -----------------------------------------------------------------------------------


def sweep(desk: Desk) -> bool:
    """Let what stands still fail, and say what is late; whether there may be more."""
    with desk.connect() as conn:
        now = desk.clock(conn)
        swept = deliver.sweep(conn, [channel.name for channel in desk.open], now=now)
        late, since = deliveries.late(conn, now, LATE)
    if swept:
        log.error("notices stuck", failed=swept)
    if late and since is not None:
        log.error("notices late", waiting=late, minutes=(now - since) // timedelta(minutes=1))
    return swept == deliver.SWEPT
