"""`fairgate round`: a round by hand, step by step. The worker does the same when it is due."""

import json
import logging
import os
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import psycopg
import typer

from fairgate.cli import alone, honour, logs, place
from fairgate.cli.alone import Report
from fairgate.cli.naming import AsJson, Date, OfProgram, date_of
from fairgate.cli.progress import bar
from fairgate.commands.draw import Draw, Seed
from fairgate.commands.draw import draw as draw_rounds
from fairgate.commands.draw import seed as seed_rounds
from fairgate.commands.due import in_time
from fairgate.commands.rounds import Open, open_rounds
from fairgate.commands.rounds import Void as VoidRound
from fairgate.commands.rounds import void as void_rounds
from fairgate.commands.seal import Seal
from fairgate.commands.seal import seal as seal_rounds
from fairgate.core import honour as honouring
from fairgate.core.bundle import parse_manifest
from fairgate.core.errors import BadInput
from fairgate.core.honoured import Honoured
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.places import moment
from fairgate.core.profile import Program
from fairgate.store import clock, counts, honoured, profiles, publication, rounds
from fairgate.store.ledger_files import LedgerFiles
from fairgate.store.rounds import Round
from fairgate.worker.beacons import Beacons

app = typer.Typer()
round_ = typer.Typer()
app.add_typer(round_, name="round", short_help="Open, seal, draw, void, show or honour by hand.")
round_.command(short_help="Offer what the draw would have given who was missing.")(honour.honour)

# Refusals in words: the problem, and the way out.
_WORDS: Final = {
    Reason.UNKNOWN_ROUND: ("there is no such round", "open it first"),
    Reason.ROUND_EXISTS: ("there is one already", "look at it with `fairgate round show`"),
    Reason.TOO_LATE: ("its day has come", "open the round of a later date"),
    Reason.NOT_DUE: ("its time has not come", "see its times with `fairgate round show`"),
    Reason.SEALING_NOT_SHOWN: (
        "no witnessed checkpoint of the ledger covered its sealing before the random value could be known",
        "let `fairgate ledger sign` and the worker run: they take a later value, by the public rule",
    ),
    Reason.WAITS_FOR_EARLIER: ("an earlier round is not drawn yet", "draw or void that one first"),
    Reason.WRONG_STATE: ("it is in a state in which that cannot be done", "see it with `fairgate round show`"),
}


@round_.callback()
def a_round() -> None:
    """Open, seal, draw, void or show the round of a date. Everything a worker does can be done by hand.

    Who was missing from its list, and has a receipt, is honoured.

    \b
    fairgate round open 2026-12-01
    fairgate round seal 2026-12-01
    fairgate round draw 2026-12-01
    fairgate round show 2026-12-01 --bundle bundle/ && fairgate verify bundle/
    fairgate round honour 2026-12-01 receipt.txt
    """
    logs.configure(logging.WARNING)  # what drand's servers say; the answer itself goes to standard output


@round_.command("open", short_help="Open the round of a date.")
def open_(day: Date, program: OfProgram = None, as_json: AsJson = False) -> None:
    """Open the round of a date, with the slots that the profile gives it."""
    with place.database() as conn:
        found = place.program_of(conn, program)
        date_ = date_of(day)
        outcomes = open_rounds(conn, [Open(found.program, date_)], now=clock.now(conn), chance=os.urandom)
    _tell(outcomes, found, date_, as_json=as_json)


@round_.command(short_help="Seal a round that has closed.")
def seal(day: Date, program: OfProgram = None, as_json: AsJson = False) -> None:
    """Seal a round that has closed: from here on, who is in it and its places can no longer change.

    The random value is to come from drand where one of its servers answers, else from the profile's observers.
    """
    with place.database() as conn, bar("sealing"):
        wanted, found = _round(conn, day, program)
        _refuse_other(conn, found)
        now = clock.now(conn)
        seed_at = in_time(found.seed_at, now)
        beacon = Beacons(place.home()).choose(profiles.current(conn), found.program, found.date, seed_at, now)
        act = Seal(found.program, found.date, beacon, seed_at)
        outcomes = seal_rounds(conn, [act], keys=place.deployment_keys(), now=clock.now(conn), chance=os.urandom)
        report = alone.report(conn, found) if isinstance(outcomes[-1], Done) else None
    _tell(outcomes, wanted, found.date, as_json=as_json, report=report)


@round_.command(short_help="Draw a sealed round, when its time has come.")
def draw(day: Date, program: OfProgram = None, as_json: AsJson = False) -> None:
    """Draw a sealed round, once its random value exists and its time has come. No round is drawn twice."""
    with place.database() as conn, bar("drawing"):
        wanted, found = _round(conn, day, program)
        _refuse_other(conn, found)
        outcomes: list[Outcome] = []
        if found.state == "sealed" and found.proof is None:
            outcomes += _seed(conn, found)
        if not any(isinstance(outcome, Refused) for outcome in outcomes):
            act = Draw(found.program, found.date)
            outcomes += draw_rounds(conn, [act], now=clock.now(conn), chance=os.urandom)
    _tell(outcomes, wanted, found.date, as_json=as_json)


@round_.command()
def void(
    day: Date,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays public")],
    program: OfProgram = None,
    as_json: AsJson = False,
) -> None:
    """Give a round up before it is drawn. It stays visible with its reason; who asked is in the next round.

    \b
    fairgate round void 2026-12-01 --reason "an observer did not reveal"
    """
    if not reason.strip():
        raise BadInput("--reason", "is empty", "say in a few words why the round is void")
    with place.database() as conn:
        wanted, found = _round(conn, day, program)
        act = VoidRound(found.program, found.date, reason.strip())
        outcomes = void_rounds(conn, [act], now=clock.now(conn), chance=os.urandom)
    _tell(outcomes, wanted, found.date, as_json=as_json)


@round_.command(short_help="Show a round, or write its public files.")
def show(
    day: Date,
    program: OfProgram = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Write its public files into this folder")] = None,
    only_alone: Annotated[
        bool, typer.Option("--standing-alone", help="Print the report of its sealing again, and each line that does")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a round: its state and times, its ports, what became of its offers, and who was missing from its list."""
    with place.database() as conn:
        _, found = _round(conn, day, program)
        if only_alone:
            _show_alone(conn, found, as_json=as_json)
            return
        answer = _description(conn, found)
        if bundle is not None:
            if found.manifest is None:
                raise BadInput(f"round {found.date}", f"is {found.state} and has no bundle", "seal it first")
            publication.write(bundle, publication.files(conn, found, LedgerFiles(place.home())))
    typer.echo(json.dumps(answer, sort_keys=True) if as_json else _in_words(answer))


def _round(conn: psycopg.Connection, day: str, program: str | None) -> tuple[Program, Round]:
    wanted = place.program_of(conn, program)
    date_ = date_of(day)
    found = rounds.find(conn, wanted.program, date_)
    if found is None:
        raise BadInput(f"round {date_} of {wanted.program}", *_WORDS[Reason.UNKNOWN_ROUND])
    return wanted, found


def _refuse_other(conn: psycopg.Connection, found: Round) -> None:
    """Nothing goes on by hand where the public has seen another list of this round, as after a restore."""
    folder = publication.folder(place.home(), profiles.current(conn), found.program, found.date)
    if found.state in ("open", "sealed") and publication.is_another(folder, found):
        problem = f"is {found.state} here, and another list of it is public in {folder}"
        raise BadInput(f"round {found.date} of {found.program}", problem, "void it: no round is drawn twice")


def _show_alone(conn: psycopg.Connection, found: Round, *, as_json: bool) -> None:
    if found.manifest is None:
        raise BadInput(f"round {found.date}", f"is {found.state} and has no list", "seal it first")
    report = alone.report(conn, found)
    if as_json:
        typer.echo(json.dumps(report.to_json(), sort_keys=True))
        return
    typer.echo(report.in_words())
    for each in report.alone:
        typer.echo(f"  size {each.size}, weeks {each.weeks}, ports {' '.join(each.ports)}")


def _seed(conn: psycopg.Connection, found: Round) -> list[Outcome]:
    """Fetch the random value that the manifest announced and put it on record."""
    assert found.manifest is not None, "a sealed round has its manifest"
    now = clock.now(conn)
    if now < found.seed_at:
        return [Refused(Reason.NOT_DUE)]
    proof = Beacons(place.home()).proof(profiles.current(conn), parse_manifest(found.manifest.encode()))
    if proof is None:
        problem = "its random value cannot be had now"
        raise BadInput(f"round {found.date} of {found.program}", problem, "try again, or void the round")
    return seed_rounds(conn, [Seed(found.program, found.date, proof)], now=clock.now(conn), chance=os.urandom)


def _tell(
    outcomes: Sequence[Outcome], program: Program, day: date, *, as_json: bool, report: Report | None = None
) -> None:
    """What was done, with the report of a sealing; BadInput for what was refused."""
    last = outcomes[-1]
    if isinstance(last, Refused):
        problem, way_out = _WORDS.get(last.reason, (f"refused: {last.reason}", "see `fairgate round show`"))
        facts = {key: value for key, value in last.facts.items() if key not in ("program", "subject")}
        known = ", ".join(f"{key} {value}" for key, value in facts.items() if str(value) != day.isoformat())
        raise BadInput(f"round {day} of {program.program}", f"{problem}{f' ({known})' if known else ''}", way_out)
    if as_json:
        more = {} if report is None else {"standing_alone": report.to_json()}
        done_ = [{"kind": done.kind, **done.facts, **more} for done in outcomes if isinstance(done, Done)]
        typer.echo(json.dumps(done_))
        return
    for done in outcomes:
        assert isinstance(done, Done)
        facts = {key: value for key, value in done.facts.items() if key not in ("program", "round")}
        typer.echo(f"{done.kind}: " + ", ".join(f"{key} {value}" for key, value in facts.items()))
    if report is not None:
        typer.echo(report.in_words())


def _description(conn: psycopg.Connection, found: Round) -> dict[str, object]:
    def time(at: datetime | None) -> str | None:
        return None if at is None else moment(at)

    def hexed(data: bytes | None) -> str | None:
        return None if data is None else data.hex()

    return {
        "program": found.program,
        "round": found.date.isoformat(),
        "state": found.state,
        "void_reason": found.void_reason,
        "opens_at": time(found.opens_at),
        "closes_at": time(found.closes_at),
        "seed_at": time(found.seed_at),
        "draw_at": time(found.draw_at),
        "sealed_at": time(found.sealed_at),
        "drawn_at": time(found.drawn_at),
        "entries": found.entry_count,
        "root": hexed(found.root),
        "seed": hexed(found.seed),
        "ports": {
            port.port: {"capacity": port.capacity, "carry": port.carry, "used": port.used, "carry_out": port.carry_out}
            for port in rounds.ports(conn, found.id).values()
        },
        "offers": counts.offers_of_round(conn, found.id),
        "honoured": {line.entry.ticket: _honoured(line) for line in honoured.of_round(conn, found.id)},
    }


def _honoured(line: Honoured) -> dict[str, object]:
    """What the draw would have given somebody who was missing from the list."""
    got = {key: value for key, value in honouring.facts(line).items() if key != "ticket"}
    return {"size": line.entry.size, **got, "honoured_at": moment(line.honoured_at)}


def _in_words(answer: dict[str, object]) -> str:
    lines = []
    for key, value in answer.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"  {name:10} {_row(each)}" for name, each in value.items())] if value else []
        elif value is not None:
            lines.append(f"{key.replace('_', ' '):12} {value}")
    return "\n".join(lines)


def _row(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{key.replace('_', ' ')} {each}" for key, each in value.items() if each is not None)
