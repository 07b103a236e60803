"""One request and its answer, as plain as the hot paths need them: nothing is parsed that nobody asks for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fairgate.core.canonical import canonical, read_json
from fairgate.core.errors import BadInput

BODY_MOST = 64 * 1024  # bytes; every form and document here has a few hundred
BODY_WITHIN_S = 15.0  # a phone on a bad line; the reading holds nobody else up
FIELDS_MOST = 200

Headers = Sequence[tuple[bytes, bytes]]
NO_STORE = ((b"cache-control", b"no-store"),)
_JSON = ((b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff"), *NO_STORE)
CLOSE = ((b"connection", b"close"),)  # what the client still sends is not read


class TooLarge(Exception):  # noqa: N818  an answer, not a defect
    """The body has more than BODY_MOST bytes."""


class TooSlow(Exception):  # noqa: N818
    """The body was not there in BODY_WITHIN_S seconds."""


class Gone(Exception):  # noqa: N818
    """The client went away while it sent its body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers of an answer; the length is added when it is sent."""

    status: int
    body: bytes = b""
    headers: Headers = ()


def answer_json(status: int, content: Mapping[str, object], headers: Headers = ()) -> Answer:
    """An answer for a program, which nobody keeps."""
    return Answer(status, canonical(content).encode(), (*_JSON, *headers))


def refuse(status: int, problem: str, headers: Headers = (), **more: object) -> Answer:
    """An answer that says in one line what is wrong and what to do."""
    return answer_json(status, {"error": problem, **more}, headers)


class Call:
    """A request. What is read of its body is kept, so that it can be read again."""

    __slots__ = ("_body", "_headers", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.receive = receive
        self._headers: dict[bytes, bytes] | None = None
        self._body: bytes | None = None

    def header(self, name: bytes) -> bytes:
        """The header with this name in small letters; empty when it was not sent."""
        if self._headers is None:
            self._headers = dict(self.scope["headers"])
        return self._headers.get(name, b"")

    def cookie(self, name: str) -> str:
        """The cookie with this name; empty when there is none."""
        for pair in self.header(b"cookie").decode("latin-1").split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                return value.strip('"')
        return ""

    def query(self, name: str) -> str:
        """The parameter of the address with this name; empty when there is none. Raises BadInput for too many."""
        query: bytes = self.scope["query_string"]
        try:
            return parse_qs(query.decode("latin-1"), max_num_fields=FIELDS_MOST).get(name, [""])[-1]
        except ValueError:
            raise BadInput("address", f"has more than {FIELDS_MOST} parameters", "leave out what follows ?") from None

    def bearer(self) -> str:
        """The token of the Authorization header; empty when there is none."""
        scheme, _, token = self.header(b"authorization").decode("latin-1").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    async def body(self) -> bytes:
        """The whole body; raises TooLarge, TooSlow or Gone."""
        if self._body is None:
            self._body = await self._read()
        return self._body

    async def json(self) -> dict[str, object]:
        """The object that was sent, an empty one for an empty body; raises BadInput for anything else."""
        body = await self.body()
        value = read_json("body", body) if body.strip() else {}
        if not isinstance(value, dict):
            raise BadInput("body", "is not a JSON object", "send an object like {} with the members that you need")
        return value

    async def form(self) -> dict[str, str]:
        """The fields of a form, the last of each name; raises BadInput when there are too many or they are garbage."""
        try:
            text = (await self.body()).decode("ascii")
            return {k: v[-1] for k, v in parse_qs(text, True, max_num_fields=FIELDS_MOST, errors="strict").items()}
        except ValueError:
            raise BadInput("form", "cannot be read", "load the page again") from None

    def replay(self) -> Receive:
        """A `receive` that gives the body that was read, for the application that answers instead."""
        body, given = self._body or b"", False

        async def receive() -> Message:
            nonlocal given
            if given:
                return await self.receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return receive

    async def _read(self) -> bytes:
        announced = self.header(b"content-length")
        if announced.isdigit() and int(announced) > BODY_MOST:
            raise TooLarge
        if announced in (b"", b"0") and not self.header(b"transfer-encoding"):  # nothing to wait for, as with most acts
            return _piece(await self.receive(), 0)
        try:
            async with asyncio.timeout(BODY_WITHIN_S):  # from the first piece on: it may never come
                return await self._pieces()
        except TimeoutError:
            raise TooSlow from None

    async def _pieces(self) -> bytes:
        pieces: list[bytes] = []
        more = True
        while more:
            message = await self.receive()
            pieces.append(_piece(message, sum(map(len, pieces))))
            more = message.get("more_body", False)
        return b"".join(pieces)


def _piece(message: Message, before: int) -> bytes:
    if message["type"] == "http.disconnect":
        raise Gone
    piece: bytes = message.get("body", b"")
    if before + len(piece) > BODY_MOST:
        raise TooLarge
    return piece


Handler = Callable[[Call], Awaitable[Answer | None]]
Tell = Callable[[Call, Exception], Awaitable[Answer | None]]  # puts what a handler raised into an answer, or raises it


class Endpoint:
    """An ASGI application of handlers by method; `otherwise` answers the rest, and where a handler answers None."""

    def __init__(self, tell: Tell, otherwise: ASGIApp | None = None, **handlers: Handler) -> None:
        self._tell = tell
        self._handlers = {method.upper(): handler for method, handler in handlers.items()}
        self._otherwise = otherwise
        self._allowed = ", ".join(sorted(self._handlers)).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._handlers.get(scope["method"])
        call = Call(scope, receive)
        if handler is not None:
            try:
                answer = await handler(call)
            except Exception as error:
                answer = await self._tell(call, error)
        else:
            answer = None if self._otherwise else self._unknown_method()
        if answer is not None:
            await respond(send, answer)
        elif self._otherwise is not None:
            await self._otherwise(scope, call.replay() if handler else receive, send)

    def _unknown_method(self) -> Answer:
        problem = f"this address knows {self._allowed.decode()} only"
        return refuse(HTTPStatus.METHOD_NOT_ALLOWED, problem, ((b"allow", self._allowed),))


async def respond(send: Send, answer: Answer) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
