"""The people of a replay: each holds an offer, tries to confirm it, and tries again by a rule that fits a line.

Some never try. The others try first at a time that the scenario spreads over the hours. Whoever is failed tries again
after `again_after`, then after twice as long, and so on; except for those who give up at the first failure and never
come back. Whoever tried in vain tries once more within `after_notice` of being told that it works again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from fairgate.sim.clock import Agenda
from fairgate.sim.scenario import Habits
from fairgate.store.offers import Offer

SLOT_S = 10  # the ten seconds of a sample
AGAIN_MOST = timedelta(hours=8)  # however often somebody was failed, they look once a day at the least


class Try(NamedTuple):
    """Somebody tried at `at`; it got `through` to where confirmations are decided, or failed."""

    at: datetime
    through: bool


@dataclass(slots=True)
class Holder:
    """An offer in somebody's hands. `how` is set once it is confirmed: on time, in line or held."""

    offer: Offer
    tries: list[Try] = field(default_factory=list)
    how: str | None = None
    gave_up: bool = False
    gone: bool = False  # the same people hold another offer since

    @property
    def failed(self) -> list[datetime]:
        return [one.at for one in self.tries if not one.through]


class Holders:
    """All of them, in the order in which they were offered something."""

    def __init__(self, habits: Habits, seed: int) -> None:
        self._habits = habits
        self._luck = Random(f"holders|{seed}")  # noqa: S311  the same people every time, nothing secret
        self._agenda: Agenda[Holder] = Agenda()
        self._latest: dict[str, Holder] = {}
        self._known: set[int] = set()
        self.everyone: list[Holder] = []

    def learn(self, offers: Sequence[Offer]) -> None:
        """Take note of offers that are new, and decide when their holders try first."""
        for offer in sorted(offers, key=lambda one: one.id):
            if offer.id in self._known:
                continue
            self._known.add(offer.id)
            before = self._latest.get(offer.number)
            if before is not None:
                before.gone = True
            holder = self._latest[offer.number] = Holder(offer)
            self.everyone.append(holder)
            first = self._first_try()
            if first is not None:
                self._plan(offer.opened_at + first, holder)

    def next_at(self) -> datetime | None:
        return self._agenda.next_at()

    def due(self, now: datetime) -> list[Holder]:
        """Who tries now; each once."""
        found = {holder.offer.number: holder for holder in self._agenda.due(now)}
        return [holder for holder in found.values() if holder.how is None and not holder.gone]

    def failed(self, holder: Holder, now: datetime) -> None:
        """A try of theirs failed: they give up, or try again later."""
        first = not holder.failed
        holder.tries.append(Try(now, through=False))
        if first and self._luck.random() * 100 < self._habits.give_up_percent:
            holder.gave_up = True
        if not holder.gave_up:
            wait = self._habits.again_after * 2 ** min(len(holder.failed) - 1, 20)
            self._plan(now + min(wait, AGAIN_MOST), holder)

    def answered(self, holder: Holder, now: datetime, how: str | None) -> None:
        """A try of theirs was decided: confirmed, or (None) refused as too late."""
        holder.tries.append(Try(now, through=True))
        holder.how = how

    def told(self, number: str, now: datetime) -> None:
        """They have been told that confirming works again."""
        holder = self._latest.get(number)
        if holder is not None and holder.tries and holder.how is None and not holder.gave_up:
            self._plan(now + self._habits.after_notice * self._luck.random(), holder)

    def _first_try(self) -> timedelta | None:
        lot, since = self._luck.random() * 100, timedelta()
        for within, percent in self._habits.first_try:
            if lot < percent:
                return since + (within - since) * self._luck.random()
            lot, since = lot - percent, within
        return None

    def _plan(self, at: datetime, holder: Holder) -> None:
        """At the end of the ten seconds in which they try, as samples have it."""
        self._agenda.plan(slot_end(at), holder)


def slot_end(at: datetime) -> datetime:
    """The end of the ten seconds that `at` lies in."""
    whole = at.replace(microsecond=0) - timedelta(seconds=at.second % SLOT_S)
    return whole + timedelta(seconds=SLOT_S)
