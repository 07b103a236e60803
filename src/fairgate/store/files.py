"""Files that are whole or not there, also after a power cut."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairgate.core.errors import BadInput


def put(path: Path, data: bytes, mode: int) -> None:
    """Write a file under another name, flush it to disk, and rename it; whoever looks sees the old one or the new.

    One writer at a time. The draft's name is always the same, so that one that a crash left is taken over.
    """
    draft = path.with_name(f".{path.name}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)  # whatever the umask says
        file.write(data)
        file.flush()
        os.fsync(handle)
    draft.rename(path)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def alone(place: Path) -> Iterator[int]:
    """Nobody else writes into the folder meanwhile; the kernel gives the lock back if we die."""
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


@contextmanager
def only_one(place: Path, problem: str, way_out: str) -> Iterator[None]:
    """No other process is inside a block like this on the folder; raises BadInput at once where one is."""
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(str(place), problem, way_out) from None
        yield
    finally:
        os.close(handle)
