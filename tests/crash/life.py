"""A deployment with its people, to be brought down, and the reckoning afterwards."""

import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import psycopg

from crash.audit import Known, Stored, attempts_missing, contradictions, differences, readable, stored
from crash.book import Act, Book
from crash.clients import Clients, People
from crash.ground import GivenServer, Ground, Postgres
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
SOME = 25
SHOWN = 30
BACK_WITHIN_S = 60.0


class Life:
    """`folder` takes the home and the server's log; `environment` is added to the server's."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        wanted: Wanted,
        postgres: Postgres | GivenServer,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        self.log = folder / "serve.log"
        self.chance = random.Random(seed)
        self.book = Book()
        self.postgres = postgres
        self.postgres.start()
        with psycopg.connect(self.postgres.url, autocommit=True) as conn:
            migrate(conn)
            load_profile(conn, profiles.read_folder(ROOT / "profiles" / "southwest-border"), now=clock.now(conn))
            ports = profiles.current(conn).programs[0].port_codes
            load = rehearse_load(self.postgres.url, self.home, wanted)
            self.before = stored(conn)
        self.service = Service(self.postgres.url, self.home, workers=2, environment=environment)
        people = self._people(load, ports)
        port, deployment = self.service.port, keys.load(self.home)
        self.clients = Clients(port, deployment, people, self.book, how_many=CLIENTS, pause_s=PAUSE_S)

    def close(self) -> None:
        self.clients.close()
        self.postgres.stop()

    def await_served(self, ground: Ground) -> None:
        """Wait until some more acts were acknowledged."""
        enough = self.book.acknowledged + SOME
        self.await_that(lambda: self.book.acknowledged >= enough, "somebody is served", ground)

    def await_kept(self, ground: Ground, whether: bool) -> None:
        """Wait until some more of those who tried to confirm were told that this is on record, or that it is not."""
        enough = self.book.kept[whether] + SOME
        self.await_that(lambda: self.book.kept[whether] >= enough, f"attempts are kept: {whether}", ground)

    def await_turned_away(self, ground: Ground) -> None:
        """Wait until some more people were told to come back."""
        enough = self.book.away + SOME
        self.await_that(lambda: self.book.away >= enough, "somebody is turned away", ground)

    @staticmethod
    def await_that(what: Callable[[], bool], said: str, ground: Ground, seconds: float = BACK_WITHIN_S) -> None:
        until = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < until, f"waited in vain until {said}"
            ground.look()
            time.sleep(0.02)

    def reckon(self, ground: Ground) -> "Reckoning":
        """Let the clients leave, read what became of every act without an answer, send it again, and end the server."""
        self.clients.end()
        ground.restart()
        unanswered, found = self.book.unanswered(), self._stored()
        known = readable(unanswered, found)
        self.clients.send_again(unanswered)
        ground.service.stop()
        return Reckoning(self, unanswered, known)

    def _stored(self) -> Stored:
        with psycopg.connect(self.postgres.url) as conn:
            return stored(conn, self.before.since)

    def _people(self, load: Load, ports: list[str]) -> People:
        mixed = [self.chance.sample(list(some), len(some)) for some in (load.offers, load.appointments, load.others)]
        return People(*map(deque, mixed), ports, random.Random(self.chance.random()))


class Reckoning:
    """The comparison of what people were told with what is there."""

    def __init__(self, life: Life, unanswered: Sequence[Act], known: Mapping[str, Known]) -> None:
        self._life = life
        self._unanswered = unanswered
        self.known = known

    def agrees(self) -> None:
        """Assert that nothing that anybody was told is untrue."""
        life = self._life
        public = keys.load_list(keys.list_path(life.home)).by_kid()
        none(differences(life.book, life._stored(), public, life.before))
        none(contradictions(self._unanswered, self.known, public))
        self._what_was_kept_on_disk_is_taken_in()
        self._the_database_agrees_with_itself()

    def _what_was_kept_on_disk_is_taken_in(self) -> None:
        folder = self._life.home / "journal"
        with psycopg.connect(self._life.postgres.url, autocommit=True) as conn:
            intake = Intake(folder)
            while take_in(intake, conn, clock.now):
                pass
            none(attempts_missing(conn, self._life.book))
        none(f"left in the journal: {file.name}" for file in folder.iterdir())

    def _the_database_agrees_with_itself(self) -> None:
        with psycopg.connect(self._life.postgres.url, autocommit=True) as conn:
            Watch(conn).look(clock.now(conn))
        here = {"DATABASE_URL": self._life.postgres.url, "FAIRGATE_HOME": str(self._life.home)}
        with patch.dict(os.environ, here):
            assert fairgate(["ledger", "check"]) == 0


def none(differences: Iterable[str]) -> None:
    found = list(differences)
    assert not found, "\n".join([f"{len(found)} differences:", *found[:SHOWN]])
