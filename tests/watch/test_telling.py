"""The watcher writes the public state where nobody else does."""

import json
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from fairgate.core.places import moment
from fairgate.notify.status_page import StatusPage
from fairgate.store import status
from fairgate.watch.telling import STALE, Telling
from world import World

EVERY = timedelta(seconds=10)


@pytest.fixture
def world(conn: psycopg.Connection) -> World:
    made = World(conn)
    made.samples(made.now, made.now)
    return made


def telling(world: World, home: Path) -> Telling:
    """A watcher's, which has just seen the database."""
    made = Telling(home, StatusPage(home, "").write)
    made.read(world.conn, world.now)
    return made


def said(home: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(status.path(home).read_bytes())
    return found


def test_it_writes_when_there_is_no_file_or_an_old_one_and_else_leaves_it(world: World, tmp_path: Path) -> None:
    mine = telling(world, tmp_path)
    assert mine.write(world.now)
    assert said(tmp_path)["confirming"] == "works"
    assert not mine.write(world.now + STALE - timedelta(seconds=1)), "the worker does it"
    mine.read(world.conn, world.now + STALE)
    assert mine.write(world.now + STALE)


def test_with_the_database_away_it_tells_since_when_confirming_fails(world: World, tmp_path: Path) -> None:
    mine = telling(world, tmp_path)
    mine.write(world.now)
    broke = world.now + timedelta(minutes=1)
    for i in (1, 2):
        mine.tried(broke + i * EVERY, EVERY, worked=False)
        assert not mine.write(broke + i * EVERY), "once or twice says nothing yet"
    mine.tried(broke + 3 * EVERY, EVERY, worked=False)
    assert mine.write(broke + 3 * EVERY)
    found = said(tmp_path)
    assert (found["confirming"], found["as_of"]) == ("interrupted", moment(broke + 3 * EVERY))
    assert found["outages"] == [{"start": moment(broke), "end": None, "notice_at": None}]
    page = (tmp_path / "public" / "status" / "index.en.html").read_text()
    assert "Confirming does not work" in page
    [banner] = json.loads((tmp_path / "public" / "status" / "banner.json").read_bytes())
    assert banner["number"] == "", "there is no number before it is on record"
    assert "your deadline stands still" in banner["texts"]["en"]


def test_when_it_works_again_it_says_what_is_on_record(world: World, tmp_path: Path) -> None:
    mine = telling(world, tmp_path)
    for i in range(5):
        mine.tried(world.now + i * EVERY, EVERY, worked=False)
    mine.write(world.now + 4 * EVERY)
    later = world.now + timedelta(minutes=5)
    world.samples(later, later)
    mine.tried(later, EVERY, worked=True)
    mine.read(world.conn, later)
    assert mine.write(later)
    assert said(tmp_path)["confirming"] == "works"


def test_who_knows_nothing_says_nothing(tmp_path: Path, world: World) -> None:
    mine = Telling(tmp_path, lambda _: None)
    for i in range(5):
        mine.tried(world.now + i * EVERY, EVERY, worked=False)
    assert not mine.write(world.now + timedelta(hours=1))
    assert not status.path(tmp_path).exists()
