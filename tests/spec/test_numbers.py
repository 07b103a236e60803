"""Registration numbers and access codes as people write and say them."""

import secrets

import pytest

from fairgate.core.errors import BadInput
from fairgate.core.numbers import ALPHABET, new_code, new_number, read_code, read_number


def test_a_number_has_eight_characters_and_a_code_twelve_in_groups_of_four() -> None:
    assert new_number(bytes) == "0000-0000"
    assert [len(group) for group in new_number(secrets.token_bytes).split("-")] == [4, 4]
    assert [len(group) for group in new_code(secrets.token_bytes).split("-")] == [4, 4, 4]


def test_the_alphabet_is_crockfords() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set(ALPHABET) == set("ILOU")


def test_the_example_in_the_essay_holds() -> None:
    assert new_number(lambda n: bytes(n - 1) + b"\x01") == "0000-0012"
    with pytest.raises(BadInput):
        read_number("0000-0021")


def test_the_same_chance_gives_the_same_number() -> None:
    def chance(n: int) -> bytes:
        return bytes(range(200, 200 + n))

    assert new_number(chance) == "89AB-CDE5"
    assert read_number("89AB-CDE5") == "89AB-CDE5"
    assert new_code(chance) == "89AB-CDEF-GHJA"


@pytest.mark.parametrize(
    "typed",
    [
        "89AB-CDE5",
        "89abcde5",
        " 89ab cde5\n",
        "8 9 A B - C D E 5",
        "89AB\u00a0CDE5",
        "89AB\u2013CDE5",  # a keyboard that makes dashes of hyphens
        "\u200f89AB-CDE5\u200e",  # copied out of right-to-left text
        "٨٩AB-CDE5",
        "۸۹ab-cde5",
        "\uff18\uff19AB-CDE5",  # wide digits of an East Asian keyboard
    ],
)
def test_spelling_does_not_matter(typed: str) -> None:
    assert read_number(typed) == "89AB-CDE5"


def test_letters_that_look_like_digits_are_read_as_those() -> None:
    assert read_number("OOOO-OOI2") == read_number("oooo-ool2") == read_number("0000-00L2") == "0000-0012"


@pytest.mark.parametrize(
    ("typed", "reason", "words"),
    [
        ("", "wrong length", "0 characters where there must be 8"),
        ("89AB-CDE", "wrong length", "7 characters where there must be 8"),
        ("89AB-CDE55", "wrong length", "9 characters where there must be 8"),
        ("89AB-CDEU", "wrong character", '"U" is never part of it'),
        ("89AB-CDE*", "wrong character", '"*" is never part of it'),
        ("ß9AB-CDE5", "wrong character", '"ß" is never part of it'),
        ("ſ9AB-CDE5", "wrong character", '"ſ" is never part of it'),  # its capital would be S
        ("²9AB-CDE5", "wrong character", '"²" is never part of it'),
        ("🙂", "wrong character", '"🙂" is never part of it'),
        ("98AB-CDE5", "wrong check", "two have changed places"),
        ("89AB-CDEM", "wrong check", "a character is wrong"),
    ],
)
def test_what_cannot_be_right_is_refused_with_a_reason(typed: str, reason: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_number(typed)
    assert caught.value.reason == reason
    assert words in str(caught.value)
    assert str(caught.value).startswith("number: ")


def test_a_refused_code_is_not_repeated_where_logs_might_keep_it() -> None:
    for typed in ("89AB-CDEF-GHJ4", "89AB-CDEF-GH"):
        with pytest.raises(BadInput) as caught:
            read_code(typed)
        assert "89AB" not in str(caught.value)
        assert str(caught.value).startswith("code: ")


def test_a_number_is_no_code() -> None:
    with pytest.raises(BadInput):
        read_code("89AB-CDE5")
