"""A deadline that people were told never moves back, even where the formula would let it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

from fairgate.commands.deadlines import Deadlines
from fairgate.commands.find_outages import move_deadlines
from fairgate.core.deadlines import PAUSED, Because, Outage, Policy, explain, keep_promise
from fairgate.store import evidence, offers
from world import World

OPENED = datetime(2024, 5, 21, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# Of the first people are told late, when the second has long been over.
FIRST = Outage(OPENED + 2 * HOUR, OPENED + 2 * HOUR + 10 * MINUTE, OPENED + 20 * HOUR)
SECOND = Outage(OPENED + 2 * HOUR + 30 * MINUTE, OPENED + 2 * HOUR + 40 * MINUTE, OPENED + 3 * HOUR)
GROWN = replace(FIRST, end=OPENED + 2 * HOUR + 20 * MINUTE)  # so near the second that the two are one


def test_the_formula_alone_goes_back_when_an_outage_grows_into_the_next() -> None:
    policy, zone = Policy(), ZoneInfo("UTC")
    before, after = explain(OPENED, [FIRST, SECOND], policy, zone)[0], explain(OPENED, [GROWN, SECOND], policy, zone)[0]
    assert (before, after) == (OPENED + 33 * HOUR, OPENED + 32 * HOUR)


def test_the_later_of_formula_and_promise_holds_and_the_sum_says_so() -> None:
    explained = explain(OPENED, [GROWN, SECOND], Policy(), ZoneInfo("UTC"))
    deadline, steps = keep_promise(explained, OPENED + 33 * HOUR)
    assert deadline == OPENED + 33 * HOUR
    assert steps[-1].because is Because.PROMISED
    assert keep_promise(explained, OPENED + 31 * HOUR) == explained
    assert keep_promise(explained, None) == explained
    assert keep_promise((PAUSED, ()), OPENED + 33 * HOUR) == (PAUSED, ())


def test_a_window_keeps_what_was_promised_through_growth_and_pause(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    offer = world.offer(number)
    assert offer is not None

    def shifted(outage: Outage) -> Outage:
        by = offer.opened_at - OPENED
        assert outage.end is not None
        assert outage.notice_at is not None
        return Outage(outage.start + by, outage.end + by, outage.notice_at + by)

    def deadline_with(first: int, outage: Outage) -> datetime | None:
        with world.conn.transaction():
            evidence.change_outage(world.conn, first, outage)
            move_deadlines(world.conn, offers.windows_unsettled(world.conn), world.now)
        found = world.offer(number)
        assert found is not None
        stated = Deadlines(world.conn, [found.opened_at]).of(found)
        assert stated == (PAUSED if found.deadline is None else found.deadline)
        return found.deadline

    recorded = evidence.add_outage(world.conn, shifted(FIRST), world.now)
    evidence.add_outage(world.conn, shifted(SECOND), world.now)
    told = deadline_with(recorded, shifted(FIRST))
    assert told is not None
    assert deadline_with(recorded, shifted(GROWN)) == told
    assert deadline_with(recorded, replace(shifted(GROWN), notice_at=None)) is None
    assert deadline_with(recorded, shifted(GROWN)) == told
