"""Being told on a device, in a browser: the button, the service worker, and the page of those without scripts."""

import json
from typing import Any

from fairgate.core.webpush import to_text
from push_service import Device

BUTTON = "Tell me on this device"
# No push service can be reached from here: what stands in for it is the browser's answer to subscribing. Without a
# window Chromium asks nobody, so the person has allowed it.
SUBSCRIBING = """
    Notification.requestPermission = async () => 'granted';
    PushManager.prototype.subscribe = async function (options) {
        window.name = options.applicationServerKey;
        return { toJSON: () => (%s) };
    };
"""


def given() -> str:
    subscription = Device("https://fcm.googleapis.com/fcm/send/1").subscription
    keys = {"p256dh": to_text(subscription.public), "auth": to_text(subscription.auth)}
    return json.dumps({"endpoint": subscription.endpoint, "keys": keys})


def test_without_scripts_nothing_is_there_and_nothing_is_missing(site: Any, meet: Any) -> None:
    person = meet("en")
    person.sign_in(site.world.group())
    assert person.h1 == "Where you stand"
    assert not person.page.get_by_role("button", name=BUTTON).is_visible()
    assert "device" not in person.says


def test_with_scripts_a_device_is_subscribed_by_a_button(site: Any, meet: Any) -> None:
    group = site.world.group()
    person = meet("en", scripts=True)
    person.page.add_init_script(SUBSCRIBING % given())
    person.sign_in(group)
    person.look("told-on-this-device")
    person.press(BUTTON)
    person.page.get_by_text("This device is told from now on").wait_for()
    rows = site.world.conn.execute(
        "SELECT count(*) FROM push_subscription WHERE registration_id = %s", [site.world.id_of(group)]
    )
    assert rows.fetchone() == (1,)
    assert len(person.page.evaluate("window.name")) == 87, "the deployment's key"
    worker = person.page.evaluate(
        "navigator.serviceWorker.ready.then((found) => [found.active.scriptURL, found.scope])"
    )
    assert worker == [f"{site.url}/push.js", f"{site.url}/"]


def test_who_does_not_allow_it_is_told_what_to_do(site: Any, meet: Any) -> None:
    person = meet("en", scripts=True)
    person.page.add_init_script("Notification.requestPermission = async () => 'denied';")
    person.sign_in(site.world.group())
    person.press(BUTTON)
    person.page.get_by_text("That did not work. Allow messages from this service").wait_for()
    person.look("device-not-allowed")


def test_what_a_push_service_brings_is_shown(site: Any, meet: Any) -> None:
    person = meet("en", scripts=True)
    person.context.grant_permissions(["notifications"], origin=site.url)
    person.go("/")
    session = person.context.new_cdp_session(person.page)
    found: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: found.extend(each["registrationId"] for each in said["registrations"]),
    )
    session.send("ServiceWorker.enable")
    person.page.evaluate("navigator.serviceWorker.register('/push.js').then(() => navigator.serviceWorker.ready)")
    notice = {"title": "You are offered a place", "body": "Confirm it by 18:00.", "lang": "en", "tag": "FG-5"}
    for _ in range(100):
        if not found:
            person.page.wait_for_timeout(50)
    pushed = {"origin": f"{site.url}/", "registrationId": found[0], "data": json.dumps(notice)}
    for _ in range(2):
        session.send("ServiceWorker.deliverPushMessage", pushed)
    person.page.wait_for_function(
        "navigator.serviceWorker.ready.then((ready) => ready.getNotifications()).then((all) => all.length > 0)"
    )
    shown = person.page.evaluate(
        "navigator.serviceWorker.ready.then((ready) => ready.getNotifications())"
        ".then((all) => all.map(({title, body, lang, tag}) => ({title, body, lang, tag})))"
    )
    assert shown == [notice], "once, however often it is brought"
