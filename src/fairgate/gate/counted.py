"""The gate's own evidence: how many confirmations it answered well, and how many failed through our fault.

Answered well is who was told what holds: confirmed, or refused with the reason. It failed for who got no answer in
time, or one that says that we do not know. The counts of ten seconds become a sample (docs/rules/outages.md); the
watchers' samples have the same times, so that they add up.
"""

import os
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fairgate.store.journal import Counted

SLOT_S = 10
SLOTS_MOST = 8640  # a day, if nobody asked what is due


def here() -> str:
    """What names this process in its samples."""
    return f"gate {socket.gethostname()} {os.getpid()}"


@dataclass(slots=True)
class Counter:
    """Counts what `source` answered. Times are seconds since the epoch; one thread."""

    source: str = field(default_factory=here)
    _slots: dict[int, list[int]] = field(default_factory=dict)  # by the end of the slot: [ok, failed]

    def ok(self, now: float) -> None:
        self._slot(now)[0] += 1

    def failed(self, now: float) -> None:
        self._slot(now)[1] += 1

    def due(self, now: float) -> list[Counted]:
        """The samples of the slots that are over, oldest first, each handed out once; none where nothing was tried."""
        over = sorted(end for end in self._slots if end <= now)
        return [Counted(datetime.fromtimestamp(end, UTC), self.source, *self._slots.pop(end)) for end in over]

    def _slot(self, now: float) -> list[int]:
        end = (int(now // SLOT_S) + 1) * SLOT_S
        found = self._slots.get(end)
        if found is None:
            if len(self._slots) >= SLOTS_MOST:
                del self._slots[min(self._slots)]
            found = self._slots[end] = [0, 0]
        return found
