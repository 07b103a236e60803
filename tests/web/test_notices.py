"""What staff see of messages that failed, and what providers report of theirs."""

from collections.abc import Callable

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import Client, override_settings

from fairgate.commands import deliver
from fairgate.commands.deliver import Parcel, Plan, Tried
from fairgate.core.delivering import Failed, Fault, Sent
from fairgate.core.providers import Provider
from fairgate.store import notices
from fairgate.web import dates, words
from pages import Pages, squeeze
from web_world import PROGRAM, Group, World

SECRET = "a secret for reports"
PROVIDERS = tuple(
    Provider(name, "https://sms.example.org", "a token", f"{SECRET} of {name}", 50, "Fairgate")
    for name in ("alpha", "beta")
)


@pytest.fixture
def officer(world: World, browser: Pages) -> Pages:
    get_user_model().objects.create_user("officer", password="a long enough password")
    browser.send("/staff/sign-in", name="officer", password="a long enough password")
    return browser


def planned(world: World, *parcels: Parcel, kind: str = "withdrawn") -> Group:
    """A group with a notice that goes where the parcels say."""
    group = world.group()
    notices.add(world.conn, [(world.id_of(group), kind, {"program": "arrival"})], world.now)
    [notice] = deliver.take_notices(world.conn, 1, now=world.now)
    deliver.plan(world.conn, [Plan(notice.id, parcels)], now=world.now)
    return group


def tried(world: World, channel: str, outcome: Sent | Failed) -> int:
    [due] = deliver.take(world.conn, channel, 1, now=world.now)
    deliver.settle(world.conn, [Tried(due, outcome)], now=world.now)
    return due.id


def parcel(channel: str, fault: Fault | None = None) -> Parcel:
    return Parcel(channel, bytes(16), fault)


def test_staff_see_what_failed_and_whether_the_group_was_told(world: World, officer: Pages) -> None:
    assert "Every message that could be sent has been." in officer.get("/staff/notices").main
    alone = planned(world, parcel("email", Fault.BAD_ADDRESS), kind="offered")
    both = planned(world, parcel("email"), parcel("sms", Fault.BAD_ADDRESS))
    assert "Other ways to tell the group are still being tried." in officer.get("/staff/notices").main
    tried(world, "email", Sent())
    page = officer.get(officer.get("/staff/").link("Messages that did not reach people"))
    rows = [[squeeze(cell.text) for cell in row.children if cell.tag in ("th", "td")] for row in page.all("tr")]
    at = dates.moment(world.now, world.profile.program(PROGRAM).zone)
    bad = words.delivery_fault("bad address")
    assert rows[1:] == [
        [both.number, f"Request withdrawnText message{at}", f"{bad} The group was told another way."],
        [alone.number, f"Offer of a placeE-mail{at}", f"{bad} Nobody in the group was told."],
    ]


def test_only_staff_see_it(world: World, browser: Pages) -> None:
    browser.sign_in(world.group())
    assert browser.get("/staff/notices").path.startswith("/staff/sign-in")


@pytest.mark.parametrize("fault", [None, *Fault])
def test_every_reason_has_words_in_every_language(
    world: World, officer: Pages, navegador: Pages, fault: Fault | None
) -> None:
    navegador.send("/staff/sign-in", name="officer", password="a long enough password")
    planned(world, parcel("email"))
    world.conn.execute("UPDATE delivery SET state = 'failed', reason = coalesce(%s, 'given up')", [fault])
    if fault is None:
        world.conn.execute("UPDATE notice SET state = 'failed', planned_at = NULL")
    for person in (officer, navegador):
        assert person.get("/staff/notices").status == 200


def test_what_is_late_is_said(world: World, officer: Pages) -> None:
    notices.add(world.conn, [(world.id_of(world.group()), "withdrawn", {})], world.now)
    assert "Tell the operator" not in officer.get("/staff/notices").main
    world.conn.execute("UPDATE notice SET created_at = created_at - interval '11 minutes'")
    assert "should have been: 1, the first since" in officer.get("/staff/notices").main


def test_what_is_tried_in_vain_again_and_again_is_late_too(world: World, officer: Pages) -> None:
    planned(world, parcel("email"))
    world.conn.execute("UPDATE notice SET created_at = created_at - interval '11 minutes'")
    world.conn.execute("UPDATE delivery SET tries = 4, due_at = now() + interval '2 minutes'")
    assert "should have been: 1, the first since" in officer.get("/staff/notices").main


# -- reports ------------------------------------------------------------------------------------


@pytest.fixture
def report(web: None) -> object:
    client = Client(headers={"host": "127.0.0.1"}, enforce_csrf_checks=True)

    def send(
        reference: object, status: object = "delivered", by: str = "alpha", secret: str | None = None
    ) -> HttpResponse:
        body = {"reference": reference, "status": status}
        headers = {"authorization": f"Bearer {SECRET} of {by}" if secret is None else secret}
        path = f"/api/v1/notices/reports/{by}"
        return client.post(path, body, content_type="application/json", headers=headers)

    with override_settings(FAIRGATE_SMS_PROVIDERS=PROVIDERS):
        yield send


Send = Callable[..., HttpResponse]


def state(conn: psycopg.Connection) -> tuple[str, str | None, str]:
    """Of the delivery its state and reason, and the notice's state."""
    query = "SELECT d.state, d.reason, n.state FROM delivery d JOIN notice n ON n.id = d.notice_id"
    [row] = conn.execute(query).fetchall()
    return row


def test_a_report_says_that_a_message_arrived_or_did_not(world: World, report: Send) -> None:
    planned(world, parcel("sms"))
    sent = tried(world, "sms", Sent("alpha", "m-1"))
    assert state(world.conn) == ("sent", None, "sent")
    assert report(f"FG-{sent}", "failed", by="beta").status_code == 204
    assert state(world.conn) == ("sent", None, "sent"), "beta did not take it"
    assert report(f"FG-{sent}", "failed").status_code == 204
    assert state(world.conn) == ("failed", "undelivered", "failed")
    assert report(f"FG-{sent}", "delivered").status_code == 204
    assert state(world.conn) == ("delivered", None, "sent")
    assert report(f"FG-{sent}", "failed").status_code == 204
    assert state(world.conn) == ("delivered", None, "sent"), "what arrived has arrived"


def test_a_report_that_overtakes_the_answer_is_not_lost(world: World, report: Send) -> None:
    planned(world, parcel("sms"))
    [due] = deliver.take(world.conn, "sms", 1, now=world.now)
    assert report(f"FG-{due.id}", "failed").status_code == 404, "nobody knows yet who took it: say it again"
    assert report(f"FG-{due.id}").status_code == 204
    deliver.settle(world.conn, [Tried(due, Failed())], now=world.now)
    assert state(world.conn) == ("delivered", None, "sent")


def test_who_cannot_show_the_secret_changes_nothing(world: World, report: Send) -> None:
    planned(world, parcel("sms"))
    sent = tried(world, "sms", Sent("alpha"))
    for secret in ("", "Bearer ", f"Bearer {SECRET} of beta", f"{SECRET} of alpha", "Bearer \u00e9"):
        assert report(f"FG-{sent}", secret=secret).status_code == 401
    assert report(f"FG-{sent}", by="gamma").status_code == 401
    assert state(world.conn) == ("sent", None, "sent")


def test_a_report_about_anything_else_is_refused(world: World, report: Send) -> None:
    planned(world, parcel("email"))
    mail = tried(world, "email", Sent())
    for reference in (f"FG-{mail}", "FG-999", "FG-999999999999999999"):
        assert report(reference).status_code == 404
    for reference in ("FG-0", "FG-", "FG-9999999999999999999", "m-1", 7, None, ["FG-1"]):
        assert report(reference).status_code == 422
    for status in ("pending", None, ["delivered"], 1):
        assert report(f"FG-{mail}", status).status_code == 422


def test_there_is_nobody_to_report_where_nothing_is_set_up(world: World) -> None:
    answer = Client(headers={"host": "127.0.0.1"}).post(
        "/api/v1/notices/reports/alpha", {}, headers={"authorization": ""}
    )
    assert answer.status_code == 401
