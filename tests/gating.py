"""The gate in a test: the whole service over ASGI, in an event loop of its own that lives as long as the test."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx

ORIGIN = "http://127.0.0.1"


class Gating:
    """A gate on a database, with `home` as its folder; begun when it is first called, ended by `close`."""

    def __init__(self, dsn: str, home: Path) -> None:
        self.dsn = dsn
        self.home = home
        self.gate: Any = None
        self._open: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; redirects are not followed and no cookies are kept."""
        if self.gate is None:
            self._thread.start()
            self.run(self._begin())
        return self.run(self._send(method, path, more))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        if self.gate is not None:
            self.run(self._open.__aexit__(None, None, None))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    async def _begin(self) -> None:
        from django.conf import settings

        from fairgate.asgi import pages
        from fairgate.core.receipts import Signer
        from fairgate.gate.app import Gate, Place
        from fairgate.web.environment import STATIC

        signer = Signer(bytes(32), "localhost/ledger")
        self.gate = Gate(pages, Place(self.dsn, self.home, STATIC, settings.FAIRGATE_KEYS, signer))
        self._open = self.gate.open()
        await self._open.__aenter__()

    async def _send(self, method: str, path: str, more: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.gate, client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.request(method, path, **more)
