"""`fairgate doctor`: what is well, what is not, and what to do about it."""

import json
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import psycopg
import typer

from fairgate.cli import faults, place
from fairgate.cli.faults import CheckedAndFalse
from fairgate.core.delivering import LATE
from fairgate.core.errors import BadInput
from fairgate.core.note import parse_note
from fairgate.core.places import moment
from fairgate.core.policy import NONE, cosigned_at, parse_policy, witnessed_at
from fairgate.store import checkpoints, clock, deliveries, due, evidence, heads, ledger, passes, profiles
from fairgate.store.ledger_files import LedgerFiles
from fairgate.store.migrate import pending

app = typer.Typer()

OLDEST_POSTGRESQL: Final = 15
SPACE_GIB: Final = 2.0
SKEW: Final = timedelta(seconds=2)
LOOKED_BACK: Final = timedelta(hours=1)
QUIET: Final = timedelta(seconds=60)  # a watcher writes a sample every ten seconds
BEHIND: Final = timedelta(minutes=2)  # what has been due for so long nobody is working on
SIGN: Final = "start `fairgate worker` and `fairgate ledger sign`, or see their logs"
RECORDED: Final = timedelta(minutes=70)  # of checkpoints that show no sealing one an hour is on record


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `way_out` is empty where it is well."""

    what: str
    said: str
    way_out: str = ""


Look = Callable[[psycopg.Connection, datetime], Finding]


@app.command(short_help="Say what is well here, what is not, and what to do.")
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON")] = False) -> None:
    """Look at everything that has to be in order here, and say what to do where it is not.

    Exit code 1 where there is a problem.

    \b
    DATABASE_URL=postgresql://… fairgate doctor
        ok       database    PostgreSQL 16.4, fairgate at 10.0.0.5 port 5432
        problem  watch       no sample since 2026-11-20T09:31:10Z; start `fairgate watch`
    """
    findings = [*_about_home(place.home()), *_about_database()]
    problems = [finding for finding in findings if finding.way_out]
    if as_json:
        listed = [{"what": f.what, "ok": not f.way_out, "said": f.said, "way_out": f.way_out or None} for f in findings]
        typer.echo(json.dumps({"ok": not problems, "findings": listed}))
    else:
        for finding in findings:
            word, tail = ("problem", f"; {finding.way_out}") if finding.way_out else ("ok", "")
            typer.echo(f"{word:8} {finding.what:11} {finding.said}{tail}")
    if problems:
        first = problems[0]
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise CheckedAndFalse(f"{count}, first {first.what}: {first.said}; {first.way_out}")


def _about_home(home: Path) -> list[Finding]:
    return [_key(home / "keys" / "deployment.key"), _space(home)]


def _key(path: Path) -> Finding:
    if not path.exists():
        return Finding("keys", f"{path} is not there yet", "restore it from a backup, or let the first start make it")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding("keys", f"{path} may be read by others (mode {mode:o})", f"run chmod 600 {path}")
    return Finding("keys", f"{path}, for its owner alone; see that it is in a backup apart from the database's")


def _space(home: Path) -> Finding:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free / 2**30
    said = f"{free:.1f} GiB free at {there}"
    return Finding("disk", said, "" if free >= SPACE_GIB else f"make room: at least {SPACE_GIB:.0f} GiB")


def _about_database() -> list[Finding]:
    try:
        with place.database() as conn:
            return _about_connection(conn)
    except BadInput as fault:
        return [Finding("database", f"{fault.place} {fault.problem}", fault.way_out)]
    except psycopg.OperationalError as error:
        said, _, way_out = faults.told(error)[0].partition("; ")
        return [Finding("database", said, way_out)]


def _about_connection(conn: psycopg.Connection) -> list[Finding]:
    major = conn.info.server_version // 10_000
    where = faults.database_place(os.environ["DATABASE_URL"])
    new_enough = major >= OLDEST_POSTGRESQL
    findings = [Finding("database", f"PostgreSQL {major}, {where}", "" if new_enough else "use PostgreSQL 15 or later")]
    waiting = pending(conn)
    if waiting:
        return [*findings, Finding("migrations", f"{', '.join(waiting)} not applied", "run `fairgate migrate`")]
    looks: Sequence[Callable[[psycopg.Connection, datetime], Finding]] = (
        _profile,
        _clock,
        _watch,
        _worker,
        _ledger,
        _passes,
        _notices,
    )
    now = clock.now(conn)
    return [*findings, Finding("migrations", "all applied"), *(look(conn, now) for look in looks)]


def _profile(conn: psycopg.Connection, _now: datetime) -> Finding:
    try:
        profile = profiles.current(conn)
    except BadInput as fault:
        return Finding("profile", f"{fault.place} {fault.problem}", fault.way_out)
    programs = ", ".join(program.program for program in profile.programs)
    return Finding("profile", f"{profile.key} with {programs}")


def _clock(_conn: psycopg.Connection, now: datetime) -> Finding:
    skew = abs(datetime.now(now.tzinfo) - now)
    said = f"{skew.total_seconds():.2f} s from the database's"
    return Finding("clock", said, "" if skew < SKEW else "set this machine's clock, for example with chrony")


def _watch(conn: psycopg.Connection, now: datetime) -> Finding:
    samples = evidence.samples(conn, now - LOOKED_BACK, now)
    if not samples:
        return Finding("watch", "no sample in the last hour", "start `fairgate watch`")
    last = samples[-1].at
    said = f"last sample {(now - last).total_seconds():.0f} s ago"
    if now - last > QUIET:
        return Finding("watch", said, "start `fairgate watch`, or see its log")
    if samples[-1].failed and not samples[-1].ok:
        return Finding("watch", f"{said}, and confirming failed", "see the logs of `fairgate serve` and `watch`")
    return Finding("watch", said)


def _worker(conn: psycopg.Connection, now: datetime) -> Finding:
    waiting = due.first(conn, now - BEHIND, 1)
    if waiting:
        behind = (now - waiting[0].at).total_seconds()
        return Finding(
            "worker", f"{waiting[0].act} is due since {behind:.0f} s", "start `fairgate worker`, or see its log"
        )
    return Finding("worker", "nothing has been due for long")


def _passes(conn: psycopg.Connection, now: datetime) -> Finding:
    since = passes.waiting_since(conn)
    if since is None or now - since < BEHIND:
        return Finding("passes", "everyone who confirmed has one")
    minutes = (now - since) // timedelta(minutes=1)
    way_out = "start `fairgate worker`, or see its log; after an upgrade, wait until it is through"
    return Finding("passes", f"the ledger was not looked through for them for {minutes} min", way_out)


def _ledger(conn: psycopg.Connection, now: datetime) -> Finding:
    """Whether somebody signs, and witnesses see it: otherwise draws are put off again and again, and say nothing."""
    hidden, head = checkpoints.not_shown_since(conn), heads.load(heads.path(place.home()))
    if hidden is not None and now - hidden > BEHIND:
        said = f"no witnessed checkpoint shows the list that was sealed at {moment(hidden)}"
        return Finding("ledger", said, SIGN)
    if head is None:
        return _on_record(conn, now)
    since = ledger.at(conn, head.size)
    if since is not None and now - since > BEHIND:
        minutes = (now - since) // timedelta(minutes=1)
        return Finding("ledger", f"leaf {head.size} waits to be signed for {minutes} min", SIGN)
    return _witnessed(LedgerFiles(place.home()), head.size)


def _on_record(conn: psycopg.Connection, now: datetime) -> Finding:
    """What the database knows where the ledger is signed on another host, or nowhere."""
    last, since = checkpoints.newest(conn), checkpoints.unsigned_since(conn)
    if since is not None and now - since > (BEHIND if last is None else RECORDED):
        return Finding("ledger", f"no checkpoint covers what was done since {moment(since)}", SIGN)
    newest = "nothing is on record yet" if last is None else f"the newest checkpoint is of {moment(last.signed_at)}"
    return Finding("ledger", f"it is not signed on this host; {newest}")


def _witnessed(files: LedgerFiles, signed: int) -> Finding:
    try:
        policy = parse_policy(files.policy.read_bytes(), str(files.policy))
        note = parse_note(files.checkpoint.read_bytes(), str(files.checkpoint))
    except FileNotFoundError:
        way_out = "start `fairgate ledger sign`" if signed else ""
        return Finding("ledger", f"{signed} leaves signed, and no checkpoint is public", way_out)
    except BadInput as fault:
        return Finding("ledger", f"{fault.place} {fault.problem}", fault.way_out)
    if witnessed_at(note, policy) is None:
        way_out = "see which witness is away in the log of `fairgate ledger sign`"
        return Finding("ledger", "the public checkpoint has no quorum of witnesses", way_out)
    who = f"seen by {', '.join(sorted(cosigned_at(note, policy)))}" if policy.quorum != NONE else "no witness is asked"
    return Finding("ledger", f"{signed} leaves signed; {who}")


def _notices(conn: psycopg.Connection, now: datetime) -> Finding:
    waiting, since = deliveries.late(conn, now, LATE)
    if since is None:
        return Finding("notices", "none is late")
    minutes = (now - since) // timedelta(minutes=1)
    way_out = "start `fairgate worker`, or see its log"
    return Finding("notices", f"{waiting} late, the first by {minutes} min", way_out)
