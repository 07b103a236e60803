"""Somebody asks in the last moment before a round closes, and is still being written down when it is due to be sealed.

A list without them would be sealed and public, and they would have the receipt of a request that was made in time.
"""

from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import pytest

from fairgate.commands.due import Aside, next_step
from fairgate.commands.request import Ask, request
from fairgate.commands.seal import Seal, seal
from fairgate.core.lifecycle import Done, Outcome
from fairgate.store import registrations
from meeting import Meeting
from sealed_rounds import COMMITMENTS
from world import World

DAY = date(2999, 3, 20)  # PostgreSQL tells when a transaction began by its own clock, which is before that


def what_is_due(world: World, conn: psycopg.Connection, *, later: timedelta) -> str:
    step = next_step(conn, world.round(DAY).closes_at + later, Aside())
    assert step is not None
    return step.act


def test_sealing_waits_for_whoever_is_being_written_down(
    conn: psycopg.Connection, make_conn: Callable[[], psycopg.Connection]
) -> None:
    world = World(conn)
    world.opened(DAY)
    other, soon = make_conn(), timedelta(milliseconds=1)
    assert what_is_due(world, conn, later=soon) == "seal"
    with other.transaction():
        other.execute("SELECT 1")
        assert what_is_due(world, conn, later=soon) == "wait"
        assert what_is_due(world, conn, later=timedelta(seconds=30)) == "seal", "and not for who stays for hours"
    assert what_is_due(world, conn, later=soon) == "seal"


@pytest.mark.parametrize("waiting", [False, True])
def test_who_asks_in_the_last_moment_is_in_the_list(conn: psycopg.Connection, meeting: Meeting, waiting: bool) -> None:
    """Without the wait they are missing from it."""
    world = World(conn)
    world.asking()
    number = world.registered()
    world.now = world.opened(DAY).closes_at

    def asking(one: psycopg.Connection) -> Outcome:
        return request(one, [Ask(number, world.program, world.ports)], now=world.now, chance=world.on(one).chance)[0]

    def sealing(one: psycopg.Connection) -> list[Outcome]:
        if waiting and what_is_due(world, one, later=timedelta(0)) == "wait":
            return []
        act = Seal(world.program, DAY, COMMITMENTS)
        return seal(one, [act], keys=world.keys, now=world.now, chance=world.on(one).chance)

    asked, sealed = meeting.of(asking, sealing, pause_after=(registrations, "lock"))
    assert isinstance(asked, Done)
    assert bool(sealed) is not waiting
    again = sealed or sealing(conn)
    assert all(isinstance(outcome, Done) for outcome in again)
    assert world.one("SELECT count(*) FROM entry") == (2 if waiting else 1)
