"""The draw: who is offered a place, decided so that everybody can recompute it (docs/rules/draw.md).

The idea. Each day has fewer places than people who ask. A share of each port's places goes to those who have waited
longest; the rest is drawn by lot. The lot of a registration is a hash of two things: the seed, which
nobody could know before the list was sealed, and its own ticket. Nobody shuffles anything, so there is nothing to
trust: whoever has the list and the seed gets the same lots, in any language, on any machine.

What it guarantees.
- *Nobody's lot depends on anybody else's.* For a given seed, if somebody's entry is taken out, the
  others stay in the order they had.
- *A group is never split and its size does not change its chance.* A group gets a place while its port has
  any room at all, so the last group may overshoot by up to `group_max - 1` persons. The overshoot is paid
  back: it is taken off the same port's capacity next time, to the person.
- *Nobody is left while there is room* at a port of their list.
- *There is one draw.* Lapsed places go down the reserve list that this draw made public.

Example. One port, capacity 6, carry 1, share 1/2, group_max 4. cap = 5, reserved = 2.

    ticket  size  weeks  tie  lot
    A         1     9     7     40       Seniority: A first (9 weeks, used 1 < 2), then of B and C, who both
    B         3     8     2     10       waited 8 weeks, B by the smaller tie (used 4). Now 4 >= 2: done.
    C         2     8     5     30       Lottery, by lot: D has 20 and gets a place (4 < 5, used 7).
    D         3     0     -     20       C has 30, but 7 >= 5: C is first on the reserve.

    used 7, carry_out = 7 - 5 = 2: the next round at this port starts two persons lower.

(Real ties and lots are SHA-256 values; they compare as hex just as these numbers do.)
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from fairgate.core.manifest import RULES, Manifest

Phase = Literal["seniority", "lottery"]


class Entry(NamedTuple):
    """A line of entries.csv: `size` in persons, `weeks` waited, `ports` in order of preference."""

    ticket: str
    size: int
    weeks: int
    ports: tuple[str, ...]


class Standing(NamedTuple):
    """What an entry says beside its ticket. Many entries say the same and share one of these."""

    size: int
    weeks: int
    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A whole list of entries in the order of their tickets, as two columns of the same length.

    An entry is a row in them, and the draw works on numbers of rows: ten million objects of their own would not fit
    into the memory of a small machine, and going through them takes longer than the hashes do.
    """

    tickets: Sequence[str]
    standings: Sequence[Standing]

    @classmethod
    def of(cls, entries: "Iterable[Entry] | Entries") -> "Entries":
        """The same entries, whatever order they come in; their tickets differ."""
        if isinstance(entries, Entries):
            return entries
        ordered = sorted(entries)
        standings = [Standing(size, weeks, ports) for _, size, weeks, ports in ordered]
        return cls([entry.ticket for entry in ordered], standings)

    def __len__(self) -> int:
        return len(self.tickets)

    def __iter__(self) -> Iterator[Entry]:
        return (Entry(ticket, *standing) for ticket, standing in zip(self.tickets, self.standings, strict=True))


class Offered(NamedTuple):
    """A place that the draw gives; `order` counts from 1 over all ports."""

    ticket: str
    port: str
    order: int
    phase: Phase


@dataclass(frozen=True, slots=True)
class Drawn:
    """The draw's result. `reserve` holds tickets in their order, `used` and `carry_out` persons by port."""

    seed: bytes
    offers: tuple[Offered, ...]
    reserve: tuple[str, ...]
    used: dict[str, int]
    carry_out: dict[str, int]


class SlotRoom(NamedTuple):
    """Persons that a slot takes and those it already has."""

    capacity: int
    taken: int


def ticket(key: bytes, number: str) -> str:
    """The pseudonym of a registration in one round; `key` is 32 bytes, the answer 32 hex digits."""
    return hmac.digest(key, number.encode(), "sha256")[:16].hex()


def draw(manifest: Manifest, root: bytes, entries: Iterable[Entry], randomness: bytes) -> Drawn:
    """Draw a sealed round. `root` is the sealed entries' root, `randomness` what the beacon gave.

    The entries may come in any order; their ports are ports of the manifest and their tickets differ.
    """
    return allocate(manifest, entries, seed_of(manifest, root, randomness))


def seed_of(manifest: Manifest, root: bytes, randomness: bytes) -> bytes:
    """The seed: manifest, entries and chance bound together, so that none can be exchanged alone."""
    assert len(root) == len(randomness) == 32, "both are 32 bytes"
    text = f"{RULES}|seed|{manifest.hash().hex()}|{root.hex()}|{randomness.hex()}"
    return hashlib.sha256(text.encode()).digest()


def allocate(manifest: Manifest, entries: Iterable[Entry], seed: bytes) -> Drawn:
    """What the draw gives for a seed: `draw` without the sealing, for those who study what the rules do."""
    listed = Entries.of(entries)
    n, d = manifest.seniority_share
    cap = {each.port: max(0, each.capacity - each.carry) for each in manifest.ports}
    reserved = {port: persons * n // d for port, persons in cap.items()}
    used = dict.fromkeys(cap, 0)

    seniors = _seniority(listed, seed, used, reserved)
    seated = {row for row, _ in seniors}
    waiting = [row for row in range(len(listed)) if row not in seated]
    winners, rest = _give(_ordered(waiting, listed, seed, "rank"), listed, used, cap)

    made: list[tuple[int, str, Phase]] = [(row, port, "seniority") for row, port in seniors]
    made += [(row, port, "lottery") for row, port in winners]
    tickets = listed.tickets
    return Drawn(
        seed=seed,
        offers=tuple(Offered(tickets[row], port, order, phase) for order, (row, port, phase) in enumerate(made, 1)),
        reserve=tuple([tickets[row] for row in rest]),
        used=used,
        carry_out={p.port: max(0, p.carry - p.capacity) + max(0, used[p.port] - cap[p.port]) for p in manifest.ports},
    )


Given = list[tuple[int, str]]  # rows, each with the port that it got


def _seniority(listed: Entries, seed: bytes, used: dict[str, int], reserved: Mapping[str, int]) -> Given:
    """Fill the reserved places with those who waited longest; `used` is brought up to date.

    Week by week, and only for those who list a port that still has reserved places when their week comes:
    others cannot get one any more, so that a million ties need not be computed for a thousand places.
    """
    by_weeks: dict[int, list[int]] = defaultdict(list)
    for row, standing in enumerate(listed.standings):
        by_weeks[standing.weeks].append(row)
    given: Given = []
    for weeks in sorted(by_weeks, reverse=True):
        room = _ports_with_room(used, reserved)
        if not room:
            break
        hoping = [row for row in by_weeks[weeks] if not room.isdisjoint(listed.standings[row].ports)]
        given += _give(_ordered(hoping, listed, seed, "tie"), listed, used, reserved)[0]
    return given


def _give(
    ordered: Sequence[int], listed: Entries, used: dict[str, int], limit: Mapping[str, int]
) -> tuple[Given, list[int]]:
    """Give each the first port of its list with used < limit; `used` is brought up to date. The rest come second."""
    given: Given = []
    rest: list[int] = []
    room, standings = _ports_with_room(used, limit), listed.standings
    for done, row in enumerate(ordered):
        if not room:
            rest += ordered[done:]
            break
        standing = standings[row]
        port = next((port for port in standing.ports if port in room), None)
        if port is None:
            rest.append(row)
            continue
        given.append((row, port))
        used[port] += standing.size
        if used[port] >= limit[port]:
            room.remove(port)
    return given, rest


def _ports_with_room(used: Mapping[str, int], limit: Mapping[str, int]) -> set[str]:
    return {port for port, persons in limit.items() if used[port] < persons}


def _ordered(rows: Sequence[int], listed: Entries, seed: bytes, purpose: Literal["rank", "tie"]) -> list[int]:
    """By the hash that the seed gives each ticket for this purpose, then by ticket.

    `rows` ascend, so they are in the order of their tickets, and sorting leaves those with equal hashes as they were.
    """
    prefix = f"{RULES}|{purpose}|{seed.hex()}|".encode()
    sha256, tickets = hashlib.sha256, listed.tickets
    return sorted(rows, key=lambda row: sha256(prefix + tickets[row].encode()).digest())


def next_from_reserve(
    reserve: Sequence[Entry],
    offered: Collection[str],
    *,
    port: str,
    used: int,
    cap: int,
    over_capacity: Collection[str] = (),
) -> list[Entry]:
    """Who is offered the places that came free at `port`, in this order (docs/rules/draw.md, "Places that come free").

    `reserve` is the round's reserve in its public order, `offered` the tickets that were already offered something
    in this round, `used` the persons at the port after the freed ones were taken off. Those of `over_capacity`, who had
    been missing from the list, are offered a place at their turn like the others, and take none of those that came
    free.
    """
    chosen: list[Entry] = []
    for entry in reserve:
        if used >= cap:
            break
        if port in entry.ports and entry.ticket not in offered:
            chosen.append(entry)
            used += 0 if entry.ticket in over_capacity else entry.size
    return chosen


def times_of_day(sizes: Sequence[int], slots: Sequence[SlotRoom]) -> list[int]:
    """The slot for each offer of a port on a date, as an index into `slots`, which are in time order.

    `sizes` are the offers' persons in the order in which they were made: each goes to the earliest slot
    with room, or to the last when none has any.
    """
    assert slots or not sizes, "a port with places has slots"
    taken = [slot.taken for slot in slots]
    chosen: list[int] = []
    earliest = 0
    for size in sizes:
        while earliest < len(slots) - 1 and taken[earliest] >= slots[earliest].capacity:
            earliest += 1
        taken[earliest] += size
        chosen.append(earliest)
    return chosen
