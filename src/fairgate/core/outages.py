"""When confirming did not work, from samples of ten seconds.

Every server and every watcher writes down, every ten seconds, how many confirmations worked and how many did not. A
watcher tries one itself, so that there is something to count at night. From these samples anyone can
compute the outages, and nobody has to notice, decide or admit that there was one.

A sample is bad if everything in it failed, or if of the last six samples together, 50 tries or more, at
least one in fifty failed. More than five minutes without a sample are a gap, and a gap is bad: silence is never
taken for health. Three bad samples in a row, or one gap, begin an outage; it begins where things
were last seen to work, not where they were first seen to fail. It is over where the first quarter of an hour began
in which everything worked: people shall not be sent back to a door that closes again.

Example, a canary alone, one try a sample:

    12:00:10 ok   12:00:20 ok   12:00:30 failed   12:00:40 failed   12:00:50 failed   12:01:00 ok …

is an outage from 12:00:20. If all goes well from 12:01:00 to 12:16:00, its end is 12:01:00, known at 12:16:00.

All of it is one pass in the order of time. docs/rules/outages.md says the same in words.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice, pairwise
from operator import attrgetter
from typing import Final, NamedTuple

from fairgate.core.deadlines import Outage

GAP: Final = timedelta(seconds=300)
HEALTHY: Final = timedelta(seconds=900)
BAD_IN_A_ROW: Final = 3
_FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)
LOOK_BACK: Final = 6  # a sample and the five before it
ENOUGH_TRIES: Final = 50
ONE_IN: Final = 50  # 2 %


class Sample(NamedTuple):
    """Ten seconds of evidence: `at` is their end, `ok` and `failed` the confirmations tried in them."""

    at: datetime
    ok: int
    failed: int


def find(samples: Iterable[Sample]) -> list[Outage]:
    """The outages that samples, in any order, show; by start, `notice_at` None, the last one perhaps without end.

    Every outage but the last has an end, and at least 900 s of health lie between two.
    """
    return seen(samples).outages


def healthy_since(samples: Iterable[Sample]) -> datetime | None:
    """Where the run of good samples begins that reaches 900 s and lasts to the last sample; None without such a run."""
    return seen(samples).healthy_since


class Seen(NamedTuple):
    """What `find` and `healthy_since` say."""

    outages: list[Outage]
    healthy_since: datetime | None


def seen(samples: Iterable[Sample], lead: int = 0) -> Seen:
    """Both at once. The first `lead` samples, by time, are only looked back at by those after them.

    Who has not all samples since ever gives LOOK_BACK of those before the time that is asked about, the first
    LOOK_BACK - 1 of them as lead: then the 2 % are those that all samples would give, and a gap is seen
    though it began before that time.
    """
    line = _walk(samples, lead)
    return Seen(line.outages, line.healthy_since)


class _Line:
    """What has been seen so far on the way through the samples."""

    def __init__(self) -> None:
        self.outages: list[Outage] = []
        self.last_good: datetime | None = None
        self.bad_run: datetime | None = None  # where an outage would start, were this run of bad things one
        self.bad_samples = 0
        self.good_run: datetime | None = None  # at of its first sample
        self.healthy_since: datetime | None = None

    def is_out(self) -> bool:
        return bool(self.outages) and self.outages[-1].end is None

    def bad(self, at: datetime, *, gap: bool) -> None:
        """A bad sample at `at`, or a gap that follows the sample at `at`."""
        if self.bad_run is None:
            self.bad_run = self.last_good or at
            self.bad_samples = 0
        self.good_run = self.healthy_since = None
        self.bad_samples += not gap
        if not self.is_out() and (gap or self.bad_samples >= BAD_IN_A_ROW):
            self.outages.append(Outage(self.bad_run))

    def good(self, at: datetime) -> None:
        self.bad_run = None
        self.last_good = at
        self.good_run = self.good_run or at
        if at - self.good_run >= HEALTHY:
            self.healthy_since = self.good_run
            if self.is_out():
                self.outages[-1] = Outage(self.outages[-1].start, self.good_run)


def _walk(samples: Iterable[Sample], lead: int) -> _Line:
    line = _Line()
    before: datetime | None = None
    for at, bad in islice(_judge(_in_order(samples)), lead, None):
        if before is not None and at - before > GAP:
            line.bad(before, gap=True)
        if bad:
            line.bad(at, gap=False)
        else:
            line.good(at)
        before = at
    return line


def _in_order(samples: Iterable[Sample]) -> Iterator[Sample]:
    """By time; those with the same time added up, those in which nothing was tried left out."""
    for at, same in groupby(sorted(samples, key=attrgetter("at")), key=attrgetter("at")):
        ok = failed = 0
        for sample in same:
            ok += sample.ok
            failed += sample.failed
        if ok + failed:
            yield Sample(at, ok, failed)


def _judge(samples: Iterable[Sample]) -> Iterator[tuple[datetime, bool]]:
    """Each sample's time and whether it is bad."""
    recent: deque[Sample] = deque()
    tried = failed = 0
    for sample in samples:
        recent.append(sample)
        tried += sample.ok + sample.failed
        failed += sample.failed
        if len(recent) > LOOK_BACK:
            old = recent.popleft()
            tried -= old.ok + old.failed
            failed -= old.failed
        all_failed = sample.failed >= 1 and sample.ok == 0
        yield sample.at, all_failed or (tried >= ENOUGH_TRIES and failed * ONE_IN >= tried)


def covered(samples: Iterable[Sample], outages: Iterable[Outage], start: datetime, end: datetime) -> bool:
    """Whether nothing in [start, end], ends included, is unknown.

    A moment is known if it lies between two samples at most 300 s apart (or on one), or in a recorded outage. What the
    samples themselves show as an outage has to be on record before: `reconcile` first, then ask.
    """
    return Known(samples, outages).covers(start, end)


class Known:
    """The times of which something is known, worked out once for many questions."""

    def __init__(self, samples: Iterable[Sample], outages: Iterable[Outage]) -> None:
        spans = [(o.start, o.end or _FOR_EVER) for o in outages]
        times = [sample.at for sample in _in_order(samples)]
        spans += [(at, at) for at in times]
        spans += [(one, two) for one, two in pairwise(times) if two - one <= GAP]
        self._starts: list[datetime] = []
        self._ends: list[datetime] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def covers(self, start: datetime, end: datetime) -> bool:
        """As `covered` says of samples and outages."""
        assert start <= end
        place = bisect_right(self._starts, start) - 1
        return place >= 0 and end <= self._ends[place]


class Change(NamedTuple):
    """What to write: a new outage (`place` None), or the recorded one at this place as it is from now on."""

    place: int | None
    outage: Outage


def reconcile(
    recorded: Sequence[Outage], found: Sequence[Outage], healthy_since: datetime | None = None
) -> list[Change]:
    """The changes that bring the record up to what `find` says now, without ever taking anything back.

    A start only gets earlier, an end later or none, and nothing vanishes: people were told of what is on record. An
    outage that lasts gets its end as soon as it is found. If late samples show that what lasts on record never
    was one, it ends where `healthy_since` of the same samples says, and not before that is known. When several on
    record turn out to be one, each of them grows to it. One that changes after people were told that it is over
    has no `notice_at` again: they have to be told anew, and until then the clock stands.
    """
    matches = [_matching(outage, found) for outage in recorded]
    changes = []
    for place, (outage, matching) in enumerate(zip(recorded, matches, strict=True)):
        grown = _grow(outage, matching, healthy_since)
        if (grown.start, grown.end) != (outage.start, outage.end):
            changes.append(Change(place, grown))
    known = {one.start for matching in matches for one in matching}
    return changes + [Change(None, one) for one in found if one.start not in known]


def _matching(outage: Outage, found: Sequence[Outage]) -> Sequence[Outage]:
    """What `find` says about the time of `outage`: all that touch it; for one that lasts, the first."""
    ends = [one.end for one in found if one.end is not None]
    first = bisect_left(ends, outage.start)
    if outage.end is None:
        return found[first : first + 1]
    return [one for one in found[first:] if one.start <= outage.end]


def _grow(outage: Outage, matching: Sequence[Outage], healthy_since: datetime | None) -> Outage:
    start = min([outage.start, *(one.start for one in matching)])
    if any(one.end is None for one in matching):
        return Outage(start)
    ends = [one.end for one in matching if one.end is not None]
    if outage.end is not None:
        return Outage(start, max([outage.end, *ends]))
    if ends:
        return Outage(start, ends[0])
    return Outage(start, healthy_since and max(outage.start, healthy_since))
