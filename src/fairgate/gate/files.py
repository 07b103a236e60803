"""Files served as they are: the front end, whose names hold a hash of their content, and the bundles of the draws."""

import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

FOREVER = "public, max-age=31536000, immutable"
MINUTES = "public, max-age=300"  # a bundle grows by its results; what is in it already never changes
BUNDLE = {
    "manifest.json": "application/json",
    "entries.csv": "text/csv; charset=utf-8",
    "beacon.json": "application/json",
    "results.csv": "text/csv; charset=utf-8",
    "checkpoint": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in memory, plain and compressed."""

    media_type: str
    plain: bytes
    compressed: bytes


class FrontEnd:
    """The built front end. It is small and does not change while we run, so it is read and compressed once."""

    def __init__(self, folder: Path) -> None:
        self.files = {file.name: _keep(file) for file in folder.glob("app.*") if file.is_file()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await self.answer(request)(scope, receive, send)

    def answer(self, request: Request) -> Response:
        kept = self.files.get(request.path_params["name"])
        if kept is None:
            return Response("not found\n", status_code=404, media_type="text/plain")
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(kept.compressed, media_type=kept.media_type, headers=headers)
        return Response(kept.plain, media_type=kept.media_type, headers=headers)


class Bundles:
    """`folder`/DATE/NAME for the files of a bundle; `otherwise` answers for what is not there (yet)."""

    def __init__(self, folder: Path, otherwise: ASGIApp) -> None:
        self.folder = folder
        self.otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        params = scope["path_params"]
        path = self.folder / params["day"] / params["name"]
        if params["name"] not in BUNDLE or not path.is_file():
            await self.otherwise(scope, receive, send)
            return
        headers = {"Cache-Control": MINUTES, "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}
        await FileResponse(path, media_type=BUNDLE[params["name"]], headers=headers)(scope, receive, send)


def _keep(file: Path) -> Kept:
    plain = file.read_bytes()
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Kept(media_type, plain, gzip.compress(plain, mtime=0))
