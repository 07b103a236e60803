"""The front door: health, files, and behind them the pages."""

from datetime import date
from pathlib import Path

import psycopg
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from fairgate.gate.files import Bundles, FrontEnd

PATIENCE_SECONDS = 2


class Day(Convertor[str]):
    """A date as it stands in a path; no other text gets near the file system."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return date.fromisoformat(value).isoformat()


register_url_convertor("day", Day())


def create_app(pages: ASGIApp, *, database_url: str, home: Path, front_end: Path) -> Starlette:
    """The whole service over `pages`, the application that answers everything not answered here."""

    async def live(request: Request) -> Response:
        """The process runs."""
        return _health(True)

    async def ready(request: Request) -> Response:
        """The database answers, so acts can be done."""
        return _health(await run_in_threadpool(_answers, database_url))

    return Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/static/{name}", FrontEnd(front_end), methods=["GET"]),
            Route("/draws/{day:day}/{name}", Bundles(home / "public" / "draws", pages), methods=["GET"]),
            Mount("/", pages),
        ]
    )


def _health(well: bool) -> Response:
    return JSONResponse({"ok": well}, status_code=200 if well else 503, headers={"Cache-Control": "no-store"})


def _answers(database_url: str) -> bool:
    try:
        with psycopg.connect(database_url, connect_timeout=PATIENCE_SECONDS) as conn:
            conn.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
