"""kill -9 of the gate, one of its processes, PostgreSQL or one of its backends, at any moment: no answer is a lie.

People act at the real server while all of that is killed, and every answer is written down. At the end the book is
compared with the database and the ledger: what was acknowledged is there exactly once, what was refused changed
nothing, and what was not answered can be read as done or not done, and sent again.
"""

import json
import random
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from crash.audit import Stored, attempts_missing, contradictions, differences, readable, stored
from crash.book import Book
from crash.clients import Clients, People
from crash.ground import DOSE, Ground, Postgres
from fairgate.cli.main import run as fairgate
from fairgate.commands.load_profile import load_profile
from fairgate.sim.load import Load, Wanted, rehearse_load
from fairgate.store import clock, keys, profiles
from fairgate.store.journal import Intake
from fairgate.store.migrate import migrate
from fairgate.worker.journal import take_in
from invariants import Watch
from service import Service
from vectors import ROOT

CLIENTS = 48
PAUSE_S = 0.15
BETWEEN_KILLS = 25  # answers "done"
BACK_WITHIN_S = 30.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a disk, with a path that is short enough for a socket."""
    made = Path(tempfile.mkdtemp(prefix="fairgate-crash-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


class Life:
    """A deployment, its people, and what they were told."""

    def __init__(self, folder: Path, seed: int, kills: int) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.chance = random.Random(seed)
        self.kills = kills
        self.book = Book()
        self.given_up = 0
        self.postgres = Postgres(folder / "postgres")
        self.postgres.start()
        self.before, self.clients = self._peopled(folder)

    def _peopled(self, folder: Path) -> tuple[Stored, Clients]:
        with psycopg.connect(self.postgres.url, autocommit=True) as conn:
            migrate(conn)
            load_profile(conn, profiles.read_folder(ROOT / "profiles" / "southwest-border"), now=clock.now(conn))
        few, many = 200 + 8 * self.kills, 800 + 40 * self.kills
        load = rehearse_load(self.postgres.url, self.home, Wanted(many + 2 * few, many, few))
        self.service = Service(self.postgres.url, self.home, workers=2)
        self.log = folder / "serve.log"
        with psycopg.connect(self.postgres.url) as conn:
            ports = profiles.current(conn).programs[0].port_codes
            clients = Clients(
                self.service.port,
                keys.load(self.home),
                self._people(load, ports),
                self.book,
                how_many=CLIENTS,
                pause_s=PAUSE_S,
            )
            return stored(conn), clients

    def _people(self, load: Load, ports: list[str]) -> People:
        mixed = [self.chance.sample(list(some), len(some)) for some in (load.offers, load.appointments, load.others)]
        return People(*map(deque, mixed), ports, random.Random(self.chance.random()))

    def stored(self) -> Stored:
        with psycopg.connect(self.postgres.url) as conn:
            return stored(conn, self.before.since)

    def close(self) -> None:
        self.clients.close()
        self.postgres.stop()


@pytest.fixture
def life(folder: Path, seed: int, kills: int) -> Iterator[Life]:
    made = Life(folder, seed, kills)
    yield made
    made.close()


def test_no_answer_is_a_lie_whatever_is_killed(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    with Ground(life.postgres, life.service, life.log) as ground:
        life.clients.begin()
        struck = strike(life, ground)
        life.clients.end()
        ground.restart()
        unanswered = life.book.unanswered()
        found = life.stored()
        known = readable(unanswered, found)
        life.clients.send_again(unanswered)
        ground.service.stop()
        life.given_up = ground.given_up
    print(told(life, struck, [was.done for was in known.values()], time.monotonic() - began))  # noqa: T201
    public = keys.load_list(keys.list_path(life.home)).by_kid()
    found = life.stored()
    assert list(differences(life.book, found, public, life.before)) == []
    assert list(contradictions(unanswered, known, public)) == []
    what_was_kept_on_disk_is_taken_in(life)
    the_database_agrees_with_itself(life, monkeypatch)


def strike(life: Life, ground: Ground) -> Counter[str]:
    """Bring it down again and again, each time under people who are being served; what was done how often."""
    ways = [how for how, times in DOSE.items() for _ in range(times)]
    plan = [how for _ in range(-(-life.kills // len(ways))) for how in life.chance.sample(ways, len(ways))]
    for how in plan[: life.kills]:
        await_served(life.book, ground)
        time.sleep(life.chance.uniform(0, 0.3))
        ground.down(how, life.chance.random())
    await_served(life.book, ground)
    return Counter(plan[: life.kills])


def await_served(book: Book, ground: Ground) -> None:
    """Wait until some more acts were acknowledged."""
    enough, until = book.acknowledged + BETWEEN_KILLS, time.monotonic() + BACK_WITHIN_S
    while book.acknowledged < enough:
        assert time.monotonic() < until, "nobody is served any more"
        ground.look()
        time.sleep(0.02)


def told(life: Life, struck: Counter[str], done: Sequence[bool], took_s: float) -> str:
    """For whoever wants to know how much was shown (pytest -rP)."""
    book = life.book
    ends = Counter("done" if act.done else "refused" if act.refused else "open" for act in book.acts)
    kinds = Counter(act.kind for act in book.acts)
    statuses = Counter(answer.status for act in book.acts for answer in act.answers)
    return f"""
        {struck.total()} kills in {took_s:.0f} s: {dict(struck)}; the server gave up {life.given_up} times
        {len(book.acts)} acts: {dict(kinds)}, in the end {dict(ends)}
        sent {book.sent} times, answered {dict(sorted(statuses.items()))}, {book.looks} looks afterwards
        {sum(book.recorded().values())} attempts were on the server's disk
        nobody knew of {len(done)}: {sum(done)} were done, {len(done) - sum(done)} not
        the server's log: {dict(logged(life.log))}
    """


def logged(log: Path) -> Counter[str]:
    """How often the server warned of what; what is no line of ours counts by its beginning."""
    found: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            said = {"level": "error", "event": line[:60]}
        if said["level"] not in ("info", "debug"):
            found[" ".join(filter(None, (said["event"], said.get("error"), said.get("place"))))] += 1
    return found


def what_was_kept_on_disk_is_taken_in(life: Life) -> None:
    with psycopg.connect(life.postgres.url, autocommit=True) as conn:
        while take_in(Intake(life.home / "journal"), conn, clock.now):
            pass
        assert list(attempts_missing(conn, life.book)) == []
    assert list((life.home / "journal").iterdir()) == []


def the_database_agrees_with_itself(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(life.postgres.url, autocommit=True) as conn:
        Watch(conn).look(clock.now(conn))
    monkeypatch.setenv("DATABASE_URL", life.postgres.url)
    monkeypatch.setenv("FAIRGATE_HOME", str(life.home))
    assert fairgate(["ledger", "check"]) == 0
