"""Staff put incidents on record, and everyone sees them: on the status page and above every page."""

import psycopg
import pytest

from fairgate.notify.status_page import StatusPage
from fairgate.store import clock, incidents, status
from fairgate.store.incidents import Incident
from pages import Browser, Pages
from web_world import World

BOTH = {"text-en": "Water in the hall.", "text-es": "Agua en la sala."}


def published(conn: psycopg.Connection) -> None:
    """What the worker does every ten seconds."""
    from django.conf import settings

    state = status.read(conn, clock.now(conn))
    status.write(settings.FAIRGATE_HOME, state)
    StatusPage(settings.FAIRGATE_HOME, "").write(state)


def only(conn: psycopg.Connection) -> Incident:
    [found] = incidents.since(conn, clock.now(conn), 10)
    return found


@pytest.fixture
def closed(world: World, officer: Pages) -> Incident:
    """A port that is closed, as an officer declared it."""
    page = officer.send("/staff/incidents", kind="port closed", port="SYS", **BOTH)
    found = only(world.conn)
    assert page.path == f"/staff/incidents/{found.number}"
    return found


def test_an_officer_declares_and_everyone_sees_it_in_their_language(world: World, closed: Incident) -> None:
    published(world.conn)
    assert Browser.gating is not None
    for language, what, why in (
        ("en", "A port is closed", "Water in the hall."),
        ("es", "Un puerto está cerrado", "Agua"),
    ):
        answer = Browser.gating.send("GET", "/status", headers={"Accept-Language": language})
        assert answer.status_code == 200
        assert answer.headers["Content-Language"] == language
        assert what in answer.text
        assert why in answer.text
        assert closed.number in answer.text
        banner = Browser.gating.send("GET", "/", headers={"Accept-Language": language}).text
        assert what in banner
        assert f"/status#{closed.number}" in banner


def test_when_it_is_over_the_banner_goes_and_the_page_remembers(world: World, officer: Pages, closed: Incident) -> None:
    place = f"/staff/incidents/{closed.number}"
    officer.send(place, **{"text-en": "Mopped up.", "text-es": "Ya está seco."})
    page = officer.send_form(officer.get(place), to=f"{place}/over")
    assert page.path == place
    published(world.conn)
    assert Browser.gating is not None
    assert closed.number not in Browser.gating.send("GET", "/").text
    assert "Mopped up." in Browser.gating.send("GET", "/status/index.en.html").text
    assert incidents.since(world.conn, clock.now(world.conn), 10) == []


def test_a_language_left_out_is_asked_for_and_nothing_is_on_record(world: World, officer: Pages) -> None:
    page = officer.send("/staff/incidents", kind="port closed", port="SYS", **{"text-en": "Closed."})
    assert page.status == 422
    assert set(page.errors) == {"text-es"}
    page = officer.send("/staff/incidents", kind="port closed", port="XXX", start="tomorrow", **BOTH)
    assert set(page.errors) == {"port", "start"}
    page = officer.send("/staff/incidents", kind="outage", **BOTH)
    assert set(page.errors) == {"kind"}, "outages are found"
    page = officer.send(
        "/staff/incidents", kind="planned work", start="2026-12-14 18:00", end="2026-12-14 17:00", **BOTH
    )
    assert set(page.errors) == {"end"}
    page = officer.send("/staff/incidents", kind="port closed", port="SYS", end="2020-01-01 00:00", **BOTH)
    assert set(page.errors) == {"end"}
    page = officer.send("/staff/incidents", kind="port closed", port="SYS", **{**BOTH, "text-es": "campana\x07"})
    assert set(page.errors) == {"text-es"}
    assert incidents.since(world.conn, clock.now(world.conn), 10) == []


def test_only_staff_may_and_unknown_numbers_are_not_there(world: World, browser: Pages, officer: Pages) -> None:
    assert officer.get("/staff/incidents/FG-2026-9999").status == 404


def test_the_status_page_is_there_in_a_language_that_exists(world: World) -> None:
    assert Browser.gating is not None
    assert Browser.gating.send("GET", "/status").status_code == 404, "nobody has written it yet"
    published(world.conn)
    for path, wanted, language in (
        ("/status", "fr;q=0.9, es-MX;q=0.5", "es"),
        ("/status", "fr", "en"),
        ("/status?language=es", "en", "es"),
        ("/status/index.es.html", "en", "es"),
    ):
        answer = Browser.gating.send("GET", path, headers={"Accept-Language": wanted})
        assert answer.headers["Content-Language"] == language, path
    for path in ("/status/index.fr.html", "/status/banner.json", "/status/index.en.html/x"):
        assert Browser.gating.send("GET", path).status_code == 404
    assert Browser.gating.send("POST", "/status").status_code == 405
    assert Browser.gating.send("GET", "/status.atom").headers["Content-Type"].startswith("application/atom+xml")
