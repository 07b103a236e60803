"""Who is missing from a sealed list, and has a receipt: `with left_out(world, who)` is the fault in the machinery."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import NamedTuple, Protocol

import psycopg

from fairgate.commands.honour import Honour, honour
from fairgate.commands.request import Ask, request
from fairgate.core.bundle import parse_manifest
from fairgate.core.draw import Entry, allocate, ticket
from fairgate.core.honoured import Share, share_of
from fairgate.core.key_list import KeyList
from fairgate.core.lifecycle import Done, Leaf, Outcome
from fairgate.core.receipts import Signer
from fairgate.core.sealing import unwrap
from fairgate.store import honoured, ledger, lists, registrations
from world import DAY, KEYS, World

ISSUER = "places.example.org/ledger"
SIGNER = Signer(b"s" * 32, ISSUER)
LISTED = KeyList(ISSUER).now_signing(ISSUER, SIGNER.public, datetime(2026, 1, 1, tzinfo=UTC))


class Missing(NamedTuple):
    """A registration, and the receipt of its request."""

    number: str
    receipt: str


def asking(world: World, size: int = 1, ports: Sequence[str] = (), *, number: str | None = None) -> Missing:
    """A group that asks, and keeps the receipt."""
    who = number or world.registered(size)
    wanted = ports or world.profile.program(world.program).port_codes
    [outcome] = request(world.conn, [Ask(who, world.program, wanted)], **world.clock)
    assert isinstance(outcome, Done), outcome
    return Missing(who, SIGNER.receipt(outcome))


class Database(Protocol):
    """A world of any kind: it has a connection."""

    @property
    def conn(self) -> psycopg.Connection: ...


def receipt_of(world: Database, number: str, program: str, signer: Signer = SIGNER) -> Missing | None:
    """The newest receipt that says that somebody asks; None for who never asked."""
    registration = registrations.find(world.conn, number)
    assert registration is not None
    owner = registration.id
    for _, kind, leaf, salt, at, body in ledger.of_kinds(world.conn, [(owner, "requested"), (owner, "restored")]):
        facts = json.loads(body)
        if facts["program"] == program:
            said = {key: facts[key] for key in ("program", "ports")}
            return Missing(number, signer.receipt(Done(kind, number, said, leaf=Leaf(leaf, salt, at))))
    return None


@contextmanager
def left_out(world: World, *missing: Missing) -> Iterator[None]:
    """A fault: while the block runs, sealing does not see the requests of these, although they stand."""
    owners = [world.registration(each.number).id for each in missing]
    query = "UPDATE request SET asked_at = asked_at + %s * interval '1 year' WHERE registration_id = ANY(%s)"
    world.conn.execute(query, [5000, owners])
    yield
    world.conn.execute(query, [-5000, owners])


def missing_from_draw(world: World, size: int = 1, ports: Sequence[str] = (), day: date = DAY) -> Missing:
    """Somebody who was left out of a round that is drawn since."""
    found = asking(world, size, ports)
    with left_out(world, found):
        world.drawn(day)
    return found


def honoured_now(world: World, missing: Missing, conn: psycopg.Connection | None = None, day: date = DAY) -> Outcome:
    """What comes of the receipt."""
    act = Honour(world.program, day, missing.receipt)
    [outcome] = honour(conn or world.conn, [act], keys=world.keys, listed=LISTED, **world.clock)
    return outcome


def line_of(world: World, missing: Missing, day: date = DAY) -> honoured.Honoured:
    """The line of somebody who was honoured."""
    found = honoured.find(world.conn, world.round(day).id, world.registration(missing.number).id)
    assert found is not None
    return found


def done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


class Crowd:
    """A drawn round of `DAY` for which far more asked than there are places, and some were left out of the list."""

    def __init__(self, conn: psycopg.Connection, *, listed: int = 16, left: int = 16, size: int = 1) -> None:
        self.world = World(conn)
        self.listed = [self.world.asking(size=1 + n % 2) for n in range(listed)]
        self.missing = [asking(self.world, size) for _ in range(left)]
        with left_out(self.world, *self.missing):
            self.world.drawn()

    def first(self, outcome: str, at: int = 0) -> Missing:
        """One of the missing for whom the draw would have had this."""
        return [each for each in self.missing if self.share(each).outcome == outcome][at]

    def share(self, missing: Missing) -> Share:
        """What the whole list gives somebody, from the rows of the round and the rules alone."""
        found = self.world.round()
        assert found.manifest is not None
        assert found.wrapped_key is not None
        assert found.seed is not None
        manifest = parse_manifest(found.manifest.encode())
        mine = ticket(unwrap(KEYS, found.wrapped_key, found.about), missing.number)
        entry = Entry(mine, self.world.registration(missing.number).size, 0, tuple(p.port for p in manifest.ports))
        entry = entry._replace(weeks=lists.weeks(self.world.conn, self.owner(missing), found.closes_at))
        sealed = [listed for _, listed in lists.entries(self.world.conn, found.id)]
        return share_of(mine, allocate(manifest, [*sealed, entry], found.seed))

    def owner(self, missing: Missing) -> int:
        return self.world.registration(missing.number).id

    def sealed_and_drawn(self) -> tuple[object, ...]:
        """Everything about the round that must never change."""
        found = self.world.round()
        rows = (lists.entries(self.world.conn, found.id), lists.results(self.world.conn, found.id))
        ports = self.world.conn.execute("SELECT port, places, overshoot, carry_out FROM round_port ORDER BY 1, 2")
        return (*rows, ports.fetchall(), found.root, found.seed, found.results_hash, found.state)

    def used(self) -> dict[str, int]:
        return dict(self.world.conn.execute("SELECT port, used FROM round_port ORDER BY port").fetchall())

    def persons(self) -> tuple[int, int]:
        """Persons at the slots, and those of them over capacity."""
        row = self.world.conn.execute("SELECT sum(taken), sum(honoured) FROM slot").fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    def offers_of_others(self, *but: Missing) -> list[tuple[object, ...]]:
        query = (
            "SELECT id, registration_id, port, slot_id, ord, state, size FROM offer"
            " WHERE registration_id <> ALL(%s) ORDER BY id"
        )
        return self.world.conn.execute(query, [[self.owner(each) for each in but]]).fetchall()
