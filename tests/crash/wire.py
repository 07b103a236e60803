"""A client's connection, as plain as it can be: requests and answers of HTTP/1.1 over one socket."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from crash.book import Answer

PATIENCE_S = 20.0  # longer than the server lets anybody wait
LOST = (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError)  # the answer did not come, or not whole


class Wire:
    """Opened when it is needed, and again after it was lost; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """The answer; raises one of LOST."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await self._opened()
                writer.write(request)
                return await _answer(reader)
        except LOST:
            self.close()
            raise

    async def leave(self, request: bytes) -> None:
        """Send and go away at once, as a phone does that loses its network."""
        with suppress(*LOST):
            async with asyncio.timeout(PATIENCE_S):
                _, writer = await self._opened()
                writer.write(request)
                await writer.drain()
        self.close()

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._open is None:
            self._open = await asyncio.open_connection("127.0.0.1", self._port)
        return self._open


def request(method: str, path: str, token: str, body: Mapping[str, Any] | None = None, key: str = "") -> bytes:
    """The bytes of a request."""
    sent = json.dumps(body).encode() if body is not None else b""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    lines += [f"Idempotency-Key: {key}"] if key else []
    lines += [f"Content-Length: {len(sent)}", "", ""]
    return "\r\n".join(lines).encode() + sent


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    try:
        said = json.loads(body)
    except ValueError:
        said = {"not JSON": body[:200].decode("latin-1")}
    return Answer(int(head[0].split()[1]), said, fields.get("retry-after", ""))
