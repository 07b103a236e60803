"""The pages behind the gate: what the gate has to say to a person, it lets them say, in the person's language.

What came of a form is handed over with the request itself, in its scope, where no client can write. A trouble (no
answer, too many, too large) is a page that hangs on nothing but the language, so it is made once and kept for a
minute: when the database is away, thousands ask for it and none of them may cost a rendering. Those who ask while
it is being made wait for the same one.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fairgate.core.errors import BadInput
from fairgate.gate.calls import CLOSE, Answer, Call, Gone, TooLarge, TooSlow, respond
from fairgate.gate.desk import RETRY_AFTER_S, NoAnswer, TooMany

TOLD: Final = "fairgate.told"  # an outcome
TROUBLE: Final = "fairgate.trouble"
KEPT_MOST: Final = 100
KEPT_S: Final = 60.0
UNREAD: Final = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT})  # what is still sent
HOP_BY_HOP: Final = frozenset({b"content-length", b"set-cookie", b"connection"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """A page of its own: what is the matter (a status), how long to wait, whether a try to confirm is on record."""

    status: int
    wait_s: int = 0
    recorded: bool | None = None


class Pages:
    """`app` makes the pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: OrderedDict[tuple[Trouble, bytes, bytes, str], tuple[float, asyncio.Task[Answer]]] = OrderedDict()

    async def tell(self, call: Call, error: Exception) -> Answer:
        """The page for what a handler raised; raises what is a defect."""
        match error:
            case NoAnswer():
                trouble = Trouble(HTTPStatus.SERVICE_UNAVAILABLE, RETRY_AFTER_S, error.recorded)
            case TooMany():
                trouble = Trouble(HTTPStatus.TOO_MANY_REQUESTS, max(1, round(error.wait_s + 0.5)))
            case TooLarge():
                trouble = Trouble(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            case TooSlow():
                trouble = Trouble(HTTPStatus.REQUEST_TIMEOUT)
            case BadInput():
                trouble = Trouble(HTTPStatus.BAD_REQUEST)
            case Gone():
                return Answer(HTTPStatus.BAD_REQUEST)  # nobody hears it
            case _:
                raise error
        answer = await self.trouble(call, trouble)
        return replace(answer, headers=(*answer.headers, *CLOSE)) if trouble.status in UNREAD else answer

    async def trouble(self, call: Call, trouble: Trouble) -> Answer:
        """A trouble's page in the language of who calls."""
        host, languages = call.header(b"host")[:100], call.header(b"accept-language")[:100]
        place = (trouble, host, languages, call.cookie("language")[:20])  # a wrong host's page is for nobody else
        until, making = self._kept.get(place, (0.0, None))
        if making is None or until <= time.monotonic() or _failed(making):
            making = asyncio.create_task(self._render(call, trouble))
            self._kept[place] = (time.monotonic() + KEPT_S, making)
            if len(self._kept) > KEPT_MOST:
                self._kept.popitem(last=False)
        return await asyncio.shield(making)  # who goes away takes it from nobody else

    async def _render(self, call: Call, trouble: Trouble) -> Answer:
        """Ask for the page as somebody of whom only language and host are known."""
        headers = [(b"host", call.header(b"host")), (b"accept-language", call.header(b"accept-language"))]
        headers.append((b"cookie", b"language=" + call.cookie("language").encode("latin-1")))
        page = {"method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "headers": headers}
        scope: Scope = {**call.scope, **page, TROUBLE: asdict(trouble)}
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        kept = tuple((k, v) for k, v in sent[0]["headers"] if k.lower() not in HOP_BY_HOP)
        return Answer(sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:]), kept)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A page; what is sent to it is read first, and no more than the gate takes."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        call = Call(scope, receive)
        try:
            await call.body()
        except (TooLarge, TooSlow, Gone) as error:
            await respond(send, await self.tell(call, error))
            return
        await self.app(scope, call.replay(), send)


def _failed(making: "asyncio.Task[Answer]") -> bool:
    return making.done() and (making.cancelled() or making.exception() is not None)
