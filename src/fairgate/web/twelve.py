"""Twelve families and two ports: a whole draw, small enough to follow with a pencil, for the page that explains it.

Nothing here is a result. The families are given; tickets, fingerprints, seed, lots and places come from the same core
that draws for everyone, each time that the page's example is made. Only the key of the day is chosen: so that there is
something to see, a last family that takes more places than are left among it. Who doubts it may choose another.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from fairgate.core import draw as drawing
from fairgate.core.beacon import Commitment, CommitReveal, Reveals, randomness
from fairgate.core.bundle import entries_root
from fairgate.core.draw import Drawn, Entry
from fairgate.core.manifest import RULES, Manifest, PortPlaces
from fairgate.core.numbers import new_number

KEY: Final = sha256(b"the key of the day, 140").digest()
REVEALS: Final = Reveals(tuple((by, sha256(by.encode()).digest()) for by in ("notary", "ombudsman")))
RIVER, HILL = "RIV", "HIL"
PORTS: Final = (PortPlaces(RIVER, 13, 1), PortPlaces(HILL, 9, 0))


@dataclass(frozen=True, slots=True)
class Family:
    """A registration: `ports` in order of preference, `ticket` its pseudonym on this day."""

    name: str
    size: int
    weeks: int
    ports: tuple[str, ...]

    @property
    def number(self) -> str:
        return new_number(lambda length: sha256(self.name.encode()).digest()[:length])

    @property
    def ticket(self) -> str:
        return drawing.ticket(KEY, self.number)

    @property
    def entry(self) -> Entry:
        return Entry(self.ticket, self.size, self.weeks, self.ports)


FAMILIES: Final = (
    Family("Abreu", 1, 31, (RIVER,)),
    Family("Bello", 4, 12, (RIVER, HILL)),
    Family("Castro", 2, 31, (HILL,)),
    Family("Diallo", 5, 9, (RIVER,)),
    Family("Estrada", 3, 2, (HILL, RIVER)),
    Family("Flores", 2, 27, (RIVER, HILL)),
    Family("Guerra", 6, 15, (RIVER, HILL)),
    Family("Haddad", 1, 0, (RIVER,)),
    Family("Ibarra", 3, 22, (HILL, RIVER)),
    Family("Joseph", 2, 5, (RIVER,)),
    Family("Karimi", 4, 18, (HILL,)),
    Family("López", 1, 7, (RIVER, HILL)),
)


@dataclass(frozen=True, slots=True)
class Lapse:
    """A place that is not confirmed: whose, where, how many places then are taken there, and who is offered them."""

    family: Family
    port: str
    left: int
    following: tuple[Family, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """The draw of the twelve, from the sealed list to a place that came free."""

    manifest: Manifest
    root: bytes
    other_root: bytes  # of the same list, had the first family waited one week more
    seed: bytes
    drawn: Drawn
    lapse: Lapse | None

    def places(self, port: PortPlaces) -> int:
        return max(0, port.capacity - port.carry)

    def reserved(self, port: PortPlaces) -> int:
        n, d = self.manifest.seniority_share
        return self.places(port) * n // d

    def lot(self, family: Family) -> str:
        """The whole lot in hex, as RULES and `sha256sum` have it."""
        return sha256(self.lot_of(family).encode()).hexdigest()

    def lot_of(self, family: Family) -> str:
        """The text whose fingerprint is the family's lot."""
        return f"{RULES}|rank|{self.seed.hex()}|{family.ticket}"


@lru_cache(maxsize=8)
def example(seniority_share: tuple[int, int]) -> Example:
    """The draw of the twelve with this share of places for those who wait longest."""
    commitments = CommitReveal(tuple(Commitment(by, sha256(reveal).hexdigest()) for by, reveal in REVEALS.reveals))
    manifest = Manifest(
        program="example",
        round="2026-12-24",
        ports=PORTS,
        seniority_share=seniority_share,
        group_max=6,
        closes_at=datetime(2026, 12, 3, 5, tzinfo=UTC),
        seed_at=datetime(2026, 12, 3, 16, 30, tzinfo=UTC),
        beacon=commitments,
        ticket_key_hash=sha256(KEY).hexdigest(),
    )
    entries = [family.entry for family in FAMILIES]
    first, *others = FAMILIES
    changed = [replace(first, weeks=first.weeks + 1).entry, *(family.entry for family in others)]
    root = entries_root(entries)
    drawn = drawing.draw(manifest, root, entries, randomness(manifest, REVEALS))
    return Example(manifest, root, entries_root(changed), drawn.seed, drawn, _lapse(drawn))


def by_ticket(ticket: str) -> Family:
    return next(family for family in FAMILIES if family.ticket == ticket)


def _lapse(drawn: Drawn) -> Lapse | None:
    """An offer that, were it not confirmed, would go to somebody on the reserve list; if possible to as many people."""
    reserve = [by_ticket(ticket).entry for ticket in drawn.reserve]
    offered = {offer.ticket for offer in drawn.offers}
    found = []
    for offer in drawn.offers:
        family = by_ticket(offer.ticket)
        cap = next(max(0, each.capacity - each.carry) for each in PORTS if each.port == offer.port)
        left = drawn.used[offer.port] - family.size
        following = drawing.next_from_reserve(reserve, offered, port=offer.port, used=left, cap=cap)
        if following:
            lapse = Lapse(family, offer.port, left, tuple(by_ticket(entry.ticket) for entry in following))
            found.append((abs(sum(entry.size for entry in following) - family.size), offer.order, lapse))
    return min(found)[-1] if found else None
