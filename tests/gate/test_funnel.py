"""The funnel, at a time that passes when a test says so, with carriers that do what a test says."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fairgate.gate.carrying import Fault
from fairgate.gate.funnel import Funnel, Unanswered
from gate.standing_time import Said, StandingTime, Told, settled

PATIENCE_S = 6.0


class Scene:
    """A funnel with carriers and a watcher; `come` lets people come."""

    def __init__(self, loop: StandingTime, carriers: int, watcher: Any = None, **limits: float) -> None:
        self.loop = loop
        self.told = watcher or Told()
        self.carriers = [Said(loop) for _ in range(carriers)]
        given: dict[str, Any] = {"queue_most": 100, "batch_most": 50} | limits
        self.funnel: Funnel[str, str] = Funnel("test", self.carriers, patience_s=PATIENCE_S, watcher=self.told, **given)

    @property
    def carrier(self) -> Said:
        """The only one, or the one that is taken first."""
        return self.carriers[-1]

    async def come(self, *acts: str) -> list["asyncio.Task[str]"]:
        people = [self.loop.create_task(self.funnel.submit(act)) for act in acts]
        await settled()
        return people

    async def leave(self) -> None:
        """What is left ends, and the funnel closes."""
        for carrier in self.carriers:
            if carrier.under_way:
                carrier.ends()
        await self.all_ended()
        closing = self.loop.create_task(self.funnel.close())
        await self.loop.passes(1)
        await closing

    async def all_ended(self) -> None:
        """Wait until the funnel knows of all that the carriers have ended."""
        await self.loop.until(lambda: self.told.ended == sum(carrier.begun for carrier in self.carriers))


Play = Callable[..., None]


@pytest.fixture
def play() -> Play:
    """Plays a scene: `play(scene, carriers=1, ...)` with the limits of the funnel; then it closes."""

    def played(
        scene: Callable[[Scene], Coroutine[Any, Any, None]], *, carriers: int = 1, trouble: bool = False, **given: Any
    ) -> None:
        async def whole() -> None:
            here = Scene(loop, carriers, **given)
            await scene(here)
            await here.leave()
            assert all(carrier.closed for carrier in here.carriers)

        with StandingTime() as loop:
            loop.run(whole(), trouble=trouble)

    return played


async def fault_of(person: "asyncio.Task[str]") -> Fault:
    with pytest.raises(Unanswered) as unanswered:
        await person
    return unanswered.value.fault


# -- batches ------------------------------------------------------------------------------------


def test_an_act_that_finds_a_free_carrier_goes_at_once_and_alone(play: Play) -> None:
    async def scene(here: Scene) -> None:
        [person] = await here.come("a")
        assert await here.carrier.taken() == ["a"]
        here.carrier.ends()
        assert await person == "a done"
        assert here.told.batches == [(1, 0.0, 0.0)]

    play(scene)


def test_acts_that_arrive_in_one_moment_are_one_batch(play: Play) -> None:
    async def scene(here: Scene) -> None:
        people = await here.come("a", "b", "c")
        assert await here.carrier.taken() == ["a", "b", "c"]
        here.carrier.ends()
        assert await asyncio.gather(*people) == ["a done", "b done", "c done"]

    play(scene)


def test_what_arrives_while_a_batch_is_under_way_is_the_next_batch(play: Play) -> None:
    async def scene(here: Scene) -> None:
        first = await here.come("a")
        await here.carrier.taken()
        others = [*await here.come("b"), *await here.come("c", "d")]
        assert here.carrier.under_way == 1
        await here.loop.passes(2)
        here.carrier.ends()
        assert await here.carrier.taken() == ["b", "c", "d"]
        assert await asyncio.gather(*first) == ["a done"]
        here.carrier.ends()
        assert await asyncio.gather(*others) == ["b done", "c done", "d done"]
        assert here.told.batches == [(1, 0.0, 2.0), (3, 2.0, 0.0)]

    play(scene)


def test_no_batch_is_larger_than_it_may_be(play: Play) -> None:
    async def scene(here: Scene) -> None:
        people = await here.come(*"abcdefgh")
        sizes = []
        for _ in range(3):
            sizes.append(len(await here.carrier.taken()))
            here.carrier.ends()
        assert sizes == [3, 3, 2]
        assert await asyncio.gather(*people) == [f"{act} done" for act in "abcdefgh"]

    play(scene, batch_most=3)


def test_two_carriers_are_under_way_at_once_and_the_later_batch_may_be_done_first(play: Play) -> None:
    async def scene(here: Scene) -> None:
        other, carrier = here.carriers
        [first] = await here.come("a")
        assert await carrier.taken() == ["a"]
        [second] = await here.come("b")
        assert await other.taken() == ["b"]
        [third] = await here.come("c")
        other.ends()
        assert await second == "b done"
        assert await other.taken() == ["c"]
        assert not first.done()
        carrier.ends()
        other.ends()
        assert await asyncio.gather(first, third) == ["a done", "c done"]

    play(scene, carriers=2)


def test_everyone_gets_the_answer_to_their_own_act_in_the_order_of_arrival(play: Play) -> None:
    async def scene(here: Scene) -> None:
        heard: list[str] = []
        people = await here.come(*"abc")
        for person in people:
            person.add_done_callback(lambda done: heard.append(done.result()))
        await here.carrier.taken()
        here.carrier.ends(["1", "2", "3"])
        assert await asyncio.gather(*people) == ["1", "2", "3"]
        assert heard == ["1", "2", "3"]

    play(scene)


# -- limits -------------------------------------------------------------------------------------


def test_who_finds_the_line_full_is_told_at_once(play: Play) -> None:
    async def scene(here: Scene) -> None:
        await here.come("a")
        await here.carrier.taken()
        waiting = await here.come("b", "c")
        turned_away = await here.come("d", "e")
        assert [await fault_of(person) for person in turned_away] == [Fault.FULL, Fault.FULL]
        assert here.told.faults == [(Fault.FULL, 1), (Fault.FULL, 1)]
        here.carrier.ends()
        assert await here.carrier.taken() == ["b", "c"]
        [later] = await here.come("f")
        here.carrier.ends()
        assert await asyncio.gather(*waiting) == ["b done", "c done"]
        here.carrier.ends()
        assert await later == "f done"

    play(scene, queue_most=2)


def test_nobody_stands_in_line_for_longer_than_patience(play: Play) -> None:
    async def scene(here: Scene) -> None:
        a, b = await here.come("a"), await here.come("b", "c")
        assert await here.carrier.taken() == ["a"]
        await here.loop.passes(3)
        [d] = await here.come("d")
        await here.loop.passes(PATIENCE_S - 3 + 0.5)
        assert [await fault_of(person) for person in a + b] == [Fault.AWAY] * 3
        assert not d.done()
        assert here.told.lines[-1] == 1
        here.carrier.ends()
        assert await here.carrier.taken() == ["d"], "whoever was told that there is no answer is not tried any more"
        here.carrier.ends()
        assert await d == "d done"

    play(scene)


def test_nobody_waits_longer_than_patience_in_line_and_under_way_together(play: Play) -> None:
    async def scene(here: Scene) -> None:
        await here.come("a")
        await here.carrier.taken()
        [b] = await here.come("b")
        await here.loop.passes(4)
        [c] = await here.come("c")
        here.carrier.ends()
        assert await here.carrier.taken() == ["b", "c"]
        await here.loop.passes(PATIENCE_S - 4 + 0.5)
        assert await fault_of(b) is Fault.AWAY
        assert here.carrier.abandoned == 0, "the batch itself is not late"
        here.carrier.ends()
        assert await c == "c done"
        assert here.told.faults == [(Fault.AWAY, 1)]

    play(scene)


def test_a_batch_that_hangs_is_abandoned_and_its_people_are_told(play: Play) -> None:
    async def scene(here: Scene) -> None:
        people = await here.come("a", "b")
        await here.carrier.taken()
        await here.loop.passes(PATIENCE_S - 0.5)
        assert not any(person.done() for person in people)
        assert here.carrier.abandoned == 0
        await here.loop.passes(1)
        assert [await fault_of(person) for person in people] == [Fault.AWAY, Fault.AWAY]
        assert here.told.faults == [(Fault.AWAY, 2)]
        assert here.carrier.abandoned >= 1
        before = here.carrier.abandoned
        await here.loop.passes(2)
        assert here.carrier.abandoned > before, "as long as it hangs: it may have hung elsewhere before"

    play(scene)


def test_the_late_outcome_of_an_abandoned_batch_harms_nothing(play: Play) -> None:
    async def scene(here: Scene) -> None:
        [a] = await here.come("a")
        await here.carrier.taken()
        await here.loop.passes(PATIENCE_S + 0.5)
        assert await fault_of(a) is Fault.AWAY
        [b] = await here.come("b")
        here.carrier.ends()
        assert await here.carrier.taken() == ["b"]
        here.carrier.ends()
        assert await b == "b done"
        assert here.told.faults == [(Fault.AWAY, 1)]
        assert [acts for acts, _, _ in here.told.batches] == [1, 1]

    play(scene)


def test_while_one_batch_hangs_the_other_carrier_serves_the_line(play: Play) -> None:
    async def scene(here: Scene) -> None:
        other, carrier = here.carriers
        [a] = await here.come("a")
        await carrier.taken()
        for act in "bcd":
            [person] = await here.come(act)
            assert await other.taken() == [act]
            await here.loop.passes(3)
            other.ends()
            assert await person == f"{act} done"
        assert await fault_of(a) is Fault.AWAY

    play(scene, carriers=2)


def test_a_spare_carrier_stays_while_a_batch_is_on_its_way(play: Play) -> None:
    async def scene(here: Scene) -> None:
        spare, carrier = here.carriers
        [a] = await here.come("a")
        await carrier.taken()
        others = await here.come("b", "c")
        await here.loop.passes(0.25)
        assert spare.under_way == 0
        carrier.ends()
        assert await carrier.taken() == ["b", "c"]
        assert spare.begun == 0
        carrier.ends()
        assert await asyncio.gather(a, *others) == ["a done", "b done", "c done"]

    play(scene, carriers=2, spare_after_s=0.4)


def test_a_spare_carrier_goes_round_a_batch_that_is_held_up(play: Play) -> None:
    async def scene(here: Scene) -> None:
        spare, carrier = here.carriers
        [held_up] = await here.come("a")
        await carrier.taken()
        [waiting] = await here.come("b")
        await here.loop.passes(0.5)
        assert await spare.taken() == ["b"]
        late = await here.come("c")
        spare.ends()
        assert await waiting == "b done"
        assert await spare.taken() == ["c"]
        spare.ends()
        carrier.ends()
        assert await asyncio.gather(held_up, *late) == ["a done", "c done"]

    play(scene, carriers=2, spare_after_s=0.4)


def test_nothing_is_looked_over_when_nobody_is_there(play: Play) -> None:
    async def scene(here: Scene) -> None:
        [person] = await here.come("a")
        await here.carrier.taken()
        here.carrier.ends()
        await person
        await here.loop.passes(2)
        told = len(here.told.lines)
        await here.loop.passes(60)
        assert len(here.told.lines) == told

    play(scene)


# -- people who go ------------------------------------------------------------------------------


def test_who_goes_away_in_line_holds_nobody_up_and_the_act_is_carried_out(play: Play) -> None:
    async def scene(here: Scene) -> None:
        await here.come("a")
        await here.carrier.taken()
        b, c = await here.come("b", "c")
        b.cancel()
        await settled()
        here.carrier.ends()
        assert await here.carrier.taken() == ["b", "c"]
        here.carrier.ends()
        assert await c == "c done"
        assert b.cancelled()
        assert here.told.faults == []

    play(scene)


def test_who_goes_away_under_way_breaks_nothing(play: Play) -> None:
    async def scene(here: Scene) -> None:
        a, b = await here.come("a", "b")
        await here.carrier.taken()
        a.cancel()
        await settled()
        here.carrier.ends([Fault.FAILED, "b done"])
        assert await b == "b done"
        assert a.cancelled()
        assert here.told.faults == [], "nobody heard it"

    play(scene)


def test_who_goes_away_in_the_moment_of_the_answer_leaves_no_trouble_behind(play: Play) -> None:
    async def scene(here: Scene) -> None:
        a, b = await here.come("a", "b")
        await here.carrier.taken()
        a.cancel()
        here.carrier.ends([Fault.FAILED, Fault.FAILED])
        assert await fault_of(b) is Fault.FAILED
        with pytest.raises(asyncio.CancelledError):
            await a

    play(scene)


# -- what goes wrong ----------------------------------------------------------------------------


def test_each_fault_is_told_to_whom_it_concerns_and_counted(play: Play) -> None:
    async def scene(here: Scene) -> None:
        people = await here.come(*"abcde")
        await here.carrier.taken()
        here.carrier.ends(["1", Fault.FAILED, Fault.AWAY, "4", Fault.FAILED])
        assert await people[0] == "1"
        assert await people[3] == "4"
        assert [await fault_of(people[i]) for i in (1, 2, 4)] == [Fault.FAILED, Fault.AWAY, Fault.FAILED]
        assert sorted(here.told.faults) == [(Fault.AWAY, 1), (Fault.FAILED, 2)]

    play(scene)


@pytest.mark.parametrize(
    "error", [ValueError("a"), AssertionError(), MemoryError(), SystemExit(1), KeyboardInterrupt()]
)
def test_whatever_a_carrier_raises_people_are_answered_and_the_next_are_served(
    play: Play, error: BaseException
) -> None:
    async def scene(here: Scene) -> None:
        people = await here.come("a", "b")
        await here.carrier.taken()
        here.carrier.ends(error)
        assert [await fault_of(person) for person in people] == [Fault.AWAY, Fault.AWAY]
        [c] = await here.come("c")
        await here.carrier.taken()
        here.carrier.ends()
        assert await c == "c done"

    play(scene)


@pytest.mark.parametrize("outcomes", [[], ["only one"], ["1", "2", "3"]])
def test_outcomes_that_are_more_or_fewer_than_the_acts_are_given_to_nobody(play: Play, outcomes: list[str]) -> None:
    async def scene(here: Scene) -> None:
        people = await here.come("a", "b")
        await here.carrier.taken()
        here.carrier.ends(outcomes)
        assert [await fault_of(person) for person in people] == [Fault.AWAY, Fault.AWAY]
        assert here.told.faults == [(Fault.AWAY, 2)]

    play(scene)


class Clumsy(Told):
    """A watcher that breaks whatever it is told."""

    def batch(self, *_: object) -> None:
        self.ended += 1
        raise RuntimeError("batch")

    def unanswered(self, *_: object) -> None:
        raise RuntimeError("unanswered")


def test_a_watcher_that_breaks_takes_no_answer_from_anybody(play: Play) -> None:
    async def scene(here: Scene) -> None:
        people = await here.come("a", "b")
        await here.carrier.taken()
        [c] = await here.come("c")
        here.carrier.ends()
        assert await asyncio.gather(*people) == ["a done", "b done"]
        await here.carrier.taken()
        await here.loop.passes(PATIENCE_S + 0.5)
        assert await fault_of(c) is Fault.AWAY

    play(scene, watcher=Clumsy(), trouble=True)


# -- the end ------------------------------------------------------------------------------------


def test_closing_finishes_what_is_under_way_and_in_line(play: Play) -> None:
    async def scene(here: Scene) -> None:
        people = await here.come("a")
        await here.carrier.taken()
        people += await here.come("b", "c")
        closing = here.loop.create_task(here.funnel.close())
        await settled()
        [late] = await here.come("d")
        assert await fault_of(late) is Fault.FULL
        assert not closing.done()
        here.carrier.ends()
        assert await here.carrier.taken() == ["b", "c"]
        await here.loop.passes(1)
        assert not closing.done()
        assert not here.carrier.closed
        here.carrier.ends()
        assert await asyncio.gather(*people) == ["a done", "b done", "c done"]
        await here.loop.passes(1)
        await closing
        assert here.carrier.closed

    play(scene)


def test_closing_leaves_behind_what_does_not_come_back(play: Play) -> None:
    async def scene(here: Scene) -> None:
        other, carrier = here.carriers
        [person] = await here.come("a")
        await carrier.taken()
        closing = here.loop.create_task(here.funnel.close())
        await here.loop.passes(PATIENCE_S + 0.5)
        assert await fault_of(person) is Fault.AWAY
        assert not closing.done()
        await here.loop.passes(PATIENCE_S + 0.5)
        await closing
        assert other.closed
        assert not carrier.closed, "its thread still has it"
        carrier.ends()
        await here.all_ended()
        carrier.close()

    play(scene, carriers=2)
