"""A real server, a real database and Debian's Chromium.

Each page that a test looks at is held against axe-core's rules, must not be wider than the window at 360 and at 1280
pixels, and is kept as a picture in FAIRGATE_SCREENSHOTS, if that names a folder.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from checking import Checker, serving
from databases import Databases
from fairgate.store import keys
from web_world import Group, World

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
CONTACT = "mailto:operator@example.org"  # devices can be told
WIDTHS = (360, 1280)
PATIENCE_MS = 20_000

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Site:
    """The service at `url`, the world behind it, and its folder."""

    url: str
    world: World
    home: Path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed: pages are not looked at in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def deployed() -> dict[str, str]:
    """What the world of a module's tests has that others do not; it may say otherwise."""
    return {}


@pytest.fixture(scope="module")
def site(databases: Databases, chromium: Browser, deployed: dict[str, str]) -> Iterator[Site]:
    """The whole service on a free port, with a database and a home of its own."""
    with databases.new() as dsn, tempfile.TemporaryDirectory() as home, psycopg.connect(dsn, autocommit=True) as conn:
        environment = os.environ | {"DATABASE_URL": dsn, "FAIRGATE_HOME": home, "FAIRGATE_PUSH_CONTACT": CONTACT}
        world = World(conn, keys.load(Path(home)), **deployed)
        _prepare(environment)
        with _served(environment) as url:
            yield Site(url, world, Path(home))


def _prepare(environment: dict[str, str]) -> None:
    """Translations and a staff account, made as an operator does it, in a process of its own."""
    make = (
        "from fairgate.web import accounts, catalogues; catalogues.build(); accounts.add('officer', 'a long password')"
    )
    settings = {"DJANGO_SETTINGS_MODULE": "fairgate.web.settings"}
    subprocess.run([sys.executable, "-c", make], env=environment | settings, check=True)


class _served:  # noqa: N801 - reads as what it does
    """Granian with the service, ended afterwards."""

    def __init__(self, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = ["granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(self.port), "--no-ws"]
        self.server = subprocess.Popen(
            [sys.executable, "-m", *command, "fairgate.asgi:app"], env=environment, stdout=subprocess.DEVNULL
        )

    def __enter__(self) -> str:
        url = f"http://127.0.0.1:{self.port}"
        for _ in range(300):
            assert self.server.poll() is None, "the server did not start"
            try:
                if httpx.get(f"{url}/health/ready").status_code == 200:
                    return url
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the server did not become ready")

    def __exit__(self, *_: object) -> None:
        self.server.terminate()
        self.server.wait(20)


class Person:
    """Somebody with a browser. `look` is what they do on every page."""

    def __init__(self, context: BrowserContext, inspector: Page, site: Site, language: str) -> None:
        self.context = context
        self.inspector = inspector
        self.site = site
        self.language = language
        self.page: Page = context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path: str) -> int:
        answer = self.page.goto(f"{self.site.url}{path}")
        assert answer is not None
        return answer.status

    def press(self, words: str) -> None:
        """Press the button or follow the link with these words in the page's own part."""
        main = self.page.locator("main")
        main.get_by_role("button", name=words, exact=True).or_(main.get_by_role("link", name=words, exact=True)).click()

    def sign_in(self, group: Group) -> None:
        self.go("/sign-in")
        self.page.locator("#number").fill(group.number)
        self.page.locator("#code").fill(group.code)
        self.page.locator("main button").click()

    @property
    def h1(self) -> str:
        return self.page.locator("h1").inner_text()

    @property
    def says(self) -> str:
        return self.page.locator("main").inner_text()

    def look(self, name: str) -> None:
        """Hold the page against accessibility rules, at both widths, and keep a picture of it."""
        self.page.wait_for_load_state()  # what was pressed has led on, perhaps a moment ago
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 800})
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} pixels wide in a window of {width}"
            folder = os.environ.get("FAIRGATE_SCREENSHOTS")
            if folder:
                self.page.screenshot(path=Path(folder) / f"{name}-{self.language}-{width}.png", full_page=True)
        assert self._violations() == [], name

    def _violations(self) -> list[str]:
        """What axe-core finds; it needs scripts, so a copy of the page is opened in a browser that runs them."""
        html, anywhere = self.page.content(), "**/*"

        def give_copy(route: Route) -> None:
            if route.request.resource_type == "document":
                route.fulfill(body=html, content_type="text/html; charset=utf-8")
            else:
                route.continue_()

        self.inspector.route(anywhere, give_copy)
        self.inspector.goto(self.page.url)
        self.inspector.unroute(anywhere)
        self.inspector.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.inspector.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [f"{v['id']}: {v['help']} {[n['html'][:200] for n in v['nodes']]}" for v in found["violations"]]

    def stayed_here(self) -> None:
        """Nothing was loaded from elsewhere, and the browser found nothing to complain of."""
        assert [url for url in self.asked if not url.startswith((self.site.url, "data:"))] == []
        assert [text for text in self.complaints if "status of 4" not in text] == []


@pytest.fixture
def meet(chromium: Browser, site: Site) -> Iterator[Any]:
    """meet("es") is a person who reads Spanish; without scripts, unless they are asked for."""
    opened: list[Person] = []
    inspecting = chromium.new_context()

    def person(language: str = "en", *, scripts: bool = False) -> Person:
        context = chromium.new_context(locale=language, java_script_enabled=scripts)
        context.set_default_timeout(PATIENCE_MS)
        opened.append(Person(context, inspecting.new_page(), site, language))
        return opened[-1]

    yield person
    for each in opened:
        each.stayed_here()
        each.context.close()
    inspecting.close()


@pytest.fixture(scope="module")
def checker(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    folder = tmp_path_factory.mktemp("bundles")
    with serving(folder) as url:
        page = chromium.new_page()
        page.goto(url)
        yield Checker(page, folder)
        page.close()


@pytest.fixture
def copied(checker: Checker, request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Path]]:
    """A bundle of this test's own, below what the browser can reach."""
    made: list[Path] = []

    def copy(source: Path) -> Path:
        made.append(checker.folder / f"{sha256(request.node.nodeid.encode()).hexdigest()[:12]}-{len(made)}")
        made[-1].mkdir()
        for file in source.iterdir():
            (made[-1] / file.name).write_bytes(file.read_bytes())
        return made[-1]

    yield copy
    for folder in made:
        shutil.rmtree(folder)
