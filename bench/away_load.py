"""A steady load of people and programs, and a client's book of what they were told."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from fairgate.core import tokens
from fairgate.core.sealing import Keys

KINDS = ("api confirm", "form confirm", "/me page", "api me", "shard")
LOOKING = 500  # people who only look, the last ones
DONE = (200, 303)
PATIENCE_S = 20.0
NO_ANSWER = 0  # stands where a status would
RECORDED_JSON, RECORDED_PAGE = b'"attempt_recorded":true', b"We have written down that you tried to confirm"


@dataclass(slots=True)
class Told:
    """What clients were told since this was last emptied."""

    by_status: Counter[tuple[str, int]] = field(default_factory=Counter)  # (kind, status)
    recorded: int = 0
    retry_after: int = 0
    took_ms: list[float] = field(default_factory=list)  # 503s and all others alike
    slowest: dict[str, float] = field(default_factory=dict)  # by kind, ms


@dataclass(slots=True)
class Load:
    """Sends `rate` requests a second, whatever becomes of them; every confirmation is another person's."""

    port: int
    rate: float
    people: list[tuple[str, str]]  # number and token of those who have an open offer
    drawn: str  # the round whose shards are asked for
    keys: Keys
    told: Told = field(default_factory=Told)
    acknowledged: dict[str, float] = field(default_factory=dict)  # number: when, seconds since the epoch
    recorded: dict[str, float] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)  # neither; the book cannot say
    _next: "count[int]" = field(default_factory=count)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self) -> Told:
        """What was told since this was last called."""
        told, self.told = self.told, Told()
        return told

    async def run(self, stop: asyncio.Event) -> None:
        under_way: set[asyncio.Task[None]] = set()
        begun = time.monotonic()
        for sent in count():
            if stop.is_set():
                break
            task = asyncio.create_task(self._one(KINDS[sent % len(KINDS)], sent))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(max(0.0, begun + (sent + 1) / self.rate - time.monotonic()))
        await asyncio.gather(*under_way)

    async def _one(self, kind: str, sent: int) -> None:
        confirming = "confirm" in kind
        number, token = self.people[next(self._next) if confirming else -1 - sent % LOOKING]
        begun = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await self._ask(self._request(kind, number, token, sent))
        except (OSError, TimeoutError):
            answer = b""
        self._note(kind, number, answer, (time.monotonic() - begun) * 1000)

    async def _ask(self, request: bytes) -> bytes:
        """All that comes over a connection of its own; a light client leaves the machine to the server."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return await reader.read(-1)
        finally:
            writer.close()

    def _request(self, kind: str, number: str, token: str, sent: int) -> bytes:
        cookie, bearer = f"Cookie: {tokens.COOKIE}={token}", f"Authorization: Bearer {token}"
        match kind:
            case "api confirm":
                return _http("POST /api/v1/me/confirm", bearer, f"Idempotency-Key: away-{sent}")
            case "form confirm":
                page = tokens.sign_page(self.keys, number, datetime.now(UTC))
                urlencoded = "Content-Type: application/x-www-form-urlencoded"
                return _http("POST /me/confirm", cookie, urlencoded, body=f"page={page}")
            case "/me page":
                return _http("GET /me", cookie)
            case "api me":
                return _http("GET /api/v1/me", bearer)
        return _http(f"GET /results/{self.drawn}/{sent * 613 % 4096:03x}")

    def _note(self, kind: str, number: str, answer: bytes, took_ms: float) -> None:
        told, status = self.told, int(answer[9:12] or NO_ANSWER)
        told.by_status[kind, status] += 1
        told.took_ms.append(took_ms)
        told.slowest[kind] = max(told.slowest.get(kind, 0.0), took_ms)
        recorded = RECORDED_JSON in answer or RECORDED_PAGE in answer
        told.recorded += recorded
        told.retry_after += b"\r\nretry-after: " in answer.lower()
        if "confirm" not in kind:
            return
        if status in DONE:
            self.acknowledged[number] = time.time()
        elif recorded:
            self.recorded[number] = time.time()
        else:
            self.unanswered.add(number)


def _http(line: str, *headers: str, body: str = "") -> bytes:
    head = [f"{line} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()
