"""Which entries of a list stand alone in size, weeks and ports."""

from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from fairgate.core.draw import Standing
from fairgate.core.standing_alone import by_size, standing_alone

AB, BA = ("AAA", "BBB"), ("BBB", "AAA")


def test_what_occurs_once_stands_alone_and_what_occurs_twice_does_not() -> None:
    listed = [Standing(1, 4, AB), Standing(2, 4, AB), Standing(1, 4, AB), Standing(5, 0, AB), Standing(2, 3, AB)]
    assert standing_alone(listed) == [Standing(2, 3, AB), Standing(2, 4, AB), Standing(5, 0, AB)]
    assert by_size(standing_alone(listed)) == {2: 2, 5: 1}


def test_the_order_of_preference_tells_entries_apart() -> None:
    assert standing_alone([Standing(1, 0, AB), Standing(1, 0, BA)]) == [Standing(1, 0, AB), Standing(1, 0, BA)]


def test_in_an_empty_list_nobody_stands_alone() -> None:
    assert standing_alone([]) == []


@given(st.lists(st.builds(Standing, st.integers(1, 3), st.integers(0, 2), st.sampled_from([AB, BA, ("AAA",)]))))
def test_who_stands_alone_is_alone_and_nobody_else_is(listed: list[Standing]) -> None:
    alone = standing_alone(listed)
    assert all(listed.count(each) == 1 for each in alone)
    assert sum(listed.count(each) for each in set(listed) - set(alone)) == len(listed) - len(alone)
    assert sum(by_size(alone).values()) == len(alone)


def test_the_largest_round_takes_a_moment() -> None:
    listed = [Standing(1 + n % 6, n * n % 83, AB if n % 3 else BA) for n in range(280_000)]
    start = process_time()
    standing_alone(listed)
    assert process_time() - start < 2.0
