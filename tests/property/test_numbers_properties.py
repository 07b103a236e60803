"""The check character catches every single wrong character and every swap: all of them tried, on many samples."""

from collections.abc import Callable
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.core.errors import BadInput
from fairgate.core.numbers import ALPHABET, new_code, new_number, read_code, read_number

CHANCE = Random(20240521).randbytes
SAMPLES = [(new_number(CHANCE), read_number) for _ in range(60)] + [(new_code(CHANCE), read_code) for _ in range(60)]


def times(x: int, y: int) -> int:
    """The product in GF(32), by the definition: multiply the polynomials, then take x^5 + x^2 + 1 away."""
    product = 0
    for i in range(5):
        if y >> i & 1:
            product ^= x << i
    for i in range(8, 4, -1):
        if product >> i & 1:
            product ^= 0b100101 << i - 5
    return product


def test_a_word_is_right_if_its_sum_over_the_powers_of_two_is_zero() -> None:
    for right, _ in SAMPLES:
        power, total = 1, 0
        for letter in reversed(right.replace("-", "")):
            total ^= times(ALPHABET.index(letter), power)
            power = times(power, 2)
        assert total == 0


def is_right(text: str, read: Callable[[str], str]) -> bool:
    fault = refusal(text, read)
    assert fault is None or fault.reason == "wrong check"
    return fault is None


def refusal(text: str, read: Callable[[str], str]) -> BadInput | None:
    try:
        read(text)
    except BadInput as fault:
        return fault
    return None


@pytest.mark.parametrize(("right", "read"), SAMPLES)
def test_every_single_wrong_character_is_caught(right: str, read: Callable[[str], str]) -> None:
    letters = right.replace("-", "")
    for i, letter in enumerate(letters):
        taken = [c for c in ALPHABET if is_right(letters[:i] + c + letters[i + 1 :], read)]
        assert taken == [letter]


@pytest.mark.parametrize(("right", "read"), SAMPLES)
def test_every_swap_of_neighbours_and_of_any_other_two_is_caught(right: str, read: Callable[[str], str]) -> None:
    letters = list(right.replace("-", ""))
    places = range(len(letters))
    for i, j in combinations(places, 2):
        swapped = letters.copy()
        swapped[i], swapped[j] = letters[j], letters[i]
        assert is_right("".join(swapped), read) == (letters[i] == letters[j])


@given(st.binary(min_size=7, max_size=7))
def test_every_number_is_read_as_it_was_made_in_capitals_or_small(chance: bytes) -> None:
    number = new_number(lambda n: chance[:n])
    assert read_number(number) == number
    assert read_number(number.lower().replace("-", " ")) == number
    assert read_number(number.replace("0", "o").replace("1", "l")) == number


@given(st.text(max_size=30))
def test_whatever_is_typed_is_answered(text: str) -> None:
    for read in (read_number, read_code):
        fault = refusal(text, read)
        if fault is None:
            assert read(read(text)) == read(text)
        else:
            assert str(fault).isprintable()


def test_every_character_is_equally_likely() -> None:
    every_byte = [new_number(lambda n, b=byte: bytes([b]) * n)[0] for byte in range(256)]
    assert all(every_byte.count(char) == 8 for char in ALPHABET)
