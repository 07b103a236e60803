"""The status page: what everybody may know, in every language, from what is on record."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import psycopg
import pytest
from babel.support import NullTranslations

from fairgate.commands.find_outages import find_outages
from fairgate.commands.incidents import Declare, count_touched, declare
from fairgate.core.incidents import Kind
from fairgate.notify.incident_words import Words
from fairgate.notify.status_page import DAYS, StatusPage, days, html
from fairgate.store import status
from fairgate.store.status import State
from world import World

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ATOM = "{http://www.w3.org/2005/Atom}"


def broken(world: World, size: int = 1) -> State:
    """Confirming has not worked for a minute; a group of `size` has an open offer."""
    world.offered(size=size)
    start = world.now
    world.samples(start - HOUR, start + HOUR)
    world.samples(start + HOUR + timedelta(seconds=10), start + HOUR + MINUTE, ok=0, failed=1, every_s=10)
    world.now = start + HOUR + MINUTE
    find_outages(world.conn, **world.clock)
    count_touched(world.conn)
    return status.read(world.conn, world.now)


def text(page: str) -> str:
    body = re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


def test_when_all_is_well_it_says_so_in_every_language(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.samples(world.now, world.now)
    state = status.read(conn, world.now)
    assert "Confirming works" in text(html(state, "en"))
    assert "Se puede confirmar" in text(html(state, "es"))
    assert "There was no incident in ninety days." in text(html(state, "en"))


def test_silence_is_not_taken_for_health(conn: psycopg.Connection, tmp_path: Path) -> None:
    world = World(conn)
    assert "It is not known whether confirming works" in text(html(status.read(conn, world.now), "en"))
    world.samples(world.now, world.now)
    assert status.read(conn, world.now + MINUTE).confirming == "works"
    silent = status.read(conn, world.now + 2 * MINUTE)
    assert silent.confirming == "not shown"
    assert "Nobody has tried since" in text(html(silent, "en"))
    status.write(tmp_path, silent)
    assert json.loads(status.path(tmp_path).read_bytes())["confirming"] == "not shown"


def test_an_outage_is_told_with_its_number_and_what_it_changes(conn: psycopg.Connection) -> None:
    state = broken(World(conn))
    number = state.incidents[0].number
    for language, now, changes in (
        ("en", "Confirming does not work", "your deadline stands still until confirming works"),
        ("es", "No se puede confirmar", "su plazo está detenido hasta que se pueda confirmar"),
    ):
        page = html(state, language)
        assert now in text(page)
        assert changes in text(page)
        assert f'id="{number}"' in page


def test_few_people_are_not_told_by_number(conn: psycopg.Connection, tmp_path: Path) -> None:
    state = broken(World(conn), size=2)
    assert "fewer than 10 people" in text(html(state, "en"))
    status.write(tmp_path, state)
    [said] = json.loads(status.path(tmp_path).read_bytes())["incidents"]
    assert (said["groups"], said["persons"]) == ("fewer than 10", "fewer than 10")


def test_of_few_groups_neither_groups_nor_people_are_told_by_number(conn: psycopg.Connection, tmp_path: Path) -> None:
    state = broken(World(conn))
    state = replace(state, incidents=tuple(replace(one, groups=1, persons=12) for one in state.incidents))
    assert "It touched fewer than 10 groups" in text(html(state, "en"))
    assert "Afectó a menos de 10 grupos" in text(html(state, "es"))
    assert "12" not in text(html(state, "en")).partition("It touched")[2][:60]
    status.write(tmp_path, state)
    [said] = json.loads(status.path(tmp_path).read_bytes())["incidents"]
    assert (said["groups"], said["persons"]) == ("fewer than 10", "not told")


def test_who_wrote_it_stays_inside_and_markup_stays_text(conn: psycopg.Connection, tmp_path: Path) -> None:
    world = World(conn)
    texts = {"en": "Water <b>in</b> the hall & more", "es": "Agua"}
    act = Declare(Kind.PORT_CLOSED, None, "AAA", world.now, texts, "officer-ada")
    declare(conn, [act], **world.clock)
    state = status.read(conn, world.now)
    page = html(state, "en")
    assert "Water &lt;b&gt;in&lt;/b&gt; the hall &amp; more" in page
    assert "A port is closed: Alpha" in text(page)
    status.write(tmp_path, state)
    StatusPage(tmp_path, "").write(state)
    for file in (tmp_path / "public").rglob("*.*"):
        assert b"officer-ada" not in file.read_bytes(), file


def test_ninety_days_are_told_in_words_with_what_was_lost(conn: psycopg.Connection) -> None:
    world = World(conn)
    state = broken(world)
    words = Words(NullTranslations(), "en", state.profile)
    told = days(state, words)
    assert len(told) == DAYS
    assert [day.level for day in told[:-1]] == ["none"] * (DAYS - 1)
    assert told[-1].level == "some"
    assert told[-1].words.endswith("confirming did not work for 1 minute")


def test_the_feed_is_atom_and_has_the_incident(conn: psycopg.Connection, tmp_path: Path) -> None:
    state = broken(World(conn))
    StatusPage(tmp_path, "https://places.example.org/").write(state)
    feed = ElementTree.fromstring((tmp_path / "public" / "status.atom").read_text())
    [entry] = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}id") == f"https://places.example.org/status#{state.incidents[0].number}"
    assert feed.find(f"{ATOM}updated") is not None


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_banner_is_one_sentence_while_it_goes_on(conn: psycopg.Connection, tmp_path: Path, language: str) -> None:
    state = broken(World(conn))
    StatusPage(tmp_path, "").write(state)
    [banner] = json.loads((tmp_path / "public" / "status" / "banner.json").read_bytes())
    assert banner["number"] == state.incidents[0].number
    assert banner["texts"][language]
    quiet = State(state.as_of, state.profile, [])
    StatusPage(tmp_path, "").write(quiet)
    assert json.loads((tmp_path / "public" / "status" / "banner.json").read_bytes()) == []


def test_who_reaches_no_database_says_that_confirming_fails(conn: psycopg.Connection) -> None:
    world = World(conn)
    state = status.read(conn, world.now)
    seen = state.broken(world.now, world.now + MINUTE)
    assert seen.interrupted_since == world.now
    assert "Confirming does not work" in text(html(seen, "en"))
    assert broken(world).broken(world.now, world.now + MINUTE).interrupted_since != world.now, "it began before"
