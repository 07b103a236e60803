"""Asking, changing ports, withdrawing and bringing back, on pages."""

import pytest

from fairgate.store import requests
from pages import Pages
from web_world import PROGRAM, Group, World


def wish(world: World, group: Group) -> requests.Request:
    owner = world.id_of(group)
    return requests.of(world.conn, [owner])[owner, PROGRAM]


def test_ports_are_kept_in_the_order_of_choice(world: World, browser: Pages) -> None:
    group = world.group()
    browser.sign_in(group)
    browser.send("/me/request", **{"port-1": "BRO", "port-4": "SYS"})
    assert wish(world, group).ports == ["BRO", "SYS"]
    page = browser.get("/me/request")
    assert (page.fields()["port-1"], page.fields()["port-2"]) == ("BRO", "SYS")
    browser.send("/me/request", **{"port-1": "SYS", "port-2": ""})
    assert wish(world, group).ports == ["SYS"]


@pytest.mark.parametrize(
    ("chosen", "errors"),
    [
        ({}, {"port-1": "Choose at least one port"}),
        ({"port-1": "SYS", "port-3": "SYS"}, {"port-3": "Choose each port only once"}),
        ({"port-2": "XXX"}, {"port-2": "Choose a port from the list"}),
    ],
)
def test_a_choice_to_correct_is_said_at_its_field(
    world: World, browser: Pages, chosen: dict[str, str], errors: dict[str, str]
) -> None:
    browser.sign_in(world.group())
    page = browser.send("/me/request", **chosen)
    assert (page.status, page.errors) == (422, errors)


def test_a_withdrawal_can_be_taken_back(world: World, browser: Pages) -> None:
    group = world.asking()
    asked_at = wish(world, group).asked_at
    browser.sign_in(group)
    page = browser.get("/me/withdraw")
    assert "For 72 hours you can bring the request back" in page.main
    page = browser.send_form(page)
    assert "Your request is withdrawn" in page.main
    assert wish(world, group).state == "withdrawn"
    page = browser.send_form(page, to="/me/restore")
    assert "Your request stands again" in page.main
    assert (wish(world, group).state, wish(world, group).asked_at) == ("standing", asked_at)


def test_who_brings_it_back_after_the_sign_in_ran_out_finds_the_button_again(world: World, browser: Pages) -> None:
    group = world.asking()
    world.withdraw(group, hours_ago=1)
    browser.sign_in(group)
    page = browser.get("/me/restore")
    assert page.path == "/me"
    assert "Bring my request back" in page.main


def test_after_72_hours_a_withdrawal_stays_and_one_may_ask_again(world: World, browser: Pages) -> None:
    group = world.asking()
    world.withdraw(group, hours_ago=73)
    page = browser.sign_in(group)
    assert "Bring my request back" not in page.main
    refused = browser.send_form(page, to="/me/restore")
    assert (refused.status, refused.h1) == (409, "The withdrawal can no longer be undone")
    assert "Your request stands." in browser.send("/me/request", **{"port-1": "SYS"}).main


def test_who_holds_a_place_declines_it_before_withdrawing(world: World, browser: Pages) -> None:
    group = world.asking()
    world.draw()
    page = browser.sign_in(group)
    assert "Withdraw" not in [e.text for e in page.all("a")]
    refused = browser.send("/me/withdraw")
    assert (refused.status, refused.h1) == (409, "You hold a place")


def test_the_place_on_the_reserve_list_is_told(world: World, browser: Pages) -> None:
    world.asking(size=3, weeks=50)  # who waits longest takes all places there are
    world.asking(weeks=40)
    group = world.asking(size=4, weeks=0)
    world.draw(places=2)
    page = browser.sign_in(group)
    assert "of 2 on the reserve list." in page.main


def test_the_ticket_under_which_a_group_is_in_the_files_is_told_to_it_alone(world: World, browser: Pages) -> None:
    groups = [world.asking(), world.asking()]
    world.draw()
    tickets = dict(world.conn.execute("SELECT registration_id, ticket FROM entry").fetchall())
    own, others = (tickets[world.id_of(group)] for group in groups)
    page = browser.sign_in(groups[0])
    assert own in page.main
    assert others not in page.main


def test_weeks_are_those_of_the_newest_adult(world: World, browser: Pages) -> None:
    assert "Weeks counted 17 " in browser.sign_in(world.asking(weeks=17)).main
