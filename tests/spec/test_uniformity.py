"""The test of whether chance favours anybody: the tail of the chi-square distribution, and what is counted."""

import pytest

from fairgate.core.uniformity import PARTS, equal_parts, independence, spread, upper_tail

# Critical values as printed in tables of the distribution (degrees of freedom, chance, statistic).
TABLES = [
    (1, 0.05, 3.841),
    (1, 0.001, 10.828),
    (2, 0.05, 5.991),
    (5, 0.01, 15.086),
    (9, 0.05, 16.919),
    (9, 0.99, 2.088),
    (10, 0.001, 29.588),
    (30, 0.5, 29.336),
    (45, 0.05, 61.656),
    (90, 0.05, 113.145),
    (100, 0.001, 149.449),
]


@pytest.mark.parametrize(("degrees", "chance", "statistic"), TABLES)
def test_the_tail_agrees_with_printed_tables(degrees: int, chance: float, statistic: float) -> None:
    assert upper_tail(statistic, degrees) == pytest.approx(chance, rel=2e-3)


@pytest.mark.parametrize("degrees", [1, 2, 9, 45, 90])
def test_the_tail_falls_from_one_to_nothing(degrees: int) -> None:
    tail = [upper_tail(statistic, degrees) for statistic in (0, 1, 10, 100, 1000, 10**6)]
    assert tail[0] == 1
    assert tail == sorted(tail, reverse=True)
    assert tail[-1] == 0


def test_the_example_of_the_essay_has_its_p_value() -> None:
    assert upper_tail(6, 1) == pytest.approx(0.0143, abs=1e-4)


def test_an_order_in_which_classes_take_turns_is_as_even_as_can_be() -> None:
    found = independence([1, 2] * 500)
    assert found is not None
    assert (found.groups, found.classes, found.degrees) == (1000, 2, PARTS - 1)
    assert found.statistic == 0
    assert found.p == 1


def test_an_order_with_one_class_before_the_other_is_as_uneven_as_can_be() -> None:
    found = independence([1] * 500 + [2] * 500)
    assert found is not None
    assert found.statistic == 1000  # the number of groups times one less than the smaller number of classes
    assert found.p < 1e-100


def test_classes_with_too_few_groups_are_joined_to_the_next_and_the_last_to_the_one_before() -> None:
    many, few = [1] * 300 + [3] * 300, [2] * 30 + [7] * 30
    found = independence(many + few)
    assert found is not None
    assert found.classes == 2  # 1; 2 and 3 and 7
    assert independence([1] * 300 + [2] * 49) is None


def test_too_few_groups_say_nothing() -> None:
    assert independence([]) is None
    assert independence([1, 2, 3] * 15) is None
    assert equal_parts([4] * 10) is None


def test_equal_parts_are_held_against_their_mean() -> None:
    found = equal_parts([10, 20, 30])
    assert found is not None
    assert (found.statistic, found.degrees) == (10, 2)
    assert found.p == pytest.approx(0.0067, abs=1e-4)


def test_a_spread_is_the_tenth_the_middle_and_the_ninetieth_hundredth() -> None:
    assert spread(range(100), 100) == (0.095, 0.495, 0.895)
    assert spread([7], 10) == (0.75, 0.75, 0.75)
    assert spread(range(14), 14)[2] == 12.5 / 14, "nine in ten of fourteen are thirteen, not twelve"
