"""The pages behind the gate: what the gate has to say to a person, it lets them say, in the person's language.

What came of a form is handed over with the request itself, in its scope, where no client can write. A trouble (no
answer, too many, too large) is a page that hangs on nothing but the language, so it is made once and kept for a
minute: when the database is away, thousands ask for it and none of them may cost a rendering.
"""

import time
from collections import OrderedDict
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fairgate.gate.calls import Answer, Call, Gone, TooLarge, TooSlow, respond
from fairgate.gate.desk import RETRY_AFTER_S, NoAnswer, TooMany

TOLD: Final = "fairgate.told"  # an outcome
TROUBLE: Final = "fairgate.trouble"
KEPT_MOST: Final = 100
KEPT_S: Final = 60.0
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
        self._kept: OrderedDict[tuple[Trouble, bytes, str], tuple[float, Answer]] = OrderedDict()

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
            case Gone():
                return Answer(HTTPStatus.BAD_REQUEST)  # nobody hears it
            case _:
                raise error
        return await self.trouble(call, trouble)

    async def trouble(self, call: Call, trouble: Trouble) -> Answer:
        """A trouble's page in the language of who calls."""
        place = (trouble, call.header(b"accept-language")[:100], call.cookie("language")[:20])
        kept = self._kept.get(place)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        answer = await self._render(call, trouble)
        self._kept[place] = (time.monotonic() + KEPT_S, answer)
        if len(self._kept) > KEPT_MOST:
            self._kept.popitem(last=False)
        return answer

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
