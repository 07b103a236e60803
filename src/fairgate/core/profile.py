"""What belongs to one deployment: languages, texts, ports, programs, policies, and where each figure comes from.

A profile is a folder of TOML files, so that a lawyer can read it and a change can be reviewed. Reading from disk is
not done here: `parse_profile` takes the parsed files by name.

    profile.toml      key, languages, texts, beacon
    ports.toml        one table for each port, named by its code
    programs.toml     one table for each program, named by its slug
    population.toml   for rehearsals (optional): who is waiting and who arrives

A bare value is a decision of the agency. A value that is a claim about the world is a *figure*, a table that says
where it comes from, or owns up that it does not know:

    places = { value = 385, source = "Strauss Center, 2024" }
    places = { value = 100, source = "Strauss Center, 2024", unsure = true }
    group_max = { value = 15, assumed = true, modelled_on = "the largest families that reports tell of" }

`was` lists earlier values, each a table with `value`, `when` and `source`. Figures may stand anywhere; they are
taken out first and kept in `Profile.figures`, so that a public page can show every one of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from fairgate.core.clocks import read_time_of_day, read_zone
from fairgate.core.deadlines import Policy
from fairgate.core.errors import BadInput, shown
from fairgate.core.figures import Figure, take_figures
from fairgate.core.tables import Table

FILES: Final = ("profile.toml", "ports.toml", "programs.toml")
POPULATION: Final = "population.toml"
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
BEACONS: Final = ("drand", "commit-reveal")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,8})?", re.ASCII)
_PORT = re.compile(r"[A-Z]{3}", re.ASCII)
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_CHAIN = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_PERSONS = 100_000


@dataclass(frozen=True, slots=True)
class Texts:
    """What the service and the agency are called in one language, and where people reach the agency, if it says so."""

    service: str
    agency: str
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """`zone` is the port's own; `people_zone` that of the place where people wait for it, perhaps across the border."""

    port: str
    zone: str
    people_zone: str
    names: Mapping[str, str]
    address: Mapping[str, str] | None
    source: str | None


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A time of day on the day that lies `day` days after (before, if negative) the results day."""

    day: int
    time: time


@dataclass(frozen=True, slots=True)
class PortWeek:
    """A program's places at a port: for each weekday, Monday first, (local time of day, persons) in order of time."""

    port: str
    week: tuple[tuple[tuple[time, int], ...], ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A service. The results day lies `lead_days` before the appointment date.

    `opens` to `results` are local times in `zone`; those of the slots are local at their ports.
    """

    program: str
    names: Mapping[str, str]
    group_max: int
    lead_days: int
    seniority_share: tuple[int, int]
    backfill_hours: int
    policy: Policy
    zone: str
    opens: LocalTime
    closes: LocalTime
    seed: LocalTime
    results: LocalTime
    ports: tuple[PortWeek, ...]
    closed: frozenset[date]
    hidden: bool

    @property
    def port_codes(self) -> tuple[str, ...]:
        return tuple(places.port for places in self.ports)


@dataclass(frozen=True, slots=True)
class BeaconPolicy:
    """Where random values come from, in order of preference.

    `rehearsal` says that the observers' reveals are made here, by local keys, and prove nothing to anyone.
    """

    kinds: tuple[str, ...]
    drand_urls: tuple[str, ...]
    chain: str | None
    observers: tuple[str, ...]
    rehearsal: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """A deployment. `population` is population.toml with its figures taken out, None if there is none."""

    key: str
    languages: tuple[str, ...]
    texts: Mapping[str, Texts]
    ports: tuple[Port, ...]
    programs: tuple[Program, ...]
    beacon: BeaconPolicy
    population: Mapping[str, Any] | None
    figures: tuple[Figure, ...]

    @property
    def group_max(self) -> int:
        """Persons in the largest registration that some program admits."""
        return max(program.group_max for program in self.programs)

    @property
    def public_programs(self) -> list[Program]:
        """Those that the public sees, in the profile's order."""
        return [program for program in self.programs if not program.hidden]

    def find_port(self, code: str) -> Port | None:
        return next((port for port in self.ports if port.port == code), None)

    def port(self, code: str) -> Port:
        found = self.find_port(code)
        assert found is not None, f"no port {code}"
        return found

    def find_program(self, slug: str) -> Program | None:
        return next((program for program in self.programs if program.program == slug), None)

    def program(self, slug: str) -> Program:
        found = self.find_program(slug)
        assert found is not None, f"no program {slug}"
        return found


def parse_profile(documents: Mapping[str, Mapping[str, Any]]) -> Profile:
    """The profile in these parsed TOML files, by file name; raises BadInput that names file and key."""
    for name in FILES:
        if name not in documents:
            raise BadInput(name, "is missing", "put it into the profile's folder")
    for name in documents:
        if name not in (*FILES, POPULATION):
            raise BadInput(shown(name), "is not part of a profile", f"use {', '.join((*FILES, POPULATION))}")
    plain, figures = take_figures(documents)
    main = Table("profile.toml", plain["profile.toml"])
    key = main.text("key", _SLUG)
    languages = main.list_of_texts("languages", _LANGUAGE)
    texts = _texts(main.table("texts"), languages)
    beacon = _beacon(main.table("beacon"))
    main.end()
    ports = _ports(Table("ports.toml", plain["ports.toml"]), languages)
    programs = _programs(Table("programs.toml", plain["programs.toml"]), languages, {port.port for port in ports})
    return Profile(key, languages, texts, ports, programs, beacon, plain.get(POPULATION), figures)


def _texts(table: Table, languages: tuple[str, ...]) -> dict[str, Texts]:
    texts = {}
    for language in languages:
        words = table.table(language)
        texts[language] = Texts(words.text("service"), words.text("agency"), words.text("contact", default=""))
        words.end()
    table.end()
    return texts


def _beacon(table: Table) -> BeaconPolicy:
    kinds = table.list_of_texts("kinds")
    for kind in kinds:
        if kind not in BEACONS:
            table.refuse("kinds", f"{shown(kind)} is not a kind of beacon", f"use {' or '.join(BEACONS)}")
    urls: tuple[str, ...] = ()
    chain = None
    if "drand" in kinds:
        urls, chain = table.list_of_texts("drand_urls"), table.text("chain", _CHAIN)
    observers = table.list_of_texts("observers") if "commit-reveal" in kinds else ()
    policy = BeaconPolicy(kinds, urls, chain, observers, table.flag("rehearsal"))
    table.end()
    return policy


def _ports(table: Table, languages: tuple[str, ...]) -> tuple[Port, ...]:
    ports = []
    for code, port in table.tables(_PORT, "three capital letters"):
        zone = read_zone(port.text("zone"), port.place("zone")).key
        people_zone = read_zone(port.text("people_zone", default=zone), port.place("people_zone")).key
        names = port.translated("names", languages)
        address = port.translated("address", languages) if "address" in port else None
        ports.append(Port(code, zone, people_zone, names, address, port.text("source", default="") or None))
        port.end()
    return tuple(ports)


def _programs(table: Table, languages: tuple[str, ...], ports: set[str]) -> tuple[Program, ...]:
    programs = []
    for slug, program in table.tables(_SLUG, "small letters, digits and hyphens"):
        times = {name: _local_time(program, name) for name in ("opens", "closes", "seed", "results")}
        _refuse_disorder(program, times)
        programs.append(
            Program(
                program=slug,
                names=program.translated("names", languages),
                group_max=program.number("group_max", 1, 1000),
                lead_days=program.number("lead_days", 1, 366),
                seniority_share=_share(program),
                backfill_hours=program.number("backfill_hours", 0, 24 * 366),
                policy=Policy.from_json(program.values("policy"), program.place("policy")),
                zone=read_zone(program.text("zone"), program.place("zone")).key,
                **times,
                ports=_places(program.table("ports"), ports),
                closed=frozenset(program.list_of_dates("closed")),
                hidden=program.flag("hidden"),
            )
        )
        program.end()
    return tuple(programs)


def _local_time(program: Table, key: str) -> LocalTime:
    """`results = "12:00"`, or with another day than the results day `opens = { day = -1, time = "12:00" }`."""
    if isinstance(program.peek(key), Mapping):
        table = program.table(key)
        read = LocalTime(table.number("day", -366, 366), read_time_of_day(table.text("time"), table.place("time")))
        table.end()
        return read
    return LocalTime(0, read_time_of_day(program.text(key), program.place(key)))


def _refuse_disorder(program: Table, times: Mapping[str, LocalTime]) -> None:
    """A round opens, closes, is seeded and is drawn, in this order; only seed and results may coincide.

    Between midnight and 4:00 clocks are set forward and back, and what is in order on paper may not be in time.
    """
    for key, local in times.items():
        if time(0) < local.time < time(4):
            program.refuse(
                key, f"{local.time:%H:%M} may be skipped when clocks change", "take 00:00, or 04:00 or later"
            )
    order = [(local.day, local.time) for local in times.values()]
    if times["results"].day != 0:
        program.refuse("results", "is not on the results day", "leave out its day")
    if not order[0] < order[1] < order[2] <= order[3]:
        program.refuse("opens", "opens, closes, seed and results do not follow each other", "put them in order")


def _share(program: Table) -> tuple[int, int]:
    share = program.list_of_numbers("seniority_share", 0, 1000)
    if len(share) != 2 or share[0] > share[1] or share[1] == 0:
        program.refuse("seniority_share", "is not a share", "write it like [1, 2] for one half")
    return share[0], share[1]


def _places(table: Table, known: set[str]) -> tuple[PortWeek, ...]:
    places = []
    for code, port in table.tables(_PORT, "three capital letters"):
        if code not in known:
            table.refuse(code, "is not in ports.toml", "describe the port there")
        every_day = _day(port, "every_day", ())
        week = tuple(_day(port, weekday, every_day) for weekday in WEEKDAYS)
        if not any(week):
            port.refuse("every_day", "no weekday has a place", "give times of day with persons")
        _refuse_other_sum(port, week)
        places.append(PortWeek(code, week))
        port.end()
    return tuple(places)


def _day(port: Table, key: str, default: tuple[tuple[time, int], ...]) -> tuple[tuple[time, int], ...]:
    if key not in port:
        return default
    day = port.table(key)
    slots = [(read_time_of_day(at, day.place(at)), day.number(at, 0, _MOST_PERSONS)) for at in day]
    return tuple(sorted(slots))


def _refuse_other_sum(port: Table, week: tuple[tuple[tuple[time, int], ...], ...]) -> None:
    """`places`, where given, is the published figure for a day; the times of day have to add up to it."""
    if "places" not in port:
        return
    places = port.number("places", 0, _MOST_PERSONS)
    for weekday, slots in zip(WEEKDAYS, week, strict=True):
        persons = sum(room for _, room in slots)
        if slots and persons != places:
            port.refuse("places", f"is {places}, but {weekday} adds up to {persons}", "make them agree")
