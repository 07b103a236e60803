"""The manifest: all that is fixed about a round before anybody can know its random value.

Its hash goes into the seed, so its bytes matter: a manifest has one form, and a file that means the same
but is written differently is refused. A `Manifest` that exists is sound, whether it was read or
built: the constructor refuses what cannot be, naming the key as it stands in the file.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fairgate.core import beacon as beacons
from fairgate.core.beacon import Beacon, Commitment, CommitReveal, Drand
from fairgate.core.canonical import NUMBER_MOST, Fields, canonical, kind_of, read_json
from fairgate.core.errors import BadInput, shown

FILE = "manifest.json"
RULES = "fairgate-draw/1"
_KINDS = ("drand", "commit-reveal")
_KEYS = (
    *("rules", "program", "round", "ports", "seniority_share", "group_max"),
    *("closes_at", "seed_at", "beacon", "ticket_key_hash"),
)
_PROGRAM = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_HASH = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(_DATE.pattern + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True, slots=True)
class PortPlaces:
    """Persons a port takes on the date, and the overshoot that its last round left to be paid back."""

    port: str
    capacity: int
    carry: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A sealed round's terms (docs/rules/draw.md). Times are aware, in whole seconds; `round` is a date."""

    program: str
    round: str
    ports: tuple[PortPlaces, ...]
    seniority_share: tuple[int, int]
    group_max: int
    closes_at: datetime
    seed_at: datetime
    beacon: Beacon
    ticket_key_hash: str

    def __post_init__(self) -> None:
        _require(_PROGRAM.fullmatch(self.program), "program", shown(self.program), "a slug such as arrival")
        _require(_is_date(self.round), "round", shown(self.round), "a date as 2026-12-01")
        _refuse_ports(self.ports)
        n, d = self.seniority_share
        sound = 0 <= n <= d <= NUMBER_MOST and d > 0
        _require(sound, "seniority_share", shown(f"[{n}, {d}]"), "[n, d] with 0 <= n <= d and d at least 1")
        most = f"a number of persons from 1 to {NUMBER_MOST}"
        _require(1 <= self.group_max <= NUMBER_MOST, "group_max", shown(str(self.group_max)), most)
        for moment in (self.closes_at, self.seed_at):
            assert moment.utcoffset() == timedelta(0), "times of a manifest are in UTC"
            assert moment.microsecond == 0, "times of a manifest are whole seconds"
        late = f"{_time_text(self.closes_at)} with seed_at {_time_text(self.seed_at)}"
        _require(self.closes_at < self.seed_at, "closes_at", late, "a time before seed_at, so that no one can wait")
        beacons.refuse_unsound(self.beacon, self.seed_at)
        _require(
            _HASH.fullmatch(self.ticket_key_hash), "ticket_key_hash", shown(self.ticket_key_hash), "the SHA-256 in hex"
        )

    def to_json(self) -> str:
        """The canonical JSON: the text of manifest.json, without a line end."""
        return canonical(
            {
                "rules": RULES,
                "program": self.program,
                "round": self.round,
                "ports": [{"port": p.port, "capacity": p.capacity, "carry": p.carry} for p in self.ports],
                "seniority_share": list(self.seniority_share),
                "group_max": self.group_max,
                "closes_at": _time_text(self.closes_at),
                "seed_at": _time_text(self.seed_at),
                "beacon": _beacon_object(self.beacon),
                "ticket_key_hash": self.ticket_key_hash,
            }
        )

    def hash(self) -> bytes:
        """The SHA-256 of manifest.json."""
        return hashlib.sha256(self.to_json().encode()).digest()


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in the bytes of manifest.json; raises BadInput, also if they are not canonical."""
    value = read_json(FILE, data)
    if isinstance(value, dict) and value.get("rules") != RULES:
        problem = f"{shown(str(value.get('rules')))} are not rules known here"
        raise BadInput(f"{FILE} key rules", problem, f"use a version of fairgate that knows them; here: {RULES}")
    fields = Fields(FILE, "", value, _KEYS)
    ports = fields.objects("ports", ("port", "capacity", "carry"))
    share = fields.wholes("seniority_share")
    _require(len(share) == 2, "seniority_share", f"a list of {len(share)}", "[n, d]")
    manifest = Manifest(
        program=fields.text("program"),
        round=fields.text("round"),
        ports=tuple(PortPlaces(p.text("port"), p.whole("capacity"), p.whole("carry")) for p in ports),
        seniority_share=(share[0], share[1]),
        group_max=fields.whole("group_max"),
        closes_at=_read_time(fields, "closes_at"),
        seed_at=_read_time(fields, "seed_at"),
        beacon=_read_beacon(fields.value("beacon")),
        ticket_key_hash=fields.text("ticket_key_hash"),
    )
    if manifest.to_json().encode() != data:
        # the seed hashes these bytes: whoever writes the same manifest differently would get another draw
        way_out = "sort the keys, leave out blanks, escapes and a line end (RFC 8785)"
        raise BadInput(FILE, "not canonical JSON", way_out)
    return manifest


def _read_beacon(value: object) -> Beacon:
    if kind_of(FILE, "beacon", value, _KINDS) == "drand":
        drand = Fields(FILE, "beacon", value, ("kind", "chain", "round"))
        return Drand(drand.text("chain"), drand.whole("round"))
    fields = Fields(FILE, "beacon", value, ("kind", "commitments"))
    each = fields.objects("commitments", ("by", "commitment"))
    return CommitReveal(tuple(Commitment(c.text("by"), c.text("commitment")) for c in each))


def _beacon_object(beacon: Beacon) -> dict[str, object]:
    if isinstance(beacon, Drand):
        return {"kind": "drand", "chain": beacon.chain, "round": beacon.round}
    commitments = [{"by": each.by, "commitment": each.commitment} for each in beacon.commitments]
    return {"kind": "commit-reveal", "commitments": commitments}


def _refuse_ports(ports: tuple[PortPlaces, ...]) -> None:
    seen: set[str] = set()
    for i, each in enumerate(ports):
        key = f"ports[{i}]"
        _require(_PORT.fullmatch(each.port), f"{key}.port", shown(each.port), "letters and digits such as SYS")
        if each.port in seen:
            raise BadInput(f"{FILE} key {key}.port", f"{each.port} stands twice", "give each port once")
        seen.add(each.port)
        for name, persons in (("capacity", each.capacity), ("carry", each.carry)):
            sound = 0 <= persons <= NUMBER_MOST
            _require(sound, f"{key}.{name}", shown(str(persons)), f"a number of persons from 0 to {NUMBER_MOST}")


def _require(sound: object, key: str, found: str, wanted: str) -> None:
    if not sound:
        raise BadInput(f"{FILE} key {key}", f"{found} cannot be", f"write {wanted}")


def _is_date(text: str) -> bool:
    try:
        return bool(_DATE.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _read_time(fields: Fields, key: str) -> datetime:
    text = fields.text(key)
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # 31 February and the like: told below, as every other thing that is no time
    raise BadInput(fields.place(key), f"{shown(text)} is no time in UTC", "write it as 2026-12-14T18:00:00Z")


def _time_text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat() + "Z"
