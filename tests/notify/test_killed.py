"""A process that is killed between sending and noting it: the notice goes out again, and can be told to be the same."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from fairgate.store import clock
from notify_world import adult, deliveries_of, registered, told
from smtp_server import mail_server
from time_world import NOON, TimeWorld

WORKER = Path(__file__).parents[1] / "crash" / "fast_worker.py"
FAST = 300  # the five minutes after which a notice comes due again are one second


def wait_until(true: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.02)


def start(world: TimeWorld, dsn: str, environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    now = clock.now(world.conn)
    args = [sys.executable, str(WORKER), dsn, str(world.home), now.isoformat(), NOON.isoformat(), str(FAST)]
    with log.open("ab") as out:
        return subprocess.Popen(args, env=environment, stdout=out, stderr=out)


def test_a_worker_killed_while_it_sends(world: TimeWorld, conn: psycopg.Connection, dsn: str, tmp_path: Path) -> None:
    told(world, registered(world, adult("ana@example.org")))
    with mail_server() as box:
        environment = {
            "FAIRGATE_SMTP_URL": f"smtp://127.0.0.1:{box.port}?starttls=no",
            "FAIRGATE_MAIL_FROM": "notices@example.org",
        }
        box.silent = True
        first = start(world, dsn, environment, tmp_path / "log")
        try:
            wait_until(lambda: box.mails)
        finally:
            first.kill()
            first.wait()
        assert deliveries_of(world) == [("email", "waiting", None, 1)]
        box.silent = False
        second = start(world, dsn, environment, tmp_path / "log")
        try:
            wait_until(lambda: deliveries_of(world)[0][1] == "sent")
        finally:
            second.kill()
            second.wait()
    assert deliveries_of(world) == [("email", "sent", None, 2)]
    assert len({mail["Message-ID"] for mail in box.mails}) == 1
    assert not (world.home / "notices").exists()
    assert "ana@example.org" not in (tmp_path / "log").read_text()
