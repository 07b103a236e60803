"""Work on a million small objects without Python's cycle collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Make and keep objects that hold no cycles (entries, offers, lines) while the collector rests.

    It would walk over all of them again and again while they become a million, find nothing, and double the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
