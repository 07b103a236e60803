"""The status page, served as the worker or the watcher left it: without a database, and when all else is down."""

import re
from pathlib import Path
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from fairgate.gate.files import NOT_THERE, ONLY_READ, SECONDS, SMALL_BYTES
from fairgate.gate.kept import Headers, Kept, keep, send_kept

_FILE = re.compile(r"index\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.html")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
# Its style is in the page, so that the page is complete wherever a copy of it lies; nothing else is loaded or sent.
_HEADERS: Headers = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", SECONDS.encode()),
    (b"vary", b"accept-language, cookie"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
)


class StatusPage:
    """`folder`/index.LANGUAGE.html at /status, in the language of the address, the cookie or the browser."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await send_kept(ONLY_READ, scope, b"", send)
            return
        await send_kept(self._read(scope) or NOT_THERE, scope, b"", send)

    def _read(self, scope: Scope) -> Kept | None:
        asked = scope["path"].removeprefix("/status").strip("/")
        named = _FILE.fullmatch(asked)
        if asked and not named:
            return None
        there = {found[1]: file for file in self._folder.glob("index.*.html") if (found := _FILE.fullmatch(file.name))}
        language = named[1] if named else next((one for one in _wishes(scope) if one in there), min(there, default=""))
        if language not in there:
            return None
        body = there[language].read_bytes()
        return (
            keep(body, (*_HEADERS, (b"content-language", language.encode()))) if len(body) <= 8 * SMALL_BYTES else None
        )


def _wishes(scope: Scope) -> list[str]:
    """The languages that are wanted, first the one that was chosen, then those of the browser in its order."""
    headers = dict(scope["headers"])
    chosen = parse_qs(scope["query_string"].decode("latin-1")).get("language", [])[:1]
    for pair in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == "language":
            chosen.append(value)
    weighed: list[tuple[float, str]] = []
    for part in headers.get(b"accept-language", b"").decode("latin-1")[:400].split(","):
        tag, _, weight = part.strip().partition(";q=")
        if _LANGUAGE.fullmatch(tag):
            weighed.append((_number(weight), tag))
    browser = [tag for weight, tag in sorted(weighed, key=lambda both: -both[0]) if weight > 0]
    wanted = [tag for one in (*chosen, *browser) for tag in (one, one.split("-")[0])]
    return list(dict.fromkeys(wanted))


def _number(weight: str) -> float:
    try:
        return float(weight) if weight else 1.0
    except ValueError:
        return 0.0
