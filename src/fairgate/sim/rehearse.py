"""A rehearsal: some days of a deployment in as many seconds, over the real commands, with people who do not exist.

Everything goes through the commands that real people and the worker use, at the times of a virtual clock that ends
now. What is left is a database in the middle of its life: appointments of today and yesterday kept and missed,
offers that are open, a round that is being filled, and the calendar going on in real time.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from fairgate.commands.rounds import start_calendar
from fairgate.core import schedule
from fairgate.core.errors import BadInput
from fairgate.core.profile import Profile, Program
from fairgate.core.sealing import Chance
from fairgate.sim.clock import moments
from fairgate.sim.line import Line
from fairgate.sim.machinery import Machinery
from fairgate.sim.people import People
from fairgate.sim.population import groups, read_figures
from fairgate.store import clock, counts, keys, offers, profiles, rounds
from fairgate.store.offers import Offer
from fairgate.store.rounds import Round

HOUR = timedelta(hours=1)
FIRST_LOOK = 20_000  # registrations
AT_LEAST_OPEN = timedelta(hours=6)  # how long the last round's offers are to stay open after the rehearsal
DRAWN_LATE = timedelta(hours=2)  # so long before its end that round is drawn where they would not

Progress = Callable[[str, int, int], None]  # what is being done, how much is done, of how much


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What is there after a rehearsal. The sample applicant has an open offer; None where no offer is open.

    `offers` and `rounds` count by state; `refused` are acts of people that did not do what they meant; `codes` are
    everybody's access codes by number, which stand nowhere else.
    """

    sample_number: str | None
    sample_code: str | None = field(repr=False)
    registrations: int
    offers: dict[str, int]
    rounds: dict[str, int]
    refused: int
    since: datetime
    until: datetime
    codes: Mapping[str, str] = field(repr=False)


def rehearse(
    dsn: str,
    home: Path,
    *,
    registrations: int | None = None,
    days: int | None = None,
    seed: int = 1,
    until: datetime | None = None,
    issuer: str = keys.LOCAL,
    progress: Progress = lambda _what, _done, _total: None,
    chance: Chance = os.urandom,
) -> Rehearsal:
    """Rehearse the first visible program of the loaded profile for `days` days up to `until` (the database's now).

    The database must hold nothing but the profile. Where it is not said otherwise there are as many registrations as
    the profile has waiting, and so many days that there are appointments of yesterday and today. `seed` decides who
    the people are and what they do; numbers, codes, keys and the draws come from `chance` and from the observers
    whose keys are in `home`.
    """
    with psycopg.connect(dsn, autocommit=True) as conn:
        if counts.used(conn):
            raise BadInput("database", "holds registrations or rounds already", "rehearse on an empty one")
        in_real_time = until is None
        until = until or clock.now(conn)
        profile = profiles.current(conn)
        program = first_visible(profile)
        since = until - timedelta(days=days or days_to_the_appointments(program))
        figures = read_figures(profile, program)
        registrations = registrations or figures.waiting
        coming = groups(figures, profile.languages, registrations=registrations, since=since, until=until, seed=seed)
        line = Line(coming, program.program, keys.load(home), chance)
        people = People(profile, figures, seed, chance)
        waits = _last_waits(program, until)
        machinery = Machinery(conn, home=home, profile=profile, waits=waits, chance=chance, issuer=issuer)

        conn.execute("SET synchronous_commit = off")  # nobody counts on these acts, so none waits for the disk
        for done in line.register(conn, since):
            progress("registrations", done, registrations)
        conn.execute("ANALYZE")  # months of growth in a minute: the planner would go by an empty database
        start_calendar(conn, program, schedule.next_to_open(program, since))
        _live(conn, line, people, machinery, since, until, progress)
        conn.execute("SET synchronous_commit = on")  # the next commit is on disk, and with it all before
        machinery.show_health(until, clock.now(conn) if in_real_time else until)
        return _result(conn, line, people, since, until)


def first_look(profile: Profile) -> tuple[int, int]:
    """Registrations and days of a rehearsal that takes a minute or less."""
    program = first_visible(profile)
    return min(FIRST_LOOK, read_figures(profile, program).waiting), days_to_the_appointments(program)


def days_to_the_appointments(program: Program) -> int:
    """Days of a rehearsal in which the first appointments are yesterday's: two pass until the first round is drawn."""
    return program.lead_days + 3


def first_visible(profile: Profile) -> Program:
    """The program that people come for; hidden ones are for the service's own trials."""
    found = next((program for program in profile.programs if not program.hidden), None)
    if found is None:
        raise BadInput("programs.toml", "every program is hidden", "describe one that people can ask for")
    return found


def _last_waits(program: Program, until: datetime) -> Callable[[Round, datetime], bool]:
    """Have the last round of a rehearsal drawn late where its offers would be over, or nearly so, at the end."""

    def waits(found: Round, now: datetime) -> bool:
        following = schedule.round_times(program, schedule.next_date(program, found.date))
        too_early = found.draw_at + program.policy.window < until + AT_LEAST_OPEN
        return following.draw_at > until and too_early and now < until - DRAWN_LATE

    return waits


def _live(
    conn: psycopg.Connection,
    line: Line,
    people: People,
    machinery: Machinery,
    since: datetime,
    until: datetime,
    progress: Progress,
) -> None:
    """From moment to moment: people register and do what they had planned, then whatever is due is done."""
    before, known = since, timedelta(days=1)
    stops = (until - DRAWN_LATE,)
    for now in moments(since, until, stops, lambda after: rounds.next_step(conn, after)):
        machinery.show_health(before, now)
        for _ in line.register(conn, now):
            pass
        people.act(conn, now)
        if machinery.run(now):
            people.learn(_open_offers(conn))
        if now - since > known * 2:
            known = now - since
            conn.execute("ANALYZE")  # what takes hours takes seconds here, too fast for PostgreSQL's own upkeep
        progress("hours", int((now - since) / HOUR), int((until - since) / HOUR))
        before = now


def _open_offers(conn: psycopg.Connection) -> list[Offer]:
    return offers.open_in(conn, [window.id for window in offers.windows_unsettled(conn)])


def _result(conn: psycopg.Connection, line: Line, people: People, since: datetime, until: datetime) -> Rehearsal:
    sample = max(_open_offers(conn), key=_shows_much, default=None)
    return Rehearsal(
        sample_number=sample.number if sample else None,
        sample_code=line.codes[sample.number] if sample else None,
        registrations=len(line.codes),
        offers=counts.offers(conn),
        rounds=counts.rounds(conn),
        refused=people.refused,
        since=since,
        until=until,
        codes=line.codes,
    )


def _shows_much(offer: Offer) -> tuple[datetime, bool, str]:
    """What makes an offer a good sample: much time left, and a family."""
    assert offer.deadline is not None, "in a rehearsal confirming always works"
    return offer.deadline, 2 <= offer.size <= 4, offer.number
