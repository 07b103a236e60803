"""Samples on local disk until the database has them: in order, and each once.

Every sample goes this way, whether the database is there or not. A line is flushed to disk before anything else happens
with it; the file is emptied after the database has committed what was in it. If we die between the two, the same
samples are brought in again, and the database knows them by their time and source. A line that cannot be read, because
a disk changed it, is put aside in a file of its own, and holds up no other.
"""

import errno
import fcntl
import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import structlog

from fairgate.core.errors import BadInput

LINE_MOST = 500  # bytes; ours have eighty
AT_ONCE = 1000  # samples brought in by one transaction; a day has 8,640

log = structlog.get_logger()


class Spooled(NamedTuple):
    """A sample: `at` is the end of its time."""

    at: datetime
    ok: int
    failed: int


class Spool:
    """The file at `path`, whose only writer this is. `waiting` says how many samples are in it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = path.open("a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            problem, way_out = "another watcher writes here", "stop it, or give this one another FAIRGATE_HOME"
            raise BadInput(str(path), problem, way_out) from None
        self._bad = path.with_name(f"{path.name}.bad")
        self._drop_torn_line()
        self.waiting = len(self._read()[0])

    def close(self) -> None:
        self._file.close()

    def add(self, sample: Spooled) -> None:
        """Keep a sample; it is on disk when this returns. Where it cannot be (OSError), nothing of it is there."""
        line = json.dumps({"at": sample.at.isoformat(), "ok": sample.ok, "failed": sample.failed}).encode() + b"\n"
        end = self._file.seek(0, os.SEEK_END)
        try:
            if self._file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(end)
            raise
        self.waiting += 1

    def bring_in(self, take: Callable[[Sequence[Spooled]], None]) -> int:
        """Hand all samples to `take`, oldest first, some at a time, and forget them; how many.

        `take` commits them, or raises; then they are all kept.
        """
        samples, bad = self._read()
        for first in range(0, len(samples), AT_ONCE):
            take(samples[first : first + AT_ONCE])
        if bad:
            self._put_aside(bad)
        if samples or bad:
            self._file.truncate(0)
            os.fsync(self._file.fileno())
        self.waiting = 0
        return len(samples)

    def _read(self) -> tuple[list[Spooled], list[bytes]]:
        """The samples, and the lines that hold none."""
        samples, bad = list[Spooled](), list[bytes]()
        self._file.seek(0)
        for line in self._file:
            try:
                samples.append(_sample(line))
            except (ValueError, TypeError, KeyError):
                bad.append(line)
        return samples, bad

    def _put_aside(self, bad: Sequence[bytes]) -> None:
        with self._bad.open("ab") as aside:
            aside.writelines(bad)
        log.error("spool has bad lines", lines=len(bad))

    def _drop_torn_line(self) -> None:
        """What a crash left of a line that was never flushed as a whole."""
        self._file.seek(0)
        whole = self._file.read().rfind(b"\n") + 1
        self._file.truncate(whole)


def _sample(line: bytes) -> Spooled:
    """Raises ValueError, TypeError or KeyError where the line is not what `Spool.add` wrote."""
    if len(line) > LINE_MOST:
        raise ValueError("too long")
    said = json.loads(line)
    at = datetime.fromisoformat(said["at"])
    if at.tzinfo is None:
        raise ValueError(said["at"])
    if type(said["ok"]) is not int or type(said["failed"]) is not int:
        raise ValueError("no whole numbers")
    return Spooled(at, said["ok"], said["failed"])
