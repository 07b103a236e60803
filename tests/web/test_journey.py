"""The way of a group from signing in to the appointment, as a person without JavaScript walks it."""

from pages import Pages
from web_world import World


def test_a_group_asks_for_an_appointment(world: World, browser: Pages) -> None:
    page = browser.sign_in(world.group(size=2))
    assert page.h1 == "Where you stand"
    assert "You have not asked for an appointment yet" in page.main
    page = browser.send(page.link("Ask for an appointment"), **{"port-1": "SYS", "port-2": "CAL"})
    assert page.h1 == "Where you stand"
    assert "Your request stands. You take part in every draw" in page.main
    assert "San Ysidro Calexico" in page.main


def test_a_group_that_is_offered_a_place_confirms_it(world: World, browser: Pages) -> None:
    group = world.asking(size=2)
    world.draw(places=2)
    page = browser.sign_in(group)
    assert "You are offered a place" in page.main
    page = browser.send(page.link("See the offer and confirm"))
    assert page.path == "/me"
    assert "Your place is confirmed." in page.main
    assert "You have an appointment" in page.main
