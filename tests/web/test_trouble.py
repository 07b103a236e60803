"""When something is wrong: each trouble has a page, in the person's language, that says what now."""

import pytest
from django.test import override_settings

from fairgate.web import database
from pages import Page, Pages
from web_world import World


@pytest.mark.parametrize(
    ("language", "h1", "comfort"),
    [
        ("en", "The service is not answering right now", "You will not lose a place because of this."),
        ("es", "El servicio no responde en este momento", "No perderá un lugar por esto."),
    ],
)
def test_a_database_that_is_away_is_said_plainly(
    world: World, monkeypatch: pytest.MonkeyPatch, language: str, h1: str, comfort: str
) -> None:
    group = world.asking()
    person = Pages(language)
    person.sign_in(group)
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.3)
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    with override_settings(DATABASE_URL=nowhere):
        page = person.get("/me")
        database.pool(nowhere).close()
    assert (page.status, page.h1) == (503, h1)
    assert int(page.headers["Retry-After"]) > 0
    assert comfort in page.main
    assert person.get("/me").status == 200


def test_a_form_without_its_token_changes_nothing(world: World, browser: Pages) -> None:
    group = world.asking()
    browser.sign_in(group)
    answer = Page(browser.client.post("/me/withdraw", {}), "/me/withdraw", "en")
    assert (answer.status, answer.h1) == (403, "The page was open for too long")
    assert "Asked since" in browser.get("/me").main


def test_a_fault_of_ours_is_owned_up_to(world: World, browser: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairgate.web.views import public

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(public.rounds, "newest", fail)
    browser.client.raise_request_exception = False
    page = browser.get("/draws/")
    assert (page.status, page.h1) == (500, "Something went wrong on our side")


@pytest.mark.parametrize("path", ["/sign-out", "/staff/sign-out"])
def test_what_changes_something_is_never_a_link(world: World, browser: Pages, path: str) -> None:
    browser.sign_in(world.asking())
    assert browser.client.get(path).status_code == 405


def test_a_link_to_what_brings_a_request_back_only_leads_to_its_button(world: World, browser: Pages) -> None:
    group = world.asking()
    browser.sign_in(group)
    browser.send("/me/withdraw")
    answer = browser.client.get("/me/restore")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/me")
    [state] = world.conn.execute(
        "SELECT state FROM request WHERE registration_id = %s", [world.id_of(group)]
    ).fetchone()
    assert state == "withdrawn"


def test_a_form_too_large_is_refused(world: World, browser: Pages) -> None:
    page = browser.get("/sign-in")
    data = {**page.fields(), "number": "7" * 200_000}
    answer = Page(browser.client.post("/sign-in", data, content_type="application/x-www-form-urlencoded"), "", "en")
    assert answer.status in (400, 403)


def test_what_people_type_is_shown_as_text(world: World, browser: Pages) -> None:
    page = browser.send("/sign-in", number="<script>alert(1)</script>", code='"><b>')
    assert "<script>alert" not in page.html
    assert page.fields()["number"] == "<script>alert(1)</script>"


def test_every_answer_carries_the_headers_that_keep_it_safe(world: World, browser: Pages) -> None:
    browser.sign_in(world.group())
    for path in ("/", "/me", "/nothing-here", "/staff/sign-in"):
        headers = browser.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in headers["Cache-Control"]
        assert "Strict-Transport-Security" not in headers, "there is no TLS here to pin"
    secure = browser.client.get("/", secure=True)
    assert "max-age=" in secure.headers["Strict-Transport-Security"]
