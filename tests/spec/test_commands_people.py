"""Registering, amending and asking."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from fairgate.commands.amend import Amend, amend
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.register import Register, register
from fairgate.commands.request import Ask, Restore, Withdraw, request, restore, withdraw
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.numbers import new_code, new_number
from fairgate.core.registering import Member
from fairgate.core.sealing import unseal
from fairgate.store import lists, registrations
from world import DAY, World, member

WEEK = timedelta(weeks=1)


def amended(world: World, number: str, *members: Member, language: str | None = None) -> Outcome:
    act = Amend(number, language=language, members=members or None)
    [outcome] = amend(world.conn, [act], keys=world.keys, **world.clock)
    return outcome


def registering(world: World, *acts: Register) -> list[Outcome]:
    return register(world.conn, acts, keys=world.keys, **world.clock)


def new(world: World, *members: Member, language: str = "en", registered_at: datetime | None = None) -> Register:
    number, code = new_number(world.chance), new_code(world.chance)
    return Register(number, code, language, members, registered_at)


def weeks(world: World, number: str) -> int:
    """The weeks that this registration has in the next round that is sealed."""
    return lists.weeks(world.conn, world.registration(number).id, world.now)


def people(world: World, number: str) -> list[Member]:
    owner = world.registration(number).id
    return [
        Member.from_json(unseal(world.keys, p.sealed, number)) for p in registrations.people(world.conn, [owner])[owner]
    ]


# -- register -----------------------------------------------------------------------------------

REFUSED = [
    (new, Reason.NO_MEMBERS),
    (lambda w: new(w, *(member(n) for n in range(7))), Reason.GROUP_TOO_LARGE),
    (lambda w: new(w, Member(" ", "", date(1990, 1, 1))), Reason.NO_NAME),
    (lambda w: new(w, Member("x" * 201, "y", date(1990, 1, 1))), Reason.NAME_TOO_LONG),
    (lambda w: new(w, Member("x\r\nSet-Cookie: y", "z", date(1990, 1, 1))), Reason.NAME_NOT_WRITTEN),
    (lambda w: new(w, Member("x", "\u202ey", date(1990, 1, 1))), Reason.NAME_NOT_WRITTEN),
    (lambda w: new(w, Member("A", "B", date(2026, 1, 6))), Reason.BORN_IN_FUTURE),
    (lambda w: new(w, Member("A", "B", date(1895, 1, 1))), Reason.BORN_TOO_LONG_AGO),
    (lambda w: new(w, member(1), language="xx"), Reason.UNKNOWN_LANGUAGE),
    (lambda w: new(w, member(1), registered_at=w.now + timedelta(seconds=1)), Reason.REGISTERED_IN_FUTURE),
]


def test_a_batch_registers_whom_it_can_and_refuses_the_others(conn: psycopg.Connection) -> None:
    world = World(conn)
    good = new(world, member(1), member(2))
    acts = [good, *(make(world) for make, _ in REFUSED), good, new(world, member(3))]
    outcomes = registering(world, *acts)
    reasons = [None if isinstance(o, Done) else o.reason for o in outcomes]
    assert reasons == [None, *(reason for _, reason in REFUSED), Reason.NUMBER_TAKEN, None]
    assert world.one("SELECT count(*) FROM registration") == 2
    assert world.one("SELECT size FROM ledger") == 2
    assert people(world, good.number) == [member(1), member(2)]


def test_letters_that_utf8_cannot_hold_are_replaced_and_fail_nobody(conn: psycopg.Connection) -> None:
    world = World(conn)
    odd = Member("Ana\ud800", "Ruiz", date(1990, 1, 1), {"email": "\udfff@example.org"})
    number = world.registered(members=[odd])
    assert people(world, number) == [Member("Ana?", "Ruiz", date(1990, 1, 1), {"email": "?@example.org"})]


def test_a_number_is_taken_once(conn: psycopg.Connection) -> None:
    world = World(conn)
    act = new(world, member(1))
    registering(world, act)
    assert registering(world, act) == [Refused(Reason.NUMBER_TAKEN, {"number": act.number})]


def test_who_comes_from_another_system_keeps_the_day_of_registering(conn: psycopg.Connection) -> None:
    world = World(conn)
    act = new(world, member(1), registered_at=world.now - 30 * WEEK)
    registering(world, act)
    assert world.registration(act.number).registered_at == world.now - 30 * WEEK
    assert weeks(world, act.number) == 30


# -- amend --------------------------------------------------------------------------------------


def test_amending_keeps_the_place_in_the_line(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(members=[member(1), member(2)])
    before = world.registration(number)
    world.now += 10 * WEEK
    other_contact = member(1, email="new@example.org")
    assert isinstance(amended(world, number, other_contact, member(2), language="es"), Done)
    after = world.registration(number)
    assert (after.language, after.size, after.registered_at) == ("es", 2, before.registered_at)
    assert weeks(world, number) == 10
    assert people(world, number) == [other_contact, member(2)]


def test_language_alone_leaves_the_people_as_they_are(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(members=[member(1), member(2)])
    assert isinstance(amended(world, number, language="es"), Done)
    assert people(world, number) == [member(1), member(2)]


@pytest.mark.parametrize(
    ("correction", "kept"),
    [
        (Member("Given1", "Famili", date(1981, 2, 2)), True),  # one name corrected
        (Member("Given1", "Family1", date(1979, 5, 6)), True),  # the birth date corrected
        (Member("Gíven1", "FAMILY1", date(1981, 2, 2)), True),  # spelled otherwise
        (Member("Given1", "Famili", date(1981, 2, 12)), True),  # a name and the day corrected
        (Member("Given1", "Famili", date(1979, 2, 12)), False),  # a name and most of the birth date
        (Member("Somebody", "Else", date(1981, 2, 2)), False),  # only the birth date is the same
        (Member("Somebody", "Else", date(1990, 1, 1)), False),
    ],
)
def test_a_corrected_member_keeps_the_weeks_and_a_stranger_does_not(
    conn: psycopg.Connection, correction: Member, kept: bool
) -> None:
    world = World(conn)
    assert member(1) == Member("Given1", "Family1", date(1981, 2, 2))
    number = world.registered(members=[member(1)])
    world.now += 10 * WEEK
    amended(world, number, correction)
    assert weeks(world, number) == (10 if kept else 0)


def test_no_chain_of_corrections_makes_a_stranger_of_a_member(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(members=[Member("Juana", "Mateo", date(2003, 2, 19))])
    world.now += 10 * WEEK
    for step in (Member("Pedro", "Mateo", date(2003, 2, 19)), Member("Pedro", "Ruiz", date(2003, 2, 19))):
        amended(world, number, step)
    assert weeks(world, number) == 0, "Pedro Ruiz has no name of the one who was registered"
    assert people(world, number)[0].registered_as is None


def test_a_correction_is_compared_with_who_was_registered(conn: psycopg.Connection) -> None:
    world = World(conn)
    first = Member("Juana", "Mateo", date(2003, 2, 19), {"email": "a@example.org"})
    number = world.registered(members=[first])
    world.now += 10 * WEEK
    amended(world, number, Member("Juana", "Mateos", date(2003, 2, 19)))
    amended(world, number, Member("Juana", "Matteos", date(2003, 2, 18)))
    assert weeks(world, number) == 10
    assert people(world, number)[0].registered_as == Member("Juana", "Mateo", date(2003, 2, 19))


def test_a_stranger_added_resets_the_weeks_to_the_newest_adult(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(members=[member(1)])
    world.now += 10 * WEEK
    amended(world, number, member(1), member(2))
    assert weeks(world, number) == 0
    world.now += 3 * WEEK
    assert weeks(world, number) == 3
    amended(world, number, member(1))
    assert weeks(world, number) == 13, "without the stranger it is the old group again"


def test_a_newborn_costs_nothing(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(members=[member(1), member(2)])
    world.now += 10 * WEEK
    newborn = Member("Baby", "Family1", world.now.date())
    assert isinstance(amended(world, number, member(1), member(2), newborn), Done)
    assert weeks(world, number) == 10
    assert world.registration(number).size == 3


def test_who_came_of_age_counts_from_the_day_of_joining(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(members=[member(1)])
    world.now += 10 * WEEK
    almost = Member("Teen", "Family1", date(world.now.year - 18, world.now.month, world.now.day) + timedelta(days=10))
    amended(world, number, member(1), almost)
    assert weeks(world, number) == 10
    world.now += 2 * WEEK
    assert weeks(world, number) == 2


def test_a_stranger_who_joins_between_closing_and_a_late_sealing_gains_nothing(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.asking()
    opened = world.opened()
    world.now = opened.closes_at + timedelta(days=2)
    amended(world, number, *people(world, number), member(9))
    world.sealed()
    assert world.one("SELECT weeks FROM entry") == 0


def test_a_group_with_a_place_keeps_its_size_and_may_correct_names(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered(2)
    one, two = people(world, number)
    assert amended(world, number, one) == Refused(Reason.HAS_PLACE)
    assert amended(world, number, one, two, member(9)) == Refused(Reason.HAS_PLACE)
    assert isinstance(amended(world, number, one, member(9)), Done)


def test_a_sealed_group_may_shrink_until_the_draw_but_not_grow(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.asking(2)
    world.sealed()
    one, two = people(world, number)
    assert amended(world, number, one, two, member(9)) == Refused(Reason.ROUND_SEALED, {"round": DAY.isoformat()})
    assert isinstance(amended(world, number, one), Done)
    world.drawn()
    offer = world.offer(number)
    assert offer is not None
    assert offer.size == 1
    assert world.one("SELECT size FROM entry") == 2


def test_amending_twice_in_a_batch_counts_on_from_the_first(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(members=[member(1)])
    acts = [Amend(number, language="es"), Amend("0000-0000"), Amend(number, members=[member(1), member(2)])]
    first, unknown, second = amend(conn, acts, keys=world.keys, **world.clock)
    assert isinstance(first, Done)
    assert unknown == Refused(Reason.UNKNOWN_NUMBER)
    assert isinstance(second, Done)
    assert dict(second.facts) == {"size": 2, "language": "es"}
    assert world.registration(number).language == "es"


# -- requests -----------------------------------------------------------------------------------


def test_a_request_stands_until_withdrawn_and_keeps_its_day_when_ports_change(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.asking(1, ["AAA"])
    asked_at = world.now
    world.now += WEEK
    world.ask(number, ["BBB", "AAA"])
    wish = world.wish(number)
    assert wish is not None
    assert (wish.ports, wish.asked_at, wish.state) == (["BBB", "AAA"], asked_at, "standing")


@pytest.mark.parametrize(
    ("program", "ports", "reason"),
    [
        ("arrival", [], Reason.NO_PORTS),
        ("arrival", ["AAA", "AAA"], Reason.PORT_TWICE),
        ("arrival", ["AAA", "ZZZ"], Reason.UNKNOWN_PORT),
        ("tour", ["BBB"], Reason.UNKNOWN_PORT),
        ("nothing", ["AAA"], Reason.UNKNOWN_PROGRAM),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    conn: psycopg.Connection, program: str, ports: list[str], reason: Reason
) -> None:
    world = World(conn)
    number = world.registered()
    [outcome] = request(conn, [Ask(number, program, ports)], **world.clock)
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason
    assert world.one("SELECT count(*) FROM request") == 0


def test_a_group_that_is_too_large_for_a_program_cannot_ask_for_it(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(5)
    arrival, tour = request(conn, [Ask(number, "arrival", ["AAA"]), Ask(number, "tour", ["AAA"])], **world.clock)
    assert arrival == Refused(Reason.GROUP_TOO_LARGE, {"size": 5, "group_max": 4})
    assert isinstance(tour, Done)


def test_asking_for_the_same_again_is_the_same_answer_and_no_new_leaf(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered()
    first, second, third = request(
        conn,
        [Ask(number, "arrival", ["AAA"]), Ask(number, "arrival", ["AAA"]), Ask(number, "arrival", ["BBB"])],
        **world.clock,
    )
    assert [o.repeated for o in (first, second, third) if isinstance(o, Done)] == [False, True, False]
    assert world.one("SELECT count(*) FROM statement WHERE kind = 'requested'") == 2


@pytest.mark.parametrize(
    ("after", "possible"), [(timedelta(hours=72), True), (timedelta(hours=72, microseconds=1), False)]
)
def test_a_withdrawal_can_be_taken_back_for_72_hours_inclusive(
    conn: psycopg.Connection, after: timedelta, possible: bool
) -> None:
    world = World(conn)
    number = world.asking()
    before = world.wish(number)
    world.now += WEEK
    withdraw(conn, [Withdraw(number, world.program)], **world.clock)
    world.now += after
    [outcome] = restore(conn, [Restore(number, world.program)], **world.clock)
    if possible:
        assert isinstance(outcome, Done)
        assert world.wish(number) == before, "as if it had not been"
    else:
        assert outcome == Refused(Reason.UNDO_EXPIRED)


def test_who_has_a_place_declines_or_cancels_before_withdrawing(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    assert withdraw(conn, [Withdraw(number, world.program)], **world.clock) == [Refused(Reason.HAS_PLACE)]
    confirm(conn, [Confirm(number, world.program)], **world.clock)
    assert withdraw(conn, [Withdraw(number, world.program)], **world.clock) == [Refused(Reason.HAS_PLACE)]


def test_unknown_numbers_do_not_disturb_a_batch(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered()
    acts = [Ask("0000-0000", "arrival", ["AAA"]), Ask(number, "arrival", ["AAA"])]
    unknown, known = request(conn, acts, **world.clock)
    assert unknown == Refused(Reason.UNKNOWN_NUMBER)
    assert isinstance(known, Done)


def test_registering_in_another_zone_is_the_same_moment(conn: psycopg.Connection) -> None:
    world = World(conn)
    there = world.now.astimezone(tz=None) - 3 * WEEK
    act = new(world, member(1), registered_at=there)
    registering(world, act)
    assert world.registration(act.number).registered_at == there.astimezone(UTC)
    assert weeks(world, act.number) == 3
