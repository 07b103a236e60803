"""A database for load tests: many open offers at once, and appointments of today, made by the real commands.

Three groups of people who do not exist are in it:

- those with an appointment today, drawn and confirmed as long ago as the program's lead has it;
- those with an open offer, whose window begins when everything is ready;
- those who only ask: their requests came after that round had closed.

The ports are given as much room as all of these people need. Nothing else differs from what the service does: the same
commands, constraints and ledger.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import psycopg

from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.rounds import Open, SetCapacity, open_rounds, set_capacity, start_calendar
from fairgate.core import schedule
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.profile import Profile, Program
from fairgate.core.sealing import Chance
from fairgate.sim.line import Line
from fairgate.sim.machinery import Machinery
from fairgate.sim.population import Figures, Group, groups, read_figures
from fairgate.sim.rehearse import Progress, first_visible
from fairgate.store import clock, counts, keys, profiles, slots

CONFIRMED_AFTER = timedelta(hours=1)  # the appointments, once they were offered
AT_ONCE = 1000  # confirmations in one transaction


class Wanted(NamedTuple):
    """How many registrations there are to be in all; with open offers; with appointments today."""

    registrations: int
    offers: int
    appointments: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """Numbers of registrations by what they have, and until when the offers are open."""

    appointments: Sequence[str] = field(repr=False)
    offers: Sequence[str] = field(repr=False)
    others: Sequence[str] = field(repr=False)
    open_until: datetime


def rehearse_load(
    dsn: str,
    home: Path,
    wanted: Wanted,
    *,
    seed: int = 1,
    issuer: str = keys.LOCAL,
    progress: Progress = lambda _what, _done, _total: None,
    chance: Chance = os.urandom,
) -> Load:
    """Make a load test's database in the first visible program of the loaded profile.

    The database must hold nothing but the profile. Everybody who is to have an offer asks before the round of the
    latest date that can be drawn now closes. `seed` decides who the people are. Raises BadInput where the profile has
    no places today for the appointments.
    """
    assert 0 <= wanted.offers + wanted.appointments <= wanted.registrations
    with psycopg.connect(dsn, autocommit=True) as conn:
        if counts.used(conn):
            raise BadInput("database", "holds registrations or rounds already", "rehearse on an empty one")
        conn.execute("SET synchronous_commit = off")  # nobody counts on these acts, so none waits for the disk
        maker = _Maker(conn, home, wanted, seed, issuer, progress, chance)
        appointments = maker.appointments(wanted.appointments)
        offers = maker.offers(wanted.offers)
        others = maker.others(wanted.registrations - wanted.offers - wanted.appointments)
        start_calendar(conn, maker.program, schedule.next_to_open(maker.program, clock.now(conn)))
        maker.machinery.show_health(maker.since, clock.now(conn))
        conn.execute("SET synchronous_commit = on")  # the next commit is on disk, and with it all before
        conn.execute("ANALYZE")
        return Load(appointments, offers, others, maker.drawn_at + maker.program.policy.window)


class _Maker:
    """Makes one group after the other; `since` is when the first of them asked, `drawn_at` when offers were made."""

    def __init__(
        self,
        conn: psycopg.Connection,
        home: Path,
        wanted: Wanted,
        seed: int,
        issuer: str,
        progress: Progress,
        chance: Chance,
    ) -> None:
        self._conn = conn
        self._home = home
        self._seed = seed
        self._progress = progress
        self._chance = chance
        self._total = wanted.registrations
        self._made = 0
        self._profile: Profile = profiles.current(conn)
        self.program: Program = first_visible(self._profile)
        self._figures: Figures = read_figures(self._profile, self.program)
        self._keys = keys.load(home)
        self.machinery = Machinery(
            conn, home=home, profile=self._profile, waits=lambda _round, _now: False, chance=chance, issuer=issuer
        )
        self.drawn_at = self.since = clock.now(conn)
        slots.schedule(conn, self.program.program, None, None)  # no round opens while virtual time is gone through

    def appointments(self, count: int) -> list[str]:
        """Groups that are expected today, where it is the same day as at the program's first port."""
        if count == 0:
            return []
        now = clock.now(self._conn)
        today = self._today(self.program.port_codes[0], now)
        here = tuple(port for port in self._ports(today) if self._today(port, now) == today)
        if not here:
            raise BadInput("--appointments", f"there are no places on {today}", "leave it out, or load another profile")
        times = schedule.round_times(self.program, today)
        if times.draw_at + CONFIRMED_AFTER > now:
            raise BadInput("--appointments", f"the places of {today} are not given out yet", "leave it out")
        numbers = self._give_out(count, today, here, times.draw_at)
        at, slug = times.draw_at + CONFIRMED_AFTER, self.program.program
        for first in range(0, count, AT_ONCE):
            acts = [Confirm(number, slug) for number in numbers[first : first + AT_ONCE]]
            _done(confirm(self._conn, acts, now=at, chance=self._chance))
            self._progress("confirmations", first + len(acts), count)
        self.machinery.run(at)
        return numbers

    def offers(self, count: int) -> list[str]:
        """Groups whose offers are open from the moment in which this ends."""
        if count == 0:
            return []
        day = _latest_drawn(self.program, clock.now(self._conn))
        return self._give_out(count, day, self._ports(day), None)

    def others(self, count: int) -> list[str]:
        """Groups that only ask, since now."""
        return list(self._ask(count, clock.now(self._conn), self.program.port_codes))

    def _give_out(self, count: int, day: date, ports: tuple[str, ...], at: datetime | None) -> list[str]:
        """Have `count` groups ask for these ports and be offered places of `day`, all of them, at `at` or else now."""
        times = schedule.round_times(self.program, day)
        self.since = min(self.since, times.opens_at)
        room: Counter[str] = Counter()
        numbers = list(self._ask(count, times.opens_at, ports, room))
        opened = Open(self.program.program, day)
        _done(open_rounds(self._conn, [opened], now=times.opens_at, chance=self._chance))
        self._make_room(day, room, times.opens_at)
        self._conn.execute("ANALYZE")
        self.drawn_at = at or clock.now(self._conn)
        before = counts.offers(self._conn).get("offered", 0)
        self.machinery.take_steps(times.closes_at)  # sealed, and shown to be, before the random value is made
        self.machinery.run(self.drawn_at)
        made = counts.offers(self._conn).get("offered", 0) - before
        assert made == count, f"everybody is offered a place: {made} of {count}"
        return numbers

    def _ask(self, count: int, at: datetime, ports: tuple[str, ...], room: Counter[str] | None = None) -> Iterator[str]:
        """Register `count` groups that ask for some of `ports`; their numbers. `room` counts persons by port."""
        languages, seed = self._profile.languages, self._seed + self._made
        coming = groups(self._figures, languages, registrations=count, since=at, until=at, seed=seed)
        line = Line(_who_ask(coming, ports, room), self.program.program, self._keys, self._chance)
        for done in line.register(self._conn, at):
            self._progress("registrations", self._made + done, self._total)
        self._made += count
        return iter(line.codes)

    def _make_room(self, day: date, room: Mapping[str, int], now: datetime) -> None:
        """Give each port room for everybody who named it, spread over its slots: then nobody goes without."""
        found = slots.of_day(self._conn, self.program.program, day)
        at_port = Counter(slot.port for slot in found)
        shares = [(slot, -(-room[slot.port] // at_port[slot.port])) for slot in found]
        wider = [
            SetCapacity(self.program.program, day, slot.id, share) for slot, share in shares if share > slot.capacity
        ]
        _done(set_capacity(self._conn, wider, now=now, chance=self._chance))

    def _ports(self, day: date) -> tuple[str, ...]:
        """The ports that have places on a date."""
        return tuple(dict.fromkeys(places.port for places in schedule.slots(self.program, day)))

    def _today(self, port: str, now: datetime) -> date:
        return now.astimezone(ZoneInfo(self._profile.port(port).zone)).date()


def _who_ask(coming: Iterator[Group], ports: tuple[str, ...], room: Counter[str] | None) -> Iterator[Group]:
    """The groups with those of their ports that are among `ports`, or else the first of these."""
    for group in coming:
        asked = tuple(port for port in group.ports if port in ports) or ports[:1]
        if room is not None:
            room.update(dict.fromkeys(asked, len(group.members)))
        yield group._replace(ports=asked)


def _latest_drawn(program: Program, now: datetime) -> date:
    """The latest date with places whose results are out at `now` by the calendar."""
    day = schedule.next_to_open(program, now)
    while not schedule.slots(program, day) or schedule.round_times(program, day).draw_at > now:
        day -= timedelta(days=1)
    return day


def _done(outcomes: Sequence[Outcome]) -> None:
    assert all(isinstance(outcome, Done) for outcome in outcomes), "nothing is refused in a rehearsal for load"
