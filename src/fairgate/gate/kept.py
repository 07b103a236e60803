"""Answers kept in memory as the very messages that are sent, so that sending one again costs next to nothing."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from starlette.types import Message, Scope, Send

Headers = tuple[tuple[bytes, bytes], ...]
MESSAGES_BYTES = 2048  # what the messages and headers around a body take, generously


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer ready to be sent, any number of times; nobody may change its messages."""

    etag: bytes
    start: Message
    body: Message
    unchanged: Message
    size: int


EMPTY: Message = {"type": "http.response.body", "body": b"", "more_body": False}


def keep(data: bytes, headers: Headers, status: int = 200) -> Kept:
    """An answer with these bytes; its ETag is made of them."""
    etag = b'"' + sha256(data).hexdigest()[:32].encode() + b'"'
    headers = (*headers, (b"etag", etag))
    length = (b"content-length", b"%d" % len(data))
    return Kept(
        etag=etag,
        start={"type": "http.response.start", "status": status, "headers": [*headers, length]},
        body={"type": "http.response.body", "body": data, "more_body": False},
        unchanged={"type": "http.response.start", "status": 304, "headers": [*headers]},
        size=len(data) + MESSAGES_BYTES,
    )


async def send_kept(kept: Kept, scope: Scope, wanted: bytes, send: Send) -> None:
    """Send it, or 304 to who has it already: `wanted` is the If-None-Match header, empty when there is none."""
    if wanted and matches(wanted, kept.etag):
        await send(kept.unchanged)
        await send(EMPTY)
        return
    await send(kept.start)
    await send(EMPTY if scope["method"] == "HEAD" else kept.body)


def matches(wanted: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match header names this ETag (RFC 9110, compared weakly)."""
    tags = (tag.strip().removeprefix(b"W/") for tag in wanted.split(b","))
    return any(tag in (etag, b"*") for tag in tags)


def takes_gzip(accepted: bytes) -> bool:
    """Whether an Accept-Encoding header (RFC 9110, 12.5.3) takes gzip, and does not like plain bytes better."""
    weights: dict[bytes, float] = {}
    for part in accepted.lower().split(b","):
        coding, _, parameter = part.partition(b";")
        weights[coding.strip()] = _weight(parameter.strip())
    gzip = weights.get(b"gzip", weights.get(b"*", 0.0))
    return gzip > 0 and gzip >= weights.get(b"identity", 0.0)


def _weight(parameter: bytes) -> float:
    try:
        return float(parameter.removeprefix(b"q=")) if parameter else 1.0
    except ValueError:
        return 0.0


class Memory:
    """Kept answers by key, at most so many bytes of them; those not asked for longest make room."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._kept: OrderedDict[object, Kept] = OrderedDict()

    def get(self, key: object) -> Kept | None:
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def put(self, key: object, kept: Kept) -> None:
        old = self._kept.pop(key, None)
        self.bytes -= old.size if old else 0
        if kept.size > self.most_bytes:
            return
        self._kept[key] = kept
        self.bytes += kept.size
        while self.bytes > self.most_bytes:
            _, gone = self._kept.popitem(last=False)
            self.bytes -= gone.size
