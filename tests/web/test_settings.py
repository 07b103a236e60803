"""What the environment makes of the settings."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pages import Pages
from web_world import World

SHOW = """
import json
from fairgate.web import settings as s
names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE", "ALLOWED_HOSTS", "SECRET_KEY")
names += ("DATABASES",)
print(json.dumps({name: getattr(s, name) for name in names}))
"""


def settings(home: Path, **environment: str) -> dict[str, Any]:
    """The settings in a process of its own, which sees nothing but this environment."""
    given = {"PATH": os.environ["PATH"], "FAIRGATE_HOME": str(home), **environment}
    shown = subprocess.run([sys.executable, "-c", SHOW], env=given, check=True, capture_output=True, text=True)
    return json.loads(shown.stdout)


def test_over_tls_no_cookie_goes_in_the_clear(tmp_path: Path) -> None:
    secure = settings(tmp_path, FAIRGATE_ORIGIN="https://places.example.org")
    plain = settings(tmp_path)
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE"):
        assert secure[name]
        assert not plain[name]
    assert "places.example.org" in secure["ALLOWED_HOSTS"]
    assert secure["SECRET_KEY"] == plain["SECRET_KEY"], "both from the key in the home folder"
    assert settings(tmp_path / "other")["SECRET_KEY"] != plain["SECRET_KEY"]


def test_djangos_tables_lie_in_a_schema_of_their_own(tmp_path: Path) -> None:
    url = "postgresql://clerk:secret@db.example.org:6432/places?sslmode=require"
    found = settings(tmp_path, DATABASE_URL=url)["DATABASES"]["default"]
    assert (found["NAME"], found["USER"], found["PASSWORD"]) == ("places", "clerk", "secret")
    assert (found["HOST"], found["PORT"]) == ("db.example.org", "6432")
    assert found["OPTIONS"] == {"sslmode": "require", "options": "-c search_path=django"}


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.elsewhere.example"])
def test_a_host_that_is_not_ours_is_refused(world: World, browser: Pages, host: str) -> None:
    browser.client.defaults["HTTP_HOST"] = host
    assert browser.get("/").status == 400
