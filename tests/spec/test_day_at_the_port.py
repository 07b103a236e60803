"""The day of an appointment is the day at its port, also where people wait in another zone."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

import world as worlds
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.miss import Miss, miss
from fairgate.core.lifecycle import Done, Reason, Refused
from world import DAY, World

# Two hours apart: while it is midnight where people wait, the day at the port is two hours old.
AHEAD = """
    [AAA]
    names = { en = "Alpha", es = "Alfa" }
    zone = "America/Matamoros"
    people_zone = "America/Tijuana"
    [BBB]
    names = { en = "Beta", es = "Beta" }
    zone = "America/Matamoros"
"""


def midnight_at_the_port(days: int = 0) -> datetime:
    return datetime.combine(DAY + timedelta(days=days), time(), tzinfo=ZoneInfo("America/Matamoros"))


@pytest.fixture
def ahead(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(worlds.TWO_PORTS, "ports.toml", AHEAD)
    return World(conn)


def test_a_group_is_checked_in_from_the_first_minute_of_the_day_at_the_port(ahead: World) -> None:
    act = CheckIn(ahead.confirmed(1, ["AAA"]), ahead.program)
    ahead.now = midnight_at_the_port() - timedelta(minutes=1)
    [early] = check_in(ahead.conn, [act], **ahead.clock)
    assert isinstance(early, Refused)
    assert early.reason is Reason.NOT_TODAY
    ahead.now = midnight_at_the_port()
    [outcome] = check_in(ahead.conn, [act], **ahead.clock)
    assert isinstance(outcome, Done)


def test_a_group_has_missed_its_appointment_once_the_day_is_over_at_the_port(ahead: World) -> None:
    act = Miss(ahead.confirmed(1, ["AAA"]), ahead.program)
    ahead.now = midnight_at_the_port(days=1) - timedelta(minutes=1)
    [early] = miss(ahead.conn, [act], **ahead.clock)
    assert isinstance(early, Refused)
    assert early.reason is Reason.NOT_DUE
    ahead.now = midnight_at_the_port(days=1)
    [outcome] = miss(ahead.conn, [act], **ahead.clock)
    assert isinstance(outcome, Done)
