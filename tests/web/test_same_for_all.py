"""Pages that say the same to everybody and need no more than the profile: they stand while the database is away."""

import pytest
from django.conf import settings
from django.test import override_settings

from fairgate.web import database, deployment
from pages import Pages
from web_world import World

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
SAME_FOR_ALL = ("/", "/how-the-draw-works", "/how/outage", "/missing")


def test_pages_that_need_the_profile_alone_stand_when_the_database_goes(
    world: World, browser: Pages, navegador: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {(person, path): person.get(path).main for person in (browser, navegador) for path in SAME_FOR_ALL}
    pool = database.pool(settings.DATABASE_URL)
    monkeypatch.setattr(pool, "_url", NOWHERE)
    pool._is_away()
    for (person, path), said in before.items():
        page = person.get(path)
        assert (page.status, page.main) == (200, said)
    assert browser.get("/draws/").status == 503
    monkeypatch.setattr(deployment, "_held", {})
    assert {browser.get(path).status for path in SAME_FOR_ALL} == {503}, "nobody has told us the profile"


def test_a_server_knows_the_profile_from_its_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "_held", {})
    deployment.learn()
    assert deployment._held[settings.DATABASE_URL].key == world.profile.key
    with override_settings(DATABASE_URL=NOWHERE):
        deployment.learn()
    assert list(deployment._held) == [settings.DATABASE_URL]
