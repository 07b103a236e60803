"""Outages, slow and obvious: the line of good and bad things is laid out and looked at from each of its places."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from fairgate.core.deadlines import Outage
from fairgate.core.outages import Sample


class Thing(NamedTuple):
    """A sample at `at`, or the gap that follows the sample at `at`."""

    at: datetime
    bad: bool
    gap: bool


def find(samples: Sequence[Sample]) -> list[Outage]:
    line = things(samples)
    runs = [list(run) for _, run in groupby(line, key=lambda thing: thing.bad)]
    starts: dict[datetime | None, datetime] = {}  # by end: runs that end together are one outage
    for place, run in enumerate(runs):
        if run[0].bad and (any(thing.gap for thing in run) or len(run) >= 3):
            before = runs[place - 1][-1].at if place else run[0].at
            starts.setdefault(end_after(runs[place + 1 :]), before)
    return [Outage(start, end) for end, start in starts.items()]


def end_after(runs: list[list[Thing]]) -> datetime | None:
    healthy = (run[0].at for run in runs if not run[0].bad and run[-1].at - run[0].at >= timedelta(seconds=900))
    return next(healthy, None)


def things(samples: Sequence[Sample]) -> list[Thing]:
    counted = []
    for at in sorted({sample.at for sample in samples}):
        ok = sum(sample.ok for sample in samples if sample.at == at)
        failed = sum(sample.failed for sample in samples if sample.at == at)
        if ok + failed > 0:
            counted.append(Sample(at, ok, failed))
    line = []
    for place, sample in enumerate(counted):
        if place and sample.at - counted[place - 1].at > timedelta(seconds=300):
            line.append(Thing(counted[place - 1].at, bad=True, gap=True))
        recent = counted[max(0, place - 5) : place + 1]
        tried = sum(one.ok + one.failed for one in recent)
        failed = sum(one.failed for one in recent)
        all_failed = sample.failed >= 1 and sample.ok == 0
        line.append(Thing(sample.at, bad=all_failed or (tried >= 50 and failed / tried >= 0.02), gap=False))
    return line


def covered(samples: Sequence[Sample], outages: Sequence[Outage], start: datetime, end: datetime) -> bool:
    """Ask every five seconds; all times have to be multiples of ten."""
    moments = [start + timedelta(seconds=s) for s in range(0, int((end - start).total_seconds()) + 1, 5)]
    times = sorted({sample.at for sample in samples if sample.ok + sample.failed})

    def known(at: datetime) -> bool:
        if any(outage.start <= at and (outage.end is None or at <= outage.end) for outage in outages):
            return True
        before = [time for time in times if time <= at]
        after = [time for time in times if time >= at]
        return bool(before and after) and after[0] - before[-1] <= timedelta(seconds=300)

    return all(known(at) for at in moments)
