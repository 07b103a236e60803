"""What somebody sends who means harm: nothing of it may pass for a failure of ours, nor reach another person."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from fairgate.core import tokens
from fairgate.gate import calls
from fairgate.gate.calls import Call, TooSlow
from fairgate.gate.desk import Desk, TooMany
from fairgate.gate.guarded import Guarded
from fairgate.gate.pages import Pages
from pages import Browser
from web_world import Group, World

UNSTORABLE = ["\0", "\ud800", "arrival\0", "é", "x" * 61]


@pytest.fixture
def group(world: World) -> Group:
    group = world.asking(size=2)
    world.draw(places=2)
    return group


def send(method: str, path: str, **more: Any) -> httpx.Response:
    assert Browser.gating is not None
    return Browser.gating.send(method, path, **more)


def token(group: Group) -> str:
    from django.conf import settings

    return tokens.sign(settings.FAIRGATE_KEYS, tokens.SESSION, {"number": group.number, "until": 2**40})


def desk() -> Desk:
    """The desk of the gate that is open."""
    assert Browser.gating is not None
    found: Desk = Browser.gating.gate._hot["/sign-in"].desk
    return found


def evidence() -> tuple[int, int]:
    """Confirmations that worked and failed, as the gate counted them."""
    due = desk().counter.due(2**40)
    return sum(sample.ok for sample in due), sum(sample.failed for sample in due)


@pytest.mark.parametrize("name", UNSTORABLE)
@pytest.mark.parametrize("act", ["confirm", "decline", "request"])
def test_a_program_that_cannot_be_one_is_refused_and_is_no_failure(group: Group, act: str, name: str) -> None:
    headers = {"Authorization": f"Bearer {token(group)}"}
    answer = send("POST", f"/api/v1/me/{act}", headers=headers, content=json.dumps({"program": name, "ports": ["SYS"]}))
    assert (answer.status_code, evidence()) == (422, (0, 0))
    assert answer.json()["error"].startswith(r"body: \ud800 alone" if name == "\ud800" else "body member program")


@pytest.mark.parametrize("port", ["\0", "\ud800"])
def test_a_port_that_cannot_be_one_is_refused(group: Group, port: str) -> None:
    headers = {"Authorization": f"Bearer {token(group)}"}
    answer = send("POST", "/api/v1/me/request", headers=headers, content=json.dumps({"ports": [port]}))
    assert answer.status_code == 422


def form(group: Group, path: str, fields: str) -> httpx.Response:
    from django.conf import settings

    page = tokens.sign(settings.FAIRGATE_KEYS, "page", {"number": group.number, "at": 0})
    headers = {"Cookie": f"{tokens.COOKIE}={token(group)}", "Content-Type": "application/x-www-form-urlencoded"}
    return send("POST", path, headers=headers, content=f"page={page}&{fields}")


def test_forms_are_held_to_the_same(group: Group) -> None:
    assert form(group, "/me/confirm?program=%00", "key=k").status_code == 400
    assert evidence() == (0, 0)
    assert form(group, "/me/confirm", "key=%00").status_code == 303
    assert evidence() == (1, 0)


def test_a_page_of_trouble_for_an_unknown_host_is_given_to_nobody_else(world: World) -> None:
    large = b"x" * (calls.BODY_MOST + 1)
    for host, status in (("evil.example", 400), ("127.0.0.1", 413)):
        headers = {"Host": host, "Accept-Language": "es"}
        assert send("POST", "/me/confirm", headers=headers, content=large).status_code == status


async def wrong(scope: Scope, receive: Receive, send: Send) -> None:
    """The page behind: no password is right."""
    await send({"type": "http.response.start", "status": 401, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def guesses(said: list[tuple[str, bytes]], *, as_json: bool) -> list[int]:
    """What the gate answers who tries these bodies, each of a media type, one after the other."""

    async def guess() -> list[int]:
        transport = httpx.ASGITransport(Guarded(desk(), Pages(wrong), "name", as_json=as_json))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return [(await client.post("/", content=b, headers={"Content-Type": k})).status_code for k, b in said]

    answers = asyncio.run(guess())
    with pytest.raises(TooMany):  # five wrong ones for a name are free, and no more
        desk().may_guess("officer", "127.0.0.1")
    return answers


def test_guessing_is_slowed_whatever_the_document_calls_itself(world: World) -> None:
    kinds = ("text/plain", "application/x-www-form-urlencoded", "application/json", "", "multipart/form-data")
    bodies = [json.dumps({"name": "officer", "password": "no", "more": f"&name=other{i}&"}).encode() for i in range(5)]
    send("GET", "/health/live")
    assert guesses(list(zip(kinds, bodies, strict=True)), as_json=True) == [401] * 5


def test_blanks_around_a_name_do_not_make_another_one(world: World) -> None:
    kind = "application/x-www-form-urlencoded"
    send("GET", "/health/live")
    assert guesses([(kind, b"name=" + b"+" * i + b"officer") for i in range(5)], as_json=False) == [401] * 5


def test_a_form_in_parts_is_not_taken_where_codes_are_tried(world: World) -> None:
    for path in ("/sign-in", "/results", "/staff/sign-in"):
        assert send("POST", path, files={"name": (None, "officer"), "password": (None, "no")}).status_code == 400


def test_a_body_that_never_begins_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async def receive() -> Message:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits for it")

    async def read(*header: tuple[bytes, bytes]) -> bytes:
        return await Call({"type": "http", "headers": list(header)}, receive).body()

    monkeypatch.setattr(calls, "BODY_WITHIN_S", 0.01)
    for header in ((b"content-length", b"9"), (b"transfer-encoding", b"chunked")):
        with pytest.raises(TooSlow):
            asyncio.run(read(header))


def test_answers_for_programs_are_taken_for_nothing_else(world: World) -> None:
    assert send("GET", "/api/v1/me").headers["X-Content-Type-Options"] == "nosniff"


def test_an_address_with_too_many_parameters_is_a_bad_request(group: Group) -> None:
    answer = send("POST", "/me/confirm?" + "&".join(["a=1"] * 201), headers={"Accept-Language": "es"})
    assert answer.status_code == 400
    assert answer.headers["Content-Language"] == "es"


def test_an_officers_document_that_cannot_be_read_is_no_try_of_a_password(group: Group) -> None:
    for _ in range(10):
        answer = send("POST", "/api/v1/staff/session", content=b"hello")
        assert answer.status_code == 422
        assert "error" in answer.json()


def test_nobody_writes_into_our_log(group: Group, caplog: pytest.LogCaptureFixture) -> None:
    assert send("GET", "/", headers={"Host": f"{group.number}.example"}).status_code == 400
    assert send("POST", "/me/withdraw").status_code == 403
    assert not [record for record in caplog.records if record.name.startswith("django")]


def test_another_method_is_told_which_there_are(group: Group) -> None:
    for method in ("PUT", "OPTIONS", "DELETE"):
        answer = send(method, "/health/live")
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].replace(" ", "").split(",")) == {"GET", "HEAD"}
