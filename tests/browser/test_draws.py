"""The page of a drawn round with its pictures and tables, and the page that explains the draw."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def drawn(site: Any) -> Any:
    """Sixty groups asked, and forty places were drawn; the figures are written."""
    for number in range(60):
        site.world.asking(size=1 + number % 3, weeks=number % 40, names=f"Ana {number}")
    site.world.draw(places=40)
    site.world.publish(site.home)
    return site


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_draw_can_be_read_on_a_small_screen_with_its_tables_open(
    meet: Callable[..., Any], drawn: Any, language: str
) -> None:
    person = meet(language)
    assert person.go(f"/draws/{drawn.world.day}/") == 200
    person.look("draw-in-numbers")
    for summary in person.page.locator("main summary").all():
        summary.click()
    person.look("draw-tables")


@pytest.mark.parametrize("language", ["en", "es"])
def test_words_in_pictures_are_large_enough_on_a_phone(meet: Callable[..., Any], drawn: Any, language: str) -> None:
    person = meet(language)
    person.page.set_viewport_size({"width": 360, "height": 800})
    for path in (f"/draws/{drawn.world.day}/", "/how-the-draw-works"):
        person.go(path)
        pictures = person.page.locator("svg.fg-chart")
        assert pictures.count()
        for picture in pictures.all():
            box = picture.bounding_box()
            assert box is not None
            for words in picture.locator("text").all():
                at = words.bounding_box()
                assert at is not None
                assert at["height"] >= 12
                assert box["x"] - 1 <= at["x"]
                assert at["x"] + at["width"] <= box["x"] + box["width"] + 1, words.text_content()


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_draw_of_twelve_families_can_be_read_on_a_small_screen(
    meet: Callable[..., Any], site: Any, language: str
) -> None:
    person = meet(language)
    assert person.go("/how-the-draw-works") == 200
    for summary in person.page.locator("main summary").all():
        summary.click()
    person.look("how-the-draw-works")
