"""The page that explains what an outage does to a deadline, as people see it."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(("language", "words"), [("en", "The rule"), ("es", "La regla")])
def test_the_rule_and_its_example_can_be_read_on_a_small_screen(
    meet: Callable[..., Any], site: Any, language: str, words: str
) -> None:
    person = meet(language)
    assert person.go("/how/outage") == 200
    assert words in person.says
    person.look("how-outage")
