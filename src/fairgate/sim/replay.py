"""A replay: what happened to a service once, or may happen, gone through in virtual time over the real commands.

People who do not exist ask, are drawn and are offered places; they try to confirm while the service does what the
scenario says of it. Samples and attempts are put on record as the watcher and the gate would, outages found and
deadlines moved as the worker does, notices written and handed over. What became of everybody is counted in
ending.py. The same scenario always gives the same answer.
"""

import base64
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple

import psycopg

from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.evidence import record_notices, tell_of_outages, tellable
from fairgate.commands.extend import extend
from fairgate.commands.find_outages import find_outages
from fairgate.commands.load_profile import load_profile
from fairgate.commands.rounds import Open, SetCapacity, open_rounds, set_capacity
from fairgate.core import schedule
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.outages import BAD_IN_A_ROW, HEALTHY
from fairgate.core.profile import Program
from fairgate.core.sealing import Chance
from fairgate.sim.clock import moments
from fairgate.sim.holders import Holder, Holders
from fairgate.sim.line import Line
from fairgate.sim.machinery import Machinery
from fairgate.sim.population import groups, read_figures
from fairgate.sim.rehearse import Progress, first_visible
from fairgate.sim.scenario import Scenario
from fairgate.sim.telling import IT_WORKS_AGAIN, MINUTE, Messenger, Told
from fairgate.sim.traces import SLOT, Traces
from fairgate.store import evidence, keys, observers, offers, rounds, secret_files, slots
from fairgate.store.evidence import Recorded

LOOK_EVERY = timedelta(hours=3)  # when nothing happens; the worker looks every ten seconds
LOOK_CLOSELY = timedelta(minutes=5)  # after something broke, every ten seconds until it is on record
PAGE_OPEN = timedelta(minutes=2)  # from opening the page to pressing the button
EVIDENCE_FROM = timedelta(hours=1)  # before the first results


class Seen(NamedTuple):
    """What the status page said from `at` on: since when confirming is interrupted, or (None) that it works."""

    at: datetime
    interrupted_since: datetime | None


class Replayed(NamedTuple):
    """All that happened. `extended` are the times at which people were told of another deadline, one for each."""

    scenario: Scenario
    program: Program
    holders: Sequence[Holder]
    told: Sequence[Told]
    seen: Sequence[Seen]
    extended: Sequence[datetime]
    outages: Sequence[Recorded]


def replay(
    conn: psycopg.Connection,
    home: Path,
    scenario: Scenario,
    profile: dict[str, str],
    progress: Progress = lambda _what, _done, _total: None,
) -> Replayed:
    """Go through the scenario in an empty, migrated database and an empty `home`, with the profile of these texts."""
    conn.execute("SET synchronous_commit = off")  # nobody counts on these acts, so none waits for the disk
    return _Replay(conn, home, scenario, profile).run(progress)


class _Replay:
    def __init__(self, conn: psycopg.Connection, home: Path, scenario: Scenario, profile: dict[str, str]) -> None:
        self._conn, self._scenario = conn, scenario
        self._chance = _same(f"chance|{scenario.seed}")
        first = datetime.fromisoformat(f"{scenario.results[0]}T00:00:00+00:00")
        self._profile = load_profile(conn, profile, now=first)
        self._program = first_visible(self._profile)
        self._to_open = list(_rounds(scenario, self._program))
        self._since = self._to_open[0][0]
        evidence_from = schedule.round_times(self._program, self._to_open[0][1]).draw_at - EVIDENCE_FROM
        self._make_keys(home)
        self._keys = keys.load(home)
        self._machinery = Machinery(
            conn, home=home, profile=self._profile, waits=lambda _round, _now: False, chance=self._chance
        )
        self._holders = Holders(scenario.people, scenario.seed)
        self._traces = Traces(scenario, evidence_from)
        self._messenger = Messenger(scenario.notices, scenario.seed)
        self._look_from = self._look_at = evidence_from + MINUTE
        self._over_at: list[datetime] = []
        self._told: list[Told] = []
        self._seen: list[Seen] = [Seen(evidence_from, None)]
        self._extended: list[datetime] = []

    def run(self, progress: Progress) -> Replayed:
        self._register(progress)
        stops = [at for at, _ in self._to_open]
        until, whole = self._scenario.until, self._scenario.until - self._since
        for now in moments(self._since - SLOT, until, stops, self._next):
            self._live(now)
            progress("hours", int((now - self._since) / timedelta(hours=1)), int(whole / timedelta(hours=1)))
        found = evidence.outages(self._conn, self._since)
        return Replayed(
            *(self._scenario, self._program, self._holders.everyone, self._told, self._seen, self._extended), found
        )

    # -- before ---------------------------------------------------------------------------------

    def _make_keys(self, home: Path) -> None:
        """Keys from the seed: the same people are drawn in every run."""
        same = _same(f"keys|{self._scenario.seed}")
        names = self._profile.beacon.observers or ("rehearsal",)
        for path in (home / "keys" / "deployment.key", *(observers.key_path(home, name) for name in names)):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(base64.b64encode(same(secret_files.KEY_BYTES)))

    def _register(self, progress: Progress) -> None:
        figures, scenario, asked_at = read_figures(self._profile, self._program), self._scenario, self._since - SLOT
        coming = groups(
            figures,
            self._profile.languages,
            registrations=scenario.groups,
            since=asked_at,
            until=asked_at,
            seed=scenario.seed,
        )
        line = Line(coming, self._program.program, self._keys, self._chance)
        for done in line.register(self._conn, asked_at):
            progress("registrations", done, scenario.groups)
        self._conn.execute("ANALYZE")

    # -- from moment to moment ------------------------------------------------------------------

    def _next(self, after: datetime) -> datetime | None:
        """When something is to be done next, of all that is known `after` a moment."""
        step = rounds.next_step(self._conn, after)
        self._look_at = min(at for at in (self._next_look(after), step) if at is not None)
        ahead = [self._look_at, self._holders.next_at(), self._messenger.next_at]
        return min((at for at in ahead if at is not None and at > after), default=None)

    def _next_look(self, after: datetime) -> datetime:
        """The worker looks every ten seconds; here only where there may be something new to see."""
        stages = self._scenario.stages
        ahead = [after + LOOK_EVERY - (after - self._look_from) % LOOK_EVERY]
        ahead += [at for at in (*self._over_at, *(stage.known_at for stage in stages)) if at is not None and at > after]
        ahead += [
            stage.start + SLOT
            for before, stage in pairwise(stages)
            if not before.has_database and stage.start + SLOT > after
        ]
        current = self._scenario.stage_at(after)
        interrupted = self._seen[-1].interrupted_since is not None
        if interrupted:
            works_again = (stage.start + HEALTHY + SLOT for stage in stages if stage.works)
            ahead += [at for at in works_again if at > after][:1]
            if current.works and HEALTHY <= after - current.start < HEALTHY + LOOK_CLOSELY:
                ahead.append(after + SLOT)
        else:
            broken = (stage.start + BAD_IN_A_ROW * SLOT for stage in stages if not stage.works)
            ahead += [at for at in broken if at > after][:1]
            if not current.works and after - current.start < LOOK_CLOSELY:
                ahead.append(max(current.start + BAD_IN_A_ROW * SLOT, after + SLOT))
        return min(ahead)

    def _live(self, now: datetime) -> None:
        self._try(now)
        self._traces.watch(now)
        if not self._scenario.stage_at(now).has_database:
            return
        self._open(now)
        if now >= self._look_at:
            self._look(now)
        next_at = self._messenger.next_at
        if next_at is not None and now >= next_at:
            self._tell(now)

    def _try(self, now: datetime) -> None:
        """Everybody who tries now: the same ten seconds of the service meet them all."""
        through: list[Holder] = []
        for holder in self._holders.due(now):
            well = self._traces.gets_through(self._scenario.stage_at(now))
            self._traces.tried(holder.offer, now, through=well)
            if well:
                through.append(holder)
            else:
                self._holders.failed(holder, now)
        acts = [Confirm(one.offer.number, self._program.program, page_opened_at=now - PAGE_OPEN) for one in through]
        if not acts:
            return
        self._traces.hand_in_attempts(self._conn, now)
        outcomes = confirm(self._conn, acts, now=now, chance=self._chance)
        self._messenger.look_at(now + MINUTE)
        for holder, outcome in zip(through, outcomes, strict=True):
            self._holders.answered(holder, now, _how(outcome))

    def _open(self, now: datetime) -> None:
        """Open the rounds that are due, each with as many places as the scenario has."""
        while self._to_open and self._to_open[0][0] <= now:
            _, day = self._to_open.pop(0)
            _done(open_rounds(self._conn, [Open(self._program.program, day)], now=now, chance=self._chance))
            _done(set_capacity(self._conn, self._fewer(day), now=now, chance=self._chance))

    def _fewer(self, day: date) -> list[SetCapacity]:
        """What makes the places of a day as many as the scenario has, shared out as the profile does."""
        found = slots.of_day(self._conn, self._program.program, day)
        whole, wanted = sum(slot.capacity for slot in found), self._scenario.places
        if wanted > whole:
            problem = f"{wanted} are more than the {whole} that the profile has on {day}"
            raise BadInput(f"{self._scenario.file}, places", problem, "give fewer")
        acts, before, given = [], 0, 0
        for slot in found:
            before += slot.capacity
            share = before * wanted // whole - given
            given += share
            acts.append(SetCapacity(self._program.program, day, slot.id, share))
        return acts

    def _look(self, now: datetime) -> None:
        """What the worker does: evidence first, then what is due."""
        self._traces.hand_in(self._conn, now)
        find_outages(self._conn, now=now, chance=self._chance)
        tell_of_outages(self._conn, now=now)
        self._note_told(now)
        offered = self._machinery.take_steps(now)
        windows = offers.windows_unsettled(self._conn)
        if offered:
            self._holders.learn(offers.open_in(self._conn, [window.id for window in windows]))
        self._over_at = [at for window in windows for at in self._ends(window.deadline)]
        self._note_status(now)
        self._messenger.look_at(now + SLOT)

    def _ends(self, deadline: datetime | None) -> list[datetime]:
        """When offers with this deadline may lapse: those of people who tried, and those of the others."""
        policy = self._program.policy
        return [] if deadline is None else [deadline + length + SLOT for length in (policy.in_line, policy.held)]

    def _tell(self, now: datetime) -> None:
        """Hand notices over, and note when all of an outage have been."""
        told = self._messenger.hand_over(self._conn, now)
        for one in told:
            if one.kind == IT_WORKS_AGAIN and one.arrived:
                self._holders.told(one.number, now)
        self._told += told
        if any(one.kind == IT_WORKS_AGAIN for one in told):
            self._note_told(now)

    def _note_told(self, now: datetime) -> None:
        over = tellable(self._conn)
        if over:
            record_notices(self._conn, over, now=now, chance=self._chance)
        while said := extend(self._conn, now=now, chance=self._chance):
            self._extended += [now] * len(said)

    def _note_status(self, now: datetime) -> None:
        """What the status page says, from the outages on record."""
        lasting = [one.outage.start for one in evidence.outages(self._conn, now) if one.outage.end is None]
        since = min(lasting, default=None)
        if since != self._seen[-1].interrupted_since:
            self._seen.append(Seen(now, since))


def _rounds(scenario: Scenario, program: Program) -> Iterator[tuple[datetime, date]]:
    """When the round of each results day opens, and the date of its places."""
    for results_on in scenario.results:
        day = results_on + timedelta(days=program.lead_days)
        if not schedule.slots(program, day):
            problem = f"no places are given out on {results_on} ({day} is closed)"
            raise BadInput(f"{scenario.file}, results", problem, "take it out")
        yield schedule.round_times(program, day).opens_at, day


def _same(name: str) -> Chance:
    """Chance that is the same in every run."""
    return Random(name).randbytes  # noqa: S311  nobody who exists is protected by it


def _how(outcome: Outcome) -> str | None:
    """How a try was answered: on time, in line, held; None: too late."""
    if isinstance(outcome, Done):
        return str(outcome.facts["how"])
    assert outcome.reason is Reason.TOO_LATE, f"nobody here is refused for anything else: {outcome}"
    return None


def _done(outcomes: Sequence[Outcome]) -> None:
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert not refused, f"nothing is refused in a replay: {refused[:1]}"
