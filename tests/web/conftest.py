"""Pages over a real database: Django set up once a process, and pointed at each test's own database."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gating import Gating
from pages import Browser, Pages
from web_world import World


@pytest.fixture(scope="session")
def _django() -> Iterator[None]:
    """Django with a home and a key of its own."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update({"DJANGO_SETTINGS_MODULE": "fairgate.web.settings", "FAIRGATE_HOME": home})
        import django

        from fairgate.web import catalogues

        catalogues.build()
        django.setup()
        yield


def _close(connections: Any) -> None:
    for opened in connections.all(initialized_only=True):
        opened.close()
        del connections[opened.alias]


@pytest.fixture
def web(_django: None, dsn: str, tmp_path: Path) -> Iterator[None]:
    """The pages work on this test's database."""
    from django.db import connections
    from django.test import override_settings

    from fairgate.web import database, settings

    with override_settings(DATABASE_URL=dsn, FAIRGATE_HOME=tmp_path, PASSWORD_HASHERS=["quick_passwords.Quick"]):
        _close(connections)  # loading the models has made one to no database
        given = connections.configure_settings({"default": settings.database(dsn)})
        connections.databases["default"] = given["default"]
        Browser.gating = Gating(dsn, tmp_path)
        yield
        Browser.gating.close()
        Browser.gating = None
        _close(connections)
        database.pool(dsn).close()
        database.pool.cache_clear()


@pytest.fixture
def world(web: None, conn: psycopg.Connection) -> World:
    """The southwest border, with nobody in it yet."""
    from django.conf import settings

    return World(conn, settings.FAIRGATE_KEYS)


@pytest.fixture
def browser(web: None) -> Pages:
    """Somebody who reads English."""
    return Pages("en")


@pytest.fixture
def navegador(web: None) -> Pages:
    """Somebody who reads Spanish."""
    return Pages("es")


@pytest.fixture
def officer(world: World, browser: Pages) -> Pages:
    """Somebody of the staff, signed in."""
    from django.contrib.auth import get_user_model

    get_user_model().objects.create_user("officer", password="a long enough password")
    page = browser.send("/staff/sign-in", name="officer", password="a long enough password")
    assert page.path == "/staff/"
    return browser
