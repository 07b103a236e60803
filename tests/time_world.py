"""A deployment for tests of time passing: a small profile, groups that ask, and a worker whose clock the test sets."""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import psycopg

from fairgate.commands.due import Source
from fairgate.commands.evidence import RecordSample, record_samples
from fairgate.commands.load_profile import load_profile
from fairgate.commands.register import Register, register
from fairgate.commands.request import Ask, request
from fairgate.commands.rounds import start_calendar
from fairgate.core import numbers
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.registering import Member
from fairgate.store import checkpoints, keys, slots
from fairgate.worker import loops
from fairgate.worker.beacons import Beacons
from fairgate.worker.loops import Worker
from notary import show_sealing

PROFILE = {
    "profile.toml": """
key = "small"
languages = ["en", "es"]
[texts.en]
service = "Arrival appointments"
agency = "Office of Arrivals"
[texts.es]
service = "Citas de llegada"
agency = "Oficina de Llegadas"
[beacon]
kinds = ["commit-reveal"]
observers = ["notary", "ombudsman"]
rehearsal = true
""",
    "ports.toml": """
[SYS]
names = "San Ysidro"
zone = "America/Los_Angeles"
people_zone = "America/Tijuana"
[NOG]
names = "Nogales"
zone = "America/Phoenix"
""",
    "programs.toml": """
[arrival]
names = { en = "Arrival appointment", es = "Cita de llegada" }
zone = "Etc/UTC"
opens = { day = -1, time = "12:00" }
closes = "00:00"
seed = "11:30"
results = "12:00"
lead_days = 21
group_max = 4
seniority_share = [1, 2]
backfill_hours = 24
[arrival.ports.SYS.every_day]
"09:00" = 2
"10:00" = 1
[arrival.ports.NOG.every_day]
"09:00" = 1
""",
}
DAY = date(2026, 12, 22)  # the first round; it opens on 30 November at 12:00 and is drawn on 1 December at 12:00
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
POLICY = "\n[arrival.policy]\n{}\n[arrival.ports.SYS.every_day]"


def profile(*, beacon: str | None = None, policy: str | None = None) -> dict[str, str]:
    """The profile with another beacon table, or with lines for the policy."""
    texts = dict(PROFILE)
    if beacon is not None:
        texts["profile.toml"] = texts["profile.toml"].split("[beacon]")[0] + f"[beacon]\n{beacon}\n"
    if policy is not None:
        texts["programs.toml"] = texts["programs.toml"].replace(
            "\n[arrival.ports.SYS.every_day]", f"\n[arrival.policy]\n{policy}\n[arrival.ports.SYS.every_day]"
        )
    return texts


@dataclass(frozen=True)
class Group:
    number: str
    code: str


class TimeWorld:
    """`now` is what the clock shows; nothing happens before `work` is called."""

    def __init__(self, conn: psycopg.Connection, home: Path, texts: dict[str, str] | None = None) -> None:
        self.conn = conn
        self.home = home
        self.keys = keys.load(home)
        self.now = NOON - timedelta(days=1)
        self.profile = load_profile(conn, texts or PROFILE, now=self.now)

    def start_calendar(self, first: date = DAY) -> None:
        start_calendar(self.conn, self.profile.program("arrival"), first)

    def stop_calendar(self) -> None:
        """No further round opens."""
        slots.schedule(self.conn, "arrival", None, None)

    def worker(self, source: Source | None = None) -> Worker:
        """A worker on this test's connection, whose clock shows `now`."""
        return Worker(
            self.home, self.keys, lambda: nullcontext(self.conn), source or Beacons(self.home), lambda _: self.now
        )

    def group(self, *, size: int = 1, names: str = "Ana", language: str = "en", weeks: int = 10) -> Group:
        group = Group(numbers.new_number(os.urandom), numbers.new_code(os.urandom))
        members = [Member(f"{names} {i}", "Pérez", date(1990, 5, 1 + i)) for i in range(size)]
        registered_at = self.now - timedelta(weeks=weeks)
        act = Register(group.number, group.code, language, members, registered_at)
        must(register(self.conn, [act], keys=self.keys, now=self.now, chance=os.urandom))
        return group

    def asking(self, *ports: str, size: int = 1, language: str = "en", names: str = "Ana") -> Group:
        """A group whose request stands from now on."""
        group = self.group(size=size, language=language, names=names)
        must(request(self.conn, [Ask(group.number, "arrival", ports or ("SYS",))], now=self.now, chance=os.urandom))
        return group

    def healthy(self, since: datetime, until: datetime) -> None:
        """Samples that show a working service, no gap between them, one exactly at each end."""
        count = -((since - until) // timedelta(seconds=240))
        acts = [RecordSample(since + (until - since) / max(1, count) * i, "test", 1, 0) for i in range(count + 1)]
        must(record_samples(self.conn, acts, now=until))

    def states(self) -> dict[str, str]:
        """The state of each round by its date."""
        rows = self.conn.execute("SELECT date, state FROM round WHERE program = 'arrival' ORDER BY date")
        return {day.isoformat(): state for day, state in rows}

    def offers(self) -> list[tuple[str, str]]:
        """(number, state) of all offers in the order in which they were made."""
        query = "SELECT r.number, o.state FROM offer o JOIN registration r ON r.id = o.registration_id ORDER BY o.id"
        return self.conn.execute(query).fetchall()

    def said(self) -> list[str]:
        """The kinds of all statements in the ledger, in its order."""
        return [kind for (kind,) in self.conn.execute("SELECT kind FROM statement ORDER BY leaf")]


def step(worker: Worker) -> bool:
    """What is due, as often as that makes something due; where a sealing waits to be shown it is, at the same time."""
    busy = loops.step(worker)
    with worker.connect() as conn:
        while checkpoints.awaited(conn) is not None:
            show_sealing(conn, worker.clock(conn))
            loops.step(worker)
            busy = True
    return busy


def must(outcomes: Sequence[Outcome]) -> None:
    assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)
