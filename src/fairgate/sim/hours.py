"""A replay hour by hour: who tried, who failed, which notices went out, and what the status page said."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fairgate.sim.replay import Replayed, Seen

HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Hour:
    """The hour from `start`: counts of groups, notices by kind, and what the status page said at its end."""

    start: datetime
    seen: Seen
    offered: int = 0
    tried: int = 0
    failed: int = 0
    confirmed: int = 0
    told: Counter[str] = field(default_factory=Counter)
    given_up: int = 0

    @property
    def quiet(self) -> bool:
        return not (self.offered or self.tried or self.told or self.given_up)


def hours(made: Replayed) -> Sequence[Hour]:
    """The hours from the first offer to the end, without those in which nothing happened and nothing changed."""
    first = min(holder.offer.offered_at for holder in made.holders)
    start = first.replace(minute=0, second=0, microsecond=0)
    line = []
    while start < made.scenario.until:
        line.append(Hour(start, _last(made.seen, start + HOUR)))
        start += HOUR

    def at(moment: datetime) -> Hour:
        return line[(moment - line[0].start) // HOUR]

    for holder in made.holders:
        at(holder.offer.offered_at).offered += 1
        for one in holder.tries:
            hour = at(one.at - timedelta(seconds=1))  # their ten seconds end then
            hour.tried += 1
            hour.failed += not one.through
        if holder.how is not None:
            at(holder.tries[-1].at - timedelta(seconds=1)).confirmed += 1
    for told in made.told:
        hour = at(min(told.at, made.scenario.until - timedelta(seconds=1)))
        hour.told[told.kind] += told.arrived
        hour.given_up += not told.arrived
    before = [None, *(hour.seen for hour in line)]
    return [hour for hour, seen in zip(line, before, strict=False) if not (hour.quiet and hour.seen == seen)]


def _last(seen: Sequence[Seen], until: datetime) -> Seen:
    return [one for one in seen if one.at < until][-1]
