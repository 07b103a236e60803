"""The front door: the hot paths, health, figures and files, and behind them the pages."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fairgate.core.passes import REVOKED_BYTES_MOST
from fairgate.core.receipts import Signer
from fairgate.core.revoked_note import NOTE_BYTES_MOST
from fairgate.core.sealing import Keys
from fairgate.gate.api import Api, tell
from fairgate.gate.calls import Endpoint
from fairgate.gate.desk import Desk
from fairgate.gate.figures import Figures
from fairgate.gate.files import SECONDS, Bundles, Document, FrontEnd, Ledger, Results, Tables
from fairgate.gate.forms import Forms
from fairgate.gate.guarded import Guarded
from fairgate.gate.lanes import Lanes
from fairgate.gate.pages import Pages
from fairgate.gate.samples import bring_in
from fairgate.gate.status import StatusPage
from fairgate.gate.tries import Tries
from fairgate.store import heads
from fairgate.store.journal import Journal

PATIENCE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where the gate is: its database, its folder, its keys, the built front end, and the proxies before it."""

    database_url: str
    home: Path
    front_end: Path
    keys: Keys
    signer: Signer
    proxies: int = 0


class Gate:
    """The whole service over `behind`, the application that answers everything not answered here.

    Begins with the server's event loop (ASGI's lifespan), and finishes what is in hand when that ends.
    """

    def __init__(self, behind: ASGIApp, place: Place) -> None:
        self._place = place
        self._pages = Pages(behind)
        self._figures = Figures()
        public = place.home / "public"
        revoked = Document(public / "revoked.json", "application/json", SECONDS, REVOKED_BYTES_MOST)
        note = Document(public / "revoked.note", "text/plain; charset=utf-8", SECONDS, NOTE_BYTES_MOST)
        self._below: dict[str, ASGIApp] = {  # by the first part of the path
            "results": Results(public / "results"),
            "draws": Bundles(public / "draws", self._pages),
            "ledger": Ledger(public / "ledger"),
            "data": Tables(public / "data", self._pages),
            "status": StatusPage(public / "status"),
            "health": Starlette(routes=[Route("/health/live", self._live), Route("/health/ready", self._ready)]),
        }
        self._hot: dict[str, ASGIApp] = {}  # by path
        self._rest = Starlette(
            routes=[
                Route("/static/{name}", FrontEnd(place.front_end), methods=["GET"]),
                Route("/push.js", Document(place.front_end / "push.js", "text/javascript; charset=utf-8")),
                Route("/keys.json", Document(public / "keys.json", "application/json")),
                Route("/revoked.json", revoked),
                Route("/revoked.note", note),
                Route("/status", StatusPage(public / "status")),
                Route("/status.json", Document(public / "status.json", "application/json", SECONDS)),
                Route("/status.atom", Document(public / "status.atom", "application/atom+xml; charset=utf-8", SECONDS)),
                Mount("/", self._pages),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live_through(receive, send)
            return
        path: str = scope.get("path", "")
        app = self._hot.get(path)
        if app is None:
            first, below, _ = path[1:].partition("/")
            app = self._below.get(first, self._rest) if below else self._rest
        await app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The hot paths work inside this block."""
        lanes = Lanes(self._place.database_url, self._place.home, self._figures)
        tries = Tries(Journal(self._place.home / "journal"), self._figures)
        desk = Desk(self._place.keys, self._place.signer, lanes, tries, self._figures, self._place.proxies)
        self._hot = self._endpoints(desk)
        sampling = asyncio.create_task(bring_in(desk, self._place.database_url, self._place.home))
        try:
            yield
        finally:
            sampling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sampling
            await lanes.close()
            await tries.close()

    def _endpoints(self, desk: Desk) -> dict[str, ASGIApp]:
        guarded = {"/sign-in": "number", "/results": "number", "/staff/sign-in": "name"}
        return {
            **Api(desk).endpoints(),
            **Forms(desk, self._pages).endpoints(),
            **{path: Guarded(desk, self._pages, field) for path, field in guarded.items()},
            "/api/v1/staff/session": Guarded(desk, self._pages, "name", as_json=True),
            "/metrics": Endpoint(tell, get=self._figures.answer),
        }

    async def _live_through(self, receive: Receive, send: Send) -> None:
        """ASGI's lifespan protocol."""
        await receive()
        async with self.open():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _live(self, request: Request) -> Response:
        """The process runs."""
        return _health(True)

    async def _ready(self, request: Request) -> Response:
        """The database answers, and goes on from what was signed, so acts can be done."""
        return _health(await run_in_threadpool(_answers, self._place.database_url, self._place.home))


def _health(well: bool) -> Response:
    return JSONResponse({"ok": well}, status_code=200 if well else 503, headers={"Cache-Control": "no-store"})


def _answers(database_url: str, home: Path) -> bool:
    try:
        with psycopg.connect(database_url, connect_timeout=PATIENCE_SECONDS) as conn:
            conn.execute("SELECT 1")
            heads.refuse_older(conn, home)
    except psycopg.Error:
        return False
    return True
