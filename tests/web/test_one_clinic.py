"""The small second profile on the same pages: one place, one language, who waits longest comes first."""

import psycopg
import pytest

from pages import Pages
from web_world import World


@pytest.fixture
def clinic(web: None, conn: psycopg.Connection) -> World:
    from django.conf import settings

    return World(conn, settings.FAIRGATE_KEYS, "one-clinic")


def test_a_clinic_has_its_own_name_and_no_language_to_choose(clinic: World, browser: Pages) -> None:
    browser.get("/")
    page = browser.get("/")
    assert page.h1 == "Clinic appointments"
    assert "Hillside Clinic" in page.main
    assert [e for e in page.all("a") if "hreflang" in e.attrs] == []


def test_a_language_that_a_deployment_does_not_have_is_not_spoken(clinic: World) -> None:
    person = Pages("en")
    person.get("/")
    person.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "es"
    assert person.get("/").h1 == "Clinic appointments"


def test_how_the_draw_works_is_told_as_it_is_there(clinic: World, browser: Pages) -> None:
    page = browser.get("/how-the-draw-works")
    assert "Who waits longest comes first" in page.main
    assert "has 30 hours to confirm it" in page.main


def test_where_there_is_one_place_nobody_is_asked_which(clinic: World, browser: Pages) -> None:
    browser.sign_in(clinic.group())
    page = browser.get("/me/request")
    assert page.h1 == "Ask for an appointment"
    assert "The appointment would be at Hillside Clinic." in page.main
    page = browser.send_form(page)
    assert "Your request stands." in page.main
    assert "Ports, in your order" not in page.main
