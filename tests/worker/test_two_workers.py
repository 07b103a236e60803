"""Any number of workers may run: each step is taken once, whoever comes first."""

import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from fairgate.store import clock, keys
from fairgate.worker import signing
from fairgate.worker.run import run
from time_world import NOON, TimeWorld


def test_two_workers_take_each_step_once(conn: psycopg.Connection, dsn: str, tmp_path: Path) -> None:
    world = TimeWorld(conn, tmp_path)
    for _ in range(20):
        world.asking("SYS", "NOG")
    world.start_calendar()
    began = clock.now(conn)

    def later(other: psycopg.Connection) -> datetime:
        """Three days have passed, and a minute passes in a second."""
        return NOON + timedelta(days=3) + (clock.now(other) - began) * 60

    stop = threading.Event()
    arguments = {"evidence_seconds": 0.2, "clock": later}
    workers = [
        threading.Thread(target=run, args=(dsn, tmp_path, stop, 0.01), kwargs=arguments, name=f"worker {i}")
        for i in range(2)
    ]
    signer = keys.load_ledger(tmp_path, keys.LOCAL)
    ledger = (dsn, tmp_path, signer, signing.policy_of(tmp_path, signer, "http://127.0.0.1"), stop)
    more = {"every_s": 0.05, "clock": later}
    workers.append(threading.Thread(target=signing.run, args=ledger, kwargs=more, name="sign"))
    for worker in workers:
        worker.start()
    until = time.monotonic() + 60
    while list(world.states().values()) != ["drawn"] * 4 + ["open"] and time.monotonic() < until:
        time.sleep(0.05)
    stop.set()
    for worker in workers:
        worker.join()

    assert list(world.states().values()) == ["drawn"] * 4 + ["open"]
    steps = Counter(
        conn.execute(
            "SELECT kind, body::jsonb->>'round' FROM statement WHERE kind = ANY(%s)",
            [["opened", "sealed", "seeded", "drawn"]],
        ).fetchall()
    )
    assert set(steps.values()) == {1}
    assert len(steps) == 4 * 4 + 1
    offered = Counter(number for number, _ in world.offers())
    assert set(offered.values()) == {1}
