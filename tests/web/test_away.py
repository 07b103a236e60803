"""The service without its database: everyone is answered at once, in their language, and tries are on disk first."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from starlette.types import Receive, Scope, Send

from fairgate.core import numbers, tokens
from fairgate.gate import calls
from fairgate.store import journal
from fairgate.store.journal import Intake, Record, Tried
from gating import Gating
from pages import Page
from web_world import World

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
LANGUAGES = ("en", "es")
NOT_ANSWERING = {"en": "The service is not answering right now", "es": "El servicio no responde en este momento"}
RECORDED = {"en": "We have written down that you tried to confirm.", "es": "Hemos anotado que usted intentó confirmar."}
CLOCK_STANDS = {"en": "the clock of every deadline stands still", "es": "el reloj de todos los plazos está detenido"}
KEPT = ('fairgate_attempts_kept_total{kept="on disk"}', 'fairgate_attempts_kept_total{kept="lost"}')
AWAY = 'fairgate_unanswered_total{fault="database away",lane="confirm"}'

Sending = Callable[..., httpx.Response]
_chance = itertools.count()


def number() -> str:
    """Of somebody who has not been here yet."""
    return numbers.new_number(lambda size: next(_chance).to_bytes(size, "big"))


class Person:
    """Somebody with a cookie, a token and a page that was opened in time."""

    def __init__(self, gating: Gating, language: str = "en") -> None:
        from django.conf import settings

        self.number = number()
        self.language = language
        self._gating = gating
        keys, until = settings.FAIRGATE_KEYS, int(time.time()) + 3600
        self.token = tokens.sign(keys, tokens.SESSION, {"number": self.number, "until": until})
        self.page = tokens.sign_page(keys, self.number, datetime.now(UTC))

    def form(self, path: str = "/me/confirm", **more: Any) -> Page:
        """Send the page's form; what comes back is a page, checked."""
        headers = {"Cookie": f"{tokens.COOKIE}={self.token}", "Accept-Language": self.language}
        answer = self._gating.send("POST", path, headers=headers, **{"data": {"page": self.page}, **more})
        given = HttpResponse(answer.content, status=answer.status_code, headers=dict(answer.headers))
        return Page(given, path, self.language)

    def api(self, path: str = "/api/v1/me/confirm", method: str = "POST", **more: Any) -> httpx.Response:
        return self._gating.send(method, path, headers={"Authorization": f"Bearer {self.token}"}, **more)


@pytest.fixture
def gate(web: None, tmp_path: Path) -> Iterator[Gating]:
    """A gate whose database refuses connections; lanes do not wait for one to come back."""
    from fairgate.gate import lanes

    seek, lanes.SEEK_S = lanes.SEEK_S, 0.0  # type: ignore[misc]
    gating = Gating(NOWHERE, tmp_path / "away")
    yield gating
    gating.close()
    lanes.SEEK_S = seek  # type: ignore[misc]


def on_disk(gating: Gating) -> list[Record]:
    """What a worker would take in."""
    found: list[Record] = []

    def take(records: Any) -> int:
        found.extend(records)
        return 0

    Intake(gating.home / "journal").take_in(take)
    return found


def figures(gating: Gating, *names: str) -> list[float]:
    """What /metrics says of each; nothing yet is 0."""
    said = dict(line.rsplit(" ", 1) for line in gating.send("GET", "/metrics").text.splitlines() if line[0] != "#")
    return [float(said.get(name, 0)) for name in names]


# -- no answer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_confirms_is_told_that_the_try_is_on_record(gate: Gating, language: str) -> None:
    person, before = Person(gate, language), datetime.now(UTC)
    page = person.form()
    assert (page.status, page.h1) == (503, NOT_ANSWERING[language])
    assert int(page.headers["Retry-After"]) > 0
    assert RECORDED[language] in page.main
    assert person.number not in page.html
    [tried] = on_disk(gate)
    assert isinstance(tried, Tried)
    assert (tried.number, tried.fault) == (person.number, "database away")
    assert before <= tried.at <= datetime.now(UTC)


def test_a_program_is_told_the_same(gate: Gating) -> None:
    person = Person(gate)
    answer = person.api()
    assert (answer.status_code, answer.json()["attempt_recorded"]) == (503, True)
    assert int(answer.headers["Retry-After"]) > 0
    [tried] = on_disk(gate)
    assert isinstance(tried, Tried)
    assert tried.number == person.number


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/me"), ("POST", "/api/v1/me/decline"), ("DELETE", "/api/v1/me/request")],
)
def test_only_tries_to_confirm_are_written_down(gate: Gating, method: str, path: str) -> None:
    answer = Person(gate).api(path, method)
    assert (answer.status_code, answer.json()["attempt_recorded"]) == (503, False)
    assert on_disk(gate) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/me/decline", "/me/request"])
def test_other_forms_are_told_that_no_place_is_lost(gate: Gating, language: str, path: str) -> None:
    page = Person(gate, language).form(path)
    assert (page.status, page.h1) == (503, NOT_ANSWERING[language])
    assert CLOCK_STANDS[language] in page.main
    assert RECORDED[language] not in page.main
    assert on_disk(gate) == []


def test_every_try_has_its_own_line_and_figures_count_them_all(gate: Gating) -> None:
    before = figures(gate, AWAY, *KEPT)
    people = [Person(gate) for _ in range(6)]
    for person in people[:3]:
        person.form()
    for person in people[3:]:
        person.api()
    assert [record.number for record in on_disk(gate) if isinstance(record, Tried)] == [p.number for p in people]
    assert figures(gate, AWAY, *KEPT) == [before[0] + 6, before[1] + 6, before[2]]


def test_health_and_figures_answer_without_a_database(gate: Gating) -> None:
    assert gate.send("GET", "/health/live").status_code == 200
    assert gate.send("GET", "/health/ready").status_code == 503
    assert gate.send("GET", "/metrics").status_code == 200


# -- a disk that does not take it ---------------------------------------------------------------


def fail(*_: object) -> None:
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("trouble", ["disk", "full"])
def test_where_the_try_cannot_be_kept_nobody_says_that_it_is(
    gate: Gating, monkeypatch: pytest.MonkeyPatch, language: str, trouble: str
) -> None:
    before = figures(gate, *KEPT)
    if trouble == "disk":
        monkeypatch.setattr(journal.os, "fsync", fail)
    else:
        monkeypatch.setattr(journal, "held", lambda _: 2**40)
    page = Person(gate, language).form()
    assert (page.status, page.h1) == (503, NOT_ANSWERING[language])
    assert int(page.headers["Retry-After"]) > 0
    assert RECORDED[language] not in page.main
    answer = Person(gate).api()
    assert (answer.status_code, answer.json()["attempt_recorded"]) == (503, False)
    assert figures(gate, *KEPT) == [before[0], before[1] + 2]


def test_a_full_disk_is_said_once_a_second_not_once_a_person(gate: Gating, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairgate.gate import tries

    said: list[dict[str, Any]] = []
    gate.send("GET", "/health/live")  # begins the gate, whose folder is there by then
    monkeypatch.setattr(tries, "SAID_EVERY_S", 60.0)
    monkeypatch.setattr(tries.log, "error", lambda event, **more: said.append({"event": event, **more}))
    monkeypatch.setattr(journal.os, "fsync", fail)
    for _ in range(20):
        Person(gate).api()
    assert [line["event"] for line in said] == ["journal failed"]


# -- troubles that are no fault of the database -------------------------------------------------


@pytest.mark.parametrize(
    ("language", "h1", "wait", "comfort"),
    [
        ("en", "Too many tries", "Wait 1 second, then", "no deadline is affected"),
        ("es", "Demasiados intentos", "Espere 1 segundo y", "ningún plazo se ve afectado"),
    ],
)
def test_who_tries_without_end_is_told_how_long_to_wait(
    gate: Gating, language: str, h1: str, wait: str, comfort: str
) -> None:
    person = Person(gate, language)
    pages = [person.form("/me/decline") for _ in range(40)]
    assert {page.status for page in pages} == {503, 429}
    page = pages[-1]
    assert (page.status, page.h1) == (429, h1)
    assert page.headers["Retry-After"] == "1"
    assert wait in page.main
    assert comfort in page.main
    assert Person(gate, language).form("/me/decline").status == 503, "others are not made to wait"


@pytest.mark.parametrize(
    ("language", "h1"), [("en", "What was sent is too long"), ("es", "Lo que se envió es demasiado largo")]
)
def test_a_form_that_is_too_long_is_not_read_to_its_end(gate: Gating, language: str, h1: str) -> None:
    page = Person(gate, language).form(data={"page": "7" * (calls.BODY_MOST + 1)})
    assert (page.status, page.h1) == (413, h1)
    assert page.headers["Connection"] == "close"
    assert on_disk(gate) == []


@pytest.mark.parametrize(("language", "h1"), [("en", "The form did not arrive"), ("es", "El formulario no llegó")])
def test_a_form_that_does_not_arrive_is_not_waited_for(
    gate: Gating, monkeypatch: pytest.MonkeyPatch, language: str, h1: str
) -> None:
    monkeypatch.setattr(calls, "BODY_WITHIN_S", 0.05)
    page = slow(gate, Person(gate, language))
    assert (page.status, page.h1) == (408, h1)
    assert page.headers["Connection"] == "close"
    assert on_disk(gate) == []


def slow(gating: Gating, person: Person) -> Page:
    """What somebody is answered whose form begins and does not end."""
    import asyncio

    sent: list[Any] = []
    pieces = [{"type": "http.request", "body": b"page=", "more_body": True}]

    async def receive() -> Any:
        if not pieces:
            await asyncio.sleep(60)
        return pieces.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {"host": "127.0.0.1", "content-length": "500", "accept-language": person.language}
    headers["cookie"] = f"{tokens.COOKIE}={person.token}"
    scope = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": "POST",
        "path": "/me/confirm",
        "raw_path": b"/me/confirm",
        "query_string": b"",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 4711),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    gating.send("GET", "/health/live")  # begins the gate
    gating.run(gating.gate(scope, receive, send))
    given = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Page(HttpResponse(body, status=sent[0]["status"], headers=given), "/me/confirm", person.language)


@pytest.mark.parametrize("body", [b"page=\xff\xfe", b"&".join(b"a=%d" % i for i in range(300))])
def test_a_form_that_nobody_can_read_is_the_senders_mistake(gate: Gating, body: bytes) -> None:
    page = Person(gate).form(data=None, content=body)
    assert (page.status, page.h1) == (400, "We could not read what was sent")


# -- pages behind -------------------------------------------------------------------------------


def test_a_thousand_who_are_told_the_same_cost_one_rendering() -> None:
    import asyncio

    from fairgate.gate.calls import Call
    from fairgate.gate.pages import Pages, Trouble

    rendered = []

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        rendered.append(scope)
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b"away"})

    async def ask() -> set[bytes]:
        pages = Pages(page)
        told = [pages.trouble(Call({"headers": []}, receive), Trouble(503, 10, True)) for _ in range(1000)]
        return {answer.body for answer in await asyncio.gather(*told)}

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    assert asyncio.run(ask()) == {b"away"}
    assert len(rendered) == 1


@contextmanager
def away_pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from fairgate.web import database

    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.3)
    with override_settings(DATABASE_URL=NOWHERE):
        yield
        database.pool(NOWHERE).close()
    database.pool.cache_clear()


def test_pages_wait_for_the_database_once_and_then_say_at_once_that_it_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fairgate.web import database

    def ask() -> float:
        begun = time.monotonic()
        with pytest.raises((psycopg.OperationalError, database.PoolTimeout)), database.connection():
            pass
        return time.monotonic() - begun

    with away_pages(monkeypatch):
        assert ask() >= 0.3
        threads = [threading.Thread(target=ask) for _ in range(50)]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - begun < 0.3


def test_pages_find_out_within_a_second_that_it_is_back(dsn: str, web: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairgate.web import database

    pool = database.Pool(dsn)
    monkeypatch.setattr(pool, "_url", NOWHERE)
    monkeypatch.setattr(database, "ASK_AGAIN_SECONDS", 0.05)
    pool._is_away()
    time.sleep(0.1)
    with pytest.raises(psycopg.OperationalError), pool.connection():
        pass
    monkeypatch.setattr(pool, "_url", dsn)
    with pytest.raises(database.Away), pool.connection():
        pass
    time.sleep(0.1)
    with pool.connection() as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    pool.close()


def test_pages_without_an_answer_are_one_line_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from fairgate.web import middleware

    said: list[dict[str, Any]] = []
    monkeypatch.setattr(middleware.log, "error", lambda event, **more: said.append({"event": event, **more}))
    seldom = middleware._Seldom()
    for _ in range(100):
        seldom.count(psycopg.OperationalError())
    seldom.said_at = time.monotonic() - middleware.SAID_EVERY_SECONDS
    seldom.count(psycopg.OperationalError())
    assert [line["pages"] for line in said] == [1, 100]


@pytest.mark.parametrize(("status", "told"), [(404, False), (503, False), (500, True)])
def test_only_defects_are_logged_of_what_pages_answer(
    web: None, caplog: pytest.LogCaptureFixture, status: int, told: bool
) -> None:
    from django.utils.log import log_response

    from fairgate.web import middleware

    assert middleware.log
    with caplog.at_level(logging.INFO, "django.request"):
        log_response("%s", "x", response=HttpResponse(status=status), request=HttpRequest())
    assert bool(caplog.records) == told
