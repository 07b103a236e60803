"""A draw of the second public program in a browser: its page, its list, and that it is checked there."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from playwright.sync_api import expect

from fairgate.store import clock
from fairgate.worker import published
from web_world import VISITS

PATIENCE_MS = 60_000  # on a machine that does much else


@pytest.fixture(scope="module")
def deployed() -> dict[str, str]:
    return {"also": VISITS, "program": "family-visit"}


@pytest.fixture(scope="module")
def drawn(site: Any) -> Any:
    """Sixty groups asked for a visit, and forty places were drawn; all that is public is written."""
    for number in range(60):
        site.world.asking(size=1 + number % 3, weeks=number % 40, names=f"Ana {number}")
    site.world.draw(places=40)
    site.world.publish(site.home)
    assert published.publish(lambda: nullcontext(site.world.conn), site.home, clock.now)
    return site


@pytest.mark.parametrize("language", ["en", "es"])
def test_pages_of_the_second_program_can_be_read_on_a_small_screen(
    meet: Callable[..., Any], drawn: Any, language: str
) -> None:
    person = meet(language)
    for name, path in {
        "two-draws": "/draws/?program=family-visit",
        "two-draw": f"/draws/family-visit/{drawn.world.day}/",
        "two-figures": "/figures?program=family-visit",
        "two-missing": "/missing?program=family-visit",
        "two-how": "/how-the-draw-works?program=family-visit",
    }.items():
        assert person.go(path) == 200
        person.look(name)


def test_its_draw_is_checked_in_the_browser(meet: Callable[..., Any], drawn: Any) -> None:
    person, address = meet("en", scripts=True), f"/draws/family-visit/{drawn.world.day}/"
    person.go(address)
    person.press("Check this draw in your browser")
    result = person.page.locator('[data-part="result"]')
    expect(result).to_contain_text("Right: this draw is what its rules give", timeout=PATIENCE_MS)
    loaded = {url.removeprefix(drawn.url) for url in person.asked if url.startswith(f"{drawn.url}/draws/")}
    names = ("manifest.json", "entries.csv", "beacon.json", "results.csv")
    assert {address, *(f"{address}{name}" for name in names)} <= loaded
