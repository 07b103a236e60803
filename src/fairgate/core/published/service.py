"""The tables about the whole service, made from counts: what is hidden in them, and how long people wait at most."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from fairgate.core import waits
from fairgate.core.profile import Profile, Program
from fairgate.core.published.hiding import FEW, Grid, hide
from fairgate.core.published.table import HIDDEN, Hidden, Value
from fairgate.core.schedule import next_date, round_times, slots

ALL: Final = "all"  # no port: their codes are capital letters
DAYS_AHEAD: Final = 28  # of the calendar, beyond the rounds that are open
TENS: Final = 10  # people; what still changes is told in so many
SHARE_LEAST: Final = 2000  # people; one in a hundred of them is twenty, more than a hidden number can be off
YEARS_LOOKED: Final = 10  # whoever waits longer has no bound worth the name
Row = tuple[Value, ...]
Since = Literal["request", "registration"]


class Offered(NamedTuple):
    """People by what became of their offers: drawn + refilled = the sum of the others."""

    drawn: int = 0
    refilled: int = 0
    open: int = 0
    confirmed: int = 0
    checked_in: int = 0
    missed: int = 0
    declined: int = 0
    lapsed: int = 0
    cancelled: int = 0
    passed_over: int = 0


_SIGNS: Final = (-1, -1, 1, 1, 1, 1, 1, 1, 1, 1)


def outcomes(ports: Mapping[str, Offered], *, by_port: bool) -> tuple[Row, dict[str, Row]]:
    """What became of a round's offers, over all ports, and (once nothing changes any more) at each of them.

    What the draw gave is known from its bundle. What is shown of all ports was shown before, so it is known too, and
    what is hidden there stays hidden beside the numbers of the ports.
    """
    total = tuple(_sums(ports))
    hidden = hide(Grid((total,), (1,), _SIGNS, frozenset({(0, 0)})))
    shown = _shown(total, hidden, 0)
    if not by_port or len(ports) < 2:
        return shown, {}
    last, names = len(ports), sorted(ports)
    known = {(r, 0) for r in range(last)} | {(last, c) for c in range(len(_SIGNS)) if (0, c) not in hidden}
    held = frozenset((last, c) for _, c in hidden)
    cells = (*(tuple(ports[name]) for name in names), total)
    parts = hide(Grid(cells, (1,) * last + (-1,), _SIGNS, frozenset(known), held))
    return shown, {name: _shown(ports[name], parts, r) for r, name in enumerate(names)}


def so_far(ports: Mapping[str, Offered]) -> Row:
    """What became of a round's offers, over all ports, while that still changes: in whole tens, rounded down.

    An edition comes every few minutes. Whoever keeps them all sees how exact numbers change, and so counts what only
    the small ones can have gained: nothing that is hidden in one edition would be a secret.
    """
    drawn, *others = _sums(ports)
    return drawn, *(number // TENS * TENS for number in others)


def _shown(numbers: Sequence[int], hidden: frozenset[tuple[int, int]], row: int) -> Row:
    return tuple(HIDDEN if (row, c) in hidden else number for c, number in enumerate(numbers))


def lost(people: Mapping[date, int]) -> list[tuple[date | None, int | Hidden]]:
    """People who lost a place by a fault of the system, by date, the latest first, and their sum (None)."""
    days = sorted(people, reverse=True)
    numbers = [people[day] for day in days]
    grid = Grid((*((number,) for number in numbers), (sum(numbers),)), (1,) * len(days) + (-1,), (1,))
    hidden = hide(grid)
    return [(day, HIDDEN if (r, 0) in hidden else grid[r, 0]) for r, day in enumerate([*days, None])]


def few(groups: int, people: int) -> tuple[int | Hidden, int | Hidden]:
    """Groups and the people in them, with no sums beside them: of few groups neither, as one bounds the other."""
    return (HIDDEN, HIDDEN) if 0 < groups < FEW else (groups, people)


def spread(days: Sequence[int]) -> Row:
    """The spread of the days that are known of some groups, nothing of few.

    Of how many they are known is not told: those of whom they are not have asked anew, and may be few.
    """
    return (waits.spread(days) if len(days) >= FEW else None) or (None, None, None, None)


def share(counted: Sequence[Mapping[str, Offered]]) -> Decimal | None:
    """The part of all people given a place in these rounds who came, as it may be told beside `outcomes`.

    A part is a sum of people, so where a number of it is hidden there, the part is told in whole per cent, and of too
    few people not at all.
    """
    rounds = [_sums(ports) for ports in counted]
    offered = sum(_offered(total) for total in rounds)
    secret = any(HIDDEN in _told_of(outcomes(ports, by_port=False)[0]) for ports in counted)
    if not offered or (secret and offered < SHARE_LEAST):
        return None
    part = sum(total.checked_in for total in rounds) / offered
    return Decimal(f"{part:.2f}" if secret else f"{part:.3f}")


def taken_up(counted: Sequence[Mapping[str, Offered]]) -> Fraction | None:
    """The part of all people given a place in these rounds who came; None where nobody was given any.

    Who was passed over was given one too: what was kept for those who wait longest went by others for it.
    """
    rounds = [_sums(ports) for ports in counted]
    offered = sum(_offered(total) for total in rounds)
    return Fraction(sum(total.checked_in for total in rounds), offered) if offered else None


def _sums(ports: Mapping[str, Offered]) -> Offered:
    return Offered(*(sum(column) for column in zip(*ports.values(), strict=True)))


def _offered(total: Offered) -> int:
    return total.drawn + total.refilled


def _told_of(row: Row) -> Row:
    """Those numbers of a row of outcomes that `taken_up` is made of."""
    return tuple(row[Offered._fields.index(name)] for name in ("refilled", "checked_in"))


# -- who waits ----------------------------------------------------------------------------------


class Line(NamedTuple):
    """Those who wait at a port, or at all of them; waits in days."""

    groups: int
    people: int
    p50: int
    longest_request: int
    longest_registration: int


class Before(NamedTuple):
    """Whom somebody who asks now finds: people who wait, who hold a place, and who registered in the last week."""

    ahead: int = 0
    holding: int = 0
    new: int = 0


def waiting(
    program: Program,
    lines: Mapping[str, Line],
    before: Mapping[str, Before],
    taken_up: Fraction | None,
    share: Decimal | None,
    opened: Mapping[date, Sequence["Room"]],
    as_of: datetime,
    now: datetime,
) -> list[Row]:
    """A row for each port and one for all: the line as it was at `as_of`, and the bound for somebody who asks now.

    `share` is `taken_up` as it may be told. `opened` are the times of day of the rounds that there are, none of a void
    one; of other days the usual week counts.
    """
    rounds, gives_on = list(_rounds_to_come(program, now)), _reserved(program, opened)
    today = now.astimezone(ZoneInfo(program.zone)).date()
    hidden = _lines_hidden(lines)
    rows: list[Row] = []
    for port in (*program.port_codes, ALL):
        line = lines.get(port, Line(0, 0, 0, 0, 0))
        ahead, holding, new = before.get(port, Before())
        wanted = program.port_codes if port == ALL else (port,)
        gives = [(day, sum(gives_on(day, name) for name in wanted)) for day in rounds]
        week = sum(places for day, places in gives if day < rounds[0] + timedelta(days=7))
        by = waits.bound(ahead + new, holding, taken_up, gives) if taken_up else None
        days = None if by is None else (results_day(program, by) - today).days
        told: Row = (HIDDEN, HIDDEN) if port in hidden else line[:2]
        waited: Row = (None, None, None) if port in hidden or not line.groups else line[2:]
        rows.append((program.program, port, as_of, *told, *waited, week, share, days))
    return rows


def _lines_hidden(lines: Mapping[str, Line]) -> set[str]:
    """Ports of which few groups wait, and others, so that the whole line less the shown ports does not tell of them.

    Groups name several ports, so the numbers of the ports are no parts of the whole. But together they are at least
    all groups, and all people: of one port alone that can be hidden, at least what the others leave is known.
    """
    hidden = {port for port, line in lines.items() if 0 < line.groups < FEW}
    at_ports = {port: line for port, line in lines.items() if port != ALL}
    rest = sorted(set(at_ports) - hidden, key=lambda port: (at_ports[port].groups, port))
    if hidden and ALL not in hidden and _uncovered(lines[ALL], [at_ports[port] for port in rest]):
        hidden |= set(rest[:1] or [ALL])
    return hidden


def _uncovered(whole: Line, parts: Sequence[Line]) -> bool:
    """Whether somebody is left of the whole for whom there is no room in these parts."""
    return sum(part.groups for part in parts) < whole.groups or sum(part.people for part in parts) < whole.people


def results_day(program: Program, day: date) -> date:
    """The day on which the places of a date are given out."""
    return day - timedelta(days=program.lead_days)


def _rounds_to_come(program: Program, now: datetime) -> Iterator[date]:
    """The dates whose lists are not sealed yet, for ten years."""
    day = now.astimezone(ZoneInfo(program.zone)).date()
    end, to_come = day + timedelta(days=366 * YEARS_LOOKED), False
    while day < end:
        day = next_date(program, day)
        to_come = to_come or round_times(program, day).closes_at > now
        if to_come:
            yield day


def _reserved(program: Program, opened: Mapping[date, Sequence["Room"]]) -> Callable[[date, str], int]:
    """What a port surely gives on a day to those who wait longest, in persons."""
    usual = {places.port: [sum(room for _, room in day) for day in places.week] for places in program.ports}

    def gives(day: date, port: str) -> int:
        rooms = opened.get(day)
        places = (
            usual[port][day.weekday()] if rooms is None else sum(room.places for room in rooms if room.port == port)
        )
        return waits.reserved(places, program.group_max, program.seniority_share)

    return gives


# -- ports --------------------------------------------------------------------------------------


def ports(profile: Profile) -> list[Row]:
    """A row for each port of each program, with its places by the day of the week."""
    rows: list[Row] = []
    for program in profile.programs:
        for places in () if program.hidden else program.ports:
            port = profile.port(places.port)
            week = [sum(room for _, room in day) for day in places.week]
            rows.append((program.program, port.port, port.names[profile.languages[0]], port.zone, *week))
    return rows


@dataclass(frozen=True, slots=True)
class Closure:
    """A port that is closed for a time, by its incident; no port or program: all of them; no end: it lasts."""

    number: str
    program: str | None
    port: str | None
    start_at: datetime
    end_at: datetime | None


class Room(NamedTuple):
    """A time of day ("09:00") with so many places."""

    port: str
    time: str
    places: int


def calendar(
    profile: Profile,
    program: Program,
    opened: Mapping[date, tuple[str, Sequence[Room]]],
    closures: Sequence[Closure],
    today: date,
) -> tuple[list[Row], list[Row]]:
    """The coming days by port, and their times of day. `opened`: state and slots of the rounds that there are."""
    days: list[Row] = []
    times: list[Row] = []
    for ahead in range(program.lead_days + DAYS_AHEAD):
        day = today + timedelta(days=ahead)
        state, rooms = opened.get(day) or ("planned" if slots(program, day) else "no round", _planned(program, day))
        for port in program.port_codes:
            mine = sorted(room for room in rooms if room.port == port and room.places)
            closed = _closed(profile, closures, program.program, port, day)
            first, last = (mine[0].time, mine[-1].time) if mine else (None, None)
            places = sum(room.places for room in mine)
            days.append((program.program, day, port, state, places, first, last, closed))
            times += [(program.program, day, port, room.time, room.places) for room in mine]
    return days, times


def _planned(program: Program, day: date) -> list[Room]:
    return [Room(each.port, f"{each.time:%H:%M}", each.capacity) for each in slots(program, day)]


def _closed(profile: Profile, closures: Sequence[Closure], program: str, port: str, day: date) -> str | None:
    """The incident by which a port is closed on a day, or on a part of it, by its own clock."""
    zone = ZoneInfo(profile.port(port).zone)
    for one in closures:
        if one.port in (port, None) and one.program in (program, None):
            start = one.start_at.astimezone(zone).date()
            end = day if one.end_at is None else (one.end_at - timedelta(seconds=1)).astimezone(zone).date()
            if start <= day <= end:
                return one.number
    return None
