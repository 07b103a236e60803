"""Tables for the public, made anew every few minutes and after each step of a round.

What a draw came to never changes, nor do the offers of a date that is over: such rows are taken from the last edition,
so that an edition costs what is new. A long list is read by one statement in a transaction that only reads; it holds
no lock that anybody waits for, and gives up after a minute.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from fairgate.commands.deadlines import LOOK_BACK
from fairgate.commands.looping import Clock, Connect
from fairgate.core import faults
from fairgate.core.deadlines import Deadline, Outage, Policy, Step, explain, keep_promise, may_lapse
from fairgate.core.profile import Profile, Program
from fairgate.core.published import Table, layouts, service
from fairgate.core.published.service import Row
from fairgate.store import data_files, evidence, profiles, published
from fairgate.store.published import Broken, Drawn, Lapsed

EVERY: Final = timedelta(minutes=10)
LATELY: Final = 28  # rounds
Key = tuple[object, ...]  # program and date

log = structlog.get_logger()


def publish(connect: Connect, home: Path, clock: Clock) -> bool:
    """Publish an edition if it is time for one; whether it was. Another host's worker writes that host's files."""
    with connect() as conn:
        now = clock(conn)
        if not due(conn, home, now):
            return False
        start = monotonic()
        profile, tables = edition(conn, home, now)
    read_ms = round((monotonic() - start) * 1000)
    try:
        written = data_files.write(home, profile, tables, now)
    except OSError as error:
        log.error("tables not written", error=type(error).__name__, place=faults.place(error))
        return False
    log.info("tables published", files=len(written), read_ms=read_ms, ms=round((monotonic() - start) * 1000))
    return True


def due(conn: psycopg.Connection, home: Path, now: datetime) -> bool:
    """Whether it is time for another edition: the last one is old, or a round has gone on since."""
    index = data_files.index(home)
    return index is None or now - index.as_of >= EVERY or published.went_on(conn, index.as_of)


def edition(conn: psycopg.Connection, home: Path, now: datetime) -> tuple[Profile, list[Table]]:
    """All tables as they are now, from one state of the database and what the last edition has of what is past."""
    with published.reading(conn):
        profile = profiles.current(conn)
        rounds = [found for found in published.drawn(conn) if profile.find_program(found.program)]
        tables = [
            *_of_draws(conn, home, rounds),
            *_of_offers(conn, home, rounds),
            layouts.PLACES_LOST.filled(_lost(conn, profile, rounds)),
            layouts.WAITS_BY_PORT.filled(_waits_by_port(conn, rounds)),
            layouts.WAITING.filled(
                [row for each in profile.public_programs for row in _waiting(conn, each, rounds, now)]
            ),
            layouts.OUTAGES.filled([_outage(each, now) for each in published.outages(conn)]),
            layouts.PORTS.filled(service.ports(profile)),
            *_calendar(conn, profile, now),
        ]
    order = [layout.name for layout in layouts.LAYOUTS]
    return profile, sorted(tables, key=lambda table: order.index(table.name))


# -- what a draw came to ------------------------------------------------------------------------


def _of_draws(conn: psycopg.Connection, home: Path, rounds: Sequence[Drawn]) -> list[Table]:
    """Numbers and waits of each draw; both stay as they were."""
    numbers, waits = _kept(home, layouts.DRAWS), _kept(home, layouts.WAITS)
    for found in rounds:
        key = found.program, found.date
        if key not in numbers or key not in waits:
            sums = published.totals(conn, found.id)
            numbers[key] = [(*key, found.drawn_at, sums.groups, sums.people, found.places, *sums[2:])]
            waited = published.waited(conn, found.id)
            asked = [one.request for one in waited if one.request is not None]
            spreads = (("request", asked), ("registration", [one.registration for one in waited]))
            groups, _ = service.few(len(waited), len(waited))
            waits[key] = [(*key, since, groups, *service.spread(days)) for since, days in spreads]
    return [layouts.DRAWS.filled(_in_order(rounds, numbers)), layouts.WAITS.filled(_in_order(rounds, waits))]


def _kept(home: Path, layout: Table) -> dict[Key, list[Row]]:
    """The rows of the last edition by program and date."""
    found: dict[Key, list[Row]] = defaultdict(list)
    last = data_files.table(home, layout)
    for row in last.rows if last else ():
        found[row[:2]].append(row)
    return dict(found)


def _in_order(rounds: Iterable[Drawn], rows: Mapping[Key, Sequence[Row]]) -> list[Row]:
    return [row for found in rounds for row in rows.get((found.program, found.date), ())]


# -- what became of the offers ------------------------------------------------------------------


def _of_offers(conn: psycopg.Connection, home: Path, rounds: Sequence[Drawn]) -> list[Table]:
    """Of all ports together in whole tens; exactly, and by port, once a date is over and nothing changes any more."""
    whole, parts = _kept(home, layouts.OUTCOMES), _kept(home, layouts.OUTCOMES_BY_PORT)
    whole = {key: rows for key, rows in whole.items() if rows[0][2] == "yes"}
    fresh = [found for found in rounds if (found.program, found.date) not in whole]
    counted = published.offered(conn, [found.id for found in fresh])
    for found in fresh:
        key, ports = (found.program, found.date), counted[found.id]
        if found.state != "closed":
            whole[key] = [(*key, "no", *service.so_far(ports))]
            continue
        total, by_port = service.outcomes(ports, by_port=True)
        whole[key] = [(*key, "yes", *total)]
        parts[key] = [(*key, port, *row) for port, row in by_port.items()]
    return [
        layouts.OUTCOMES.filled(_in_order(rounds, whole)),
        layouts.OUTCOMES_BY_PORT.filled(_in_order(rounds, parts)),
    ]


def _lost(conn: psycopg.Connection, profile: Profile, rounds: Sequence[Drawn]) -> list[Row]:
    """Who lost a place by a fault of the system, judged by all that is on record now."""
    lapsed = published.lapsed(conn, [found.id for found in rounds])
    since = min((each.opened_at for each in lapsed), default=datetime.max.replace(tzinfo=UTC)) - LOOK_BACK
    outages = [recorded.outage for recorded in evidence.outages(conn, since)]
    people: dict[tuple[str, date], int] = {(found.program, found.date): 0 for found in rounds}
    for one in wrongly(lapsed, outages, profiles.history(conn)):
        people[one.program, one.date] += one.people
    rows: list[Row] = []
    for program in profile.public_programs:
        mine = {day: number for (of, day), number in people.items() if of == program.program}
        rows += [(program.program, day, number) for day, number in service.lost(mine)]
    return rows


def wrongly(
    lapsed: Iterable[Lapsed], outages: Sequence[Outage], profiles_held: Sequence[tuple[datetime, Profile]]
) -> list[Lapsed]:
    """Those that could not have lapsed when they did, if all had been on record then that is now."""

    @cache
    def explained(opened_at: datetime, zone: str, policy: Policy) -> tuple[Deadline, tuple[Step, ...]]:
        return explain(opened_at, outages, policy, ZoneInfo(zone))

    found = []
    for one in lapsed:
        policy = _policy(profiles_held, one)
        deadline, _ = keep_promise(explained(one.opened_at, one.zone, policy), one.promised)
        # What was not seen to work is on record as an outage: that is all the evidence there is.
        if not may_lapse(deadline, now=one.decided_at, attempt_at=one.attempt_at, evidence=True, policy=policy):
            found.append(one)
    return found


def _policy(profiles_held: Sequence[tuple[datetime, Profile]], one: Lapsed) -> Policy:
    """The policy by which it lapsed: that of the profile which held then."""
    known = [(since, found) for since, profile in profiles_held if (found := profile.find_program(one.program))]
    held = [program for since, program in known if since <= one.decided_at] or [known[0][1]]
    return held[-1].policy


# -- who waits ----------------------------------------------------------------------------------


def _waits_by_port(conn: psycopg.Connection, rounds: Sequence[Drawn]) -> list[Row]:
    """By program and port, of the last draws together."""
    asked: dict[tuple[str, str], list[int]] = defaultdict(list)
    registered: dict[tuple[str, str], list[int]] = defaultdict(list)
    for program, recent in _by_program(rounds).items():
        for found in recent[:LATELY]:
            for one in published.waited(conn, found.id):
                registered[program, one.port].append(one.registration)
                if one.request is not None:
                    asked[program, one.port].append(one.request)
    return [
        (*place, since, *service.spread(days[place]))
        for place in sorted(registered)
        for since, days in (("request", asked), ("registration", registered))
    ]


def _by_program(rounds: Iterable[Drawn]) -> dict[str, list[Drawn]]:
    found: dict[str, list[Drawn]] = defaultdict(list)
    for one in rounds:
        found[one.program].append(one)
    return found


def _waiting(conn: psycopg.Connection, program: Program, rounds: Sequence[Drawn], now: datetime) -> list[Row]:
    last = published.last_list(conn, program.program)
    if last is None:
        return []
    over = [found.id for found in rounds if found.program == program.program and found.state == "closed"][:LATELY]
    lines, before = published.lines(conn, program.program, last), published.before(conn, program.program, now)
    lately = list(published.offered(conn, over).values())
    today = now.astimezone(ZoneInfo(program.zone)).date()
    rounds_open = published.opened(conn, program.program, today).items()
    opened = {day: () if state == "void" else rooms for day, (state, rooms) in rounds_open}
    taken_up, share = service.taken_up(lately), service.share(lately)
    return service.waiting(program, lines, before, taken_up, share, opened, last.as_of, now)


# -- outages and the calendar -------------------------------------------------------------------


def _outage(one: Broken, now: datetime) -> Row:
    minutes = -(-((one.end_at or now) - one.start_at) // timedelta(minutes=1))
    touched = service.few(one.groups, one.people)
    return (one.start_at, one.end_at, minutes, one.notice_at, one.incident, *touched)


def _calendar(conn: psycopg.Connection, profile: Profile, now: datetime) -> list[Table]:
    days: list[Row] = []
    times: list[Row] = []
    closures = published.closures(conn, now)
    for program in profile.public_programs:
        today = now.astimezone(ZoneInfo(program.zone)).date()
        opened = published.opened(conn, program.program, today)
        more = service.calendar(profile, program, opened, closures, today)
        days += more[0]
        times += more[1]
    return [layouts.CALENDAR.filled(days), layouts.SLOTS.filled(times)]
