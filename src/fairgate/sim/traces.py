"""What is left of each try in a replay: samples of watcher and gate, and attempts, on their way to the database.

A watcher tries every ten seconds, and the gate counts what it answered in the same ten seconds. Both come to the
database at once; or, while it is away, from the hosts' disks when it is back; or when the scenario says. What nothing
saw leaves nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import psycopg

from fairgate.commands.evidence import RecordAttempt, RecordSample, record_attempts, record_samples
from fairgate.core.lifecycle import Done, Outcome
from fairgate.sim.holders import SLOT_S
from fairgate.sim.scenario import Confirming, Scenario, Stage
from fairgate.store.offers import Offer

WATCHER, GATE = "watch replay", "gate replay"
FAULT = "replayed"
SLOT = timedelta(seconds=SLOT_S)


class Traces:
    """Evidence from `since` on."""

    def __init__(self, scenario: Scenario, since: datetime) -> None:
        self._scenario = scenario
        self._luck = Random(f"service|{scenario.seed}")  # noqa: S311  the same service every time, nothing secret
        self._seen_until = since
        self._counted: dict[datetime, list[int]] = {}
        self._samples: list[tuple[datetime, RecordSample]] = []  # with when they may come in
        self._attempts: list[tuple[datetime, RecordAttempt]] = []

    def gets_through(self, stage: Stage) -> bool:
        """Whether a try is decided, or fails, by chance where the stage lets some through."""
        if stage.confirming is Confirming.FAILS:
            return self._luck.random() * 100 >= stage.percent
        return stage.works

    def tried(self, offer: Offer, now: datetime, *, through: bool) -> None:
        """Somebody tried; the gate counts it, and keeps that they tried if it failed."""
        stage = self._scenario.stage_at(now)
        if stage.confirming is Confirming.DARK:
            return
        self._counted.setdefault(now, [0, 0])[0 if through else 1] += 1
        if not through:
            self._attempts.append((_comes_in(stage, now), RecordAttempt(offer.number, offer.program, now, FAULT)))

    def watch(self, until: datetime) -> None:
        """Take the samples up to `until`."""
        while self._seen_until + SLOT <= until:
            at = self._seen_until = self._seen_until + SLOT
            stage = self._scenario.stage_at(at)
            if stage.confirming is Confirming.DARK:
                continue
            well = self.gets_through(stage)
            self._samples.append((_comes_in(stage, at), RecordSample(at, WATCHER, int(well), int(not well))))
            if at in self._counted:
                self._samples.append((_comes_in(stage, at), RecordSample(at, GATE, *self._counted.pop(at))))

    def hand_in(self, conn: psycopg.Connection, now: datetime) -> None:
        """Bring what may come in by now into the database; which is there."""
        self.hand_in_attempts(conn, now)
        samples = [sample for at, sample in self._samples if at <= now]
        self._samples = [waiting for waiting in self._samples if waiting[0] > now]
        _done(record_samples(conn, samples, now=now) if samples else [])

    def hand_in_attempts(self, conn: psycopg.Connection, now: datetime) -> None:
        """The attempts alone: the worker has them within a second, so that who comes back is known."""
        attempts = [attempt for at, attempt in self._attempts if at <= now]
        self._attempts = [waiting for waiting in self._attempts if waiting[0] > now]
        _done(record_attempts(conn, attempts, now=now) if attempts else [])


def _done(outcomes: Sequence[Outcome]) -> None:
    assert all(isinstance(outcome, Done) for outcome in outcomes), "the service's own evidence is never refused"


def _comes_in(stage: Stage, at: datetime) -> datetime:
    return stage.known_at or at
