"""The page that explains the clock by the replay of May 2024; its numbers are those of the replay's file."""

from datetime import timedelta
from pathlib import Path

import pytest

from fairgate.web import example
from pages import Pages
from web_world import World

ENGLISH = (
    "Who is offered a place has 23 hours to confirm it.",
    "at least 12 hours; after 1 hour or more without service, at least 24 hours.",
    "The service did not work from 04:40 on Tuesday 21 May to 07:30 on Wednesday 22 May.",
    "The time lost, 26 hours 51 minutes, is given back.",
    "it is 09:00 on Thursday 23 May, Tijuana time.",
)
SPANISH = (
    "Quien recibe la oferta de un lugar tiene 23 horas para confirmarlo.",
    "desde las 04:40 del martes 21 de mayo hasta las 07:30 del miércoles 22 de mayo",
    "Perdido por fallas del servicio",
)


def test_it_tells_the_rule_and_the_example_in_both_languages(world: World, browser: Pages, navegador: Pages) -> None:
    for person, words in ((browser, ENGLISH), (navegador, SPANISH)):
        shown = person.get("/how/outage").main
        assert [each for each in words if each not in shown] == []


def test_its_table_has_the_numbers_of_the_replay(world: World, browser: Pages) -> None:
    found = example.load()
    assert found is not None
    assert example.LOST not in found.ours
    lost = found.fixed[example.LOST]
    shown = browser.get("/how/outage").main
    assert "With this rule 0 places were lost because the service failed" in shown
    assert f"with a deadline that does not move it would have been {lost}." in shown
    assert sum(found.ours.values()) == sum(found.fixed.values())
    assert f"{found.ours['confirmed']:,}" in shown


def test_without_the_file_the_rule_stands_alone(
    world: World, browser: Pages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(example, "FILE", tmp_path / "none.json")
    example.load.cache_clear()
    try:
        page = browser.get("/how/outage")
    finally:
        example.load.cache_clear()
    assert page.status == 200
    assert "The rule" in page.main
    assert "2024" not in page.main


def test_the_way_there_is_on_the_page_about_the_draw_and_beside_a_deadline_that_moved(
    world: World, browser: Pages
) -> None:
    words = "When confirming does not work: the rule, with an example"
    assert words in browser.get("/how-the-draw-works").main
    group, yesterday = world.asking(), world.day - timedelta(days=1)
    world.draw(yesterday)
    browser.sign_in(group)
    assert words not in browser.get("/me").main
    world.outage(yesterday, after=timedelta(hours=20), lasted=timedelta(hours=2))
    assert words in browser.get("/me").main
