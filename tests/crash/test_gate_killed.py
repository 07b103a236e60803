"""kill -9 of the gate, one of its processes, PostgreSQL or one of its backends, at any moment: no answer is a lie.

People act at the real server while all of that is killed, and every answer is written down. At the end the book is
compared with the database and the ledger: what was acknowledged is there exactly once, what was refused changed
nothing, and what was not answered can be read as done or not done, and sent again.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from crash.ground import DOSE, GivenServer, Ground, Postgres
from crash.life import Life, Reckoning
from fairgate.sim.load import Wanted


@pytest.fixture
def postgres(folder: Path, given_server: str | None, request: pytest.FixtureRequest) -> Postgres | GivenServer:
    """A cluster of its own; a database on the server that DATABASE_URL names, where there is one."""
    return GivenServer(request.getfixturevalue("dsn")) if given_server else Postgres(folder / "postgres")


@pytest.fixture
def life(folder: Path, seed: int, kills: int, postgres: Postgres | GivenServer) -> Iterator[Life]:
    few, many = 200 + 8 * kills, 800 + 40 * kills
    made = Life(folder, seed, Wanted(many + 2 * few, many, few), postgres)
    yield made
    made.close()


def test_no_answer_is_a_lie_whatever_is_killed(life: Life, kills: int) -> None:
    began = time.monotonic()
    with Ground(life.postgres, life.service, life.log) as ground:
        life.clients.begin()
        struck = strike(life, ground, kills)
        reckoning = life.reckon(ground)
    print(told(life, struck, reckoning, ground.given_up, time.monotonic() - began))  # noqa: T201
    reckoning.agrees()


def strike(life: Life, ground: Ground, kills: int) -> Counter[str]:
    """Bring it down again and again, each time under people who are being served; what was done how often."""
    ways = [how for how, times in DOSE.items() for _ in range(times) if how in life.postgres.ways]
    plan = [how for _ in range(-(-kills // len(ways))) for how in life.chance.sample(ways, len(ways))][:kills]
    for how in plan:
        life.await_served(ground)
        time.sleep(life.chance.uniform(0, 0.3))
        ground.down(how, life.chance.random())
    life.await_served(ground)
    return Counter(plan)


def told(life: Life, struck: Counter[str], reckoning: Reckoning, given_up: int, took_s: float) -> str:
    """For whoever wants to know how much was shown (pytest -rP)."""
    book, done = life.book, [was.done for was in reckoning.known.values()]
    ends = Counter("done" if act.done else "refused" if act.refused else "open" for act in book.acts)
    kinds = Counter(act.kind for act in book.acts)
    statuses = Counter(answer.status for act in book.acts for answer in act.answers)
    return f"""
        {struck.total()} kills in {took_s:.0f} s: {dict(struck)}; the server gave up {given_up} times
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
