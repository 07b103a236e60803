"""What is taken for a sample.

Whoever can write into the deployment's database can put a sample on record, and nobody else: gates, workers and
watchers are given the database, and the public address takes none. So a source is known by its name alone, and all that
is left to refuse is what no gate or watcher of ours can have seen.
"""

from datetime import datetime, timedelta
from typing import Final

SLACK: Final = timedelta(seconds=30)  # a sample from further in the future comes from a clock that is wrong
OLDEST: Final = timedelta(days=30)  # and so does one from before this, or else nobody's place hangs on it any more
MOST: Final = 10_000_000  # confirmations in ten seconds
NAME_MOST: Final = 200  # characters


def plausible(at: datetime, source: str, ok: int, failed: int, *, now: datetime) -> bool:
    """Whether these can be the ten seconds that ended `at`, as `source` saw them, told at `now`."""
    return (
        at.tzinfo is not None
        and now - OLDEST <= at <= now + SLACK
        and 0 <= ok <= MOST
        and 0 <= failed <= MOST
        and 0 < len(source) <= NAME_MOST
        and source.isprintable()  # no line break, no NUL, nothing that is not a character
        and source == source.strip()
    )
