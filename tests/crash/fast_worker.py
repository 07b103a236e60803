"""The real worker, the real handing over of notices and who signs the ledger, by a clock that runs fast. To be killed.

    python fast_worker.py DSN HOME REAL VIRTUAL FACTOR

When the database's clock shows REAL, this one shows VIRTUAL, and from there it goes FACTOR times as fast. With `start`
for REAL that is once this process has started, however long it took; it prints the time as its first line, and no
other.
"""

import os
import sys
import threading
from datetime import datetime
from pathlib import Path

import psycopg

from fairgate.notify.run import run as notify
from fairgate.store import clock, keys
from fairgate.worker import signing
from fairgate.worker.run import run as work


def main(dsn: str, home: str, real: str, virtual: str, factor: str) -> None:
    began = _start(dsn) if real == "start" else datetime.fromisoformat(real)
    shown = datetime.fromisoformat(virtual)

    def fast(conn: psycopg.Connection) -> datetime:
        return shown + (clock.now(conn) - began) * float(factor)

    never = threading.Event()
    threading.Thread(target=notify, args=(dsn, Path(home), never, 0.05), kwargs={"clock": fast}).start()
    signer = keys.load_ledger(Path(home), keys.LOCAL)
    ledger = (dsn, Path(home), signer, signing.policy_of(Path(home), signer, "http://127.0.0.1"), never)
    threading.Thread(target=signing.run, args=ledger, kwargs={"every_s": 0.05, "clock": fast}).start()
    work(dsn, Path(home), never, 0.02, evidence_seconds=0.5, clock=fast)


def _start(dsn: str) -> datetime:
    with psycopg.connect(dsn, autocommit=True) as conn:
        began = clock.now(conn)
    sys.stdout.write(f"{began.isoformat()}\n")
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody reads on: the log must not fill the pipe and stop all
    return began


if __name__ == "__main__":
    main(*sys.argv[1:])
