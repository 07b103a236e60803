"""The worker takes every step that is due, in the order in which it became due."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from fairgate.core.beacon import QUICKNET, CommitReveal, Drand, drand_round_at
from fairgate.core.bundle import Beacon, Manifest, Proof
from fairgate.core.profile import Profile
from fairgate.worker.beacons import Beacons
from time_world import DAY, NOON, TimeWorld, step

HOUR = timedelta(hours=1)


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    made = TimeWorld(conn, tmp_path)
    made.start_calendar()
    return made


def pass_time(world: TimeWorld, until: datetime, every: timedelta = HOUR) -> None:
    worker = world.worker()
    while world.now < until:
        world.now = min(until, world.now + every)
        step(worker)


def test_nothing_happens_before_it_is_due(world: TimeWorld) -> None:
    world.now = NOON - timedelta(days=1, seconds=1)
    assert not step(world.worker())
    assert world.states() == {}


def test_a_round_opens_is_sealed_seeded_drawn_and_closed(world: TimeWorld) -> None:
    groups = [world.asking("SYS", "NOG") for _ in range(6)]
    seen = {}
    for hour in (0, 12, 13, 24, 25):
        world.now = NOON + timedelta(hours=hour - 24)
        step(world.worker())
        seen[hour] = world.states().get(DAY.isoformat())
    assert seen == {0: "open", 12: "sealed", 13: "sealed", 24: "drawn", 25: "drawn"}
    offers = world.offers()
    assert len(offers) == 4
    assert {number for number, _ in offers} <= {group.number for group in groups}


def test_a_stop_of_three_days_is_caught_up_in_the_right_order(world: TimeWorld) -> None:
    for _ in range(12):
        world.asking()
    pass_time(world, NOON - timedelta(hours=20))
    world.now = NOON + timedelta(days=2, hours=1)
    pass_time(world, world.now + timedelta(minutes=10), every=timedelta(minutes=1))
    assert list(world.states().values()) == ["drawn", "drawn", "drawn", "open"]
    steps = [
        (said["round"][-2:], said["kind"])
        for (said,) in world.conn.execute("SELECT body::jsonb FROM statement ORDER BY leaf")
        if said["kind"] in ("sealed", "seeded", "drawn")
    ]
    assert steps == [(day, kind) for day in ("22", "23", "24") for kind in ("sealed", "seeded", "drawn")]


def test_the_same_moment_twice_changes_nothing(world: TimeWorld) -> None:
    world.asking()
    pass_time(world, NOON)
    before = world.said()
    assert not step(world.worker())
    assert world.said() == before


def test_what_is_not_confirmed_lapses_and_goes_down_the_reserve(world: TimeWorld) -> None:
    for _ in range(5):
        world.asking("NOG")
    pass_time(world, NOON)
    assert [state for _, state in world.offers()] == ["offered"]
    world.healthy(NOON - HOUR, NOON + timedelta(hours=25))
    world.now = NOON + timedelta(hours=23, minutes=40)
    step(world.worker())
    assert [state for _, state in world.offers()] == ["lapsed", "offered"]


def test_nothing_lapses_without_evidence_that_confirming_worked(world: TimeWorld) -> None:
    world.asking("NOG")
    pass_time(world, NOON)
    worker = world.worker()
    world.now = NOON + timedelta(hours=25)
    step(worker)
    assert [state for _, state in world.offers()] == ["offered"]
    world.healthy(NOON - HOUR, NOON + timedelta(hours=24))
    world.now += timedelta(minutes=2)
    step(worker)
    assert [state for _, state in world.offers()] == ["lapsed"]


def test_appointments_that_were_not_kept_are_missed_when_the_day_is_over(world: TimeWorld) -> None:
    pass_time(world, NOON - timedelta(hours=20))
    world.stop_calendar()
    pass_time(world, NOON)
    world.now = datetime.combine(DAY + timedelta(days=1), NOON.time(), NOON.tzinfo)
    step(world.worker())
    assert world.states() == {DAY.isoformat(): "closed"}


def test_a_round_whose_day_has_come_is_void_and_not_drawn(world: TimeWorld) -> None:
    world.asking()
    pass_time(world, NOON - timedelta(hours=20))
    world.stop_calendar()
    world.now = NOON + timedelta(days=22)
    step(world.worker())
    assert world.states() == {DAY.isoformat(): "void"}


class Slow(Beacons):
    """Observers who reveal only when `ready`; drand that promises but has nothing to show."""

    def __init__(self, home: Path, *, drand: bool = False) -> None:
        super().__init__(home)
        self.ready = False
        self.drand = drand

    def choose(self, profile: Profile, program: str, day: date, seed_at: datetime, now: datetime) -> Beacon:
        if self.drand:
            return Drand(QUICKNET, drand_round_at(seed_at))
        return super().choose(profile, program, day, seed_at, now)

    def proof(self, profile: Profile, manifest: Manifest) -> Proof | None:
        return super().proof(profile, manifest) if self.ready else None


def test_a_round_waits_for_its_random_value_and_others_do_not_wait_with_it(world: TimeWorld) -> None:
    world.asking()
    source = Slow(world.home)
    worker = world.worker(source)
    for hours in (0, 12, 24, 25):
        world.now = NOON + timedelta(hours=hours - 24)
        step(worker)
    assert list(world.states().values()) == ["sealed", "open"]
    source.ready = True
    world.now += timedelta(minutes=2)
    step(worker)
    assert list(world.states().values()) == ["drawn", "open"]


def test_a_list_sealed_late_waits_for_a_drand_value_that_is_not_public_yet(world: TimeWorld) -> None:
    pass_time(world, NOON - timedelta(hours=20))
    world.now = NOON + timedelta(minutes=7, seconds=10)
    step(world.worker(Slow(world.home, drand=True)))
    row = world.conn.execute("SELECT manifest, seed_at, draw_at, state FROM round ORDER BY date").fetchone()
    assert row is not None
    manifest, seed_at, draw_at, state = row
    assert state == "sealed"
    assert seed_at == draw_at == NOON + timedelta(minutes=9)
    assert json.loads(manifest)["beacon"]["round"] == drand_round_at(seed_at)


def test_observers_commit_the_same_after_a_crash(world: TimeWorld) -> None:
    once, again = (Beacons(world.home).choose(world.profile, "arrival", DAY, NOON, world.now) for _ in range(2))
    assert once == again
    assert isinstance(once, CommitReveal)
    assert sorted(c.by for c in once.commitments) == ["notary", "ombudsman"]


def test_one_row_that_fails_does_not_stop_the_others(world: TimeWorld) -> None:
    world.asking()
    pass_time(world, NOON - timedelta(hours=13))

    class Broken(Beacons):
        def choose(self, profile: Profile, program: str, day: date, seed_at: datetime, now: datetime) -> Beacon:
            raise RuntimeError("no")

    worker = world.worker(Broken(world.home))
    world.now = NOON + timedelta(hours=1)
    step(worker)
    assert list(world.states().values()) == ["open", "open"]  # the next date was opened nevertheless
    pass_time(world, world.now + timedelta(minutes=4), every=timedelta(minutes=1))
    assert list(world.states().values()) == ["drawn", "open"]
