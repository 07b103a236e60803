"""Being told on a device: the form that scripts send, and the page for everyone else."""

import json
from collections.abc import Iterator

import pytest

from fairgate.core.webpush import from_text
from pages import Page, Pages
from push_service import Device
from web_world import World

KEY = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"


@pytest.fixture
def told(world: World) -> Iterator[World]:
    """A deployment that tells devices."""
    from django.test import override_settings

    with override_settings(FAIRGATE_PUSH_KEY=KEY):
        yield world


def given(device: Device) -> dict[str, object]:
    """What a browser's PushSubscription is as JSON."""
    kept = device.subscription.to_json()
    return {
        "endpoint": kept["endpoint"],
        "expirationTime": None,
        "keys": {"p256dh": kept["p256dh"], "auth": kept["auth"]},
    }


def send(browser: Pages, act: str, subscription: str) -> Page:
    return browser.send_form(browser.get("/me"), "/me/push", act=act, subscription=subscription)


def stored(world: World) -> int:
    [count] = world.conn.execute("SELECT count(*) FROM push_subscription").fetchone()
    return count


def test_a_device_is_told_and_told_no_more(told: World, browser: Pages) -> None:
    browser.sign_in(told.group())
    subscription = json.dumps(given(Device("https://fcm.googleapis.com/fcm/send/1")))
    page = send(browser, "start", subscription)
    assert (page.path, stored(told)) == ("/me", 1)
    assert "This device is told from now on what changes for you." in page.main
    page = send(browser, "stop", subscription)
    assert (page.path, stored(told)) == ("/me", 0)
    assert "This device is not told any more." in page.main


def test_the_form_is_hidden_until_a_script_shows_it(told: World, navegador: Pages) -> None:
    navegador.sign_in(told.group())
    page = navegador.get("/me")
    form = page.one("form", action="/me/push")
    assert "hidden" in form.attrs
    assert (form.attrs["data-push-key"], len(from_text(KEY))) == (KEY, 65)
    assert "Avisarme en este dispositivo" in form.text


def test_without_web_push_there_is_nothing_of_it(world: World, browser: Pages) -> None:
    browser.sign_in(world.group())
    assert not browser.get("/me").all("form", action="/me/push")
    assert send(browser, "start", "{}").status == 404


def wrong() -> list[str]:
    good = given(Device("https://fcm.googleapis.com/fcm/send/1"))
    keys = Device("").subscription.to_json()
    return [
        "",
        "no JSON",
        "[]",
        "null",
        "\ud800",
        json.dumps({"endpoint": good["endpoint"]}),
        json.dumps({**good, "keys": []}),
        json.dumps({**good, "endpoint": 7}),
        json.dumps({**good, "endpoint": "https://example.org/1"}),
        json.dumps({**good, "endpoint": "https://169.254.169.254/latest"}),
        json.dumps({**good, "keys": {"p256dh": keys["p256dh"]}}),
        json.dumps({**good, "keys": {"p256dh": "AAAA", "auth": keys["auth"]}}),
        json.dumps({**good, "keys": {"p256dh": "B" + "A" * 86, "auth": keys["auth"]}}),
        json.dumps({**good, "keys": {"p256dh": keys["p256dh"], "auth": "AAAA"}}),
        json.dumps({**good, "keys": {"p256dh": keys["p256dh"], "auth": "é"}}),
        json.dumps({**good, "more": "a" * 5000}),
    ]


@pytest.mark.parametrize("subscription", wrong())
def test_garbage_is_refused_and_nothing_is_stored(told: World, browser: Pages, subscription: str) -> None:
    browser.sign_in(told.group())
    page = send(browser, "start", subscription.encode(errors="replace").decode())
    assert (page.status, stored(told)) == (422, 0)
    assert page.errors == {"back": "Messages cannot be sent to this browser"}


def test_an_act_that_is_none_is_refused(told: World, browser: Pages) -> None:
    browser.sign_in(told.group())
    subscription = json.dumps(given(Device("https://fcm.googleapis.com/fcm/send/1")))
    assert (send(browser, "both", subscription).status, stored(told)) == (422, 0)


def test_only_who_is_signed_in_subscribes(told: World, browser: Pages) -> None:
    assert browser.get("/me/push").path.startswith("/sign-in")
    browser.sign_in(told.group())
    assert browser.get("/me/push").path == "/me"


def test_the_service_worker_is_served_for_the_whole_site(web: None) -> None:
    from pages import Browser

    assert Browser.gating is not None
    answer = Browser.gating.send("GET", "/push.js")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    assert "showNotification" in answer.text
