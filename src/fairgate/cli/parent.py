"""How a part that runs on is told to end: by a signal, or because the one that started it is gone."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

ORPHAN_S = 5.0  # for work in hand, once the database may be gone too


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set, so that work in hand is finished."""
    end_with_parent()
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_with_parent() -> None:
    """Where `fairgate up` started this process, its standard input is a pipe: end as if told to when that closes.

    So nothing is left running when the one that started it was killed.
    """
    if os.environ.get("FAIRGATE_PARENT") != "pipe":
        return

    def outlive_nobody() -> None:
        os.read(0, 1)  # nothing is ever written: it answers when the other end is gone
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_S)
        os._exit(1)

    threading.Thread(target=outlive_nobody, daemon=True).start()
