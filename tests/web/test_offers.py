"""Confirming, declining and cancelling on pages."""

from datetime import timedelta

import pytest

from fairgate.core import tokens
from fairgate.store import clock, offers
from pages import Pages
from web_world import PROGRAM, Group, World


@pytest.fixture
def offered(world: World, browser: Pages) -> Group:
    group = world.asking(size=2)
    world.draw(places=2)
    browser.sign_in(group)
    return group


def state(world: World, group: Group) -> str:
    [offer] = offers.history(world.conn, world.id_of(group))
    return offer.state


def page_of(world: World, group: Group) -> str:
    """The token of a page that the group opened just now."""
    return tokens.sign_page(world.keys, group.number, world.now)


def test_the_confirm_page_says_what_is_offered_and_until_when(offered: Group, browser: Pages) -> None:
    page = browser.get("/me/confirm")
    for words in ("San Ysidro", "06:00, Los Angeles time", "Confirm by", "Tijuana time."):
        assert words in page.main


def test_a_confirmation_is_kept(world: World, offered: Group, browser: Pages) -> None:
    page = browser.send("/me/confirm")
    assert (page.status, page.path) == (200, "/me")
    assert "Your place is confirmed." in page.main
    assert state(world, offered) == "confirmed"
    assert "Your place is confirmed." not in browser.get("/me").main, "it is said once"


def test_sending_the_form_twice_gives_the_same_answer(world: World, offered: Group, browser: Pages) -> None:
    form = browser.get("/me/confirm")
    assert browser.send_form(form).path == "/me"
    again = browser.send_form(form)
    assert "Your place is confirmed." in again.main
    assert state(world, offered) == "confirmed"


def test_who_comes_too_late_is_told_the_deadline_and_that_the_request_stands(world: World, browser: Pages) -> None:
    group = world.asking()
    day = world.draw(world.day - timedelta(days=2))
    browser.sign_in(group)
    page = browser.get("/me/confirm")
    assert (page.status, page.h1) == (409, "The time to confirm is over")
    form = browser.get("/me")
    late = browser.send_form(form, to="/me/confirm", key="late", page=page_of(world, group))
    assert late.status == 409
    assert "Your confirmation reached us at" in late.main
    assert "Your request still stands" in late.main
    assert "no time is on record in which the service did not work" in late.main
    assert world.drawn_at(day) + timedelta(hours=23) < world.now
    assert state(world, group) == "offered"


def test_outages_that_moved_the_deadline_are_told_to_who_comes_too_late(world: World, browser: Pages) -> None:
    group = world.asking()
    day = world.draw(world.day - timedelta(days=4))
    world.outage(day, after=timedelta(hours=3), lasted=timedelta(hours=1, minutes=30))
    browser.sign_in(group)
    page = browser.get("/me/confirm")
    assert page.status == 409
    assert "The time lost, 1 hour 30 minutes, is given back." in page.main
    assert "open for 3 hours, closed for 1 hour 30 minutes and open for " in page.main
    assert "of open door, and never less than 23 hours." in page.main


@pytest.mark.parametrize(
    ("opened", "sent", "kept"),
    [(-1, 30, "confirmed"), (0, 30, "confirmed"), (-1, 31, "offered"), (1, 2, "offered")],
)
def test_who_opened_the_page_in_time_is_in_line(
    world: World,
    offered: Group,
    browser: Pages,
    monkeypatch: pytest.MonkeyPatch,
    opened: int,
    sent: int,
    kept: str,
) -> None:
    """Minutes after the deadline at which the page was opened, as its token says, and at which it was sent."""
    from django.conf import settings

    deadline = world.drawn_at(world.day) + timedelta(hours=23)
    token = tokens.sign_page(settings.FAIRGATE_KEYS, offered.number, deadline + timedelta(minutes=opened))
    form = browser.get("/me/confirm")
    monkeypatch.setattr(clock, "now", lambda _: deadline + timedelta(minutes=sent))
    page = browser.send_form(form, page=token)
    assert page.status == (200 if kept == "confirmed" else 409)
    assert state(world, offered) == kept


@pytest.mark.parametrize("path", ["/me/confirm", "/me/decline", "/me/request"])
def test_a_form_without_the_token_of_a_page_of_ours_does_nothing(
    world: World, offered: Group, browser: Pages, path: str
) -> None:
    form = browser.get(path)
    for token in ("", "made.up", page_of(world, world.group())):
        answer = browser.send_form(form, page=token)
        assert (answer.status, answer.h1) == (403, "The page was open for too long")
    assert state(world, offered) == "offered"


def test_a_page_token_of_somebody_else_or_of_our_making_up_counts_for_nothing(world: World, offered: Group) -> None:
    from django.conf import settings

    keys, now = settings.FAIRGATE_KEYS, world.now.replace(microsecond=0)
    token = tokens.sign_page(keys, offered.number, now)
    assert tokens.read_page(keys, offered.number, token) == now
    assert tokens.read_page(keys, "0000-0012", token) is None
    assert tokens.read(keys, "session", token) is None
    assert tokens.read_page(keys, offered.number, token[:-2]) is None


def test_declining_is_asked_about_once_more_and_the_request_stands_on(
    world: World, offered: Group, browser: Pages
) -> None:
    page = browser.get("/me/decline")
    assert "you cannot get it back" in page.main
    assert state(world, offered) == "offered"
    page = browser.send_form(page)
    assert "You declined the offer. Your request still stands." in page.main
    assert state(world, offered) == "declined"
    refused = browser.send_form(browser.get("/me"), to="/me/confirm", page=page_of(world, offered))
    assert (refused.status, refused.h1) == (409, "There is no open offer for you")


def test_an_appointment_is_cancelled_by_its_holder(world: World, offered: Group, browser: Pages) -> None:
    world.confirm(offered)
    page = browser.send("/me/cancel")
    assert "Your appointment is cancelled. Your request still stands." in page.main
    assert "See the receipt" in page.main
    assert state(world, offered) == "cancelled"


@pytest.mark.parametrize("path", ["/me/confirm", "/me/decline", "/me/cancel"])
def test_without_an_offer_these_pages_lead_back(world: World, browser: Pages, path: str) -> None:
    group = world.asking()
    browser.sign_in(group)
    assert browser.get(path).path == "/me"
    answer = browser.send_form(browser.get("/me"), to=path, page=page_of(world, group))
    assert (answer.status, answer.h1) == (409, "There is no open offer for you")


def test_the_program_of_the_pages_is_the_first_that_is_not_hidden(world: World) -> None:
    from fairgate.web import deployment

    assert deployment.program(world.profile).program == PROGRAM
