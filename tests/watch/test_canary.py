"""The watcher always has a place to confirm, which is in nobody's way."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from fairgate.commands.canary import Prepare, Ready, prepare, turn_of
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.find_outages import find_outages
from fairgate.commands.register import Register, register
from fairgate.core import numbers
from fairgate.core.canary import PROGRAM
from fairgate.core.lifecycle import Done
from fairgate.core.registering import Member
from fairgate.core.sealing import code_matches
from fairgate.notify.channels import Folder
from fairgate.notify.run import Desk, hand_over
from fairgate.store import counts, due, lists, registrations, rounds
from fairgate.store import offers as store_offers
from time_world import NOON, TimeWorld, must

DAY = NOON.date()


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    made = TimeWorld(conn, tmp_path)
    made.now = NOON
    return made


def ready(world: TimeWorld, turn: int = 0, day: date = DAY, watcher: str = "watch a") -> Ready:
    return prepare(world.conn, Prepare(watcher, day, turn), keys=world.keys, now=world.now)


def confirmed(world: TimeWorld, place: Ready) -> None:
    [outcome] = confirm(world.conn, [Confirm(place.number, PROGRAM)], now=world.now, chance=os.urandom)
    assert isinstance(outcome, Done), outcome
    assert not outcome.repeated


def offers(world: TimeWorld) -> list[tuple[date, str]]:
    return world.conn.execute(
        "SELECT r.date, o.state FROM offer o JOIN round r ON r.id = o.round_id ORDER BY o.id"
    ).fetchall()


def test_number_and_code_open_a_place_that_can_be_confirmed(world: TimeWorld) -> None:
    place = ready(world)
    found = registrations.find(world.conn, place.number)
    assert found is not None
    assert code_matches(world.keys, place.number, place.code, found.code_hash)
    confirmed(world, place)


def test_the_same_turn_again_finds_the_same_place(world: TimeWorld) -> None:
    assert ready(world) == ready(world)
    assert len(offers(world)) == 1


def test_every_turn_of_a_day_has_its_own_place_and_every_watcher_too(world: TimeWorld) -> None:
    places = [ready(world, turn, watcher=watcher) for turn in range(3) for watcher in ("watch a", "watch b")]
    assert len(set(places)) == 6
    for place in places:
        confirmed(world, place)
    assert offers(world) == [(DAY, "confirmed")] * 6


def test_the_next_day_the_same_registration_gets_a_new_place(world: TimeWorld) -> None:
    before = ready(world)
    confirmed(world, before)
    world.now += timedelta(days=1)
    place = ready(world, day=DAY + timedelta(days=1))
    assert place == before
    confirmed(world, place)
    assert offers(world) == [(DAY, "cancelled"), (DAY + timedelta(days=1), "confirmed")]


def test_a_place_that_was_not_confirmed_yesterday_is_replaced_too(world: TimeWorld) -> None:
    ready(world)
    world.now += timedelta(days=1)
    confirmed(world, ready(world, day=DAY + timedelta(days=1)))
    assert [state for _, state in offers(world)] == ["cancelled", "confirmed"]


def test_late_in_the_day_the_window_is_still_open(world: TimeWorld) -> None:
    ready(world)
    world.now += timedelta(hours=23, minutes=59)
    confirmed(world, ready(world, 8000))


def test_preparing_appends_nothing_and_tells_nobody(world: TimeWorld) -> None:
    before = world.said()
    place = ready(world)
    world.now += timedelta(days=1)
    ready(world, day=DAY + timedelta(days=1))
    assert world.said() == before
    assert world.conn.execute("SELECT count(*) FROM notice").fetchone() == (0,)
    confirmed(world, place)
    assert world.said() == [*before, "confirmed"]


def test_nothing_comes_due_and_outages_move_nothing_of_it(world: TimeWorld) -> None:
    ready(world)
    confirmed(world, ready(world, 1))
    later = world.now + timedelta(days=3)
    assert due.first(world.conn, later, 10) == []
    assert rounds.unpublished(world.conn, 10) == []
    world.conn.execute("INSERT INTO outage (start_at, recorded_at) VALUES (%s, %s)", [NOON, NOON])
    assert find_outages(world.conn, now=later, chance=os.urandom) == 0


def test_it_is_in_no_list_and_holds_no_people(world: TimeWorld) -> None:
    ready(world)
    assert world.conn.execute("SELECT count(*) FROM person").fetchone() == (0,)
    assert world.conn.execute("SELECT count(*) FROM request").fetchone() == (0,)
    assert lists.eligible(world.conn, PROGRAM, world.now, 10) == []
    assert lists.eligible(world.conn, "arrival", world.now, 10) == []
    assert world.profile.program(PROGRAM).hidden


def test_no_officer_and_no_figure_sees_it(world: TimeWorld) -> None:
    confirmed(world, ready(world))
    assert store_offers.of_day(world.conn, DAY, "SYS") == []
    assert counts.offers(world.conn) == counts.rounds(world.conn) == {}
    assert not counts.used(world.conn)


def test_a_number_that_is_somebody_elses_is_passed_over(world: TimeWorld) -> None:
    with world.conn.transaction(force_rollback=True):
        wanted = ready(world)
    act = Register(wanted.number, numbers.new_code(os.urandom), "en", [Member("Ana", "Pérez", date(1990, 5, 1))])
    must(register(world.conn, [act], keys=world.keys, now=world.now, chance=os.urandom))
    place = ready(world)
    assert place.number != wanted.number
    confirmed(world, place)


def test_its_notices_go_to_nobody(world: TimeWorld) -> None:
    confirmed(world, ready(world))
    desk = Desk(world.worker().connect, Folder(world.home), world.keys, clock=lambda _: world.now)
    assert hand_over(desk)
    assert not (world.home / "notices").exists()
    assert world.conn.execute("SELECT state FROM notice").fetchall() == [("sent",)]


def test_turns_count_through_the_day() -> None:
    noon = datetime(2026, 12, 1, 12, 0, 10, tzinfo=UTC)
    assert turn_of(noon, 10.0) == (date(2026, 12, 1), 4321)
    assert turn_of(datetime(2026, 12, 1, tzinfo=UTC), 10.0) == (date(2026, 12, 1), 0)
