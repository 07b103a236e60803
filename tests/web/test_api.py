"""The hot paths for programs: sign in, where I stand, ask, confirm, decline, check in."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from fairgate.commands.issue_passes import issue_passes
from fairgate.core import receipts, tokens
from fairgate.core.passes import read_pass
from fairgate.core.places import moment
from fairgate.core.receipts import Signer
from pages import Browser
from web_world import PROGRAM, Group, World

Ask = Callable[..., httpx.Response]
SIGNER = Signer(bytes(32), "localhost/ledger")


@pytest.fixture
def api(world: World) -> Ask:
    """Requests with a body in JSON; `token` signs in, `key` is the idempotency key."""

    def ask(method: str, path: str, *, token: str = "", key: str = "", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        assert Browser.gating is not None
        return Browser.gating.send(method, f"/api/v1{path}", headers=headers, **more)

    return ask


def signed_in(api: Ask, group: Group) -> str:
    answer = api("POST", "/session", json={"number": group.number, "code": group.code})
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["token"]
    return token


@pytest.fixture
def offered(world: World) -> Group:
    group = world.asking(size=2)
    world.draw(places=2)
    return group


def checked(text: str) -> receipts.Receipt:
    return receipts.verify(text, {SIGNER.kid: SIGNER.public})


# -- signing in ---------------------------------------------------------------------------------


def test_number_and_code_give_a_token_however_they_are_typed(world: World, api: Ask) -> None:
    group = world.group()
    said = {"number": group.number.lower().replace("-", " "), "code": group.code.lower()}
    token = api("POST", "/session", json=said).json()["token"]
    assert api("GET", "/me", token=token).json()["number"] == group.number


def test_a_wrong_code_is_401_with_a_plain_reason(world: World, api: Ask) -> None:
    one, other = world.group(), world.group()
    answer = api("POST", "/session", json={"number": one.number, "code": other.code})
    assert answer.status_code == 401
    assert "do not belong together" in answer.json()["error"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"number": 1, "code": 2}', b'{"number": "7K3M-9QXR"}', b"\xff", b'{"a": 1, "a": 2}']
)
def test_what_cannot_be_read_is_422_and_names_the_place(api: Ask, body: bytes) -> None:
    answer = api("POST", "/session", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(("body", "number"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/me"),
        ("POST", "/me/confirm"),
        ("POST", "/me/decline"),
        ("POST", "/me/request"),
        ("DELETE", "/me/request"),
    ],
)
@pytest.mark.parametrize("token", ["", "made.up", "e30.e30"])
def test_without_a_token_of_ours_nobody_is_signed_in(api: Ask, method: str, path: str, token: str) -> None:
    answer = api(method, path, token=token)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_token_ends(world: World, api: Ask) -> None:
    token = tokens.sign(world.keys, tokens.SESSION, {"number": world.group().number, "until": 1})
    assert api("GET", "/me", token=token).status_code == 401


def test_the_token_of_a_registration_that_is_not_there_signs_nobody_in(world: World, api: Ask) -> None:
    token = tokens.sign(world.keys, tokens.SESSION, {"number": "0000-0012", "until": 2**40})
    assert api("GET", "/me", token=token).status_code == 401


def test_guessing_codes_slows_down(world: World, api: Ask) -> None:
    one, other = world.group(), world.group()
    said = {"number": one.number, "code": other.code}
    statuses = [api("POST", "/session", json=said).status_code for _ in range(12)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    slowed = api("POST", "/session", json=said)
    assert int(slowed.headers["Retry-After"]) >= 1
    assert api("POST", "/session", json={"number": other.number, "code": other.code}).status_code == 200


def test_the_address_knows_its_methods(api: Ask) -> None:
    answer = api("GET", "/me/confirm")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


# -- asking -------------------------------------------------------------------------------------


def test_a_request_stands_until_withdrawn(world: World, api: Ask) -> None:
    token = signed_in(api, world.group())
    assert api("GET", "/me", token=token).json()["request"] is None
    answer = api("POST", "/me/request", token=token, json={"ports": ["SYS", "ELP"]})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "requested")
    assert checked(answer.json()["receipt"]).facts["ports"] == ["SYS", "ELP"]
    wish = api("GET", "/me", token=token).json()["request"]
    assert (wish["state"], wish["ports"]) == ("standing", ["SYS", "ELP"])
    gone = api("DELETE", "/me/request", token=token)
    assert (gone.status_code, gone.json()["outcome"]) == (200, "withdrawn")
    assert api("GET", "/me", token=token).json()["request"]["state"] == "withdrawn"


@pytest.mark.parametrize(
    ("ports", "outcome"), [([], "no ports"), (["XXX"], "unknown port"), (["SYS", "SYS"], "port twice")]
)
def test_ports_to_correct_are_422(world: World, api: Ask, ports: list[str], outcome: str) -> None:
    answer = api("POST", "/me/request", token=signed_in(api, world.group()), json={"ports": ports})
    assert (answer.status_code, answer.json()["outcome"]) == (422, outcome)


@pytest.mark.parametrize("body", [{}, {"ports": "SYS"}, {"ports": [1]}, {"ports": None}, {"ports": ["SYS"] * 101}])
def test_ports_are_a_list_of_codes(world: World, api: Ask, body: dict[str, object]) -> None:
    answer = api("POST", "/me/request", token=signed_in(api, world.group()), json=body)
    assert answer.status_code == 422
    assert "ports" in answer.json()["error"]


# -- the pass -----------------------------------------------------------------------------------


def test_the_pass_is_there_once_it_was_issued_and_gone_with_the_appointment(
    world: World, offered: Group, api: Ask
) -> None:
    def passed() -> dict[str, Any]:
        answer = api("GET", "/me/pass", token=token)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    token = signed_in(api, offered)
    assert passed() == {"pass": None}, "an offer has none"
    api("POST", "/me/confirm", token=token)
    assert passed() == {"pass": None}, "it follows a moment later"
    assert len(issue_passes(world.conn, keys=world.keys, now=world.now, chance=os.urandom)) == 1
    found = passed()
    shown = read_pass(checked(found["pass"]))
    assert (shown.number, shown.port, shown.date, shown.size) == (offered.number, "SYS", world.day, 2)
    assert found["counts_until"] == moment(shown.expires_at)
    assert passed() == found, "the same to the letter"
    world.cancel(offered)
    assert passed() == {"pass": None}


def test_a_new_appointment_does_not_show_the_pass_of_an_old_one(world: World, api: Ask) -> None:
    group = world.asking(size=2)
    world.draw(world.today, places=2)
    world.confirm(group, world.drawn_at(world.today))
    issue_passes(world.conn, keys=world.keys, now=world.now, chance=os.urandom)
    world.check_in(group)
    token = signed_in(api, group)
    old = api("GET", "/me/pass", token=token).json()["pass"]
    assert checked(old).facts["date"] == world.today.isoformat(), "who came can still show it"
    api("POST", "/me/request", token=token, json={"ports": ["SYS"]})
    day = world.draw(world.day + timedelta(days=1), places=2)
    world.confirm(group, world.drawn_at(day))
    assert api("GET", "/me/pass", token=token).json() == {"pass": None}
    issue_passes(world.conn, keys=world.keys, now=world.now, chance=os.urandom)
    assert checked(api("GET", "/me/pass", token=token).json()["pass"]).facts["date"] == day.isoformat()


def test_a_pass_that_has_expired_or_whose_statement_was_destroyed_is_not_handed_out(
    world: World, offered: Group, api: Ask
) -> None:
    late, day = world.asking(), world.today - timedelta(days=3)
    world.draw(day)
    world.confirm(late, world.drawn_at(day))
    issue_passes(world.conn, keys=world.keys, now=world.drawn_at(day), chance=os.urandom)
    assert api("GET", "/me/pass", token=signed_in(api, late)).json() == {"pass": None}
    token = signed_in(api, offered)
    api("POST", "/me/confirm", token=token)
    issue_passes(world.conn, keys=world.keys, now=world.now, chance=os.urandom)
    leaf = checked(api("GET", "/me/pass", token=token).json()["pass"]).leaf
    assert world.conn.execute("SELECT count(*) FROM pass").fetchone() == (2,)
    world.conn.execute("DELETE FROM statement WHERE leaf = %s", [leaf])
    assert api("GET", "/me/pass", token=token).json() == {"pass": None}


def test_nobody_is_handed_a_pass_without_a_token(api: Ask) -> None:
    assert api("GET", "/me/pass").status_code == 401
    assert api("POST", "/me/pass", json={}).status_code == 405


# -- confirming and declining -------------------------------------------------------------------


def test_an_offer_is_shown_with_its_deadline_and_the_reasons(world: World, offered: Group, api: Ask) -> None:
    world.outage(world.day, after=timedelta(minutes=10), lasted=timedelta(minutes=5))
    found = api("GET", "/me", token=signed_in(api, offered)).json()
    offer = found["offer"]
    assert (offer["state"], offer["port"], offer["date"], offer["size"]) == ("offered", "SYS", world.day.isoformat(), 2)
    assert offer["deadline"].endswith("Z")
    assert [reason["because"] for reason in offer["reasons"]] == ["opened", "moved"]
    assert offer["reasons"][1]["lost_s"] == 300
    assert len(offer["outages"]) == 1
    assert found["appointment"] is None


def test_a_confirmation_is_answered_with_a_receipt_that_proves_it(world: World, offered: Group, api: Ask) -> None:
    token = signed_in(api, offered)
    answer = api("POST", "/me/confirm", token=token, key="one")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["outcome"], told["how"]) == ("confirmed", "on time")
    receipt = checked(told["receipt"])
    assert (receipt.kind, receipt.number, receipt.facts["port"]) == ("confirmed", offered.number, "SYS")
    [(data,)] = world.conn.execute("SELECT data FROM leaf WHERE index = %s", [receipt.leaf]).fetchall()
    assert bytes(data) == receipt.leaf_data()
    found = api("GET", "/me", token=token).json()
    assert (found["offer"], found["appointment"]["state"]) == (None, "confirmed")


def test_the_same_key_gets_the_same_answer_to_the_byte(world: World, offered: Group, api: Ask) -> None:
    token = signed_in(api, offered)
    answers = [api("POST", "/me/confirm", token=token, key="one") for _ in range(3)]
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert world.conn.execute("SELECT count(*) FROM statement WHERE kind = 'confirmed'").fetchone() == (1,)


def test_the_same_key_with_another_act_is_refused(world: World, offered: Group, api: Ask) -> None:
    token = signed_in(api, offered)
    assert api("POST", "/me/confirm", token=token, key="one").status_code == 200
    answer = api("POST", "/me/decline", token=token, key="one")
    assert (answer.status_code, answer.json()["outcome"]) == (409, "key reused")


@pytest.mark.parametrize("key", ["k" * 201, "a\tb"])
def test_a_key_that_cannot_be_kept_is_refused(world: World, offered: Group, api: Ask, key: str) -> None:
    answer = api("POST", "/me/confirm", token=signed_in(api, offered), key=key)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["error"]


def test_too_late_is_told_with_the_deadline_and_the_outages_that_moved_it(world: World, api: Ask) -> None:
    group = world.asking()
    day = world.draw(world.day - timedelta(days=3))
    world.outage(day, after=timedelta(hours=1), lasted=timedelta(minutes=30))
    answer = api("POST", "/me/confirm", token=signed_in(api, group))
    assert answer.status_code == 409
    told = answer.json()
    assert told["outcome"] == "too late"
    assert told["deadline"].endswith("Z")
    assert len(told["outages"]) == 1


def test_who_declines_gets_a_receipt_and_cannot_confirm_any_more(world: World, offered: Group, api: Ask) -> None:
    token = signed_in(api, offered)
    answer = api("POST", "/me/decline", token=token)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "declined")
    assert checked(answer.json()["receipt"]).kind == "declined"
    assert api("POST", "/me/confirm", token=token).json()["outcome"] == "no offer"


def test_a_body_that_is_too_large_is_refused_before_it_is_read(world: World, offered: Group, api: Ask) -> None:
    answer = api("POST", "/me/confirm", token=signed_in(api, offered), content=b" " * 70_000)
    assert answer.status_code == 413


# -- at the port --------------------------------------------------------------------------------


def test_an_officer_checks_in_with_a_token(world: World, api: Ask) -> None:
    from django.contrib.auth.models import User

    from fairgate.web import accounts

    accounts.prepare()
    User.objects.create_user("officer", password="a long enough one")
    group = world.asking()
    world.draw(world.today)
    world.confirm(group, at=world.drawn_at(world.today) + timedelta(hours=1))
    wrong = api("POST", "/staff/session", json={"name": "officer", "password": "another"})
    assert wrong.status_code == 401
    said = {"name": "officer", "password": "a long enough one"}
    token = api("POST", "/staff/session", json=said).json()["token"]
    answer = api("POST", "/staff/check-in", token=token, json={"number": group.number})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "checked in")
    assert checked(answer.json()["receipt"]).kind == "checked in"
    assert api("GET", "/me", token=token).status_code == 401, "an officer's token is nobody's registration"
    person = signed_in(api, group)
    assert api("POST", "/staff/check-in", token=person, json={"number": group.number}).status_code == 401


def test_metrics_tell_of_the_lanes(world: World, offered: Group, api: Ask) -> None:
    api("POST", "/me/confirm", token=signed_in(api, offered))
    assert Browser.gating is not None
    text = Browser.gating.send("GET", "/metrics").text
    assert 'fairgate_acts_total{lane="confirm"}' in text
    assert 'fairgate_batch_acts_bucket{lane="confirm",le="1.0"}' in text
    assert PROGRAM not in text
