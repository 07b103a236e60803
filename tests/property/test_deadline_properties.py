"""What must hold for deadlines whatever happens (RULES.md, section 2), and the fast function beside the obvious one."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fairgate.core.deadlines import PAUSED, Because, Outage, Policy, deadline, explain
from property import reference_deadlines as reference

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# clocks are set forward or back within three days of each, somewhere in ZONES; Samoa left out 30 December 2011
BASES = [
    datetime(*day, tzinfo=UTC) for day in ((2024, 5, 21), (2024, 11, 2), (2025, 3, 8), (2024, 4, 6), (2011, 12, 29))
]
ZONES = (
    *("UTC", "America/Tijuana", "America/Ciudad_Juarez", "America/Phoenix", "Europe/Berlin"),
    *("Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana", "Pacific/Apia", "Africa/Cairo"),
)

moments = st.builds(lambda base, s: base + timedelta(seconds=s), st.sampled_from(BASES), st.integers(0, 4 * 86400))
zones = st.sampled_from(ZONES).map(ZoneInfo)
lengths = st.one_of(st.sampled_from([0, 30, 899, 900, 3599, 3600, 3601, 40000]), st.integers(0, 2 * 86400)).map(
    lambda s: timedelta(seconds=s)
)
minutes_of_day = st.integers(0, 24 * 60 - 1).map(lambda m: time(m // 60, m % 60))
policies = st.one_of(
    st.just(Policy()),
    st.builds(
        Policy,
        window=st.integers(1, 40).map(lambda h: h * HOUR),
        round_to=st.sampled_from([15, 45, 60, 3600, 5400, 7200]).map(lambda s: timedelta(seconds=s)),
        quiet_from=minutes_of_day,
        quiet_to=st.one_of(minutes_of_day, st.sampled_from([time(0, 30), time(2, 15), time(2, 30)])),
        merge_gap=st.sampled_from([0, 1, 15, 60]).map(lambda m: m * MINUTE),
    ),
)


class World(NamedTuple):
    """An offer and all that it depends on."""

    opened_at: datetime
    outages: list[Outage]
    policy: Policy
    zone: ZoneInfo

    def with_outages(self, outages: list[Outage]) -> "World":
        return self._replace(outages=outages)


def ends(world: World) -> datetime:
    """The deadline, PAUSED being later than every other."""
    found = deadline(*world)
    return datetime.max.replace(tzinfo=UTC) if found is PAUSED else found


@st.composite
def outages_near(draw, opened_at: datetime) -> Outage:
    start = opened_at + draw(st.sampled_from([-1, 1])) * draw(lengths)
    end = draw(st.one_of(st.none(), *[lengths.map(lambda length: start + length)] * 7))
    notice_at = None if end is None else draw(st.one_of(st.none(), *[lengths.map(lambda late: end + late)] * 7))
    return Outage(start, end, notice_at)


@st.composite
def worlds(draw, policy=policies) -> World:
    opened_at = draw(moments)
    outages = draw(st.lists(outages_near(opened_at), max_size=5))
    return World(opened_at, outages, draw(policy), draw(zones))


@st.composite
def worlds_told_in_time(draw) -> World:
    """Everybody was told of the end of an outage before the next one began."""
    world = draw(worlds(policy=st.just(Policy())))
    at = world.opened_at - draw(lengths)
    outages = []
    for _ in range(draw(st.integers(0, 4))):
        start = at + draw(lengths)
        end = start + draw(lengths)
        at = end + draw(lengths)
        outages.append(Outage(start, end, at))
    return world.with_outages(outages)


@given(worlds())
def test_the_deadline_is_that_of_the_obvious_reference(world):
    found = deadline(*world)
    assert (None if found is PAUSED else found) == reference.deadline(*world)


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_in_which_outages_were_recorded_does_not_matter(world, chance):
    shuffled = chance.sample(world.outages, len(world.outages))
    assert deadline(*world.with_outages(shuffled)) == deadline(*world)


@given(worlds())
def test_there_is_at_least_the_window_of_time_outside_outages(world):
    end = ends(world)
    assume(end.year < 9999)
    lost, known_to = timedelta(), world.opened_at
    for outage in sorted(world.outages, key=lambda outage: outage.start):
        until = end if outage.end is None else min(outage.end, end)
        lost += max(timedelta(), until - max(outage.start, known_to))
        known_to = max(known_to, until)
    assert end - world.opened_at - lost >= world.policy.window


@given(worlds())
def test_a_deadline_that_an_outage_moved_is_rounded_up_and_not_at_night(world):
    found, steps = explain(*world)
    assume(found is not PAUSED and any(step.because is Because.MOVED for step in steps))
    assert not reference.quiet(found, world.policy, world.zone)
    moved = next(step for step in reversed(steps) if step.because is Because.MOVED)
    assert found == moved.rounded or found.astimezone(world.zone).time() >= world.policy.quiet_to
    assert moved.rounded == reference.rounded_up(moved.due, world.policy.round_to)


@given(worlds())
def test_the_sum_can_be_followed_step_by_step(world):
    found, steps = explain(*world)
    assert found == deadline(*world) == steps[-1].deadline
    assert sum(step.merged for step in steps) == len(world.outages) or found is PAUSED
    for before, step in pairwise(steps):
        if step.because is Because.MOVED:
            assert step.due == max(before.due + step.lost, step.told_until)
            assert step.due <= step.rounded <= step.deadline
            assert step.outage.start <= before.deadline
        elif step.because in (Because.BEGAN_AFTER, Because.OVER_BEFORE):
            assert (step.due, step.deadline) == (before.due, before.deadline)
        else:
            assert step is steps[-1]
            assert found is PAUSED


def test_of_outages_that_begin_together_the_order_does_not_matter_either():
    """Without a merge gap, one of no length lies within the longer one, whichever was recorded first."""
    start = BASES[0]
    none, long = Outage(start, start), Outage(start, start + HOUR, notice_at=start + HOUR)
    world = World(start, [none, long], Policy(merge_gap=timedelta()), ZoneInfo("UTC"))
    assert [step.merged for step in explain(*world)[1]] == [0, 2]
    assert explain(*world) == explain(*world.with_outages([long, none]))


def groups(world: World) -> int:
    return len(reference.merged(world.outages, world.policy.merge_gap))


plain_policies = policies.filter(lambda policy: policy.quiet_from >= time(4) or policy.quiet_from == time(0))


@given(worlds(policy=plain_policies), st.data())
def test_a_deadline_never_gets_earlier_when_an_outage_is_added(world, data):
    more = world.with_outages([*world.outages, data.draw(outages_near(world.opened_at))])
    assume(groups(more) >= groups(world))  # it does not make two into one: see below
    assert ends(more) >= ends(world)


@st.composite
def grown(draw, world: World) -> World:
    """The same world with one outage that began earlier, ended later or not at all, or was told later or not yet."""
    place = draw(st.integers(0, len(world.outages) - 1))
    old = world.outages[place]
    start = old.start - draw(lengths)
    end = old.end and old.end + draw(lengths)
    notice_at = end and old.notice_at and max(end, old.notice_at + draw(lengths))
    kind = draw(st.sampled_from(["dated", "dated", "dated", "not told", "lasts"]))
    new = {"dated": Outage(start, end, notice_at), "not told": Outage(start, end), "lasts": Outage(start)}[kind]
    return world.with_outages([*world.outages[:place], new, *world.outages[place + 1 :]])


@given(worlds(policy=plain_policies).filter(lambda world: world.outages), st.data())
def test_a_deadline_never_gets_earlier_when_an_outage_grows_or_is_told_later(world, data):
    more = data.draw(grown(world))
    assume(groups(more) == groups(world))  # it does not make two into one: see below
    assert ends(more) >= ends(world)


@given(worlds_told_in_time(), st.data())
def test_neither_does_it_when_outages_become_one_if_everybody_was_told_in_time(world, data):
    more = world.with_outages([*world.outages, data.draw(outages_near(world.opened_at))])
    assert ends(more) >= ends(world)
    if world.outages:
        assert ends(data.draw(grown(world))) >= ends(world)


def test_two_outages_that_become_one_give_their_time_back_once_only():
    """The corner in which RULES.md, section 2, contradicts itself: the algorithm against "never gets earlier".

    Of the first outage people were told 18 hours after it, when the second had come and gone.

        two    due = max(11:00 + 10 min, 08:00 + 12 h) = 20:00, then 20:00 + 10 min, rounded up   21:00
        one    due = max(11:00 + 40 min, 08:00 + 12 h)                                          = 20:00
    """

    def at(day: int, hour: int, minute: int = 0) -> datetime:
        return datetime(2024, 5, day, hour, minute, tzinfo=UTC)

    second = Outage(at(21, 14, 30), at(21, 14, 40), notice_at=at(21, 15))
    world = World(
        at(21, 12), [Outage(at(21, 14), at(21, 14, 10), notice_at=at(22, 8)), second], Policy(), ZoneInfo("UTC")
    )
    grew = world.with_outages([Outage(at(21, 14), at(21, 14, 20), notice_at=at(22, 8)), second])
    assert deadline(*world) == at(22, 21)
    assert deadline(*grew) == at(22, 20)
    assert reference.deadline(*grew) == at(22, 20)


@pytest.mark.parametrize("zone", ["Pacific/Apia", "Australia/Lord_Howe", "America/Havana"])
@given(base=st.sampled_from(BASES), hours=st.integers(0, 96), quiet_from=minutes_of_day, quiet_to=minutes_of_day)
@example(base=BASES[4], hours=20, quiet_from=time(22), quiet_to=time(9))
def test_the_night_ends_as_the_obvious_reference_says_where_clocks_are_odd(zone, base, hours, quiet_from, quiet_to):
    end = base + hours * HOUR
    policy = Policy(window=HOUR, quiet_from=quiet_from, quiet_to=quiet_to)
    world = World(base, [Outage(base, end, end)], policy, ZoneInfo(zone))
    assert deadline(*world) == reference.deadline(*world)
