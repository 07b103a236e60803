"""A deployment with two public programs: each has its list of draws, their pages, its figures and its files."""

from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from fairgate.core.canary import PROGRAM as HIDDEN
from fairgate.store import clock
from fairgate.worker import published
from pages import Browser, Page, Pages
from web_world import VISITS, World


@pytest.fixture
def visits(web: None, conn: psycopg.Connection) -> World:
    """Two programs; in the second one sixty groups asked and forty places were drawn."""
    world = World(conn, settings.FAIRGATE_KEYS, also=VISITS, program="family-visit")
    for number in range(60):
        world.asking(size=1 + number % 2, weeks=30 if number % 4 < 2 else 2, names=f"Ana {number}")
    world.draw(places=40)
    world.publish(Path(settings.FAIRGATE_HOME))
    return world


def links(page: Page) -> set[str]:
    return {each.attrs["href"] for each in page.all("a") if "main" in each.parents}


def address(world: World) -> str:
    return f"/draws/family-visit/{world.day}/"


def test_each_program_has_its_list_of_draws(visits: World, browser: Pages, navegador: Pages) -> None:
    first = browser.get("/draws/")
    assert first.h1 == "All draws: Arrival appointment"
    assert "There has been no draw yet." in first.main
    assert "?program=family-visit" in links(first)
    for person, words in ((browser, "All draws: Family visit"), (navegador, "Todos los sorteos: Visita familiar")):
        page = person.get("/draws/?program=family-visit")
        assert page.h1 == words
        assert {address(visits), "?program=arrival"} <= links(page)


def test_a_draw_of_the_second_program_has_its_page_with_numbers_and_files(
    visits: World, browser: Pages, navegador: Pages
) -> None:
    for person, words in ((browser, ": Family visit"), (navegador, ": Visita familiar")):
        page = person.get(address(visits))
        assert page.h1.endswith(words)
        files = {f"{address(visits)}{name}" for name in ("manifest.json", "entries.csv", "results.csv", "verify.py")}
        tables = {f"/data{address(visits)}{name}" for name in ("ports.csv", "sizes.json", "weeks.csv", "tests.json")}
        assert files | tables <= links(page)
    page = browser.get(address(visits))
    assert "Groups in the draw: 60." in page.main
    assert "31 hours" in browser.get("/missing?program=family-visit").main
    assert "25%" in browser.get("/how-the-draw-works?program=family-visit").main
    assert {"/missing?program=family-visit", "/how-the-draw-works?program=family-visit"} <= links(page)
    assert "/results" not in links(page), "that page is about the first program"


def test_what_its_page_links_to_is_there(visits: World, browser: Pages) -> None:
    assert Browser.gating is not None
    for link in sorted(links(browser.get(address(visits)))):
        if link.startswith(("/draws/family-visit/", "/data/draws/")):
            answer = Browser.gating.send("GET", link)
            assert answer.status_code == 200, link
            assert b"<html" not in answer.content[:200]


def test_its_draw_can_be_checked_in_the_browser(visits: World, browser: Pages) -> None:
    page = browser.get(address(visits))
    panel = next(each for each in page.all("section") if "data-verify" in each.attrs)
    assert panel.attrs["data-address"] == address(visits)
    assert int(panel.attrs["data-bytes"]) > 0


def test_the_first_program_keeps_its_addresses(visits: World, browser: Pages) -> None:
    visits.program = "arrival"
    day = visits.day
    visits.open(day)
    assert browser.get(f"/draws/{day}/").h1.endswith(": Arrival appointment")
    assert browser.get(f"/draws/arrival/{day}/").path == f"/draws/{day}/"


@pytest.mark.parametrize("program", [HIDDEN, "nothing", "a" * 60, "Arrival"])
def test_a_program_that_the_public_does_not_see_has_no_pages(visits: World, browser: Pages, program: str) -> None:
    assert browser.get(f"/draws/{program}/{visits.day}/").status == 404
    assert browser.get(f"/draws/?program={program}").main == browser.get("/draws/").main


def test_a_date_without_a_round_of_the_program_has_no_page(visits: World, browser: Pages) -> None:
    assert browser.get(f"/draws/family-visit/{visits.day + timedelta(days=1)}/").status == 404
    assert browser.get(f"/draws/{visits.day}/").status == 404
    assert browser.get("/draws/family-visit/2031-02-31/").status == 404


def test_figures_lead_to_the_draws_of_the_same_program(visits: World, browser: Pages) -> None:
    home = Path(settings.FAIRGATE_HOME)
    assert published.publish(lambda: nullcontext(visits.conn), home, clock.now)
    page = browser.get("/figures?program=family-visit")
    assert {"/draws/?program=family-visit", "/ports?program=family-visit"} <= links(page)
    assert "/draws/" in links(browser.get("/figures"))
    assert "/data/draws/PROGRAM/DATE/: family-visit" in browser.get("/data/").main


def test_one_program_alone_is_not_named(world: World, browser: Pages) -> None:
    world.asking()
    day: date = world.draw(places=2)
    assert browser.get("/draws/").h1 == "All draws"
    assert ":" not in browser.get(f"/draws/{day}/").h1
