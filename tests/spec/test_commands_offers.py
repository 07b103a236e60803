"""Confirming, declining, cancelling, checking in and missing."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.evidence import RecordAttempt, record_attempts, record_notices, tell_of_outages, tellable
from fairgate.commands.find_outages import find_outages
from fairgate.commands.miss import Miss, miss
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.places import moment
from fairgate.store import notices
from world import DAY, World

MICRO = timedelta(microseconds=1)
IN_LINE = timedelta(minutes=30)
HELD = timedelta(hours=24)


def confirming(world: World, number: str, *, opened_at: datetime | None = None, key: str | None = None) -> Outcome:
    [outcome] = confirm(world.conn, [Confirm(number, world.program, opened_at, key)], **world.clock)
    return outcome


def deadline(world: World, number: str) -> datetime:
    offer = world.offer(number)
    assert offer is not None
    assert offer.deadline is not None
    return offer.deadline


def how(outcome: Outcome) -> object:
    return outcome.facts["how"] if isinstance(outcome, Done) else outcome.reason


def tried(world: World, number: str, at: datetime) -> None:
    record_attempts(world.conn, [RecordAttempt(number, world.program, at, "no answer")], now=max(at, world.now))


# -- confirm ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after_deadline", "page_opened", "attempt", "answer"),
    [  # times relative to the deadline
        (timedelta(), None, None, "on time"),
        (MICRO, None, None, Reason.TOO_LATE),
        (MICRO, timedelta(), None, "in line"),
        (IN_LINE, timedelta(), None, "in line"),
        (IN_LINE, MICRO, None, Reason.TOO_LATE),
        (IN_LINE + MICRO, timedelta(), None, Reason.TOO_LATE),
        (HELD, None, IN_LINE, "held"),
        (HELD, None, IN_LINE + MICRO, Reason.TOO_LATE),
        (HELD + MICRO, None, IN_LINE, Reason.TOO_LATE),
        (IN_LINE, timedelta(), -IN_LINE, "in line"),
    ],
)
def test_a_confirmation_is_on_time_in_line_held_or_too_late(
    conn: psycopg.Connection,
    after_deadline: timedelta,
    page_opened: timedelta | None,
    attempt: timedelta | None,
    answer: str | Reason,
) -> None:
    world = World(conn)
    number = world.offered()
    over = deadline(world, number)
    if attempt is not None:
        tried(world, number, over + attempt)
    world.now = over + after_deadline
    outcome = confirming(world, number, opened_at=None if page_opened is None else over + page_opened)
    assert how(outcome) == answer
    assert world.state(number) == ("offered" if answer is Reason.TOO_LATE else "confirmed")


def test_too_late_is_said_with_the_deadline_and_every_outage_that_moved_it(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    start = world.now
    world.samples(start - timedelta(minutes=5), start + timedelta(hours=1))
    broken, mended = start + timedelta(hours=2), start + timedelta(hours=3)
    world.samples(start + timedelta(hours=1), broken)
    world.broken(broken, mended)
    world.now = mended + timedelta(minutes=20)
    world.samples(mended + timedelta(minutes=15), world.now)
    find_outages(conn, **world.clock)
    assert world.one('SELECT deadline FROM "window"') is None, "paused until everyone was told"
    assert tell_of_outages(conn, now=world.now) == 1
    assert tellable(conn) == [], "the notice has not been handed over yet"
    notices.sent(conn, [n.id for n in notices.due(conn, world.now, 10)], world.now)
    told_at = world.now + timedelta(seconds=1)
    assert all(isinstance(outcome, Done) for outcome in record_notices(conn, tellable(conn), **world.clock))
    moved = deadline(world, number)
    assert moved == datetime(2026, 2, 28, 21, tzinfo=UTC), "told + 24 h, rounded up to the hour"
    world.now = moved + timedelta(seconds=1)
    outcome = confirming(world, number)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TOO_LATE
    assert outcome.facts["deadline"] == moment(moved)
    outage = {"start": moment(broken), "end": moment(mended), "notice_at": moment(told_at)}
    assert outcome.facts["outages"] == [outage]


def test_while_the_deadline_is_paused_every_confirmation_counts(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    start = world.now
    world.samples(start - timedelta(minutes=5), start + timedelta(hours=1))
    world.samples(start + timedelta(hours=1, seconds=10), start + timedelta(hours=2), ok=0, failed=1, every_s=10)
    world.now = start + timedelta(days=9)
    find_outages(conn, **world.clock)
    assert how(confirming(world, number)) == "on time"


def test_the_same_key_gets_the_same_answer_and_another_act_under_it_is_refused(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    first = confirming(world, number, key="k")
    world.now += timedelta(days=2)  # long after the deadline
    again = confirming(world, number, key="k")
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert (first.repeated, again.repeated, dict(again.facts)) == (False, True, dict(first.facts))
    assert decline(conn, [Decline(number, world.program, "k")], **world.clock) == [Refused(Reason.KEY_REUSED)]
    [other] = confirm(conn, [Confirm(number, "tour", key="k")], **world.clock)
    assert other == Refused(Reason.KEY_REUSED)
    assert world.one("SELECT count(*) FROM answer") == 1


def test_the_same_key_gets_the_same_answer_after_the_appointment_was_cancelled(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    confirming(world, number, key="k")
    cancel(conn, [Cancel(number, world.program, "by holder")], **world.clock)
    again = confirming(world, number, key="k")
    assert isinstance(again, Done)
    assert again.repeated
    assert world.state(number) == "cancelled"


def test_the_same_act_twice_in_a_batch_is_done_once(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    act = Confirm(number, world.program, key="k")
    outcomes = confirm(
        conn, [act, act, Confirm(number, world.program), Confirm(number, world.program, key="l")], **world.clock
    )
    assert [o.repeated for o in outcomes if isinstance(o, Done)] == [False, True, True, True]
    assert world.one("SELECT count(*) FROM statement WHERE kind = 'confirmed'") == 1
    assert world.one("SELECT count(*) FROM answer") == 2


def test_what_is_refused_in_a_batch_undoes_nothing_of_the_others(conn: psycopg.Connection) -> None:
    world = World(conn)
    numbers = [world.asking(1, ["AAA"]) for _ in range(3)]
    nobody = world.registered()
    world.drawn()
    acts = [
        Confirm(numbers[0], "arrival"),
        Confirm("0000-0000", "arrival"),
        Confirm(nobody, "arrival"),
        Confirm(numbers[1], "no such program"),
        Confirm(numbers[2], "tour"),
        Confirm(numbers[1], "arrival"),
    ]
    outcomes = confirm(conn, acts, **world.clock)
    reasons = [o.reason if isinstance(o, Refused) else None for o in outcomes]
    unknown, none = Reason.UNKNOWN_NUMBER, Reason.NO_OFFER
    assert reasons == [None, unknown, none, none, none, None]
    assert [world.state(number) for number in numbers] == ["confirmed", "confirmed", "offered"]


def test_every_act_leaves_one_leaf_and_one_notice(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.confirmed()
    owner = world.registration(number).id
    kinds = conn.execute("SELECT kind FROM statement WHERE registration_id = %s ORDER BY leaf", [owner]).fetchall()
    assert [kind for (kind,) in kinds] == ["registered", "requested", "offered", "confirmed"]
    told = conn.execute("SELECT kind FROM notice WHERE registration_id = %s ORDER BY id", [owner]).fetchall()
    assert [kind for (kind,) in told] == ["offered", "confirmed"]


def test_a_deadline_is_at_a_whole_second_and_gives_the_full_window(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.asking()
    world.seeded()
    world.now = world.round().draw_at + timedelta(microseconds=300_001)
    world.drawn()
    offer = world.offer(number)
    assert offer is not None
    assert offer.opened_at == world.round().draw_at + timedelta(seconds=1)
    assert offer.deadline == offer.opened_at + timedelta(hours=23)


# -- decline and cancel -------------------------------------------------------------------------


def test_who_declines_still_asks_and_the_place_is_free(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered(2)
    assert world.one("SELECT sum(taken) FROM slot") == 2
    [outcome] = decline(conn, [Decline(number, world.program)], **world.clock)
    assert isinstance(outcome, Done)
    wish = world.wish(number)
    assert wish is not None
    assert wish.state == "standing"
    assert world.one("SELECT sum(taken) FROM slot") == 0
    assert world.one("SELECT sum(used) FROM round_port") == 0
    assert world.one("SELECT count(*) FROM round_port WHERE backfill_due_at = %s", world.now) == 1


def test_a_cancellation_keeps_its_reason(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.confirmed()
    [outcome] = cancel(conn, [Cancel(number, world.program, "port closed")], **world.clock)
    assert isinstance(outcome, Done)
    assert outcome.facts["why"] == "port closed"
    offer = world.offer(number)
    assert offer is not None
    assert (offer.state, offer.why, offer.how) == ("cancelled", "port closed", "on time")


def test_who_cancelled_is_in_the_next_round(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.confirmed()
    cancel(conn, [Cancel(number, world.program, "by holder")], **world.clock)
    world.drawn(DAY + timedelta(days=1))
    assert world.state(number) == "offered"


def test_who_has_a_place_is_not_in_the_next_round(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.confirmed()
    assert world.sealed(DAY + timedelta(days=1)).entry_count == 0


# -- check in and miss --------------------------------------------------------------------------


def at_port(world: World, hour: int, *, days: int = 0) -> None:
    """Let it be this hour at port AAA (Tijuana, in March seven hours behind UTC), some days from the appointment."""
    world.now = datetime(DAY.year, DAY.month, DAY.day, hour, tzinfo=UTC) + timedelta(days=days, hours=7)


@pytest.mark.parametrize(("hour", "days", "possible"), [(0, 0, True), (23, 0, True), (23, -1, False), (0, 1, False)])
def test_a_group_is_checked_in_on_the_day_of_its_appointment_at_the_port(
    conn: psycopg.Connection, hour: int, days: int, possible: bool
) -> None:
    world = World(conn)
    number = world.confirmed(1, ["AAA"])
    at_port(world, hour, days=days)
    [outcome] = check_in(conn, [CheckIn(number, world.program)], **world.clock)
    wish = world.wish(number)
    assert wish is not None
    if possible:
        assert isinstance(outcome, Done)
        assert (world.state(number), wish.state) == ("checked_in", "fulfilled")
    else:
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.NOT_TODAY
        assert (world.state(number), wish.state) == ("confirmed", "standing")


def test_a_scan_repeated_is_the_same_answer(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.confirmed(1, ["AAA"])
    at_port(world, 9)
    act = CheckIn(number, world.program)
    first, second = check_in(conn, [act, act], **world.clock)
    [third] = check_in(conn, [act], **world.clock)
    assert [o.repeated for o in (first, second, third) if isinstance(o, Done)] == [False, True, True]
    offer = world.offer(number)
    assert offer is not None
    assert offer.arrived_at == world.now


def test_who_was_checked_in_may_ask_again(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.confirmed(1, ["AAA"])
    at_port(world, 9)
    check_in(conn, [CheckIn(number, world.program)], **world.clock)
    world.ask(number)
    wish = world.wish(number)
    assert wish is not None
    assert (wish.state, wish.asked_at) == ("standing", world.now)


@pytest.mark.parametrize(("hour", "days", "possible"), [(23, 0, False), (0, 1, True)])
def test_nobody_has_missed_before_the_day_is_over_at_the_port(
    conn: psycopg.Connection, hour: int, days: int, possible: bool
) -> None:
    world = World(conn)
    number = world.confirmed(1, ["AAA"])
    at_port(world, hour, days=days)
    [outcome] = miss(conn, [Miss(number, world.program)], **world.clock)
    assert isinstance(outcome, Done if possible else Refused)
    assert world.state(number) == ("missed" if possible else "confirmed")
    wish = world.wish(number)
    assert wish is not None
    assert wish.state == "standing", "no penalty: who missed still asks"
