"""What `/metrics` shows of the gate, for Prometheus.

Several processes serve one address; where PROMETHEUS_MULTIPROC_DIR names a folder, each keeps its figures there, and
whichever is asked adds them up.
"""

import os
from http import HTTPStatus
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from fairgate.gate.calls import NO_STORE, Answer, Call
from fairgate.gate.carrying import Fault

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

_ACTS = Counter("fairgate_acts", "Acts that were answered, by kind", ["lane"])
_UNANSWERED = Counter("fairgate_unanswered", "Acts without an answer, by kind and why", ["lane", "fault"])
_BATCH = Histogram("fairgate_batch_acts", "Acts in a batch", ["lane"], buckets=_SIZES)
_WAITED = Histogram("fairgate_line_seconds", "How long the first of a batch stood in line", ["lane"], buckets=_SECONDS)
_TOOK = Histogram("fairgate_batch_seconds", "How long a batch was under way", ["lane"], buckets=_SECONDS)
_LINE = Gauge("fairgate_line_acts", "Acts in line", ["lane"], multiprocess_mode="livesum")
_CODES = Counter("fairgate_codes", "Access codes and passwords that were tried", ["result"])
_SLOWED = Counter("fairgate_codes_slowed", "Tries of codes that were told to wait")
_LIMITED = Counter("fairgate_limited", "Requests that were told to wait, by what was too many", ["limit"])
_TRIES = Counter(
    "fairgate_attempts_kept", "Attempts to confirm that got no answer, by what became of the record", ["kept"]
)


class Figures:
    """The watcher of all lanes, and what else is counted; labels are looked up once."""

    def __init__(self) -> None:
        self._lanes: dict[str, tuple[Counter, Histogram, Histogram, Histogram, Gauge]] = {}

    def batch(self, name: str, acts: int, waited_s: float, took_s: float) -> None:
        counted, size, waited, took, _ = self._lane(name)
        counted.inc(acts)
        size.observe(acts)
        waited.observe(waited_s)
        took.observe(took_s)

    def unanswered(self, name: str, fault: Fault, acts: int) -> None:
        _UNANSWERED.labels(name, fault.value).inc(acts)

    def line(self, name: str, waiting: int) -> None:
        self._lane(name)[4].set(waiting)

    def code(self, right: bool) -> None:
        _CODES.labels("right" if right else "wrong").inc()

    def slowed(self) -> None:
        _SLOWED.inc()

    def limited(self, limit: str) -> None:
        _LIMITED.labels(limit).inc()

    def kept(self, kept: bool) -> None:
        _TRIES.labels("on disk" if kept else "lost").inc()

    async def answer(self, call: Call) -> Answer:
        """`GET /metrics`."""
        registry = None
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if folder:
            _forget_the_dead(Path(folder))
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        body = generate_latest(registry) if registry else generate_latest()
        return Answer(HTTPStatus.OK, body, ((b"content-type", CONTENT_TYPE_LATEST.encode()), *NO_STORE))

    def _lane(self, name: str) -> tuple[Counter, Histogram, Histogram, Histogram, Gauge]:
        if name not in self._lanes:
            self._lanes[name] = (
                _ACTS.labels(name),
                _BATCH.labels(name),
                _WAITED.labels(name),
                _TOOK.labels(name),
                _LINE.labels(name),
            )
        return self._lanes[name]


def _forget_the_dead(folder: Path) -> None:
    """Nobody stands in line any more at a process that was killed, whatever its gauge says. Its counts stay."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:  # it lives, and is not ours
            pass
