"""The witness that `fairgate up` runs where everything is a rehearsal, so that the way of a checkpoint can be seen.

It is on the same machine as the ledger, under the same hand, and so proves nothing to anybody: here it is a thread. A
home that has a policy of its own keeps it.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fairgate.cli import logs
from fairgate.core.errors import BadInput
from fairgate.core.note import Key
from fairgate.store import heads, keys
from fairgate.store.files import put

HOST: Final = "127.0.0.1"
MODE: Final = 0o644
START_S: Final = 10.0
MADE_HERE: Final = "# By `fairgate up`, for a rehearsal: a witness on the same machine proves nothing to others.\n"


@contextmanager
def running(home: Path) -> Iterator[None]:
    """Inside the block, a witness of this home's ledger that its policy names; none where the policy names others."""
    policy = heads.path(home).with_name("policy")
    if policy.exists() and not policy.read_text().startswith(MADE_HERE):
        yield
        return
    logs.configure(logging.ERROR)  # what it does otherwise is no news for whoever started everything
    witness = _Thread(home)
    witness.begin()
    policy.parent.mkdir(parents=True, exist_ok=True)
    put(policy, f"{MADE_HERE}witness rehearsal {witness.key.vkey} {witness.url}\nquorum rehearsal\n".encode(), MODE)
    try:
        yield
    finally:
        witness.end()


class _Thread(threading.Thread):
    def __init__(self, home: Path) -> None:
        super().__init__(name="witness", daemon=True)
        from fairgate.watch.witness import Witness  # noqa: PLC0415  only where there is something to rehearse

        ledger = keys.load_ledger(home, keys.LOCAL).key
        self._witness = Witness(home / "witness", keys.REHEARSAL_WITNESS, [ledger], time.time)
        self._listening = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self.url = ""

    @property
    def key(self) -> Key:
        return self._witness.key

    def run(self) -> None:
        from fairgate.watch.witness_server import Server  # noqa: PLC0415

        self._loop.run_until_complete(Server(self._witness).run(HOST, 0, self._over, self._at))
        self._loop.close()

    def _at(self, port: int) -> None:
        self.url = f"http://{HOST}:{port}"
        self._listening.set()

    def begin(self) -> None:
        self.start()
        if not self._listening.wait(START_S):
            raise BadInput("witness", "it does not listen", "see whether ports of this machine are free")

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self.join(START_S)
