"""What a watcher shows at `/metrics`, for Prometheus: its confirmations, and how fast they use up what may fail.

The objective is that 999 of 1,000 confirmations work. A *burn rate* of 1 over some time means that just as many failed
in it as that allows; at 14.4, an hour uses up what may fail in 14.4 hours. It is computed from this watcher's own
samples, those of the last three days that the database has included. Where there are no samples in a time, its burn
rate is not a number: silence is not health, and has an alert of its own.
"""

import math
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from fairgate.core.outages import Sample

MAY_FAIL: Final = 0.001
WINDOWS: Final = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "3d": timedelta(days=3),
}
LONGEST: Final = WINDOWS["3d"]
SECONDS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


Address = tuple[str, int]  # host and port


class Figures(Collector):
    """Written by the watcher's thread, read by those that answer Prometheus."""

    def __init__(self) -> None:
        self.complete = False  # whether the database was asked for what was before
        self.waiting = 0  # samples in the spool
        self._lock = threading.Lock()
        self._samples: deque[Sample] = deque()
        self._tried = {"ok": 0, "failed": 0}
        self._looks = {"done": 0, "failed": 0}
        self._took = [0] * (len(SECONDS) + 1)  # the last one: longer than all of them
        self._took_sum = 0.0

    def tried(self, sample: Sample) -> None:
        """A confirmation of ours, and whether it worked."""
        with self._lock:
            self._samples.append(sample)
            while self._samples[0].at <= sample.at - LONGEST:
                self._samples.popleft()
            self._tried["ok"] += sample.ok
            self._tried["failed"] += sample.failed

    def took(self, seconds: float) -> None:
        """How long a confirmation took that worked."""
        with self._lock:
            self._took[next((i for i, most in enumerate(SECONDS) if seconds <= most), len(SECONDS))] += 1
            self._took_sum += seconds

    def looked(self, done: bool) -> None:
        with self._lock:
            self._looks["done" if done else "failed"] += 1

    def complete_with(self, samples: Sequence[Sample]) -> None:
        """All our samples of the last three days as the database has them, by time: those from before a restart too."""
        with self._lock:
            self._samples = deque(samples)
            self.complete = True

    def burn_rate(self, over: timedelta) -> float:
        """How many times as many failed as may, in that time before the last sample; NaN where nothing was tried."""
        with self._lock:
            return _burn_rate(list(self._samples), over)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told."""
        with self._lock:
            samples, tried, looks = list(self._samples), dict(self._tried), dict(self._looks)
            took, took_sum = list(accumulate(self._took)), self._took_sum
        counted = CounterMetricFamily("fairgate_canary", "Confirmations that this watcher tried", labels=["result"])
        for result, count in tried.items():
            counted.add_metric([result], count)
        yield counted
        buckets = [*zip(map(str, SECONDS), took, strict=False), ("+Inf", took[-1])]
        yield HistogramMetricFamily(
            "fairgate_canary_seconds",
            "How long a confirmation took that worked, from signing in to the answer",
            buckets=buckets,
            sum_value=took_sum,
        )
        burning = GaugeMetricFamily(
            "fairgate_canary_burn_rate", "How many times as many confirmations failed as may", labels=["window"]
        )
        for name, over in WINDOWS.items():
            burning.add_metric([name], _burn_rate(samples, over))
        yield burning
        last = samples[-1].at.timestamp() if samples else 0
        yield GaugeMetricFamily("fairgate_canary_timestamp_seconds", "The end of the last sample's time", last)
        waits = "Samples on this watcher's disk that the database has not yet"
        yield GaugeMetricFamily("fairgate_watch_samples_waiting", waits, self.waiting)
        looked = CounterMetricFamily("fairgate_watch_looks", "How often outages were looked for", labels=["result"])
        for result, count in looks.items():
            looked.add_metric([result], count)
        yield looked


def _burn_rate(samples: Sequence[Sample], over: timedelta) -> float:
    if not samples:
        return math.nan
    since: datetime = samples[-1].at - over
    some = samples[bisect_right(samples, since, key=lambda sample: sample.at) :]
    failed = sum(sample.failed for sample in some)
    tried = failed + sum(sample.ok for sample in some)
    return failed / tried / MAY_FAIL if tried else math.nan


@contextmanager
def shown(figures: Figures, address: Address | None) -> Iterator[None]:
    """`/metrics` answers while the block runs, if there is an address for it."""
    if address is None:
        yield
        return
    registry = CollectorRegistry()
    registry.register(figures)
    host, port = address
    server, thread = start_http_server(port, host, registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
