"""What the people of a rehearsal do with what they are offered.

Most confirm, many of them at once when the results are out; a few decline, some say nothing and their offers lapse; of
those who confirmed a few cancel, most come on the day, some do not. The shares are those of the profile; when
somebody acts is assumed here.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.profile import Profile
from fairgate.core.sealing import Chance
from fairgate.sim.clock import HOURS, Agenda
from fairgate.sim.population import Figures, Shares
from fairgate.store.offers import Offer

Act = Confirm | Decline | Cancel | CheckIn

# Parts of the window after which people answer, with the per cent of them; assumed. Results are looked at at once.
ANSWER_AFTER = Shares({0.02: 45, 0.06: 17, 0.15: 12, 0.3: 10, 0.5: 8, 0.75: 5, 0.93: 3})

EARLY = timedelta(hours=HOURS)  # before the time that counts: this clock looks no more often, and nobody shall be late


class People:
    """All holders of offers; `refused` counts the acts that did not do what their holders meant."""

    def __init__(self, profile: Profile, figures: Figures, seed: int, chance: Chance) -> None:
        self._profile = profile
        self._figures = figures
        self._luck = Random(f"people|{seed}")  # noqa: S311  nothing here has to be secret
        self._chance = chance
        self._agenda: Agenda[Act] = Agenda()
        self._known: set[int] = set()
        self.refused = 0

    def learn(self, offers: Sequence[Offer]) -> None:
        """Take note of offers, and decide what to do with those that are new."""
        for offer in offers:
            if offer.id not in self._known:
                self._known.add(offer.id)
                self._decide(offer)

    def act(self, conn: psycopg.Connection, now: datetime) -> None:
        """Do what was planned until now."""
        due = self._agenda.due(now)
        ways: list[tuple[type[Act], Callable[..., list[Outcome]]]] = [
            (Confirm, confirm),
            (Decline, decline),
            (Cancel, cancel),
            (CheckIn, check_in),
        ]
        for kind, command in ways:
            acts: list[Any] = [act for act in due if isinstance(act, kind)]
            if acts:
                for act, outcome in zip(acts, command(conn, acts, now=now, chance=self._chance), strict=True):
                    self._see(act, outcome, now)

    def _decide(self, offer: Offer) -> None:
        lot = self._luck.random() * 100
        window = self._profile.program(offer.program).policy.window
        answers_at = offer.opened_at + max(timedelta(0), window - EARLY) * ANSWER_AFTER.pick(self._luck)
        if lot < self._figures.confirmed_percent:
            self._agenda.plan(answers_at, Confirm(offer.number, offer.program, page_opened_at=answers_at))
        elif lot < self._figures.confirmed_percent + self._figures.declined_percent:
            self._agenda.plan(answers_at, Decline(offer.number, offer.program))

    def _see(self, act: Act, outcome: Outcome, now: datetime) -> None:
        if not isinstance(outcome, Done) or outcome.repeated:
            self.refused += 1
        elif isinstance(act, Confirm):
            self._after_confirming(act, outcome, now)

    def _after_confirming(self, act: Confirm, confirmed: Done, now: datetime) -> None:
        """Whoever confirmed comes at the time of the appointment, cancels somewhere between, or stays away."""
        facts = confirmed.facts
        day, at = date.fromisoformat(str(facts["date"])), time.fromisoformat(str(facts["time"]))
        comes_at = datetime.combine(day, at, ZoneInfo(self._profile.port(str(facts["port"])).zone))
        lot = self._luck.random() * 100
        if lot < self._figures.cancelled_percent:
            later = now + (comes_at - timedelta(days=1) - now) * self._luck.random()
            self._agenda.plan(max(now, later), Cancel(act.number, act.program, "by holder"))
        elif lot >= self._figures.cancelled_percent + self._figures.missed_percent:
            midnight = datetime.combine(day, time(0), comes_at.tzinfo)
            self._agenda.plan(max(midnight, comes_at - EARLY), CheckIn(act.number, act.program))
