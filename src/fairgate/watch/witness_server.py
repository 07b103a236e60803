"""A witness on the network: HTTP/1.1 as tlog-witness asks for it, small, and with a bound on everything.

    POST /add-checkpoint    a new checkpoint, with the proof that it continues the last one
    GET /                   who this is: the key for policies, and the ledgers
    GET /seen/ID            the last checkpoint cosigned of a ledger, to be compared with what others have

h11 reads and writes the protocol, asyncio the network. Requests are answered one after the other by one thread, as the
disk has to take each before its answer leaves.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import h11
import structlog

from fairgate.watch.witness import Reply, Witness

BODY_MOST: Final = 64 * 1024  # bytes; sixteen signatures of the largest kind fit
HEAD_MOST: Final = 8 * 1024
READ_BYTES: Final = 16 * 1024
CONNECTIONS_MOST: Final = 128
IDLE_S: Final = 75.0  # a ledger comes once a minute, over the connection that it has
REQUEST_S: Final = 10.0  # for all of a request, and for all of an answer
STOP_S: Final = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    body: bytes


class _TooLarge(Exception):  # noqa: N818  a result, not a defect
    """The body has more bytes than any request."""


@dataclass(slots=True)
class Server:
    """Answers for one witness until `stop` is set."""

    witness: Witness
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "witness"))
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _idle: dict[asyncio.StreamWriter, None] = field(default_factory=dict)  # who has waited longest is first

    async def run(self, host: str, port: int, stop: asyncio.Event, listening: Callable[[int], None]) -> None:
        """Listen at the address, say at which port, and finish what is in hand at the end."""
        server = await asyncio.start_server(self._connected, host, port, limit=READ_BYTES)
        try:
            listening(server.sockets[0].getsockname()[1])
            await stop.wait()
        finally:
            server.close()
            for writer in list(self._idle):
                writer.close()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=STOP_S)
            await asyncio.to_thread(self._thread.shutdown)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= CONNECTIONS_MOST and not self._let_one_go():
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None, "asyncio calls this as a task"
        self._tasks.add(task)
        try:
            await self._converse(reader, writer)
        except (TimeoutError, OSError, h11.ProtocolError):
            pass  # the client is slow or gone, or speaks something else
        except Exception as error:
            log.error("answering failed", exc_info=error)
        finally:
            self._tasks.discard(task)
            self._idle.pop(writer, None)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _let_one_go(self) -> bool:
        """Close the connection that has been silent for longest; whether there was one."""
        oldest = next(iter(self._idle), None)
        if oldest is None:
            return False
        del self._idle[oldest]
        oldest.close()
        return True

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_MOST)
        while True:
            await self._wait(http, reader, writer)
            try:
                async with asyncio.timeout(REQUEST_S):
                    request = await _read(http, reader, writer)
            except h11.RemoteProtocolError as fault:
                await _write(http, writer, Reply(fault.error_status_hint, b"this is no request\n"), last=True)
                return
            except _TooLarge:
                await _write(http, writer, Reply(413, b"the request is too large\n"), last=True)
                return
            if request is None:
                return
            reply = await self._reply(request)
            await _write(http, writer, reply, head_only=request.method == "HEAD")
            if {http.our_state, http.their_state} != {h11.DONE}:
                return
            http.start_next_cycle()

    async def _wait(self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until something of the next request is there."""
        if http.trailing_data[0]:
            return
        self._idle[writer] = None
        async with asyncio.timeout(IDLE_S):
            first = await reader.read(READ_BYTES)
        self._idle.pop(writer, None)
        http.receive_data(first)

    async def _reply(self, request: _Request) -> Reply:
        if request.path == "/add-checkpoint":
            if request.method != "POST":
                return Reply(405, b"this address knows POST only\n")
            return await self._carried_out(request.body)
        if request.method not in ("GET", "HEAD"):
            return Reply(405, b"this address knows GET and HEAD only\n")
        if request.path == "/":
            return self.witness.about()
        found = self.witness.last(request.path.removeprefix("/seen/")) if request.path.startswith("/seen/") else None
        return found or Reply(404, b"not found\n")

    async def _carried_out(self, body: bytes) -> Reply:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self.witness.add_checkpoint, body)
        except OSError as error:
            log.error("checkpoint not kept", error=type(error).__name__)
            return Reply(503, b"the checkpoint could not be kept, so it is not cosigned\n")


async def _read(http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Request | None:
    """The next request, whole; None where the client is gone."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            if http.they_are_waiting_for_100_continue:
                writer.write(http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            http.receive_data(await reader.read(READ_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_MOST:
                raise _TooLarge
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None, "a message ends after it began"
            path = head.target.decode("latin-1").partition("?")[0]
            return _Request(head.method.decode("latin-1"), path, bytes(body))
        else:
            return None


async def _write(
    http: h11.Connection, writer: asyncio.StreamWriter, reply: Reply, *, head_only: bool = False, last: bool = False
) -> None:
    headers = [
        ("content-type", reply.media_type),
        ("content-length", str(len(reply.body))),
        ("cache-control", "no-store"),
        ("access-control-allow-origin", "*"),
        ("x-content-type-options", "nosniff"),
    ]
    if last:
        headers.append(("connection", "close"))
    writer.write(http.send(h11.Response(status_code=reply.status, headers=headers)) or b"")
    if not head_only:
        writer.write(http.send(h11.Data(data=reply.body)) or b"")
    writer.write(http.send(h11.EndOfMessage()) or b"")
    async with asyncio.timeout(REQUEST_S):
        await writer.drain()
