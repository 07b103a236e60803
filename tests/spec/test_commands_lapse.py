"""Offers lapse only with proof that they could have been confirmed, and their places go down the reserve list."""

import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from fairgate.commands.amend import Amend, amend
from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.evidence import RecordAttempt, record_attempts, record_notices, tell_of_outages, tellable
from fairgate.commands.find_outages import find_outages
from fairgate.commands.lapse import Lapse, lapse
from fairgate.commands.request import Withdraw, withdraw
from fairgate.commands.rounds import SetCapacity, set_capacity
from fairgate.core.deadlines import Policy
from fairgate.core.lifecycle import Done
from fairgate.store import evidence, notices, offers, slots
from invariants import Watch
from world import DAY, World, member

MICRO = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)


def lapsed(world: World) -> list[str | None]:
    """Lapse what is over; the numbers whose offers did."""
    acts = [Lapse(window) for window in offers.windows_due(world.conn, world.now, 1000)]
    return [outcome.number for outcome in lapse(world.conn, acts, **world.clock) if isinstance(outcome, Done)]


def over(world: World, number: str, *, until: timedelta = timedelta(minutes=30)) -> datetime:
    """Let the deadline of this offer be over by `until`; the time at which it is."""
    offer = world.offer(number)
    assert offer is not None
    assert offer.deadline is not None
    world.now = offer.deadline + until
    return world.now


# -- the four conditions ------------------------------------------------------------------------


def test_an_offer_lapses_when_its_time_is_over_health_is_shown_and_nobody_tried(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered(2)
    start = world.now
    world.samples(start - MINUTE, over(world, number))
    world.now += MICRO
    assert lapsed(world) == [number]
    assert world.state(number) == "lapsed"
    assert world.one('SELECT settled FROM "window"')
    assert world.one("SELECT sum(used) FROM round_port") == 0
    wish = world.wish(number)
    assert wish is not None
    assert wish.state == "standing"
    assert lapsed(world) == []


def test_it_does_not_lapse_while_people_in_line_may_confirm(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    start = world.now
    world.samples(start - MINUTE, over(world, number))
    assert lapse(conn, [Lapse(1)], **world.clock) == []
    assert world.state(number) == "offered"


@pytest.mark.parametrize("gap", ["at the beginning", "in the middle", "at the end", "everywhere"])
def test_it_does_not_lapse_where_the_evidence_of_health_has_a_gap(conn: psycopg.Connection, gap: str) -> None:
    world = World(conn)
    number = world.offered()
    start, end = world.now, over(world, number)
    middle = start + (end - start) / 2
    match gap:
        case "at the beginning":
            world.samples(start + MICRO, end)
        case "in the middle":
            world.samples(start, middle)
            world.samples(middle + timedelta(seconds=301), end)
        case "at the end":
            world.samples(start, end - MICRO)
    world.now += MICRO
    assert lapse(conn, [Lapse(1)], **world.clock) == []
    assert world.state(number) == "offered"


def test_a_gap_is_an_outage_and_gives_time_back(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    start, end = world.now, over(world, number)
    world.samples(start, start + timedelta(hours=3))
    world.samples(start + timedelta(hours=4), end)
    world.now += MICRO
    assert lapsed(world) == []
    [found] = evidence.outages(conn, start)
    assert (found.outage.start, found.outage.end) == (start + timedelta(hours=3), start + timedelta(hours=4))
    assert world.one('SELECT deadline FROM "window"') is None


def test_it_lapses_after_an_outage_that_is_on_record_when_the_time_given_back_is_over(
    conn: psycopg.Connection,
) -> None:
    world = World(conn)
    number = world.offered()
    start = world.now
    world.samples(start, start + timedelta(hours=3))
    world.samples(start + timedelta(hours=4), start + timedelta(hours=70))
    world.now = start + timedelta(hours=5)
    find_outages(conn, **world.clock)
    tell_of_outages(conn, now=world.now)
    notices.sent(conn, [n.id for n in notices.due(conn, world.now, 10)], world.now)
    record_notices(conn, tellable(conn), **world.clock)
    world.now = start + timedelta(hours=24)
    assert lapsed(world) == [], "the first deadline is over, the moved one is not"
    over(world, number)
    world.now += timedelta(minutes=4)  # the next sample
    assert lapsed(world) == [number]


@pytest.mark.parametrize("tried_after", [timedelta(hours=-20), timedelta(minutes=29)])
def test_who_tried_to_confirm_is_held_for_a_day(conn: psycopg.Connection, tried_after: timedelta) -> None:
    world = World(conn)
    number, other = world.asking(1, ["AAA"]), world.asking(1, ["AAA"])
    world.drawn()
    start, end = world.now, over(world, number)
    world.samples(start, end)
    world.samples(end, end + timedelta(hours=23.5))
    at = end - timedelta(minutes=30) + tried_after
    record_attempts(conn, [RecordAttempt(number, world.program, at, "no answer")], now=world.now)
    world.now = end + MICRO
    assert lapsed(world) == [other]
    over(world, number, until=timedelta(hours=24))
    assert lapsed(world) == []
    world.now += MICRO
    assert lapsed(world) == [number]


def test_an_attempt_at_an_earlier_offer_holds_nothing(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    record_attempts(conn, [RecordAttempt(number, world.program, world.now - MINUTE, "no answer")], now=world.now)
    start = world.now
    world.samples(start, over(world, number))
    world.now += MICRO
    assert lapsed(world) == [number]


def test_an_attempt_from_a_clock_that_is_ahead_counts_as_made_now(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    later = world.now + timedelta(days=400)
    [outcome] = record_attempts(conn, [RecordAttempt(number, world.program, later, "x")], now=world.now)
    assert isinstance(outcome, Done)
    assert world.one("SELECT at FROM attempt") == world.now


def test_an_attempt_that_names_no_program_is_about_the_first_visible_one(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    [outcome] = record_attempts(conn, [RecordAttempt(number, "", world.now, "database away")], now=world.now)
    assert isinstance(outcome, Done)
    assert world.one("SELECT program FROM attempt") == world.program


def test_unknown_attempts_do_not_undo_the_others(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    acts = [
        RecordAttempt("0000-0000", world.program, world.now, "x"),
        RecordAttempt(number, "nothing", world.now, "x"),
        RecordAttempt(number, world.program, world.now, "x"),
        RecordAttempt(number, world.program, world.now, "x"),
    ]
    outcomes = record_attempts(conn, acts, now=world.now)
    assert [isinstance(outcome, Done) for outcome in outcomes] == [False, False, True, True]
    assert world.one("SELECT count(*) FROM attempt") == 1


def test_a_window_whose_offers_are_all_decided_is_settled(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.confirmed()
    world.samples(world.now, over(world, number))
    world.now += MICRO
    assert lapsed(world) == []
    assert world.one('SELECT settled FROM "window"')


def test_a_thousand_windows_are_looked_at_quickly(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    start = world.now
    window = 'INSERT INTO "window" (program, zone, opened_at, deadline, lapse_at, promised)'
    conn.execute(
        f"{window} SELECT program, zone, opened_at - i * interval '1 minute', deadline - i * interval '1 minute',"
        " lapse_at - i * interval '1 minute', promised - i * interval '1 minute'"
        ' FROM "window", generate_series(1, 999) i'.encode()
    )
    world.samples(start - timedelta(hours=18), over(world, number), every_s=30)
    world.now += MICRO
    began = time.monotonic()
    assert lapsed(world) == [number]
    assert time.monotonic() - began < 5
    assert world.one('SELECT count(*) FROM "window" WHERE NOT settled') == 0


def test_a_policy_without_time_in_line_still_waits_until_an_outage_would_be_found() -> None:
    assert Policy().in_line > timedelta(minutes=6), "else lapse.FOUND_AFTER holds the offer"


# -- places that came free ----------------------------------------------------------------------


def full(world: World, waiting: int = 2) -> tuple[list[str], list[str]]:
    """Port AAA (6 places) given to single persons, others wait; (those offered, those on reserve in its order)."""
    numbers = [world.asking(1, ["AAA"]) for _ in range(6 + waiting)]
    world.drawn()
    rows = world.conn.execute(
        "SELECT r.number FROM result t JOIN entry e USING (round_id, ticket)"
        " JOIN registration r ON r.id = registration_id WHERE outcome = 'reserve' ORDER BY t.ord"
    ).fetchall()
    return [n for n in numbers if world.state(n) == "offered"], [row[0] for row in rows]


def test_free_places_go_down_the_reserve_list_in_its_order(conn: psycopg.Connection) -> None:
    world = World(conn)
    offered, reserve = full(world, 3)
    decline(conn, [Decline(n, world.program) for n in offered[:2]], **world.clock)
    world.now += timedelta(hours=5)
    [outcome] = world.backfilled()
    assert isinstance(outcome, Done)
    assert outcome.facts["persons"] == 2
    assert [world.state(n) for n in reserve] == ["offered", "offered", "none"]
    first = world.offer(reserve[0])
    assert first is not None
    assert (first.phase, first.opened_at, first.ord) == ("reserve", world.now, 7)
    assert world.backfilled() == []


def test_a_group_is_offered_a_place_while_there_is_any_room_and_overshoots_by_less_than_a_group(
    conn: psycopg.Connection,
) -> None:
    world = World(conn)
    offered, _ = full(world, 0)
    family = world.asking(4, ["AAA"])
    assert world.state(family) == "none"
    decline(conn, [Decline(offered[0], world.program)], **world.clock)
    world.backfilled()
    assert world.state(family) == "none", "it was not in that round"


def test_a_large_group_on_reserve_overshoots_once(conn: psycopg.Connection) -> None:
    world = World(conn)
    numbers = [world.asking(4, ["AAA"]) for _ in range(4)]
    world.drawn()
    offered = [n for n in numbers if world.state(n) == "offered"]
    assert len(offered) == 2
    decline(conn, [Decline(offered[0], world.program)], **world.clock)
    world.backfilled()
    assert world.one("SELECT used FROM round_port WHERE port = 'AAA'") == 8
    Watch(conn).look(world.now)


def test_who_withdrew_or_has_a_place_is_passed_over_and_the_next_gets_it(conn: psycopg.Connection) -> None:
    world = World(conn)
    offered, reserve = full(world, 3)
    withdraw(conn, [Withdraw(reserve[0], world.program)], **world.clock)
    decline(conn, [Decline(offered[0], world.program)], **world.clock)
    world.backfilled()
    assert [world.state(n) for n in reserve] == ["none", "offered", "none"]
    assert world.one("SELECT why FROM offer WHERE phase = 'reserve' AND state = 'declined'") == "withdrawn"
    assert world.one("SELECT count(*) FROM notice WHERE kind = 'passed over'") == 0
    Watch(conn).look(world.now)


def test_who_withdrew_before_the_draw_is_passed_over_and_the_reserve_moves_up(conn: psycopg.Connection) -> None:
    world = World(conn)
    numbers = [world.asking(1, ["AAA"]) for _ in range(8)]
    world.seeded()
    withdraw(conn, [Withdraw(n, world.program) for n in numbers[:6]], **world.clock)
    world.drawn()
    world.backfilled()
    assert [world.state(n) for n in numbers[6:]] == ["offered", "offered"]
    assert [world.state(n) for n in numbers[:6]] == ["none"] * 6
    Watch(conn).look(world.now)


def test_a_place_is_for_the_group_as_it_is_when_it_is_offered(conn: psycopg.Connection) -> None:
    world = World(conn)
    offered, reserve = full(world, 2)
    amend(conn, [Amend(reserve[0], members=[member(n) for n in (1, 2, 3)])], keys=world.keys, **world.clock)
    decline(conn, [Decline(n, world.program) for n in offered[:2]], **world.clock)
    world.backfilled()
    grown = world.offer(reserve[0])
    assert grown is not None
    assert grown.size == 3
    assert world.state(reserve[1]) == "none", "three persons take the two places, and one more"
    Watch(conn).look(world.now)


def test_what_a_group_that_shrank_before_the_draw_leaves_free_goes_down_the_reserve_list(
    conn: psycopg.Connection,
) -> None:
    world = World(conn)
    numbers = [world.asking(4, ["AAA"]) for _ in range(3)]  # the port has six places: two of these, and a reserve
    world.seeded()
    for n, number in enumerate(numbers):
        amend(conn, [Amend(number, members=[member(90 + n)])], keys=world.keys, **world.clock)
    world.drawn()
    assert sorted(world.state(n) for n in numbers) == ["none", "offered", "offered"]
    world.backfilled()
    assert [world.state(n) for n in numbers] == ["offered"] * 3
    Watch(conn).look(world.now)


@pytest.mark.parametrize(("hours", "filled"), [(72.001, 1), (72, 0)])
def test_places_that_come_free_within_the_backfill_hours_stay_free(
    conn: psycopg.Connection, hours: float, filled: int
) -> None:
    world = World(conn)
    offered, _ = full(world)
    confirm(conn, [Confirm(offered[0], world.program)], **world.clock)
    begins = datetime(DAY.year, DAY.month, DAY.day, 7, tzinfo=UTC)  # midnight in Tijuana
    world.now = begins - timedelta(hours=hours)
    cancel(conn, [Cancel(offered[0], world.program, "by holder")], **world.clock)
    [outcome] = world.backfilled()
    assert isinstance(outcome, Done)
    assert outcome.facts["persons"] == filled
    assert world.backfilled() == []


def test_no_more_are_offered_a_place_than_the_slots_have_room_for_since_they_were_made_smaller(
    conn: psycopg.Connection,
) -> None:
    world = World(conn)
    offered, reserve = full(world, 4)
    [nine, ten] = [s for s in slots.of_day(conn, world.program, DAY) if s.port == "AAA"]
    early = [n for n in offered if (o := world.offer(n)) is not None and o.slot_id == nine.id]
    decline(conn, [Decline(n, world.program) for n in early], **world.clock)
    [outcome] = set_capacity(conn, [SetCapacity(world.program, DAY, nine.id, 1)], **world.clock)
    assert isinstance(outcome, Done)
    world.backfilled()
    assert [world.state(n) for n in reserve] == ["offered", "none", "none", "none"]
    set_capacity(conn, [SetCapacity(world.program, DAY, nine.id, 2)], **world.clock)
    world.backfilled()
    assert [world.state(n) for n in reserve] == ["offered", "offered", "none", "none"], "what is there again is filled"
    taken = {s.id: s.taken for s in slots.of_day(conn, world.program, DAY)}
    assert (taken[nine.id], taken[ten.id]) == (2, 3)
    Watch(conn).look(world.now)
