"""Races about one offer: what happens without the lock on the registration, then that the lock cures it.

| race | without the lock |
| --- | --- |
| two confirms | the second to write finds another state than it decided on: an error instead of an answer |
| … and the guard of the UPDATE away too | two leaves and two notices for one confirmation |
| two confirms with one key | likewise an error, for a person who has confirmed |
| confirm against lapse | the person who confirms at the last moment gets an error instead of "too late" |
| lapse against confirm | the lapse fails, and with it that of everybody in the same batch |
| … and the guard of the UPDATE away too | PostgreSQL refuses to make an appointment of an offer that lapsed |
| withdraw against draw | somebody who has withdrawn, and was told so, is offered a place |
| samples that arrive during a lapse | (read once:) else failures fill a gap in the evidence, and count as health |
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.draw import Draw, draw
from fairgate.commands.lapse import Lapse, lapse
from fairgate.commands.request import Withdraw, withdraw
from fairgate.core.lifecycle import Done, Reason, Refused
from fairgate.store import answers, evidence, offers, registrations, requests
from meeting import Meeting, without_lock
from world import DAY, World

Command = Callable[[psycopg.Connection], Any]


def confirming(world: World, number: str, *, key: str | None = None, opened_at: datetime | None = None) -> Command:
    act = Confirm(number, world.program, page_opened_at=opened_at, key=key)
    return lambda conn: confirm(conn, [act], now=world.now, chance=world.on(conn).chance)[0]


def leaves(world: World, kind: str) -> int:
    return int(world.one("SELECT count(*) FROM statement WHERE kind = %s", kind))


def told(world: World, kind: str) -> int:
    return int(world.one("SELECT count(*) FROM notice WHERE kind = %s", kind))


def without_registration_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    without_lock(monkeypatch, registrations, "LOCK")
    without_lock(monkeypatch, registrations, "LOCK_IDS")


def without_compare_and_set(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = " AND o.state = m.was"
    assert guard in offers.MOVE
    monkeypatch.setattr(offers, "MOVE", offers.MOVE.replace(guard, ""))


# -- two confirms of one offer ------------------------------------------------------------------


def test_without_the_lock_the_second_of_two_confirms_is_an_error(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    number = world.offered()
    without_registration_lock(monkeypatch)
    act = confirming(world, number)
    first, second = meeting.of(act, act, pause_after=(offers, "latest"))
    assert isinstance(second, Done)
    assert isinstance(first, AssertionError)
    assert "changed under the lock" in str(first)
    assert leaves(world, "confirmed") == 1


def test_without_lock_and_guard_one_confirmation_is_two_leaves_and_two_notices(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    number = world.offered()
    without_registration_lock(monkeypatch)
    without_compare_and_set(monkeypatch)
    act = confirming(world, number)
    first, second = meeting.of(act, act, pause_after=(offers, "latest"))
    assert not first.repeated
    assert not second.repeated
    assert (leaves(world, "confirmed"), told(world, "confirmed")) == (2, 2)


def test_two_confirms_of_one_offer_are_one_confirmation(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    number = world.offered()
    act = confirming(world, number)
    first, second = meeting.of(act, act, pause_after=(offers, "latest"))
    assert meeting.second_waited
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert (first.repeated, second.repeated) == (False, True)
    assert dict(second.facts) == dict(first.facts)
    assert (leaves(world, "confirmed"), told(world, "confirmed")) == (1, 1)


def test_without_the_lock_the_same_key_twice_at_once_gets_an_error(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    number = world.offered()
    without_registration_lock(monkeypatch)
    act = confirming(world, number, key="k")
    first, second = meeting.of(act, act, pause_after=(answers, "of"))
    assert isinstance(second, Done)
    assert isinstance(first, AssertionError)


def test_the_same_key_twice_at_once_gets_one_answer(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    number = world.offered()
    act = confirming(world, number, key="k")
    first, second = meeting.of(act, act, pause_after=(answers, "of"))
    assert dict(first.facts) == dict(second.facts)
    assert world.one("SELECT count(*) FROM answer") == 1
    assert leaves(world, "confirmed") == 1


# -- confirm against lapse ----------------------------------------------------------------------


class LastMoment:
    """An offer that can be confirmed for the last time, and a moment later lapses."""

    def __init__(self, world: World) -> None:
        self.number = world.offered()
        offer = world.offer(self.number)
        assert offer is not None
        assert offer.deadline is not None
        over = offer.deadline + timedelta(minutes=30)
        world.samples(world.now - timedelta(minutes=5), over)
        world.now = over
        self.confirm = confirming(world, self.number, opened_at=offer.deadline)
        later, window = over + timedelta(microseconds=1), offer.window_id
        self.lapse = lambda conn: lapse(conn, [Lapse(window)], now=later, chance=world.on(conn).chance)


def test_without_the_lock_a_confirm_that_meets_a_lapse_is_an_error(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    case = LastMoment(world)
    without_registration_lock(monkeypatch)
    confirmed, lapsed = meeting.of(case.confirm, case.lapse, pause_after=(offers, "latest"))
    assert len(lapsed) == 1
    assert isinstance(confirmed, AssertionError)
    assert world.state(case.number) == "lapsed"


def test_a_lapse_waits_for_a_confirm_that_came_in_time(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    case = LastMoment(world)
    confirmed, lapsed = meeting.of(case.confirm, case.lapse, pause_after=(offers, "latest"))
    assert meeting.second_waited
    assert isinstance(confirmed, Done)
    assert confirmed.facts["how"] == "in line"
    assert lapsed == []
    assert world.state(case.number) == "confirmed"


def test_without_the_lock_a_lapse_that_meets_a_confirm_fails_for_everyone(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    bystander = world.asking()
    case = LastMoment(world)
    without_registration_lock(monkeypatch)
    lapsed, confirmed = meeting.of(case.lapse, case.confirm, pause_after=(evidence, "attempts"))
    assert isinstance(confirmed, Done)
    assert isinstance(lapsed, AssertionError)
    assert world.state(bystander) == "offered"


def test_without_lock_and_guard_postgresql_refuses_to_lapse_an_appointment(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    case = LastMoment(world)
    without_registration_lock(monkeypatch)
    without_compare_and_set(monkeypatch)
    lapsed, confirmed = meeting.of(case.lapse, case.confirm, pause_after=(evidence, "attempts"))
    assert isinstance(confirmed, Done)
    assert isinstance(lapsed, psycopg.errors.CheckViolation)
    assert "offer cannot go from confirmed to lapsed" in str(lapsed)


def test_a_confirm_waits_for_a_lapse_and_is_told_too_late(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    case = LastMoment(world)
    lapsed, confirmed = meeting.of(case.lapse, case.confirm, pause_after=(evidence, "attempts"))
    assert meeting.second_waited
    assert [outcome.kind for outcome in lapsed] == ["lapsed"]
    assert isinstance(confirmed, Refused)
    assert confirmed.reason is Reason.TOO_LATE


# -- withdraw against draw ----------------------------------------------------------------------


def drawing(world: World) -> Command:
    return lambda conn: draw(conn, [Draw(world.program, DAY)], now=world.now, chance=world.on(conn).chance)[0]


def withdrawing(world: World, number: str) -> Command:
    act = Withdraw(number, world.program)
    return lambda conn: withdraw(conn, [act], now=world.now, chance=world.on(conn).chance)[0]


def test_without_the_lock_somebody_who_has_withdrawn_is_offered_a_place(
    conn: psycopg.Connection, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(conn)
    number = world.asking()
    world.now = world.seeded().draw_at
    without_registration_lock(monkeypatch)
    drawn, withdrawn = meeting.of(drawing(world), withdrawing(world, number), pause_after=(requests, "of"))
    assert isinstance(withdrawn, Done)
    assert isinstance(drawn, Done)
    wish = world.wish(number)
    assert wish is not None
    assert (wish.state, world.state(number)) == ("withdrawn", "offered")


def test_who_withdraws_during_a_draw_is_told_of_the_place_instead(conn: psycopg.Connection, meeting: Meeting) -> None:
    world = World(conn)
    number = world.asking()
    world.now = world.seeded().draw_at
    drawn, withdrawn = meeting.of(drawing(world), withdrawing(world, number), pause_after=(requests, "of"))
    assert meeting.second_waited
    assert isinstance(drawn, Done)
    assert withdrawn == Refused(Reason.HAS_PLACE)
    assert world.state(number) == "offered"


# -- evidence that arrives during a lapse -------------------------------------------------------


def test_samples_that_arrive_during_a_lapse_are_no_evidence_of_health(
    conn: psycopg.Connection, meeting: Meeting
) -> None:
    """A watcher that was cut off brings its samples: they show that nothing worked when nothing was known.

    Whoever looked for outages before and asks for evidence after they came would take them for health.
    """
    world = World(conn)
    number = world.offered()
    offer = world.offer(number)
    assert offer is not None
    assert offer.deadline is not None
    cut_off, over = offer.deadline - timedelta(minutes=1), offer.deadline + timedelta(minutes=30)
    world.samples(world.now - timedelta(minutes=5), cut_off)
    world.now = over + timedelta(minutes=1)

    def samples_only(own: psycopg.Connection) -> None:
        world.on(own).samples(cut_off + timedelta(seconds=10), over, ok=0, failed=1, every_s=10)

    def lapsing(own: psycopg.Connection) -> Any:
        return lapse(own, [Lapse(offer.window_id)], now=world.now, chance=world.on(own).chance)

    lapsed, _ = meeting.of(lapsing, samples_only, pause_after=(evidence, "samples"))
    assert lapsed == []
    assert lapsing(conn) == []
    assert world.state(number) == "offered"
    assert world.one("SELECT start_at FROM outage") == cut_off
