"""kill -9 at any point of the worker loses nothing and doubles nothing.

A day passes in two seconds, and the worker is killed again and again while rounds fall due, offers lapse and are
filled again, people confirm and decline, notices are handed over and files written.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from fairgate.cli.main import run as fairgate
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.record import TOLD
from fairgate.commands.register import Register, register
from fairgate.commands.request import Ask, request
from fairgate.core import numbers
from fairgate.core.registering import Member
from fairgate.store import clock
from time_world import NOON, TimeWorld, must, profile

KILLS = 22
ENOUGH = 4  # rounds drawn
FACTOR = 24 * 3600 / 2  # a day in two seconds
SLOWER = 300.0  # a quarter of an hour in three seconds
GROUPS = 250
SEED = 20261201
WORKER = Path(__file__).with_name("fast_worker.py")


class Life:
    """The database under a worker that is killed, started, and killed."""

    def __init__(self, dsn: str, conn: psycopg.Connection, home: Path) -> None:
        places = profile()
        places["programs.toml"] = places["programs.toml"].replace('"09:00" = 2', '"09:00" = 25')
        self.dsn = dsn
        self.conn = conn
        self.world = TimeWorld(conn, home, places)
        self.chance = random.Random(SEED)
        self.shown = NOON - timedelta(hours=30)  # the time at the last kill
        self.began: datetime | None = None  # when a worker began that runs, by the database's clock
        self.factor = FACTOR
        self.answered = 0  # the offers up to this one

    def now(self) -> datetime:
        """Time stands still while no worker runs, so that a slow machine has as many days as a fast one."""
        return self.shown if self.began is None else self.shown + (clock.now(self.conn) - self.began) * self.factor

    def is_set_back(self) -> bool:
        """Whether a sealed round waits for a later value, as no checkpoint had it in time."""
        late = """
            SELECT EXISTS (SELECT FROM round r JOIN statement s ON s.kind = 'postponed'
                               AND s.body::jsonb->>'round' = r.date::text WHERE r.state = 'sealed')
        """
        return self.conn.execute(late).fetchone() == (True,)

    def drawn(self) -> int:
        [count] = self.conn.execute("SELECT count(*) FROM round WHERE state IN ('drawn', 'closed')").fetchone()
        return count

    def start(self, factor: float = FACTOR) -> subprocess.Popen[bytes]:
        given = [self.dsn, str(self.world.home), "start", self.shown.isoformat(), str(factor)]
        worker = subprocess.Popen([sys.executable, str(WORKER), *given], stdout=subprocess.PIPE)
        assert worker.stdout is not None
        self.began, self.factor = datetime.fromisoformat(worker.stdout.readline().decode().strip()), factor
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        worker.kill()
        worker.communicate()
        self.shown, self.began = self.now(), None

    def people_ask(self) -> None:
        acts = [
            Register(
                numbers.new_number(os.urandom),
                numbers.new_code(os.urandom),
                "en",
                [Member(f"A{i}", "B", date(1990, 1, 1)) for i in range(self.chance.randint(1, 4))],
                self.shown - timedelta(weeks=self.chance.randint(0, 30)),
            )
            for _ in range(GROUPS)
        ]
        keys, conn = self.world.keys, self.conn
        must(register(conn, acts, keys=keys, now=self.shown, chance=os.urandom))
        wishes = [Ask(act.number, "arrival", self.chance.choice([["SYS"], ["NOG", "SYS"]])) for act in acts]
        must(request(conn, wishes, now=self.shown, chance=os.urandom))

    def is_healthy_for(self, days: int) -> None:
        """Evidence for the whole time, so that offers may lapse."""
        self.conn.execute(
            "INSERT INTO sample SELECT generate_series(%s::timestamptz, %s, '200 s'), 'test', 1, 0",
            [self.shown - timedelta(hours=3), self.shown + timedelta(days=days)],
        )

    def people_answer(self) -> None:
        """Half confirm, some decline, the others let it lapse."""
        query = (
            "SELECT o.id, r.number FROM offer o JOIN registration r ON r.id = o.registration_id"
            " WHERE o.id > %s AND o.state = 'offered' ORDER BY o.id"
        )
        for offer, number in self.conn.execute(query, [self.answered]).fetchall():
            lot, self.answered = self.chance.random(), offer
            if lot < 0.5:
                confirm(self.conn, [Confirm(number, "arrival")], now=self.now(), chance=os.urandom)
            elif lot < 0.6:
                decline(self.conn, [Decline(number, "arrival")], now=self.now(), chance=os.urandom)


@pytest.fixture
def life(dsn: str, conn: psycopg.Connection, tmp_path: Path) -> Life:
    made = Life(dsn, conn, tmp_path)
    made.people_ask()
    made.is_healthy_for(120)
    made.world.start_calendar()
    return made


def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(life: Life) -> None:
    within = 0
    for kill in range(KILLS):
        if life.is_set_back() and life.drawn() < ENOUGH:
            catch_up(life)
        worker = life.start()
        until = time.monotonic() + 0.1 + life.chance.random()
        while time.monotonic() < until:
            life.people_answer()
            time.sleep(0.05)
        within += kill % 2 == 0 and writes(life, 2)
        life.kill(worker)
    assert within > KILLS / 4, "kills were to strike within transactions"
    calm(life)
    rounds_are_drawn_once_and_in_order(life.conn)
    results_are_complete(life.conn)
    offers_are_what_was_drawn(life.conn)
    the_ledger_has_no_holes(life.conn)
    counters_agree(life.conn)
    people_were_told_once(life)
    files_are_whole(life)


def catch_up(life: Life) -> None:
    """Let a worker draw a round that was set back. It is given a quarter of an hour each time, and at the pace of this
    test no checkpoint is ever in time for that."""
    worker = life.start(SLOWER)
    until = time.monotonic() + 60
    while life.is_set_back():
        assert time.monotonic() < until, "a round that was set back is not drawn"
        time.sleep(0.1)
    life.kill(worker)


def writes(life: Life, seconds: float) -> bool:
    """Wait for a moment in which the worker has written something that is not committed; whether there was one in so
    many seconds."""
    query = """
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if life.conn.execute(query).fetchone() > (0,):
            return True
    return False


def calm(life: Life) -> None:
    """Let a last worker finish what is due: no further round opens, and everything has been told and published."""
    life.world.stop_calendar()
    worker = life.start(60)
    waiting = """
        SELECT (SELECT count(*) FROM round WHERE due_at <= %(now)s)
             + (SELECT count(*) FROM round WHERE published_at IS NULL AND state <> 'open')
             + (SELECT count(*) FROM notice WHERE state = 'waiting')
             + (SELECT count(*) FROM round_port WHERE backfill_due_at IS NOT NULL)
    """
    try:
        until = time.monotonic() + 90
        while time.monotonic() < until:
            [left] = life.conn.execute(waiting, {"now": life.now()}).fetchone()
            if left == 0:
                return
            time.sleep(0.2)
        raise AssertionError("the worker does not finish")
    finally:
        life.kill(worker)


def rounds_are_drawn_once_and_in_order(conn: psycopg.Connection) -> None:
    went_on = {
        day.isoformat(): state
        for day, state in conn.execute(
            "SELECT date, state FROM round WHERE state NOT IN ('open', 'void') ORDER BY date"
        )
    }
    assert len(went_on) >= ENOUGH
    query = "SELECT body::jsonb->>'round', kind FROM statement WHERE kind = ANY(%s) ORDER BY leaf"
    steps = conn.execute(query, [["sealed", "seeded", "drawn"]])
    said = [(day, kind) for day, kind in steps if day in went_on]
    complete = [(day, kind) for day in went_on for kind in ("sealed", "seeded", "drawn")]
    assert said == complete[: len(said)]
    assert len(said) >= len(complete) - 2  # the last may be sealed and not due to be drawn yet


def results_are_complete(conn: psycopg.Connection) -> None:
    """One result an entry, in rounds that are drawn."""
    wrong = conn.execute(
        "SELECT e.round_id, e.ticket FROM entry e JOIN round r ON r.id = e.round_id"
        " LEFT JOIN result t USING (round_id, ticket) WHERE r.state IN ('drawn', 'closed')"
        " GROUP BY 1, 2 HAVING count(t.ticket) <> 1"
    ).fetchall()
    assert wrong == []


def offers_are_what_was_drawn(conn: psycopg.Connection) -> None:
    drawn = conn.execute(
        "SELECT t.round_id, e.registration_id, t.port, t.phase FROM result t JOIN entry e USING (round_id, ticket)"
        " WHERE t.outcome = 'offered' ORDER BY 1, 2"
    ).fetchall()
    made = conn.execute(
        "SELECT round_id, registration_id, port, phase FROM offer WHERE phase <> 'reserve' ORDER BY 1, 2"
    ).fetchall()
    assert made == drawn
    assert conn.execute("SELECT count(*) FROM offer WHERE phase = 'reserve'").fetchone() > (0,)
    states = {state for (state,) in conn.execute("SELECT DISTINCT state FROM offer")}
    assert {"confirmed", "declined", "lapsed"} <= states
    for which, kind in (
        ("state = 'lapsed'", "lapsed"),
        ("how IS NOT NULL", "confirmed"),
        ("state = 'missed'", "missed"),
    ):
        [held] = conn.execute(f"SELECT count(*) FROM offer WHERE {which}").fetchone()
        [told] = conn.execute("SELECT count(*) FROM statement WHERE kind = %s", [kind]).fetchone()
        assert held == told, kind
    [offers] = conn.execute("SELECT count(*) FROM offer").fetchone()
    [told] = conn.execute("SELECT count(*) FROM statement WHERE kind IN ('offered', 'passed over')").fetchone()
    assert offers == told


def the_ledger_has_no_holes(conn: psycopg.Connection) -> None:
    [size] = conn.execute("SELECT size FROM ledger").fetchone()
    leaves = conn.execute("SELECT l.index, l.data, s.salt, s.body FROM leaf l JOIN statement s ON s.leaf = l.index")
    found = sorted((index, data == sha256(salt + body.encode()).digest()) for index, data, salt, body in leaves)
    assert found == [(i, True) for i in range(size)]


def counters_agree(conn: psycopg.Connection) -> None:
    held = "coalesce((SELECT sum(size) FROM offer o WHERE holds_place(o.state) AND {}), 0)"
    slot, port = held.format("o.slot_id = s.id"), held.format("o.round_id = p.round_id AND o.port = p.port")
    assert conn.execute(f"SELECT id FROM slot s WHERE taken <> {slot}").fetchall() == []
    assert conn.execute(f"SELECT round_id, port FROM round_port p WHERE used <> {port}").fetchall() == []


def people_were_told_once(life: Life) -> None:
    told = Counter(life.conn.execute("SELECT registration_id, kind FROM notice").fetchall())
    said = Counter(
        life.conn.execute("SELECT registration_id, kind FROM statement WHERE kind = ANY(%s)", [list(TOLD)]).fetchall()
    )
    assert told == said
    ids = {notice for (notice,) in life.conn.execute("SELECT id FROM notice WHERE state = 'sent'")}
    files = [int(file.name.split("-")[0]) for file in (life.world.home / "notices").rglob("*.txt")]
    assert sorted(files) == sorted(ids)


def files_are_whole(life: Life) -> None:
    """Every bundle can be checked by anybody, and no draft is left beside it."""
    draws = life.world.home / "public" / "draws"
    [drawn] = life.conn.execute("SELECT count(*) FROM round WHERE state IN ('drawn', 'closed')").fetchone()
    folders = [folder for folder in draws.iterdir() if (folder / "results.csv").exists()]
    assert len(folders) == drawn
    for folder in folders:
        assert fairgate(["verify", str(folder)]) == 0
    assert [file.name for file in draws.rglob(".*")] == []
