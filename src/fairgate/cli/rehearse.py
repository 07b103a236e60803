"""`fairgate rehearse`: a database in the middle of its life, with people who do not exist."""

import json
import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from fairgate.cli import place
from fairgate.cli.progress import bar, halves
from fairgate.core import tokens
from fairgate.core.errors import BadInput
from fairgate.sim.load import Load, Wanted, rehearse_load
from fairgate.sim.rehearse import Rehearsal
from fairgate.sim.rehearse import rehearse as rehearse_days

app = typer.Typer()

SIGNED_IN_FOR = timedelta(hours=1)  # after the offers have lapsed, so that this can be tried too


@app.command(short_help="Fill an empty database with people who do not exist.")
def rehearse(
    registrations: Annotated[
        int | None,
        typer.Option("--registrations", min=1, max=10_000_000, help="How many there are; else the profile's"),
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=366, help="How many past days; else until appointments are kept")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, other people")] = 1,
    codes: Annotated[Path | None, typer.Option("--codes", help="Where numbers and access codes go")] = None,
    offers: Annotated[
        int | None, typer.Option("--offers", min=0, max=10_000_000, help="For a load test: so many open offers")
    ] = None,
    appointments: Annotated[
        int, typer.Option("--appointments", min=0, max=10_000_000, help="For a load test: so many of today")
    ] = 0,
    bearer: Annotated[
        Path | None, typer.Option("--tokens", help="For a load test: where numbers and bearer tokens go")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the counts as JSON")] = False,
) -> None:
    """Rehearse on an empty database, with people from the profile's published figures. Run `fairgate migrate
    --profile` before. Everything goes through the commands that real people and the worker use.

    Without --offers they live through some days: what is left is a database with open offers, appointments kept and
    missed, and a round that is being filled.

    \b
    DATABASE_URL=postgresql://… fairgate rehearse --registrations 20000 --days 5 --codes codes.csv

    With --offers and --tokens it makes a database for a load test: so many offers open from now on, and so many
    appointments of today; everybody else only asks. FILE gets a line number,token,what for each registration, where
    what is offer, appointment or none.

    \b
    DATABASE_URL=postgresql://… fairgate rehearse --registrations 250000 --offers 200000 --tokens tokens.csv
    """
    if offers is None and bearer is None and not appointments:
        _days(registrations, days, seed, codes, as_json)
        return
    if days is not None or codes is not None:
        raise BadInput("--days and --codes", "do not go with --offers, --appointments and --tokens", "choose one kind")
    if registrations is None or offers is None or bearer is None:
        raise BadInput("a load test", "needs --registrations, --offers and --tokens", "give all three")
    if offers + appointments > registrations:
        problem = f"{offers} offers and {appointments} appointments are more than {registrations} registrations"
        raise BadInput("--registrations", problem, "ask for fewer, or register more")
    _load(Wanted(registrations, offers, appointments), seed, bearer, as_json)


def _days(registrations: int | None, days: int | None, seed: int, codes: Path | None, as_json: bool) -> None:
    if codes is not None:
        _refuse_existing(codes)
    with bar("rehearsing", 100) as advance:
        made = rehearse_days(
            place.database_url(),
            place.home(),
            registrations=registrations,
            days=days,
            seed=seed,
            issuer=place.issuer(),
            progress=halves(advance),
        )
    if codes is not None:
        _write(codes, (f"{number},{code}\n" for number, code in made.codes.items()))
    _tell_days(made, codes, as_json)


def _tell_days(made: Rehearsal, codes: Path | None, as_json: bool) -> None:
    answer = {
        "registrations": made.registrations,
        "offers": made.offers,
        "rounds": made.rounds,
        "sample": {"number": made.sample_number, "code": made.sample_code},
        "codes": str(codes) if codes else None,
    }
    if as_json:
        typer.echo(json.dumps(answer, sort_keys=True))
        return
    offers = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in made.offers.items())
    typer.echo(f"{made.registrations} registrations; rounds: {made.rounds}; offers: {offers}")
    if made.sample_number:
        typer.echo(f"open offer: number {made.sample_number}, access code {made.sample_code}")


def _load(wanted: Wanted, seed: int, path: Path, as_json: bool) -> None:
    _refuse_existing(path)
    with bar("rehearsing", 100) as advance:
        made = rehearse_load(
            place.database_url(), place.home(), wanted, seed=seed, issuer=place.issuer(), progress=halves(advance)
        )
    _write(path, _lines(made))
    open_until = made.open_until.strftime("%Y-%m-%dT%H:%M:%SZ")
    if as_json:
        answer = {**wanted._asdict(), "open_until": open_until, "tokens": str(path)}
        typer.echo(json.dumps(answer, sort_keys=True))
        return
    typer.echo(
        f"{wanted.registrations} registrations; {wanted.offers} offers open until {open_until};"
        f" {wanted.appointments} appointments of today; bearer tokens in {path}"
    )


def _lines(made: Load) -> Iterable[str]:
    keys = place.deployment_keys()
    until = int((made.open_until + SIGNED_IN_FOR).timestamp())
    for numbers, what in ((made.offers, "offer"), (made.appointments, "appointment"), (made.others, "none")):
        for number in numbers:
            yield f"{number},{tokens.sign(keys, tokens.SESSION, {'number': number, 'until': until})},{what}\n"


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise BadInput(str(path), "is there already", "name another file")


def _write(path: Path, lines: Iterable[str]) -> None:
    """Secrets of people who do not exist; still for the owner alone, as all are."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
