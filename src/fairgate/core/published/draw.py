"""The figures of one drawn round, computed from the files of its bundle: by port, by size, by weeks, and of the order.

Small numbers of groups are hidden, and with them those from which they could be worked out (`hiding`), as in every
table for the public. The totals of a round are known, and the places that each port gave out. So no number may follow
from the tables of a draw together either:

- By sizes, groups times size add up to people, and two hidden numbers would follow from two sums. So nothing is hidden
  there of how many groups were offered a place: sizes with few are joined to the larger ones, three sizes at least.
  What is hidden is only whether waiting or the lot gave the places, and that shifts no sum of people.
- Who names a port first names it: how many named it is hidden with any other number of its row.
- The order of the lots has no number of its own: it tells only of classes of which nothing is hidden.

The bundle is exact nevertheless, or nobody could check the draw: tickets stand for people there, and whoever wants to
count them can. The page of a draw says so.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from fairgate.core.bundle import RESULTS_HEADER
from fairgate.core.draw import Entries
from fairgate.core.manifest import Manifest, PortPlaces
from fairgate.core.published.hiding import FEW, Cell, Grid, hide
from fairgate.core.published.lots import in_order_of_lots
from fairgate.core.published.table import HIDDEN, Column, Hidden, Table, Value
from fairgate.core.uniformity import Tested, equal_parts, independence, spread

Phase = Literal["seniority", "lottery", "reserve"]
Number = int | Hidden
Shown = list[tuple[Number, ...]]
PHASES: Final[tuple[Phase, ...]] = ("seniority", "lottery", "reserve")
ALL: Final = "all"
JOINED_LEAST: Final = 3  # sizes in a class; of two, both numbers would follow from their sum and that of people
# Classes, each from its number to below the next. Large groups are few, so they are one; so are those who waited long.
SIZE_CLASSES: Final = (1, 2, 3, 4, 5, 6)
WEEKS_CLASSES: Final = (0, 4, 8, 12, 16, 20, 24, 32, 40, 52, 78, 104)

_GROUPS = (
    Column("groups", "people", "Groups in the draw."),
    Column("seniority", "people", "Groups offered a place because they had waited longest."),
    Column("lottery", "people", "Groups offered a place by lot."),
    Column("reserve", "people", "Groups on the reserve list."),
    Column(
        "chance", "decimal", "Share of the groups that were offered a place; empty where a number for it is hidden."
    ),
)
PORTS: Final = Table(
    "ports",
    "Places and offers by port",
    (
        Column("port", "text", "Code of the port; all: the sum."),
        Column("capacity", "number", "People that the port takes on this date."),
        Column("paid_back", "number", "Places, in people, taken off because earlier draws gave out so many too many."),
        Column("given_out", "number", "Places given out by this draw, in people."),
        Column("too_many", "number", "Places to be taken off at the next draw, in people."),
        Column("asked", "people", "Groups in the draw that named the port, at any place of their list."),
        Column("first", "people", "Groups that named it first."),
        Column("seniority", "people", "Groups offered a place there because they had waited longest."),
        Column("lottery", "people", "Groups offered a place there by lot."),
    ),
)
SIZES: Final = Table(
    "sizes",
    "Chances by size of the group",
    (
        Column("from", "number", "People in the group, at least; empty for the sum."),
        Column("to", "number", "People in the group, at most; empty for those without an end."),
        *_GROUPS,
    ),
)
WEEKS: Final = Table(
    "weeks",
    "Chances by weeks waited",
    (
        Column("from", "number", "Whole weeks waited, at least; empty for the sum."),
        Column("to", "number", "Whole weeks waited, at most; empty for those without an end."),
        *_GROUPS,
    ),
)
ORDER: Final = Table(
    "order",
    "Where groups stand in the order of the lots",
    (
        Column("by", "text", "size or weeks."),
        Column("from", "number", "People in the group, or whole weeks waited, at least."),
        Column("to", "number", "At most; empty for those without an end."),
        Column("groups", "people", "Groups in the lottery: those who had no place because they had waited longest."),
        Column("p10", "decimal", "One in ten of them stands before this part of the order."),
        Column("p50", "decimal", "Half of them stand before this part."),
        Column("p90", "decimal", "Nine in ten of them stand before this part."),
    ),
)
TESTS: Final = Table(
    "tests",
    "Whether chance favoured anybody",
    (
        Column("about", "text", "What is held against chance: size, weeks, or the lots themselves."),
        Column("groups", "number", "Groups in the lottery."),
        Column(
            "classes", "number", "Classes compared, after those with few groups were joined; empty: too few to test."
        ),
        Column("degrees", "number", "Degrees of freedom."),
        Column("statistic", "decimal", "Pearson's chi-square."),
        Column("p", "decimal", "How often chance alone makes a chi-square at least as large."),
    ),
)
TABLES: Final = (PORTS, SIZES, WEEKS, ORDER, TESTS)


def figures(manifest: Manifest, entries: Entries, results: bytes, seed: bytes) -> list[Table]:
    """All tables of a drawn round; `results` is its results.csv, which agrees with the other files."""
    offers = _offers(entries, results)
    phases = [_phase(offers.get(row)) for row in range(len(entries))]
    size_classes = _size_classes(
        Counter(zip((s.size for s in entries.standings), phases, strict=True)), manifest.group_max
    )
    sizes = [class_of(size_classes, standing.size) for standing in entries.standings]
    weeks = [class_of(WEEKS_CLASSES, standing.weeks) for standing in entries.standings]
    by_size, by_weeks = _chances(sizes, phases, _shown_of_size), _chances(weeks, phases, _shown_of_weeks)
    order, parts = in_order_of_lots(entries, [row for row, phase in enumerate(phases) if phase != "seniority"], seed)
    return [
        PORTS.filled(_ports(manifest, entries, offers)),
        SIZES.filled([_ends(size_classes, start) + cells for start, cells in by_size.items()]),
        WEEKS.filled([_ends(WEEKS_CLASSES, start) + cells for start, cells in by_weeks.items()]),
        ORDER.filled(
            [("size", *_ends(size_classes, start), *cells) for start, cells in _stand(order, sizes, by_size).items()]
            + [
                ("weeks", *_ends(WEEKS_CLASSES, start), *cells)
                for start, cells in _stand(order, weeks, by_weeks).items()
            ]
        ),
        TESTS.filled(
            [
                _test("size", len(order), independence([entries.standings[row].size for row in order])),
                _test("weeks", len(order), independence([weeks[row] for row in order])),
                _test("lots", len(order), equal_parts(parts)),
            ]
        ),
    ]


def class_of(classes: Sequence[int], number: int) -> int:
    """The class that a number is in, by its first number."""
    return classes[bisect_right(classes, number) - 1]


def _size_classes(counted: Mapping[tuple[int, Phase], int], group_max: int) -> tuple[int, ...]:
    """The classes of sizes of which it can be told how many groups were offered a place, and how many were not."""
    for last in range(len(SIZE_CLASSES), 1, -1):
        classes, in_last = SIZE_CLASSES[:last], group_max - SIZE_CLASSES[last - 1] + 1
        told: Counter[tuple[int, bool]] = Counter()
        for (size, phase), groups in counted.items():
            told[class_of(classes, size), phase == "reserve"] += groups
        if all(groups >= FEW for groups in told.values()) and (in_last <= 1 or in_last >= JOINED_LEAST):
            return classes
    return SIZE_CLASSES[:1]


def _ends(classes: Sequence[int], start: int | None) -> tuple[int | None, int | None]:
    """The first and the last number of a class; no first for all of them, no last where there is no end."""
    following = bisect_right(classes, start) if start is not None else len(classes)
    return start, classes[following] - 1 if following < len(classes) else None


@dataclass(frozen=True, slots=True)
class _Offer:
    port: str
    phase: Phase


def _offers(entries: Entries, results: bytes) -> dict[int, _Offer]:
    """Who was offered a place, by the row of the list; those not in it are on the reserve."""
    header = f"{RESULTS_HEADER}\n".encode()
    assert results.startswith(header), "a results.csv begins with its header"
    by_ticket: dict[str, _Offer] = {}
    start = len(header)
    while start < len(results):  # a few thousand offers come first; what follows them is not looked at
        end = results.index(b"\n", start)
        ticket, outcome, port, _, phase = results[start:end].decode().split(",")
        if outcome != "offered":
            break
        by_ticket[ticket] = _Offer(port, "seniority" if phase == "seniority" else "lottery")
        start = end + 1
    return {row: by_ticket[ticket] for row, ticket in enumerate(entries.tickets) if ticket in by_ticket}


def _phase(offer: _Offer | None) -> Phase:
    return offer.phase if offer else "reserve"


def _ports(manifest: Manifest, entries: Entries, offers: Mapping[int, _Offer]) -> list[tuple[Value, ...]]:
    """A row for each port and one for all."""
    asked = Counter(port for standing in entries.standings for port in standing.ports)
    first = Counter(standing.ports[0] for standing in entries.standings)
    offered = Counter((offer.port, offer.phase) for offer in offers.values())
    persons: Counter[str] = Counter()
    for row, offer in offers.items():
        persons[offer.port] += entries.standings[row].size
    places = [(p.capacity, p.carry, persons[p.port], _too_many(p, persons[p.port])) for p in manifest.ports]
    groups = [(first[p.port], offered[p.port, "seniority"], offered[p.port, "lottery"]) for p in manifest.ports]
    shown = _shown_of_ports(groups)
    rows = zip(manifest.ports, places, shown, strict=False)
    return [
        *((each.port, *numbers, _asked(asked[each.port], cells), *cells) for each, numbers, cells in rows),
        (ALL, *_sums(places, 4), len(entries), *shown[-1]),
    ]


def _too_many(place: PortPlaces, given_out: int) -> int:
    """The carry of the next round (docs/rules/draw.md, "Allocation")."""
    return max(0, place.carry - place.capacity) + max(0, given_out - max(0, place.capacity - place.carry))


def _chances(
    classes: Sequence[int], phases: Sequence[Phase], shown: Callable[[Sequence[tuple[int, ...]]], Shown]
) -> dict[int | None, tuple[Value, ...]]:
    """For each class that there is, and None for all: groups, what became of them, and the share with a place.

    A single class is all of them again, so it is left out: what would be hidden in it stands beside it.
    """
    counted = Counter(zip(classes, phases, strict=True))
    named = sorted(set(classes))
    rows = shown([tuple(counted[each, phase] for phase in PHASES) for each in named])
    made = {each: _chance(cells) for each, cells in zip([*named, None], rows, strict=True)}
    return made if len(named) > 1 else {None: made[None]}


def _chance(cells: Sequence[Number]) -> tuple[Value, ...]:
    seniority, lottery, reserve, groups = cells
    if isinstance(groups, Hidden) or isinstance(reserve, Hidden) or not groups:
        share = None
    else:
        share = _decimal((groups - reserve) / groups, 6)
    return groups, seniority, lottery, reserve, share


def _stand(
    order: Sequence[int], classes: Sequence[int], chances: Mapping[int | None, Sequence[Value]]
) -> dict[int, tuple[Value, ...]]:
    """For each class: groups in the lottery and where they stand; only where nothing about the class is hidden."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(order):
        places[classes[row]].append(place)
    return {
        each: (len(found), *(_decimal(share, 3) for share in spread(found, len(order))))
        for each, found in sorted(places.items())
        if each in chances and HIDDEN not in chances[each] and len(found) >= FEW
    }


def _test(about: str, groups: int, found: Tested | None) -> tuple[Value, ...]:
    if found is None:
        return about, groups, None, None, None, None
    return about, groups, found.classes, found.degrees, _decimal(found.statistic, 3), _decimal(found.p, 6)


def _shown_of_ports(parts: Sequence[tuple[int, ...]]) -> Shown:
    """Numbers with their sums down, which are known, as last row, and with what is to be hidden."""
    rows = [*parts, _sums(parts, 3)]
    return _shown(rows, (1, 1, 1), {(len(parts), column) for column in range(3)})


def _shown_of_weeks(parts: Sequence[tuple[int, ...]]) -> Shown:
    """By phase, with the sums of the rows as last column too."""
    rows = [(*row, sum(row)) for row in [*parts, _sums(parts, 3)]]
    return _shown(rows, (1, 1, 1, -1), {(len(parts), column) for column in range(4)})


def _shown_of_size(parts: Sequence[tuple[int, ...]]) -> Shown:
    """As of weeks; but how many were offered a place at all is known of each row, and so are reserve and groups."""
    whole = [*parts, _sums(parts, 3)]
    rows = [(seniority, lottery, seniority + lottery) for seniority, lottery, _ in whole]
    known = {(r, 2) for r in range(len(parts))} | {(len(parts), column) for column in range(3)}
    split = _shown(rows, (1, 1, -1), known)
    return [(*cells[:2], row[2], sum(row)) for cells, row in zip(split, whole, strict=True)]


def _shown(rows: Sequence[tuple[int, ...]], column_signs: tuple[int, ...], known: Iterable[Cell]) -> Shown:
    hidden = hide(Grid(tuple(rows), (1,) * (len(rows) - 1) + (-1,), column_signs, frozenset(known)))
    return [tuple(HIDDEN if (r, c) in hidden else cell for c, cell in enumerate(row)) for r, row in enumerate(rows)]


def _sums(rows: Sequence[tuple[int, ...]], width: int) -> tuple[int, ...]:
    return tuple(sum(row[column] for row in rows) for column in range(width))


def _asked(groups: int, cells: Sequence[Number]) -> Number:
    """How many named a port; it is at least as many as each of the other numbers, so it is hidden with any of them."""
    return HIDDEN if 0 < groups < FEW or HIDDEN in cells else groups


def _decimal(value: float, digits: int) -> Decimal:
    return Decimal(f"{value:.{digits}f}")
