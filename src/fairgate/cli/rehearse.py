"""`fairgate rehearse`: a database in the middle of its life, with people who do not exist."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from fairgate.cli import place
from fairgate.cli.progress import bar
from fairgate.core.errors import BadInput
from fairgate.sim.rehearse import Rehearsal
from fairgate.sim.rehearse import rehearse as rehearse_days

app = typer.Typer()


@app.command()
def rehearse(
    registrations: Annotated[
        int | None,
        typer.Option("--registrations", min=1, max=10_000_000, help="How many wait; else the profile's"),
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=366, help="How many past days; else until appointments are kept")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, other people")] = 1,
    codes: Annotated[Path | None, typer.Option("--codes", help="Where numbers and access codes go")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the counts as JSON")] = False,
) -> None:
    """Rehearse some days on an empty database: a population from the profile's published figures lives through them.

    Everything goes through the commands that real people and the worker use. What is left is a database with open
    offers, appointments kept and missed, and a round that is being filled. Run `fairgate migrate --profile` before.

    \b
    DATABASE_URL=postgresql://… fairgate rehearse --registrations 20000 --days 5 --codes codes.csv
    """
    if codes is not None and codes.exists():
        raise BadInput(str(codes), "is there already", "name another file for the codes")
    with bar("rehearsing", 100) as advance:
        shown: dict[str, int] = {}

        def progress(what: str, done: int, total: int) -> None:
            percent = 50 * done // max(total, 1)
            advance(percent - shown.get(what, 0))
            shown[what] = percent

        made = rehearse_days(
            place.database_url(), place.home(), registrations=registrations, days=days, seed=seed, progress=progress
        )
    if codes is not None:
        _write(codes, made)
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


def _write(path: Path, made: Rehearsal) -> None:
    """The codes of people who do not exist; still for the owner alone, as all codes."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{number},{code}\n" for number, code in made.codes.items())
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
