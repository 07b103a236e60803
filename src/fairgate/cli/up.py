"""`fairgate up`: everything on this machine, from an empty folder to pages that answer."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Final
from urllib.error import URLError
from urllib.request import urlopen
from zoneinfo import ZoneInfo

import psycopg
import typer

from fairgate.cli import place, rehearsal_witness
from fairgate.cli.children import Child, Children, command
from fairgate.cli.reading import whole
from fairgate.cli.serving import refuse_taken
from fairgate.core.errors import BadInput
from fairgate.sim.rehearse import first_look
from fairgate.store import databases, embedded, heads, keys, offers, profiles
from fairgate.store.offers import Offer

app = typer.Typer()

PROFILES: Final = Path(__file__).resolve().parents[3] / "profiles"
HOST: Final = "127.0.0.1"
STAFF: Final = "officer"
READY_S: Final = 120.0
LOOK_S: Final = 0.25


@app.command(short_help="Run everything on this machine, until Ctrl-C.")
def up(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the pages are")] = 8000,
    profile: Annotated[Path | None, typer.Option("--profile", help="Else profiles/southwest-border")] = None,
    registrations: Annotated[
        int | None, typer.Option("--registrations", min=1, help="How many groups rehearse")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, max=60, help="How many days they rehearse")] = None,
    rehearse: Annotated[bool, typer.Option("--rehearse/--empty", help="Begin with a rehearsal, or with nobody")] = True,
) -> None:
    """Run everything on this machine, on a database of its own in FAIRGATE_HOME (./var), until Ctrl-C.

    The first start rehearses some past days with people who do not exist, so that there is something to see; a
    later one goes on where the last one stopped. It prints the address, somebody with an open offer, a staff account.

    \b
    fairgate up
    fairgate up --port 8080 --registrations 50000 --days 5
    """
    refuse_taken(HOST, port)
    folder = profile or PROFILES / "southwest-border"
    parsed = profiles.parse(profiles.read_folder(folder))
    home = place.home()
    home.mkdir(parents=True, exist_ok=True)
    with ended_by_signals():
        say(f"database in {home / 'postgres'}")
        with embedded.started(home / "postgres") as database:
            url = database.url
            environment = _environment(home, url)
            unused = databases.is_unused(url)
            if unused:
                _refuse_other_ledger(home)
            if rehearse and unused:
                groups, past = first_look(parsed)
                _rehearse(environment, url, home, folder, registrations or groups, days or past)
            say("tables, profile and staff account")
            _step(environment, "migrate", "--profile", str(folder))
            _step(environment, "staff", STAFF, "--password-file", str(home / "staff.password"))
            _serve(environment, database, home, port, witnessed=parsed.beacon.rehearsal)


def _refuse_other_ledger(home: Path) -> None:
    """An empty database in a home whose ledger is public already: it would be another ledger under the same name."""
    head = heads.load(heads.path(home))
    if head is not None and head.size:
        problem = f"{head.size} leaves of this home's ledger are signed, and its database is empty"
        raise BadInput(str(home), problem, "restore the database, or begin in a new folder with FAIRGATE_HOME")


def say(line: str) -> None:
    sys.stdout.write(f"up: {line}\n")
    sys.stdout.flush()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end us as Ctrl-C does: quietly, in order, and once. Exit code 0 for all of them."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)  # the second Ctrl-C must not interrupt the clearing up
        raise KeyboardInterrupt

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup was not asked for
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    except KeyboardInterrupt:
        say("ended; nothing is left running")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _environment(home: Path, url: str) -> dict[str, str]:
    os.environ["DATABASE_URL"] = url
    return {**os.environ, "FAIRGATE_HOME": str(home), "PYTHONUNBUFFERED": "1"}


def _step(environment: Mapping[str, str], *args: str) -> None:
    """One command, to its end; what it says when it fails is what a person is told."""
    ended = subprocess.run(command(*args), env=environment, stdout=subprocess.DEVNULL, check=False)  # noqa: S603  our own program
    if ended.returncode != 0:
        raise BadInput(f"fairgate {args[0]}", "did not succeed", "it says above why")


# -- the first start ----------------------------------------------------------------------------


def _rehearse(environment: dict[str, str], url: str, home: Path, profile: Path, registrations: int, days: int) -> None:
    """Rehearse in a database beside, which takes the place of the empty one when it is complete."""
    say(f"first start: {registrations} groups of people who do not exist live through {days} days (about a minute)")
    beside = databases.make_anew(url, "rehearsal")
    there = {**environment, "DATABASE_URL": beside}
    codes = _codes(home)
    codes.unlink(missing_ok=True)
    _step(there, "migrate", "--profile", str(profile))
    _step(there, "rehearse", "--registrations", str(registrations), "--days", str(days), "--codes", str(codes))
    databases.put_in_place(url, "rehearsal")


def _codes(home: Path) -> Path:
    return home / "rehearsal-codes.csv"


# -- serving ------------------------------------------------------------------------------------


def _serve(environment: dict[str, str], database: embedded.Server, home: Path, port: int, *, witnessed: bool) -> None:
    address = f"http://{HOST}:{port}"
    parts: dict[str, tuple[str, ...]] = {
        "serve": ("serve", "--port", str(port)),
        "worker": ("worker", "--address", address),
        "watch": ("watch", address),
        "sign": ("ledger", "sign", "--address", address),
    }
    children = Children(
        [Child(name, args, home / "log" / f"{name}.log") for name, args in parts.items()], environment, say
    )
    refuse_taken(HOST, port)  # again: a first start takes a minute
    witness = rehearsal_witness.running(home) if witnessed and place.issuer() == keys.LOCAL else nullcontext()
    with witness, children.running():
        _await_ready(children, f"{address}/health/ready")
        _greet(database.url, home, address)
        while True:
            time.sleep(LOOK_S)
            children.look()
            if database.ended():  # the others go on without it, as they would elsewhere
                say(f"PostgreSQL has ended, and is started again; {home / 'postgres' / 'log'} may say why")
                database.start_again()


def _await_ready(children: Children, health: str) -> None:
    say("starting gate and pages, worker, watch, and who signs the ledger")
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            with urlopen(health, timeout=2) as answer:  # noqa: S310  our own address
                if answer.status == 200:
                    return
        except (URLError, OSError):
            pass
        children.look()
        time.sleep(LOOK_S)
    raise BadInput("serve", f"did not answer in {READY_S:.0f} seconds", "its last words are in the home's log folder")


@dataclass(frozen=True, slots=True)
class Sample:
    """Somebody to sign in as."""

    offer: Offer
    code: str


def _greet(url: str, home: Path, address: str) -> None:
    lines = ["", f"  Fairgate is up at      {address}", ""]
    lines += _about_sample(url, home)
    password = whole(home / "staff.password").decode().strip()
    lines += ["", f"  staff                  {address}/staff/", f"    name                 {STAFF}"]
    lines += [
        f"    password             {password}",
        "",
        "  Ctrl-C ends everything; `fairgate up` goes on from there.",
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _about_sample(url: str, home: Path) -> list[str]:
    codes = _codes(home)
    if not codes.exists():
        return ["  nobody is registered   bring people with `fairgate import` or at the pages"]
    by_number = dict(line.split(",") for line in codes.read_text().splitlines())
    with psycopg.connect(url, autocommit=True) as conn:
        found = _sample(conn, by_number)
        if found is None:
            number, code = next(iter(by_number.items()))
            first = "  an applicant (no offer is open now; the next results bring some)"
            return [first, f"    number               {number}", f"    access code          {code}"]
        zone = ZoneInfo(profiles.current(conn).port(found.offer.port).people_zone)
    deadline = found.offer.deadline
    until = f"{deadline.astimezone(zone):%A %d %B, %H:%M} ({zone.key})" if deadline else "the clock stands still now"
    return [
        "  an applicant with an open offer",
        f"    number               {found.offer.number}",
        f"    access code          {found.code}",
        f"    to confirm by        {until}",
    ]


def _sample(conn: psycopg.Connection, codes: Mapping[str, str]) -> Sample | None:
    """Of those whose code is known and who have an open offer, a family with the most time left."""
    windows = [window.id for window in offers.windows_unsettled(conn)]
    found = [o for o in offers.open_in(conn, windows) if o.number in codes]
    best = max(found, key=lambda o: (o.deadline or o.opened_at, 2 <= o.size <= 4, o.number), default=None)
    return None if best is None else Sample(best, codes[best.number])
