"""Waits and their bound: digits by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from fairgate.core import waits
from fairgate.core.published import HIDDEN, service
from fairgate.core.published.service import ALL, Before, Line, Room
from fairgate.core.waits import Spread
from fairgate.store.profiles import parse
from world import TWO_PORTS

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday, 10:00 in New York


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], None),
        ([7], Spread(7, 7, 7, 7)),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], Spread(1, 5, 9, 10)),
        ([10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 100], Spread(2, 6, 10, 100)),
        ([0] * 9 + [50], Spread(0, 0, 0, 50)),
    ],
)
def test_a_spread_is_made_of_days_that_somebody_waited(days: list[int], expected: Spread | None) -> None:
    assert waits.spread(days) == expected


@pytest.mark.parametrize(
    ("capacity", "group_max", "share", "kept"),
    [
        (385, 12, (1, 2), 187),
        (22, 4, (1, 1), 19),
        (10, 12, (1, 1), 0),
        (400, 1, (0, 1), 0),
    ],
)
def test_what_is_surely_kept_leaves_out_all_that_may_be_owed(
    capacity: int, group_max: int, share: tuple[int, int], kept: int
) -> None:
    assert waits.reserved(capacity, group_max, share) == kept


def test_the_example_of_the_essay() -> None:
    rounds = [(number, 200) for number in range(1, 100)]
    assert waits.bound(4000, 2000, Fraction(3, 4), rounds) == 31  # 30 rounds come to 4,500 exactly, which is not more


@pytest.mark.parametrize(
    ("ahead", "holding", "taken_up", "expected"),
    [
        (0, 0, Fraction(1), 1),
        (9, 0, Fraction(1), 1),
        (10, 0, Fraction(1), 2),
        (10, 500, Fraction(1), 2),  # everybody comes: nobody comes back
        (10, 10, Fraction(1, 2), 4),  # 15 people, 5 leave in a round
        (1000, 0, Fraction(1), None),
    ],
)
def test_the_bound_is_the_first_round_that_has_more_than_those_before(
    ahead: int, holding: int, taken_up: Fraction, expected: int | None
) -> None:
    assert waits.bound(ahead, holding, taken_up, [(number, 10) for number in range(1, 30)]) == expected


def waiting(
    before: dict[str, Before],
    taken_up: Fraction | None = Fraction(1),
    lines: dict[str, Line] | None = None,
    opened: dict[date, list[Room]] | None = None,
) -> dict[str, tuple[object, ...]]:
    program = parse(TWO_PORTS).program("arrival")  # AAA 6 places a day, BBB 4, groups of 4, half for who waits longest
    lines = lines or {"AAA": Line(12, 20, 30, 90, 100), "BBB": Line(3, 8, 30, 90, 100), ALL: Line(12, 20, 30, 90, 100)}
    share = None if taken_up is None else Decimal(f"{float(taken_up):.3f}")
    rows = service.waiting(program, lines, before, taken_up, share, opened or {}, NOW, NOW)
    return {str(row[1]): row for row in rows}


def test_a_row_says_who_waits_and_the_bound_in_days_until_the_draw() -> None:
    rows = waiting({"AAA": Before(3, 0, 1), "BBB": Before(), ALL: Before(3, 0, 1)})
    # 6 - 3 places, half of them: one a day is surely kept at AAA, none at BBB (4 - 3 is 1, and half of it 0). Four
    # people are before, so the fifth round it is. The first whose list is not sealed yet is that of 24 March, drawn on
    # the 3rd; the fifth is drawn on the 7th, five days from now.
    assert rows["AAA"] == ("arrival", "AAA", NOW, 12, 20, 30, 90, 100, 7, Decimal("1.000"), 5)
    assert rows["BBB"] == ("arrival", "BBB", NOW, HIDDEN, HIDDEN, None, None, None, 0, Decimal("1.000"), None)
    assert rows[ALL][-1] == 5


def test_days_that_are_closed_or_void_by_now_keep_nothing_for_anybody() -> None:
    days = [date(2026, 3, 24) + timedelta(days=n) for n in range(2)]
    opened = {days[0]: [Room("AAA", "09:00", 0), Room("BBB", "09:00", 4)], days[1]: []}
    before = {"AAA": Before(3, 0, 1)}
    assert waiting(before, opened=opened)["AAA"][-3:] == (5, Decimal("1.000"), 7), "two days later than else"


def test_who_was_passed_over_was_given_a_place_and_did_not_come() -> None:
    assert service.taken_up([{"AAA": service.Offered(drawn=20, checked_in=15, passed_over=5)}]) == Fraction(3, 4)


def test_there_is_no_bound_before_anybody_could_come() -> None:
    assert waiting({}, None)["AAA"][-2:] == (None, None)
    assert waiting({}, Fraction(0))["AAA"][-1] is None


def test_days_of_few_are_not_told() -> None:
    assert service.spread([3] * 9) == (None, None, None, None)
    assert service.spread([3] * 10) == (3, 3, 3, 3)
    assert service.spread([]) == (None, None, None, None)


def test_of_few_groups_the_people_are_not_told_either() -> None:
    assert service.few(9, 100) == (HIDDEN, HIDDEN), (
        "groups of at most twelve: a hundred people are nine groups at least"
    )
    assert service.few(10, 30) == (10, 30)
    assert service.few(0, 0) == (0, 0)


def test_what_the_shown_ports_leave_of_the_whole_line_tells_nothing_of_a_hidden_port() -> None:
    # Of 100 groups, 91 named AAA: the nine others named BBB, and more than nine would not be hidden.
    line = {"AAA": Line(91, 200, 30, 90, 100), "BBB": Line(9, 18, 30, 90, 100), ALL: Line(100, 218, 30, 90, 100)}
    rows = waiting({}, lines=line)
    assert [rows[port][3] for port in ("AAA", "BBB", ALL)] == [HIDDEN, HIDDEN, 100]
    # All named AAA, so BBB may have been named by any of them.
    line["AAA"] = Line(100, 218, 30, 90, 100)
    assert [waiting({}, lines=line)[port][3] for port in ("AAA", "BBB", ALL)] == [100, HIDDEN, 100]
    # Few at each port: what they come to together says how few.
    line["AAA"] = Line(6, 9, 30, 90, 100)
    assert {waiting({}, lines=line)[port][3] for port in ("AAA", "BBB", ALL)} == {HIDDEN}


def test_the_part_of_those_who_came_tells_no_number_that_is_hidden_beside_it() -> None:
    came = {"AAA": service.Offered(drawn=25, checked_in=7, lapsed=18)}
    assert service.taken_up([came]) == Fraction(7, 25)
    assert service.share([came]) is None, "0.280 of 25 is 7"
    many = {"AAA": service.Offered(drawn=4000, checked_in=3000, lapsed=1000)}
    assert service.share([many]) == Decimal("0.750")
    assert str(service.share([many, came])) == "0.75", "40 people more or less"
    assert service.share([]) is None


def test_lost_places_are_summed_without_giving_a_date_away() -> None:
    days = [date(2026, 3, n) for n in (1, 2, 3)]
    assert service.lost(dict.fromkeys(days, 0)) == [(days[2], 0), (days[1], 0), (days[0], 0), (None, 0)]
    told = dict(service.lost({days[0]: 3, days[1]: 20, days[2]: 0}))
    assert told == {days[2]: 0, days[1]: HIDDEN, days[0]: HIDDEN, None: 23}
