"""A small deployment for pages: the southwest border's profile, groups that registered, and rounds that were drawn.

Pages go by the database's clock, so the world is built around now: the program's zone is the one in which it is
early afternoon, and a round drawn "today" was drawn at noon there, one to two hours ago.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.load_profile import load_profile
from fairgate.commands.register import Register, register
from fairgate.commands.request import Ask, Withdraw, request, withdraw
from fairgate.commands.rounds import Open, SetCapacity, open_rounds, set_capacity
from fairgate.commands.seal import Seal, seal
from fairgate.core import numbers
from fairgate.core.beacon import Commitment, CommitReveal, Reveals
from fairgate.core.deadlines import Outage
from fairgate.core.lifecycle import Done
from fairgate.core.profile import Profile
from fairgate.core.registering import Member
from fairgate.core.schedule import round_times
from fairgate.core.sealing import Keys
from fairgate.store import clock, draw_figures, evidence, profiles, publication, registrations, rounds, slots
from fairgate.store.ledger_files import LedgerFiles
from notary import show_sealing

PROGRAM = "arrival"
PROFILES = Path(__file__).parents[1] / "profiles"
REVEALS = Reveals((("notary", b"n" * 32), ("ombudsman", b"o" * 32)))
BEACON = CommitReveal(tuple(Commitment(by, hashlib.sha256(reveal).hexdigest()) for by, reveal in REVEALS.reveals))

# A second program, as TOML beside the first one's.
VISITS = """
[family-visit]
names = { en = "Family visit", es = "Visita familiar" }
zone = "here"
opens = { day = -1, time = "12:00" }
closes = "00:00"
seed = "11:30"
results = "12:00"
lead_days = 7
group_max = 4
seniority_share = [1, 4]
backfill_hours = 48

[family-visit.policy]
window = "31 h"

[family-visit.ports.SYS.every_day]
"10:00" = 20
"""


@dataclass(frozen=True)
class Group:
    """What a group was given when it registered."""

    number: str
    code: str


class World:
    def __init__(
        self,
        conn: psycopg.Connection,
        keys: Keys,
        profile: str = "southwest-border",
        *,
        also: str = "",
        program: str = PROGRAM,
    ) -> None:
        """`also` is TOML of more programs; what is done here is done in `program`."""
        self.conn = conn
        self.keys = keys
        self.program = program
        self.now = clock.now(conn)
        texts = profiles.read_folder(PROFILES / profile)
        zone = f"Etc/GMT{self.now.hour - 13:+d}"  # POSIX signs: Etc/GMT+8 is eight hours behind
        texts["programs.toml"] = texts["programs.toml"].replace('zone = "America/New_York"', f'zone = "{zone}"')
        texts["programs.toml"] += also.replace('zone = "here"', f'zone = "{zone}"')
        self.profile: Profile = load_profile(conn, texts, now=self.now)

    @cached_property
    def day(self) -> date:
        """The date of the round whose results are out since noon today."""
        program = self.profile.program(self.program)
        return self.now.astimezone(ZoneInfo(program.zone)).date() + timedelta(days=program.lead_days)

    def group(self, *, size: int = 1, weeks: int = 10, language: str = "en", names: str = "Ana") -> Group:
        """A group of adults, registered so many weeks ago."""
        group = Group(numbers.new_number(os.urandom), numbers.new_code(os.urandom))
        members = [Member(f"{names} {i}", "Pérez", date(1990, 5, 1 + i)) for i in range(size)]
        registered_at = self.now - timedelta(weeks=weeks, days=1)
        act = Register(group.number, group.code, language, members, registered_at)
        self.must(register(self.conn, [act], keys=self.keys, now=self.now, chance=os.urandom))
        return group

    def ask(self, group: Group, *ports: str, days_ago: int = 60) -> None:
        """A request that stands since long ago."""
        act = Ask(group.number, self.program, ports or ("SYS",))
        self.must(request(self.conn, [act], now=self.now - timedelta(days=days_ago), chance=os.urandom))

    def asking(self, **about: object) -> Group:
        """A group whose request stands."""
        group = self.group(**about)  # type: ignore[arg-type]
        self.ask(group)
        return group

    def draw(self, day: date | None = None, *, places: int = 1) -> date:
        """Draw the round of a date at its own time, San Ysidro having so many places and no other port any."""
        day = day or self.day
        times = round_times(self.profile.program(self.program), day)
        self.open(day, places=places)
        conn, chance = self.conn, os.urandom
        self.must(seal(conn, [Seal(self.program, day, BEACON)], keys=self.keys, now=times.closes_at, chance=chance))
        show_sealing(conn, times.closes_at)
        self.must(seed(conn, [Seed(self.program, day, REVEALS)], now=times.seed_at, chance=chance))
        self.must(draw(conn, [Draw(self.program, day)], now=times.draw_at, chance=chance))
        return day

    def open(self, day: date, *, places: int = 1) -> None:
        """Open the round of a date; its places are at the first time of day at San Ysidro."""
        conn, chance = self.conn, os.urandom
        opens_at = round_times(self.profile.program(self.program), day).opens_at
        self.must(open_rounds(conn, [Open(self.program, day)], now=opens_at, chance=chance))
        rows = slots.of_day(conn, self.program, day)
        first = next(slot.id for slot in rows if slot.port == "SYS")
        for slot in rows:  # the profile might have had it so: dozens of acts on record would be most of a test's time
            slots.set_capacity(conn, slot.id, 0)
        self.must(set_capacity(conn, [SetCapacity(self.program, day, first, places)], now=opens_at, chance=chance))

    def publish(self, home: Path, day: date | None = None) -> None:
        """Write bundle and figures of a drawn round, as the worker does."""
        found = rounds.find(self.conn, self.program, day or self.day)
        assert found is not None
        assert found.seed is not None
        bundle = publication.files(self.conn, found, LedgerFiles(home))
        publication.write(publication.folder(home, self.profile, self.program, found.date), bundle)
        draw_figures.write(draw_figures.folder(home, self.profile, self.program, found.date), bundle, found.seed)

    def decline(self, group: Group) -> None:
        self.must(decline(self.conn, [Decline(group.number, self.program)], now=self.now, chance=os.urandom))

    def withdraw(self, group: Group, *, hours_ago: int = 1) -> None:
        at = self.now - timedelta(hours=hours_ago)
        self.must(withdraw(self.conn, [Withdraw(group.number, self.program)], now=at, chance=os.urandom))

    def cancel(self, group: Group) -> None:
        act = Cancel(group.number, self.program, "the port is closed")
        self.must(cancel(self.conn, [act], now=self.now, chance=os.urandom))

    def check_in(self, group: Group) -> None:
        self.must(check_in(self.conn, [CheckIn(group.number, self.program)], now=self.now, chance=os.urandom))

    def outage(self, day: date, *, after: timedelta, lasted: timedelta | None, told: bool = True) -> None:
        """An outage on record, so long after the draw of a date; without a length it lasts."""
        start = self.drawn_at(day) + after
        end = start + lasted if lasted else None
        notice_at = end + timedelta(minutes=20) if end and told else None
        evidence.add_outage(self.conn, Outage(start, end, notice_at), self.now)

    def drawn_at(self, day: date) -> datetime:
        return round_times(self.profile.program(self.program), day).draw_at

    @property
    def today(self) -> date:
        """Today at San Ysidro: a round of this date was drawn three weeks ago, and its appointments are now."""
        return self.now.astimezone(ZoneInfo("America/Los_Angeles")).date()

    def confirm(self, group: Group, at: datetime | None = None) -> None:
        act = Confirm(group.number, self.program)
        self.must(confirm(self.conn, [act], now=at or self.now, chance=os.urandom))

    def id_of(self, group: Group) -> int:
        found = registrations.find(self.conn, group.number)
        assert found is not None
        return found.id

    def must(self, outcomes: list) -> None:
        assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes
