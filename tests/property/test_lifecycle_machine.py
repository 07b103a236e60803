"""Random acts in random order with random steps of time, over a real database: what must hold holds after each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from databases import Databases
from fairgate.commands.amend import Amend, amend
from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.evidence import RecordAttempt, record_attempts, record_notices, tell_of_outages, tellable
from fairgate.commands.extend import extend
from fairgate.commands.find_outages import find_outages
from fairgate.commands.honour import Honour, honour
from fairgate.commands.issue_passes import issue_passes
from fairgate.commands.lapse import Lapse, lapse
from fairgate.commands.miss import Close, Miss, close, miss
from fairgate.commands.request import Ask, Restore, Withdraw, request, restore, withdraw
from fairgate.commands.rounds import Open, SetCapacity, Void, open_rounds, set_capacity, void
from fairgate.commands.seal import Seal, seal
from fairgate.core import schedule
from fairgate.core.beacon import Reveals
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.places import moment
from fairgate.store import notices, offers, rounds, slots
from fairgate.store.rounds import Round
from invariants import Watch
from missing import LISTED, left_out, receipt_of
from notary import show_sealing
from world import DAY, PROMISE, REVEAL, World, member

DAYS = tuple(DAY + timedelta(days=n) for n in range(3))
PROGRAMS = ("arrival", "tour")
STEPS = tuple(timedelta(minutes=m) for m in (1, 29, 61, 6 * 60, 23 * 60, 25 * 60, 3 * 24 * 60, 21 * 24 * 60))
ACTS: dict[str, tuple[Callable[..., Any], Callable[..., list[Outcome]]]] = {
    "confirm": (Confirm, confirm),
    "decline": (Decline, decline),
    "check in": (CheckIn, check_in),
    "miss": (Miss, miss),
    "confirm again": (Confirm, confirm),
    "withdraw": (Withdraw, withdraw),
    "restore": (Restore, restore),
}

IN_LINE = timedelta(minutes=30)
TRIED = """
    SELECT r.number, o.program FROM offer o
      JOIN "window" w ON w.id = o.window_id JOIN registration r ON r.id = o.registration_id
      JOIN attempt a ON a.registration_id = o.registration_id AND a.program = o.program AND a.at >= w.opened_at
     WHERE o.state = 'offered'
"""

PASSLESS = """
    SELECT o.id FROM offer o JOIN slot s ON s.id = o.slot_id JOIN port p ON p.port = o.port
     WHERE o.state = 'confirmed' AND NOT EXISTS (SELECT 1 FROM pass WHERE offer_id = o.id)
       AND %s < (s.date + 1)::timestamp AT TIME ZONE p.zone + interval '6 hours'
"""

several = st.lists(st.integers(0, 99), min_size=1, max_size=5)
program = st.sampled_from(PROGRAMS)
day = st.sampled_from(DAYS)


class Lifecycle(RuleBasedStateMachine):
    """One database; numbers that hypothesis draws choose among the registrations that there are."""

    databases: Databases  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self._database = self.databases.new()
        self.conn = psycopg.connect(self._database.__enter__(), autocommit=True)
        self.world = World(self.conn)
        self.watch = Watch(self.conn)
        self.numbers: list[str] = []

    def teardown(self) -> None:
        self.conn.close()
        self._database.__exit__(None, None, None)

    def chosen(self, picks: Sequence[int]) -> list[str]:
        return [self.numbers[pick % len(self.numbers)] for pick in picks]

    def holders(self, picks: Sequence[int], slug: str) -> list[str]:
        """Some of those who hold a place, and anybody."""
        query = (
            "SELECT number FROM offer JOIN registration r ON r.id = registration_id WHERE program = %s AND offer.state"
        )
        rows = self.conn.execute(f"{query} IN ('offered', 'confirmed') ORDER BY offer.id", [slug]).fetchall()
        among = [row[0] for row in rows] + self.chosen(picks[:1])
        return [among[pick % len(among)] for pick in picks]

    def did(self, command: Callable[..., list[Outcome]], acts: Sequence[object], **more: Any) -> list[Outcome]:
        """Carry acts out: an outcome for each, and a leaf for each that changed something."""
        before = self.world.one("SELECT size FROM ledger")
        outcomes = command(self.conn, acts, **self.world.clock, **more)
        assert len(outcomes) == len(acts)
        changed = sum(isinstance(outcome, Done) and not outcome.repeated for outcome in outcomes)
        after = self.world.one("SELECT size FROM ledger")
        assert after == before + changed or (changed and command in (draw, close, honour)), (
            f"{changed}, {before} to {after}"
        )
        return outcomes

    # -- people -----------------------------------------------------------------------------------

    @initialize()
    def some_groups_and_a_drawn_round(self) -> None:
        self.numbers = [self.world.asking(size) for size in (1, 3, 2, 4, 1, 2, 1)]
        self.world.drawn()

    @rule(size=st.integers(1, 4), slug=program)
    def register(self, size: int, slug: str) -> None:
        self.numbers.append(self.world.asking(size, program=slug))

    @rule(picks=several, slug=program, ports=st.permutations(["AAA", "BBB"]), count=st.integers(1, 2))
    def ask(self, picks: list[int], slug: str, ports: list[str], count: int) -> None:
        self.did(request, [Ask(number, slug, ports[:count]) for number in self.chosen(picks)])

    @rule(pick=st.integers(0, 99), people=st.lists(st.integers(0, 30), min_size=1, max_size=5, unique=True))
    def amend(self, pick: int, people: list[int]) -> None:
        [number] = self.chosen([pick])
        who = [member(n, child=n > 25) for n in people]
        self.did(amend, [Amend(number, members=who)], keys=self.world.keys)

    @rule(act=st.sampled_from(sorted(ACTS)), picks=several, slug=program)
    def act(self, act: str, picks: list[int], slug: str) -> None:
        made, command = ACTS[act]
        self.did(command, [made(number, slug) for number in self.holders(picks, slug)])

    @rule(picks=several, slug=program, key=st.sampled_from(["a", "b"]), late=st.booleans())
    def confirm_with_a_key(self, picks: list[int], slug: str, key: str, late: bool) -> None:
        opened = self.world.now - timedelta(minutes=29) if late else None
        acts = [Confirm(number, slug, page_opened_at=opened, key=key) for number in self.holders(picks, slug)]
        self.did(confirm, acts)
        again = self.did(confirm, acts)
        assert all(isinstance(outcome, Done) <= outcome.repeated for outcome in again if isinstance(outcome, Done))

    @rule(picks=several, slug=program)
    def cancel(self, picks: list[int], slug: str) -> None:
        self.did(cancel, [Cancel(number, slug, "by holder") for number in self.holders(picks, slug)])

    @rule(picks=several, slug=program, minutes=st.integers(0, 90))
    def try_in_vain(self, picks: list[int], slug: str, minutes: int) -> None:
        at = self.world.now - timedelta(minutes=minutes)
        acts = [RecordAttempt(number, slug, at, "no answer") for number in self.holders(picks, slug)]
        record_attempts(self.conn, acts, now=self.world.now)

    # -- rounds -----------------------------------------------------------------------------------

    @rule(slug=program, day=day)
    def next_step(self, slug: str, day: date) -> None:
        """Go to the time of the round's next step and take it."""
        row = self.conn.execute("SELECT due_at FROM round WHERE program = %s AND date = %s", [slug, day]).fetchone()
        if row is not None and row[0] is not None:
            self.to(row[0])
        for command, act, more in self._steps(slug, day):
            self.did(command, [act], **more)
        self.is_shown(slug, day)

    def is_shown(self, slug: str, day: date) -> None:
        """A sealing is shown at once, mostly: without, the round could only be postponed."""
        found = rounds.find(self.conn, slug, day)
        if found is not None and found.state == "sealed" and found.proof is None:
            show_sealing(self.conn, min(self.world.now, found.seed_at - timedelta(seconds=1)))

    def _steps(self, slug: str, day: date) -> list[tuple[Callable[..., list[Outcome]], object, dict[str, Any]]]:
        return [
            (close, Close(slug, day), {}),
            (draw, Draw(slug, day), {}),
            (seed, Seed(slug, day, Reveals((("observer", REVEAL),))), {}),
            (seal, Seal(slug, day, PROMISE), {"keys": self.world.keys}),
            (open_rounds, Open(slug, day), {}),
        ]

    @rule(slug=program, day=day)
    def a_round_is_drawn(self, slug: str, day: date) -> None:
        """All the way, and the rounds before it first."""
        for each in [d for d in DAYS if d <= day]:
            found = rounds.find(self.conn, slug, each)
            if found is None or found.state in ("open", "sealed"):
                about = self.world.profile.program(slug)
                self.to(schedule.round_times(about, each).draw_at)
                if found is None and offers.today_at(self.world.now, about.zone) >= each:
                    continue  # its day has come: nobody opens it any more
                for step in self._to_drawn(found):
                    step(each, program=slug)
                    self.watch.look(self.world.now)

    def _to_drawn(self, found: Round | None) -> list[Callable[..., Round]]:
        steps = [self.world.opened, self.world.sealed, self.world.seeded, self.world.drawn]
        if found is None:
            return steps
        return steps[1:] if found.state == "open" else steps[3:] if found.proof else steps[2:]

    @rule(slug=program, day=day, picks=several)
    def a_round_leaves_some_out(self, slug: str, day: date, picks: list[int]) -> None:
        """A fault: some of those who ask are not in the list. Afterwards they show their receipts."""
        missing = [found for number in self.chosen(picks) if (found := receipt_of(self.world, number, slug))]
        with left_out(self.world, *missing):
            self.a_round_is_drawn(slug, day)
        self.receipts_are_shown(slug, day, picks)

    @rule(slug=program, day=day, picks=several)
    def receipts_are_shown(self, slug: str, day: date, picks: list[int]) -> None:
        """By whoever was missing, and by others."""
        for number in self.chosen(picks):
            found = receipt_of(self.world, number, slug)
            if found is not None:
                acts = [Honour(slug, day, found.receipt)]
                [outcome] = self.did(honour, acts, keys=self.world.keys, listed=LISTED)
                [again] = self.did(honour, acts, keys=self.world.keys, listed=LISTED)
                assert again == (replace(outcome, repeated=True) if isinstance(outcome, Done) else outcome)
                self.watch.look(self.world.now)

    @rule(slug=program, day=st.sampled_from(DAYS[1:]))
    def void(self, slug: str, day: date) -> None:
        self.did(void, [Void(slug, day, "a test")])

    @rule(slug=program, day=day, pick=st.integers(0, 9), capacity=st.integers(0, 6))
    def set_capacity(self, slug: str, day: date, pick: int, capacity: int) -> None:
        found = slots.of_day(self.conn, slug, day)
        if found:
            self.did(set_capacity, [SetCapacity(slug, day, found[pick % len(found)].id, capacity)])

    # -- time -------------------------------------------------------------------------------------

    def to(self, then: Any) -> None:
        """Pass time in health."""
        if then > self.world.now:
            self.world.samples(self.world.now, then)
            self.world.now = then

    @rule(step=st.sampled_from(STEPS))
    def time_passes(self, step: timedelta) -> None:
        self.to(self.world.now + step)

    @rule(minutes=st.sampled_from([-31, -30, -1, 0, 1, 23 * 60, 24 * 60]))
    def a_deadline_comes(self, minutes: int) -> None:
        """The time at which the next offers are over, or around it."""
        over = self.world.one('SELECT min(lapse_at) FROM "window" WHERE NOT settled')
        if over is not None:
            self.to(over + timedelta(minutes=minutes))

    @rule(slug=program, picks=several, hours=st.sampled_from([1, 16, 40]))
    def a_day_comes(self, slug: str, picks: list[int], hours: int) -> None:
        """The date of the first drawn round, or the night after it; some of the groups are here."""
        query = "SELECT min(date) FROM round WHERE state = 'drawn' AND program = %s"
        first = self.world.one(query, slug)
        if first is not None:
            self.to(datetime.combine(first, time(8), tzinfo=UTC) + timedelta(hours=hours))
            self.did(check_in, [CheckIn(number, slug) for number in self.holders(picks, slug)])
            self.did(close, [Close(slug, first)])

    @rule(minutes=st.sampled_from([1, 20, 90, 300]), silent=st.booleans())
    def confirming_fails(self, minutes: int, silent: bool) -> None:
        start, end = self.world.now, self.world.now + timedelta(minutes=minutes)
        if not silent:
            self.world.samples(start + timedelta(seconds=10), end, ok=0, failed=3, every_s=60)
        self.world.now = end
        self.outages_are_found()
        self.to(end + timedelta(minutes=16))

    @rule()
    def outages_are_found(self) -> None:
        find_outages(self.conn, **self.world.clock)

    @rule()
    def holders_are_told_of_their_deadlines(self) -> None:
        while extend(self.conn, **self.world.clock):
            pass
        assert not self.conn.execute('SELECT 1 FROM "window" WHERE moved_at IS NOT NULL').fetchone()

    @rule()
    def people_are_told(self) -> None:
        tell_of_outages(self.conn, now=self.world.now)
        notices.sent(self.conn, [n.id for n in notices.due(self.conn, self.world.now, 1000)], self.world.now)
        acts = tellable(self.conn)
        assert all(isinstance(outcome, Done) for outcome in record_notices(self.conn, acts, **self.world.clock))
        assert not tellable(self.conn)

    @rule(picks=several, slug=program)
    def passes_are_given_out(self, picks: list[int], slug: str) -> None:
        """Some have just confirmed. Then everybody has one whose appointment is not over."""
        self.did(confirm, [Confirm(number, slug) for number in self.holders(picks, slug)])
        while issue_passes(self.conn, keys=self.world.keys, **self.world.clock):
            pass
        missing = self.conn.execute(PASSLESS, [self.world.now]).fetchall()
        assert not missing, missing

    @rule()
    def what_is_over_lapses(self) -> None:
        now = self.world.now
        due = [Lapse(window) for window in offers.windows_due(self.conn, now, 100)]
        tried = {(row[0], row[1]) for row in self.conn.execute(TRIED).fetchall()}
        for outcome in lapse(self.conn, due, **self.world.clock):
            assert isinstance(outcome, Done)
            assert outcome.number is not None
            granted = timedelta(hours=24) if (outcome.number, outcome.facts["program"]) in tried else IN_LINE
            assert str(outcome.facts["deadline"]) < moment(now - granted), "nobody lapses before the time is over"

    @rule()
    def freed_places_are_filled(self) -> None:
        for outcome in self.world.backfilled():
            assert isinstance(outcome, Done)
        assert not self.world.one("SELECT count(*) FROM round_port WHERE backfill_due_at <= %s", self.world.now)

    @invariant()
    def what_must_hold_holds(self) -> None:
        self.watch.look(self.world.now)


def test_what_must_hold_holds_after_any_acts_in_any_order(databases: Databases) -> None:
    class Here(Lifecycle):
        pass

    Here.databases = databases
    run_state_machine_as_test(
        Here,
        settings=settings(max_examples=12, stateful_step_count=35, suppress_health_check=list(HealthCheck)),
    )
