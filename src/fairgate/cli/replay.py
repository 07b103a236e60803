"""`fairgate replay`: what happened to a service once, gone through again over the real commands in virtual time."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer

from fairgate.cli.faults import CheckedAndFalse
from fairgate.cli.progress import bar, halves
from fairgate.cli.reading import whole
from fairgate.core.places import moment
from fairgate.sim.ending import Count, End, Ending, ending
from fairgate.sim.hours import Hour, hours
from fairgate.sim.replay import Replayed
from fairgate.sim.replay import replay as go_through
from fairgate.sim.scenario import parse
from fairgate.store import embedded, profiles
from fairgate.store.migrate import migrate

app = typer.Typer()

Json = dict[str, Any]
WIDTHS = "{:<27} {:>7} {:>6} {:>6} {:>9}  {:<42} {}"
ENDS = "{:<42} {:>20} {:>20}"


@app.command(short_help="Go through an outage in virtual time.")
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="A scenario")],
    profile: Annotated[
        Path | None, typer.Option("--profile", help="A profile; else the one that the file lies in")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write hours and ending as JSON")] = False,
    result: Annotated[Path | None, typer.Option("--result", help="Write the ending as JSON to this file too")] = None,
) -> None:
    """Go through a scenario in virtual time, over the real commands and a database that is thrown away afterwards.

    People who do not exist are offered places and try to confirm them while the service does what the file says. It
    prints each hour in which something happened, and at the end who lost a place because the service failed, beside
    what a deadline that does not move would have done to the same people. Nothing of a deployment is touched.
    Exit code 1 if a place was lost, or if another expectation of the file is not met.

    \b
    fairgate replay profiles/southwest-border/incidents/2024-05-21.json
    """
    scenario = parse(whole(file), str(file))
    texts = profiles.read_folder(profile or file.absolute().parent.parent)
    with _nowhere() as (conn, home), bar("replaying", 100) as advance:
        made = go_through(conn, home, scenario, texts, halves(advance))
        end = ending(conn, made)
    answer = {"hours": [_hour(hour) for hour in hours(made)], "ending": answer_of(made, end)}
    if result is not None:
        result.write_text(json.dumps(answer["ending"], indent=1) + "\n", encoding="utf-8")
    typer.echo(json.dumps(answer, indent=1) if as_json else "\n".join(_lines(made, end)))
    unmet = list(unmet_expectations(made, end))
    if unmet:
        raise CheckedAndFalse(f"{file}: {unmet[0]}")


@contextmanager
def _nowhere() -> Iterator[tuple[psycopg.Connection, Path]]:
    """A migrated database and a home that are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fairgate-replay-"))
    folder.chmod(0o755)  # PostgreSQL may run as another account
    try:
        with (
            embedded.server(folder / "postgres", durable=False) as url,
            psycopg.connect(url, autocommit=True) as conn,
        ):
            migrate(conn)
            home = folder / "home"
            home.mkdir(mode=0o700)
            yield conn, home
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unmet_expectations(made: Replayed, end: Ending) -> Iterator[str]:
    """What the file says has to be true at the end, and is not."""
    lost, fixed = (side.get(End.LOST, Count()).places for side in (end.ours, end.fixed))
    wanted = made.scenario.expected
    if lost != wanted.places_lost:
        yield f"places lost by system fault: {lost}, not {wanted.places_lost}"
    if len(made.outages) != wanted.outages:
        yield f"outages on record: {len(made.outages)}, not {wanted.outages}"
    if fixed < wanted.fixed_deadline_loses_at_least:
        yield f"places lost with a fixed deadline: {fixed}, not {wanted.fixed_deadline_loses_at_least} or more"


# -- as JSON ------------------------------------------------------------------------------------


def answer_of(made: Replayed, end: Ending) -> Json:
    """The ending for programs, and for the page that explains the rule by it."""
    return {
        "title": made.scenario.title,
        "policy": made.program.policy.to_json(),
        "outages": [
            {"start": _text(one.outage.start), "end": _text(one.outage.end), "notice_at": _text(one.outage.notice_at)}
            for one in made.outages
        ],
        "windows": [
            {"opened_at": _text(one.opened_at), "zone": one.zone, "first": _text(one.first), "last": _text(one.last)}
            for one in end.windows
        ],
        "places_lost": end.ours.get(End.LOST, Count()).places,
        "places_lost_with_fixed_deadline": end.fixed.get(End.LOST, Count()).places,
        "ended": _counts(end.ours),
        "ended_with_fixed_deadline": _counts(end.fixed),
        "failed_tries": sum(len(holder.failed) for holder in made.holders),
        "groups_failed": sum(bool(holder.failed) for holder in made.holders),
    }


def _counts(ends: Mapping[End, Count]) -> Json:
    return {end.value: {"groups": count.groups, "places": count.places} for end, count in ends.items()}


def _text(at: datetime | None) -> str | None:
    return None if at is None else moment(at)


def _hour(hour: Hour) -> Json:
    return {
        "start": moment(hour.start),
        **{key: getattr(hour, key) for key in ("offered", "tried", "failed", "confirmed")},
        "notices": dict(sorted(hour.told.items())),
        "notices_given_up": hour.given_up,
        "interrupted_since": _text(hour.seen.interrupted_since),
    }


# -- for people ---------------------------------------------------------------------------------


def _lines(made: Replayed, end: Ending) -> Iterator[str]:
    zone = ZoneInfo(made.program.zone)
    yield made.scenario.title
    yield f"Times are those of {zone.key}. Counts are groups; hours in which nothing happened are left out."
    yield ""
    yield WIDTHS.format("hour from", "offered", "tried", "failed", "confirmed", "notices handed over", "confirming")
    for hour in hours(made):
        counts = (hour.offered, hour.tried, hour.failed, hour.confirmed)
        shown = [str(count or "") for count in counts]
        yield WIDTHS.format(_local(hour.start, zone), *shown, _notices(hour), _status(hour, zone)).rstrip()
    yield ""
    yield from _outages(made, zone)
    yield from _ends(end)


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%a %d %b %H:%M %Z")


def _exact(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%a %d %b %H:%M:%S %Z")


def _notices(hour: Hour) -> str:
    said = [f"{kind} {count}" for kind, count in sorted(hour.told.items()) if count]
    return ", ".join([*said, *([f"given up {hour.given_up}"] if hour.given_up else [])])


def _status(hour: Hour, zone: ZoneInfo) -> str:
    since = hour.seen.interrupted_since
    return "works" if since is None else f"interrupted since {_local(since, zone)}"


def _outages(made: Replayed, zone: ZoneInfo) -> Iterator[str]:
    if not made.outages:
        yield "No outage is on record"
    for one in made.outages:
        start, end, notice_at = one.outage.start, one.outage.end, one.outage.notice_at
        ended = "lasts" if end is None else f"to {_exact(end, zone)}"
        tellings = "" if notice_at is None else f", all told {_exact(notice_at, zone)}"
        yield f"Outage from {_exact(start, zone)} {ended}{tellings}"
    yield ""


def _ends(end: Ending) -> Iterator[str]:
    yield ENDS.format("At the end, places (groups)", "these rules", "a fixed deadline")
    for what in End:
        if what in end.ours or what in end.fixed or what is End.LOST:
            sides = [_count(side.get(what, Count())) for side in (end.ours, end.fixed)]
            yield ENDS.format(what.value, *sides)
    yield ""
    yield f"places lost by system fault: {end.ours.get(End.LOST, Count()).places}"
    yield f"with a fixed deadline:       {end.fixed.get(End.LOST, Count()).places}"


def _count(count: Count) -> str:
    return f"{count.places} ({count.groups})"
