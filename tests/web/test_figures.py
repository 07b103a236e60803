"""The pages of figures and ports, read from the files that the worker writes."""

import json
import os
import shutil
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.test import override_settings

from fairgate.commands.incidents import Declare, declare
from fairgate.core.deadlines import Outage
from fairgate.core.incidents import Kind
from fairgate.core.published import Table, draw, layouts
from fairgate.store import clock, data_files, evidence
from fairgate.worker import published
from pages import Pages
from web_world import World

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
PATHS = ("/figures", "/ports", "/ports/SYS", "/data/")


@pytest.fixture
def home() -> Path:
    return Path(settings.FAIRGATE_HOME)


def publish(world: World, home: Path) -> None:
    """An edition of the tables as they are now."""
    shutil.rmtree(data_files.folder(home), ignore_errors=True)
    assert published.publish(lambda: nullcontext(world.conn), home, clock.now)


def drawn(world: World) -> None:
    """Thirteen groups were offered a place today, one confirmed and one declined; two wait."""
    groups = [world.asking(size=1, weeks=20 - place) for place in range(15)]
    world.draw(places=13)
    world.confirm(groups[0])
    world.decline(groups[1])


def test_before_anything_is_published_the_pages_say_so(world: World, browser: Pages, navegador: Pages) -> None:
    for person, words in ((browser, "Nothing has been published yet."), (navegador, "Aún no se ha publicado nada.")):
        for path in ("/figures", "/ports"):
            assert words in person.get(path).main
        assert person.get("/ports/SYS").status == 404
        assert person.get("/data/").status == 200


def test_an_empty_service_has_pages_too(world: World, browser: Pages, navegador: Pages, home: Path) -> None:
    publish(world, home)
    for person in (browser, navegador):
        for path in PATHS:
            assert person.get(path).status == 200
    assert "There has been no draw yet." in browser.get("/figures").main
    assert "No outage is on record." in browser.get("/figures").main


def test_figures_in_both_languages(world: World, browser: Pages, navegador: Pages, home: Path) -> None:
    drawn(world)
    start = world.now - timedelta(days=2)
    evidence.add_outage(world.conn, Outage(start, start + timedelta(minutes=42), start + timedelta(hours=1)), world.now)
    publish(world, home)
    for person, words in (
        (browser, ("Nobody has lost a place", "42 minutes", "not shown", "San Ysidro", "no bound")),
        (navegador, ("Nadie ha perdido un lugar", "42 minutos", "no se muestra", "San Ysidro", "sin límite")),
    ):
        page = person.get("/figures")
        assert [said for said in words if said not in page.html] == []
        pictures = [e for e in page.elements if e.tag == "svg" and e.attrs.get("role") == "img"]
        assert len(pictures) >= 2
        for link in (e.attrs["href"] for e in page.all("a") if e.attrs.get("href", "").startswith("/data/")):
            name = link.removeprefix("/data/")
            assert not name or (data_files.folder(home) / name).is_file()


def test_a_port_has_its_calendar_and_its_closed_days(world: World, browser: Pages, home: Path) -> None:
    drawn(world)  # only San Ysidro has places on that date
    publish(world, home)
    page = browser.get("/ports/BRO")
    assert page.h1 == "Brownsville"
    assert "closed" in page.main
    assert "Drawn" in page.main
    assert "380" in page.main
    assert "No day of those below is closed." not in page.main
    assert browser.get("/ports/XXX").status == 404


def test_a_port_that_an_incident_closes_says_which(world: World, browser: Pages, home: Path) -> None:
    texts = dict.fromkeys(world.profile.languages, "A storm.")
    start, end = world.now + timedelta(days=1), world.now + timedelta(days=2)
    act = Declare(Kind.PORT_CLOSED, None, "SYS", start, texts, "officer", end)
    world.must(declare(world.conn, [act], now=world.now, chance=os.urandom))
    [(number,)] = world.conn.execute("SELECT number FROM incident").fetchall()
    publish(world, home)
    assert number in browser.get("/ports/SYS").main
    assert number not in browser.get("/ports/BRO").main


def test_a_clinic_that_is_closed_on_sundays_says_so(
    web: None, conn: psycopg.Connection, browser: Pages, home: Path
) -> None:
    world = World(conn, settings.FAIRGATE_KEYS, "one-clinic")
    publish(world, home)
    page = browser.get("/ports/HIL")
    sundays = [e for e in page.all("li") if "Sunday" in e.text and "main" in e.parents]
    assert len(sundays) == 5  # in 35 days
    assert browser.get("/figures").status == 200
    assert "/data/calendar.csv" in browser.get("/ports").html


def test_the_pages_stand_when_the_database_is_away(world: World, browser: Pages, home: Path) -> None:
    drawn(world)
    publish(world, home)
    before = browser.get("/figures").main
    with override_settings(DATABASE_URL=NOWHERE):
        assert browser.get("/figures").main == before
        for path in PATHS:
            assert browser.get(path).status == 200
        assert browser.get("/draws/").status == 503


def test_every_column_is_explained_in_every_language(world: World, browser: Pages, navegador: Pages) -> None:
    english, spanish = (person.get("/data/") for person in (browser, navegador))
    for table in (*layouts.LAYOUTS, *draw.TABLES):
        for column in table.columns:
            assert column.name in spanish.main
            assert column.meaning in english.main
            assert column.meaning not in spanish.main, f"{table.name}, {column.name} is not translated"


def test_a_program_that_is_not_there_is_not_asked_for(world: World, browser: Pages, home: Path) -> None:
    publish(world, home)
    assert browser.get("/ports?program=nothing%22%3E").main == browser.get("/ports").main


def test_files_that_cannot_be_read_are_as_if_they_were_not_there(world: World, browser: Pages, home: Path) -> None:
    drawn(world)
    publish(world, home)
    folder = data_files.folder(home)

    def broken(layout: Table) -> None:
        path = folder / f"{layout.name}.json"
        path.write_bytes(json.dumps({"name": layout.name}).encode())

    for layout in layouts.LAYOUTS:
        broken(layout)
    assert browser.get("/figures").status == 200
    assert browser.get("/ports/SYS").status == 404
    (folder / "index.json").write_bytes(b"[]")
    assert "Nothing has been published yet." in browser.get("/figures").main
