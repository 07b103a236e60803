"""Addresses as people write them down: a stroke at the end more or less, or the end cut off."""

import pytest

from pages import Pages
from web_world import World


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/draws", "/draws/"),
        ("/data", "/data/"),
        ("/figures/", "/figures"),
        ("/ports/", "/ports"),
        ("/missing/", "/missing"),
        ("/how-the-draw-works/?program=arrival", "/how-the-draw-works?program=arrival"),
        ("/draws/{day}", "/draws/{day}/"),
        ("/data/draws/", "/draws/"),
        ("/data/draws/{day}/", "/draws/{day}/"),
        ("/data/draws/{day}", "/draws/{day}/"),
    ],
)
def test_an_address_that_is_almost_right_leads_to_the_page(
    world: World, browser: Pages, written: str, meant: str
) -> None:
    world.open(world.day)
    page = browser.get(written.format(day=world.day))
    assert (page.status, page.path) == (200, meant.format(day=world.day))


@pytest.mark.parametrize("path", ["/nothing", "/nothing/", "/figures//", "/draws/2031-01-01", "/ports/X/"])
def test_one_that_is_wrong_stays_so(world: World, browser: Pages, path: str) -> None:
    assert browser.get(path).status == 404


def test_what_was_sent_to_a_wrong_address_is_not_sent_on(world: World, browser: Pages) -> None:
    assert browser.client.post("/results/", {}).status_code in (403, 404)
