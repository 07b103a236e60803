"""A world for a test: a database with a profile, people, rounds and evidence, with dull defaults.

    world = World(conn)                      # the profile `TWO_PORTS` below, nobody registered
    number = world.asking(size=2)            # a group that is registered and asks
    world.drawn()                            # a round opened, sealed, seeded and drawn; world.now is its draw_at
    world.offer(number)                      # what became of it

`world.now` is a plain datetime that a test sets or adds to; `world.chance` gives the same bytes in every run.
"""

import hmac
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

import psycopg

from fairgate.commands.backfill import Backfill, backfill
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.evidence import RecordSample, record_samples
from fairgate.commands.load_profile import load_profile
from fairgate.commands.register import Register, register
from fairgate.commands.request import Ask, request
from fairgate.commands.rounds import Open, open_rounds
from fairgate.commands.seal import Seal, seal
from fairgate.core.beacon import Commitment, CommitReveal, Reveals
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.numbers import new_code, new_number
from fairgate.core.registering import Member
from fairgate.core.sealing import Keys
from fairgate.store import offers, registrations, requests, rounds
from fairgate.store.offers import Offer
from fairgate.store.profiles import read_folder
from fairgate.store.registrations import Registration
from fairgate.store.requests import Request
from fairgate.store.rounds import Round
from notary import show_sealing
from vectors import ROOT

PROFILES = ROOT / "profiles"
KEYS = Keys(bytes(range(32)))
LONG_AGO = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = date(2026, 3, 20)  # the usual appointment date; its results day is 27 February
REVEAL = b"what the only observer of these tests reveals"
PROMISE = CommitReveal((Commitment("observer", sha256(REVEAL).hexdigest()),))

# Small on purpose: two ports in two zones, two programs, so that a handful of groups fills them.
TWO_PORTS = {
    "profile.toml": """
        key = "two-ports"
        languages = ["en", "es"]
        [texts.en]
        service = "Arrivals"
        agency = "The agency"
        [texts.es]
        service = "Llegadas"
        agency = "La agencia"
        [beacon]
        kinds = ["commit-reveal"]
        observers = ["observer"]
        rehearsal = true
    """,
    "ports.toml": """
        [AAA]
        names = { en = "Alpha", es = "Alfa" }
        zone = "America/Tijuana"
        [BBB]
        names = { en = "Beta", es = "Beta" }
        zone = "America/Matamoros"
    """,
    "programs.toml": """
        [arrival]
        names = { en = "Arrival", es = "Llegada" }
        zone = "America/New_York"
        opens = { day = -1, time = "12:00" }
        closes = "00:00"
        seed = "11:30"
        results = "12:00"
        lead_days = 21
        group_max = 4
        seniority_share = [1, 2]
        backfill_hours = 72
        [arrival.ports.AAA.every_day]
        "09:00" = 3
        "10:00" = 3
        [arrival.ports.BBB.every_day]
        "09:00" = 4

        [tour]
        names = { en = "Tour", es = "Visita" }
        zone = "America/New_York"
        opens = { day = -1, time = "12:00" }
        closes = "00:00"
        seed = "11:30"
        results = "12:00"
        lead_days = 21
        group_max = 6
        seniority_share = [0, 1]
        backfill_hours = 24
        [tour.ports.AAA.every_day]
        "15:00" = 8
    """,
}


def member(n: int, *, child: bool = False, **details: str) -> Member:
    """Somebody; with the same `n` always the same person."""
    return Member(f"Given{n}", f"Family{n}", date(2020 if child else 1980 + n % 20, 1 + n % 12, 1 + n % 28), details)


class World:
    """`program` is the one that is meant where a test names none."""

    def __init__(self, conn: psycopg.Connection, profile: str = "two-ports") -> None:
        self.conn = conn
        self.keys = KEYS
        self.now = LONG_AGO
        self._chances = count()
        self._people = count(1)
        texts = TWO_PORTS if profile == "two-ports" else read_folder(PROFILES / profile)
        self.profile = load_profile(conn, texts, now=self.now)
        self.program = self.profile.programs[0].program
        self.ports = self.profile.programs[0].port_codes

    def chance(self, length: int) -> bytes:
        """As many bytes as asked for, other ones each time, the same in every run of a test."""
        key = next(self._chances).to_bytes(8)
        blocks = (hmac.digest(key, i.to_bytes(8), "sha256") for i in count())
        made = b""
        while len(made) < length:
            made += next(blocks)
        return made[:length]

    @property
    def clock(self) -> dict[str, Any]:
        """What every command takes: `confirm(conn, acts, **world.clock)`."""
        return {"now": self.now, "chance": self.chance}

    def on(self, conn: psycopg.Connection) -> "World":
        """The same world over another connection, with its own course of time and chance."""
        other = object.__new__(World)
        other.__dict__ |= self.__dict__ | {"conn": conn, "_chances": count(next(self._chances) * 1_000_003)}
        return other

    # -- people ---------------------------------------------------------------------------------

    def registered(self, size: int = 1, *, members: Sequence[Member] | None = None, language: str = "en") -> str:
        """The number of a new registration of `size` adults."""
        who = [member(next(self._people)) for _ in range(size)] if members is None else members
        number, code = new_number(self.chance), new_code(self.chance)
        [outcome] = register(self.conn, [Register(number, code, language, who)], keys=self.keys, **self.clock)
        assert isinstance(outcome, Done), outcome
        return number

    def asking(self, size: int = 1, ports: Sequence[str] = (), *, program: str | None = None) -> str:
        """The number of a new registration that asks for `ports`, all of them if none are named."""
        number = self.registered(size)
        self.ask(number, ports, program=program)
        return number

    def ask(self, number: str, ports: Sequence[str] = (), *, program: str | None = None) -> None:
        slug = program or self.program
        wanted = ports or self.profile.program(slug).port_codes
        [outcome] = request(self.conn, [Ask(number, slug, wanted)], **self.clock)
        assert isinstance(outcome, Done), outcome

    # -- rounds ---------------------------------------------------------------------------------

    def opened(self, day: date = DAY, *, program: str | None = None) -> Round:
        """An open round; time is at its opening at the earliest."""
        self._did(open_rounds(self.conn, [Open(program or self.program, day)], **self.clock))
        found = self.round(day, program=program)
        self.now = max(self.now, found.opens_at)
        return found

    def sealed(self, day: date = DAY, *, program: str | None = None) -> Round:
        """A sealed round, opened if it was not; time is at its closing at the earliest."""
        found = rounds.find(self.conn, program or self.program, day) or self.opened(day, program=program)
        self.now = max(self.now, found.closes_at)
        self._did(seal(self.conn, [Seal(found.program, day, PROMISE)], keys=self.keys, **self.clock))
        show_sealing(self.conn, min(self.now, found.seed_at - timedelta(seconds=1)))
        return self.round(day, program=program)

    def seeded(self, day: date = DAY, *, program: str | None = None) -> Round:
        """A round with its random value, sealed if it was not; time is at its seeding at the earliest."""
        found = rounds.find(self.conn, program or self.program, day)
        if found is None or found.state == "open":
            found = self.sealed(day, program=program)
        self.now = max(self.now, found.seed_at)
        self._did(seed(self.conn, [Seed(found.program, day, Reveals((("observer", REVEAL),)))], **self.clock))
        return self.round(day, program=program)

    def drawn(self, day: date = DAY, *, program: str | None = None) -> Round:
        """A drawn round, with all the steps before that were missing; time is at its results at the earliest."""
        found = rounds.find(self.conn, program or self.program, day)
        if found is None or found.proof is None:
            found = self.seeded(day, program=program)
        self.now = max(self.now, found.draw_at)
        self._did(draw(self.conn, [Draw(found.program, day)], **self.clock))
        return self.round(day, program=program)

    def round(self, day: date = DAY, *, program: str | None = None) -> Round:
        found = rounds.find(self.conn, program or self.program, day)
        assert found is not None
        return found

    def offered(self, size: int = 1, ports: Sequence[str] = ()) -> str:
        """The number of a registration that was alone in a round of `DAY` and so has an open offer."""
        number = self.asking(size, ports)
        self.drawn()
        return number

    def confirmed(self, size: int = 1, ports: Sequence[str] = ()) -> str:
        """The number of a registration with an appointment on `DAY`."""
        number = self.offered(size, ports)
        self._did(confirm(self.conn, [Confirm(number, self.program)], **self.clock))
        return number

    def backfilled(self) -> list[Outcome]:
        """Fill whatever is due."""
        due = rounds.backfills_due(self.conn, self.now, 100)
        return backfill(self.conn, [Backfill(*place) for place in due], **self.clock)

    # -- evidence -------------------------------------------------------------------------------

    def samples(self, start: datetime, end: datetime, *, ok: int = 1, failed: int = 0, every_s: int = 240) -> None:
        """Samples that all say the same, from `start` to `end`, both ends included."""
        length = (end - start) // timedelta(seconds=every_s)
        times = [start + timedelta(seconds=every_s) * i for i in range(length + 1)]
        times += [] if times[-1:] == [end] else [end]
        acts = [RecordSample(at, "test", ok, failed) for at in times]
        assert all(isinstance(outcome, Done) for outcome in record_samples(self.conn, acts, now=max(self.now, end)))

    def broken(self, start: datetime, end: datetime) -> None:
        """An outage that began after `start` and ended at `end`, with a quarter of an hour of health after it."""
        self.samples(start, start)
        self.samples(start + timedelta(seconds=10), end - timedelta(seconds=10), ok=0, failed=1, every_s=10)
        self.samples(end, end + timedelta(minutes=15), every_s=10)

    # -- what there is --------------------------------------------------------------------------

    def registration(self, number: str) -> Registration:
        found = registrations.find(self.conn, number)
        assert found is not None
        return found

    def offer(self, number: str, *, program: str | None = None) -> Offer | None:
        """The live or else newest offer."""
        owner = self.registration(number).id
        return offers.latest(self.conn, program or self.program, [owner]).get(owner)

    def state(self, number: str) -> str:
        """The state of the offer, `none` if there is none."""
        found = self.offer(number)
        return "none" if found is None else found.state

    def wish(self, number: str, *, program: str | None = None) -> Request | None:
        owner = self.registration(number).id
        return requests.of(self.conn, [owner]).get((owner, program or self.program))

    def one(self, query: str, *args: object) -> Any:
        """The single value that a query gives."""
        row = self.conn.execute(query.encode(), args).fetchone()
        assert row is not None
        return row[0]

    def _did(self, outcomes: Sequence[Outcome]) -> None:
        assert all(isinstance(outcome, Done) and not outcome.repeated for outcome in outcomes), outcomes


def with_policy(world: World, **values: str) -> None:
    """Load the world's profile again with another policy for its first program."""
    documents = world.one("SELECT documents FROM profile ORDER BY id DESC LIMIT 1")
    lines = "".join(f'{key} = "{value}"\n' for key, value in values.items())
    programs = documents["programs.toml"] + f"\n[{world.program}.policy]\n{lines}"
    world.profile = load_profile(world.conn, {**documents, "programs.toml": programs}, now=world.now)
