"""Files served as they are: the front end, shards of results, bundles, the ledger, tables of figures, keys.

No database is asked. What is small and never changes is kept in memory, ready to be sent. Nothing of an address gets
near the file system before it has matched, as a whole, the one pattern of its kind.
"""

import gzip
import mimetypes
import os
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers as RequestHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from fairgate.gate.kept import Headers, Kept, Memory, keep, matches, send_kept, takes_gzip

FOREVER = "public, max-age=31536000, immutable"
SECONDS = "public, max-age=5"
MINUTES = "public, max-age=300"  # a bundle grows by its results; what is in it already never changes
BUNDLE = {
    "manifest.json": "application/json",
    "entries.csv": "text/csv; charset=utf-8",
    "beacon.json": "application/json",
    "results.csv": "text/csv; charset=utf-8",
    "honoured.csv": "text/csv; charset=utf-8",
    "checkpoint": "text/plain; charset=utf-8",
    "sealing.tlog-proof": "text/plain; charset=utf-8",
    "verify.py": "text/x-python; charset=utf-8",
}
MEDIA = {".csv": "text/csv; charset=utf-8", ".json": "application/json"}
BUILT = ("app.*", "verify.*", "verify-worker.*")  # of the front end, what has a hash in its name
WORKERS_MAY = "default-src 'none'; connect-src 'self'"  # a script in a thread of its own goes by its file's own policy
# Of the files of a bundle, those that nobody keeps for ever. They may be written anew after the draw; a folder that was
# lost gets the verify.py of the version that writes it again.
GROWS = {"checkpoint", "honoured.csv", "sealing.tlog-proof", "verify.py"}
MEMORY_BYTES = 64 * 1024 * 1024
SMALL_BYTES = 64 * 1024  # what is larger comes from disk each time
_ROUND = "(?:[a-z][a-z0-9-]{0,39}/)?[0-9]{4}-[0-9]{2}-[0-9]{2}"  # of the first public program, or of one by its name
_SHARD = re.compile(f"/results/({_ROUND}/[0-9a-f]{{3}})")
_OF_BUNDLE = re.compile(f"/draws/({_ROUND})/([a-z]+(?:\\.[a-z-]+)?)")
_WIDTH = "[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]"  # of a tile that is not full
_TILE = re.compile(
    f"/ledger/(tile/(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{{3}}/){{0,5}}[0-9]{{3}}(?:\\.p/(?:{_WIDTH}))?)"
)
_OF_DATA = re.compile(f"/data/((?:draws/{_ROUND}/)?[a-z]+(?:-[a-z]+)*\\.(?:csv|json))")
_FOR_ALL: Headers = ((b"access-control-allow-origin", b"*"), (b"x-content-type-options", b"nosniff"))
_TEXT: Headers = ((b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"), *_FOR_ALL)
NOT_THERE = keep(b"not found\n", _TEXT, 404)
NOT_YET = keep(b"not drawn, or no such round\n", _TEXT, 404)
ONLY_READ = keep(b"this address knows GET and HEAD only\n", (*_TEXT, (b"allow", b"GET, HEAD")), 405)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the front end, plain and compressed."""

    media_type: str
    plain: bytes
    compressed: bytes


class FrontEnd:
    """The built front end. It is small and does not change while we run, so it is read and compressed once."""

    def __init__(self, folder: Path) -> None:
        built = (file for pattern in BUILT for file in folder.glob(pattern))
        self.files = {file.name: _asset(file) for file in built if file.is_file()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await self.answer(request)(scope, receive, send)

    def answer(self, request: Request) -> Response:
        found = self.files.get(request.path_params["name"])
        if found is None:
            return Response("not found\n", status_code=404, media_type="text/plain")
        headers = {
            "Cache-Control": FOREVER,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": WORKERS_MAY,
        }
        if takes_gzip(request.headers.get("Accept-Encoding", "").encode("latin-1")):
            headers["Content-Encoding"] = "gzip"
            return Response(found.compressed, media_type=found.media_type, headers=headers)
        return Response(found.plain, media_type=found.media_type, headers=headers)


class Results:
    """`folder`/ROUND/PREFIX at /results/ROUND/PREFIX: the shards, sent from memory as finished messages.

    A shard that is not there is not drawn yet, and nobody may keep that answer.
    """

    def __init__(self, folder: Path, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self.folder = folder
        self.memory = Memory(memory_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await send_kept(ONLY_READ, scope, b"", send)
            return
        compressed, wanted = _wishes(scope)
        key = scope["path"], compressed
        kept = self.memory.get(key)
        if kept is None:
            kept = self._read(scope["path"], compressed)
            if kept is None:
                await send_kept(NOT_YET, scope, b"", send)
                return
            self.memory.put(key, kept)
        await send_kept(kept, scope, wanted, send)

    def _read(self, path: str, compressed: bool) -> Kept | None:
        """From disk, without a thread: it is a few kilobytes, once."""
        found = _SHARD.fullmatch(path)
        return _small(self.folder / found[1], "text/csv; charset=utf-8", FOREVER, compressed) if found else None


class Bundles:
    """`folder`/ROUND/NAME at /draws/ROUND/NAME for the files of a bundle.

    `otherwise` answers for what is not there (yet). Once a round is drawn its data never change: they may be kept for
    ever, and the small ones are kept here.
    """

    def __init__(self, folder: Path, otherwise: ASGIApp) -> None:
        self.folder = folder
        self.otherwise = otherwise
        self.memory = Memory(MEMORY_BYTES // 4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = self._find(scope)
        if path is None:
            await self.otherwise(scope, receive, send)
            return
        compressed, wanted = _wishes(scope)
        kept = self.memory.get((path, compressed))
        if kept is not None:
            await send_kept(kept, scope, wanted, send)
            return
        lasting = path.name not in GROWS and (path.parent / "results.csv").is_file()
        kept = _small(path, BUNDLE[path.name], FOREVER, compressed) if lasting else None
        if kept is None:
            await _from_disk(path, BUNDLE[path.name], FOREVER if lasting else MINUTES, compressed)(scope, receive, send)
            return
        self.memory.put((path, compressed), kept)
        await send_kept(kept, scope, wanted, send)

    def _find(self, scope: Scope) -> Path | None:
        """The file that is asked for, if it is one of a bundle and there."""
        found = _OF_BUNDLE.fullmatch(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        if found is None or found[2] not in BUNDLE:
            return None
        path = self.folder / found[1] / found[2]
        return path if path.is_file() else None


class Ledger:
    """`folder` at /ledger/: checkpoint and policy, and tiles and bundles of entries as C2SP tlog-tiles names them.

    A tile never changes under its name, so it is kept here and may be kept by anybody. A partial one that is gone
    is not found; who asks for it looks for the full one.
    """

    def __init__(self, folder: Path, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self.folder = folder
        self.memory = Memory(memory_bytes)
        text = "text/plain; charset=utf-8"
        self._texts = {f"/ledger/{name}": Document(folder / name, text, SECONDS) for name in ("checkpoint", "policy")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in self._texts:
            await self._texts[path](scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            await send_kept(ONLY_READ, scope, b"", send)
            return
        kept = self.memory.get(path) or self._read(path)
        _, wanted = _wishes(scope)
        await send_kept(kept or NOT_THERE, scope, wanted if kept else b"", send)

    def _read(self, path: str) -> Kept | None:
        """From disk, without a thread: it is eight kilobytes, once."""
        found = _TILE.fullmatch(path)
        kept = _small(self.folder / found[1], "application/octet-stream", FOREVER, False) if found else None
        if kept is not None:
            self.memory.put(path, kept)
        return kept


class Tables:
    """`folder`/NAME.csv and NAME.json at /data/, also below draws/ROUND/, as the worker left them.

    `otherwise` answers for what is not there.
    """

    def __init__(self, folder: Path, otherwise: ASGIApp) -> None:
        self.folder = folder
        self.otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _OF_DATA.fullmatch(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        path = self.folder / found[1] if found else None
        if path is None or not path.is_file():
            await self.otherwise(scope, receive, send)
            return
        compressed, wanted = _wishes(scope)
        kept = _small(path, MEDIA[path.suffix], MINUTES, compressed)
        if kept is None:
            await _from_disk(path, MEDIA[path.suffix], MINUTES, compressed)(scope, receive, send)
        else:
            await send_kept(kept, scope, wanted, send)


class Document:
    """One public file at an address of its own, read each time: it is small and may change."""

    def __init__(self, path: Path, media_type: str, kept_for: str = MINUTES, most: int = SMALL_BYTES) -> None:
        self.path = path
        self.media_type = media_type
        self.kept_for = kept_for
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await send_kept(ONLY_READ, scope, b"", send)
            return
        _, wanted = _wishes(scope)
        found = _small(self.path, self.media_type, self.kept_for, False, self.most)
        await send_kept(found or NOT_THERE, scope, wanted, send)


def _wishes(scope: Scope) -> tuple[bool, bytes]:
    """Whether the answer may be compressed, and the If-None-Match header, empty when there is none."""
    compressed, wanted = False, b""
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            compressed = takes_gzip(value)
        elif name == b"if-none-match":
            wanted = value
    return compressed, wanted


def _small(path: Path, media_type: str, caching: str, compressed: bool, most: int = SMALL_BYTES) -> Kept | None:
    """A file as an answer to keep, compressed if that is wanted and was prepared; None when missing or large."""
    about: Headers = (
        (b"content-type", media_type.encode()),
        (b"cache-control", caching.encode()),
        (b"vary", b"accept-encoding"),
        *_FOR_ALL,
    )
    path, is_compressed = _prepared(path, compressed)
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > most:
                return None
            return keep(file.read(), (*about, (b"content-encoding", b"gzip")) if is_compressed else about)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _prepared(path: Path, compressed: bool) -> tuple[Path, bool]:
    """The file that the worker left compressed beside this one, if that is wanted and there."""
    beside = path.with_name(f"{path.name}.gz")
    return (beside, True) if compressed and beside.is_file() else (path, False)


def _from_disk(path: Path, media_type: str, caching: str, compressed: bool) -> ASGIApp:
    """A file of any size, streamed."""
    path, is_compressed = _prepared(path, compressed)
    headers = {
        "Cache-Control": caching,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
    }
    if is_compressed:
        headers["Content-Encoding"] = "gzip"
    answer = FileResponse(path, media_type=media_type, headers=headers, stat_result=path.stat())

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        wanted = RequestHeaders(scope=scope).get("If-None-Match", "").encode("latin-1")
        etag = answer.headers["ETag"]
        if wanted and matches(wanted, etag.encode("latin-1")):
            await Response(status_code=304, headers={**headers, "ETag": etag})(scope, receive, send)
        else:
            await answer(scope, receive, send)

    return respond


def _asset(file: Path) -> Asset:
    plain = file.read_bytes()
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Asset(media_type, plain, gzip.compress(plain, mtime=0))
