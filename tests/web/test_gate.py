"""The front door: health, the front end, bundles, and Django behind it; over ASGI, as a server calls it."""

import gzip
from pathlib import Path
from typing import Any

import httpx
import pytest

from gating import Gating
from pages import Browser
from web_world import World


class Caller:
    """Requests to the gate, one at a time; cookies are kept."""

    def __init__(self, gating: Gating) -> None:
        self.gating = gating
        self.cookies = httpx.Cookies()

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self._send("GET", path, more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self._send("POST", path, more)

    def _send(self, method: str, path: str, more: dict[str, Any]) -> httpx.Response:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.gating.send(method, path, headers={"Cookie": cookies, **more.pop("headers", {})}, **more)
        self.cookies.update(answer.cookies)
        return answer


@pytest.fixture
def gate(world: World) -> Caller:
    """The gate with this test's database and home."""
    assert Browser.gating is not None
    return Caller(Browser.gating)


def test_health(gate: Caller) -> None:
    for path in ("/health/live", "/health/ready"):
        assert gate.get(path).json() == {"ok": True}


def test_without_a_database_the_process_lives_and_is_not_ready(web: None, tmp_path: Path) -> None:
    gating = Gating("postgresql://nobody@127.0.0.1:1/x", tmp_path)
    client = Caller(gating)
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (503, {"ok": False})
    gating.close()


def test_the_front_end_is_kept_for_ever_and_sent_compressed(gate: Caller) -> None:
    from fairgate.web.environment import asset

    for name in ("app.css", "app.js", "verify.js", "verify-worker.js"):
        answer = gate.get(asset(name), headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] == "gzip"
        plain = gate.get(asset(name), headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
        assert "Content-Encoding" not in plain.headers
    assert gate.get("/static/manifest.json").status_code == 404
    assert gate.get("/static/..%2fsettings.py").status_code == 404


def test_the_first_view_of_a_page_weighs_less_than_50_kibibytes(gate: Caller) -> None:
    """All that a phone loads for its first page, as it goes over the line: page, style, script; no font, no picture."""
    page = gate.get("/")
    files = [piece.split('"')[0] for piece in page.text.replace('src="', 'href="').split('href="/static/')[1:]]
    assert len(files) == 2
    compressed = {"Accept-Encoding": "gzip"}
    sizes = [int(gate.get(f"/static/{name}", headers=compressed).headers["Content-Length"]) for name in files]
    weight = len(page.content) + sum(sizes)
    assert weight < 25 * 1024, f"{weight} bytes"
    assert "@font-face" not in gate.get(f"/static/{files[0]}").text


def test_a_script_in_a_thread_of_its_own_may_ask_nobody_but_us(gate: Caller) -> None:
    """A worker goes by the policy that its own file comes with, and without one by none."""
    from fairgate.web.environment import asset

    policy = gate.get(asset("verify-worker.js")).headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; connect-src 'self'"
    assert "worker-src 'self'" in gate.get("/").headers["Content-Security-Policy"].split("; ")


def test_pages_come_from_behind(gate: Caller) -> None:
    assert "Arrival appointments" in gate.get("/").text
    form = gate.get("/sign-in")
    token = form.text.split('csrfmiddlewaretoken" value="')[1].split('"')[0]
    sent = {"csrfmiddlewaretoken": token, "number": "1", "code": "2"}
    assert gate.post("/sign-in", data=sent).status_code == 422


def test_bundles_are_files(gate: Caller, tmp_path: Path) -> None:
    folder = tmp_path / "public" / "draws" / "2026-12-01"
    folder.mkdir(parents=True)
    (folder / "entries.csv").write_text("ticket,size,weeks,ports\n")
    (tmp_path / "public" / "draws" / "secret").write_text("no")
    answer = gate.get("/draws/2026-12-01/entries.csv")
    assert answer.text == "ticket,size,weeks,ports\n"
    assert answer.headers["Content-Type"].startswith("text/csv")
    for missing in ("/draws/2026-12-01/results.csv", "/draws/2026-12-01/other", "/draws/2026-12-01/..%2f..%2fsecret"):
        answer = gate.get(missing)
        assert answer.status_code == 404
        assert "Page not found" in answer.text


def test_compressed_files_are_what_they_say(gate: Caller) -> None:
    from fairgate.gate.files import FrontEnd
    from fairgate.web.environment import STATIC

    for kept in FrontEnd(STATIC).files.values():
        assert gzip.decompress(kept.compressed) == kept.plain
