"""The parts of `fairgate up` as child processes: started, kept running, ended.

Each child leads a process group of its own, so that what it starts ends with it, and has a pipe as standard input that
tells it when this process is gone. A child that ends by itself is started again. One that says what a person has to
mend, or keeps ending, is a fault that more starts will not mend: then everything ends with a message.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fairgate.cli.faults import BAD_INPUT
from fairgate.core.errors import BadInput

ENDINGS_MOST: Final = 5  # in WITHIN_S seconds
WITHIN_S: Final = 60.0
STOP_S: Final = 15.0  # for work in hand; then they are killed
LOG_MOST: Final = 10_000_000  # bytes
LINE_MOST: Final = 2_000  # bytes


def command(*args: str) -> list[str]:
    """The command line of another `fairgate` like this one."""
    return [sys.executable, "-m", "fairgate.cli.main", *args]


@dataclass(slots=True)
class Child:
    """One part: its name, its arguments, and when it ended by itself."""

    name: str
    args: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    endings: list[float] = field(default_factory=list)

    def start(self, environment: Mapping[str, str]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_MOST:
            self.log.replace(self.log.with_suffix(".log.before"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  our own program
                command(*self.args),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**environment, "FAIRGATE_PARENT": "pipe"},
                process_group=0,
            )

    def clear(self) -> None:
        """End the child, where it runs still, and all that it started and left."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
            if self.process.stdin is not None:
                self.process.stdin.close()

    def last_words(self) -> str:
        """The last line that it wrote."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - LINE_MOST))
            lines = log.read().decode(errors="replace").splitlines()
        return lines[-1].removeprefix("fairgate: ") if lines else "it said nothing"

    def signal(self, number: signal.Signals) -> None:
        """To the child and all that it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Children:
    """All parts. `say` is given a line for a person."""

    def __init__(self, children: Sequence[Child], environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._children = children
        self._environment = environment
        self._say = say

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start all; whatever happens, none is left when the block is over."""
        try:
            for child in self._children:
                child.start(self._environment)
            yield
        finally:
            self._end()

    def look(self) -> None:
        """Start again what has ended; raises BadInput when that happens too often."""
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            child.clear()
            if child.process.returncode == BAD_INPUT:
                raise BadInput(child.name, f"ended: {child.last_words()}", "mend that and start again")
            now = time.monotonic()
            child.endings = [at for at in child.endings if now - at < WITHIN_S] + [now]
            if len(child.endings) > ENDINGS_MOST:
                problem = f"ended {len(child.endings)} times in {WITHIN_S:.0f} seconds, so everything is ended"
                raise BadInput(child.name, problem, f"its last words are in {child.log}")
            self._say(f"{child.name} ended ({_how(child.process.returncode)}) and is started again; see {child.log}")
            child.start(self._environment)

    def _end(self) -> None:
        for child in self._children:
            if child.process is not None and child.process.poll() is None:
                with suppress(ProcessLookupError):
                    child.process.terminate()
        deadline = time.monotonic() + STOP_S
        for child in self._children:
            if child.process is None:
                continue
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
            child.clear()


def _how(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"exit code {code}"
