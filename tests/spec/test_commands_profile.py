"""Loading a profile into a deployment that runs."""

from datetime import timedelta

import psycopg
import pytest

from fairgate.commands.canary import Prepare, prepare
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.load_profile import load_profile
from fairgate.commands.miss import Close, Miss, close, miss
from fairgate.commands.rounds import Void, open_due, start_calendar, void
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Refused
from fairgate.store import profiles
from world import DAY, TWO_PORTS, World

PROGRAMS = TWO_PORTS["programs.toml"]
WITHOUT_TOUR = {**TWO_PORTS, "programs.toml": PROGRAMS[: PROGRAMS.index("[tour]")]}
WITHOUT_BBB = {
    **TWO_PORTS,
    "ports.toml": TWO_PORTS["ports.toml"][: TWO_PORTS["ports.toml"].index("[BBB]")],
    "programs.toml": PROGRAMS.replace('[arrival.ports.BBB.every_day]\n        "09:00" = 4\n', ""),
}


def test_the_newest_profile_holds(conn: psycopg.Connection) -> None:
    world = World(conn)
    assert profiles.current(conn).find_program("tour") is not None
    load_profile(conn, WITHOUT_TOUR, now=world.now)
    assert profiles.current(conn).find_program("tour") is None
    load_profile(conn, WITHOUT_TOUR, now=world.now)
    assert world.one("SELECT count(*) FROM profile") == 2, "the same again is no new one"


def test_a_profile_with_a_fault_changes_nothing(conn: psycopg.Connection) -> None:
    world = World(conn)
    with pytest.raises(BadInput, match=r"programs\.toml"):
        load_profile(conn, {**TWO_PORTS, "programs.toml": "[arrival"}, now=world.now)
    assert world.one("SELECT count(*) FROM profile") == 1


def test_a_program_is_kept_until_its_rounds_are_over(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.opened(program="tour")
    with pytest.raises(BadInput, match='leaves out "tour", whose round of 2026-03-20 is not over'):
        load_profile(conn, WITHOUT_TOUR, now=world.now)
    void(conn, [Void("tour", DAY, "the tour ends")], **world.clock)
    load_profile(conn, WITHOUT_TOUR, now=world.now)


def test_a_port_is_kept_until_its_rounds_are_over(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.drawn()
    with pytest.raises(BadInput, match='leaves out "BBB", where the round of 2026-03-20'):
        load_profile(conn, WITHOUT_BBB, now=world.now)


def test_who_comes_to_a_port_that_was_given_up_is_refused_and_not_met_by_an_error(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.confirmed(1, ["BBB"])
    world.now += timedelta(days=60)
    [missed] = miss(conn, [Miss(number, world.program)], **world.clock)
    [closed] = close(conn, [Close(world.program, DAY)], **world.clock)
    assert isinstance(missed, Done)
    assert isinstance(closed, Done)
    load_profile(conn, WITHOUT_BBB, now=world.now)
    [outcome] = check_in(conn, [CheckIn(number, world.program)], **world.clock)
    assert isinstance(outcome, Refused)


def test_where_watchers_confirm_is_no_reason_to_keep_a_port(conn: psycopg.Connection) -> None:
    world = World(conn)
    prepare(conn, Prepare("a watcher", world.now.date(), 1), keys=world.keys, now=world.now)
    assert world.one("SELECT port FROM slot") == "AAA"
    without_aaa = {
        **TWO_PORTS,
        "ports.toml": TWO_PORTS["ports.toml"].replace("[AAA]", "[CCC]"),
        "programs.toml": PROGRAMS.replace(".AAA.", ".CCC."),
    }
    load_profile(conn, without_aaa, now=world.now)


def test_no_round_opens_of_a_program_that_is_gone(conn: psycopg.Connection) -> None:
    world = World(conn)
    start_calendar(conn, world.profile.program("tour"), DAY)
    load_profile(conn, WITHOUT_TOUR, now=world.now)
    world.now += timedelta(days=400)
    assert open_due(conn, **world.clock) == []
