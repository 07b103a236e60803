"""What a server runs (`granian fairgate.asgi:app`): the gate, and behind it the pages."""

import os

import structlog
from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from starlette.types import Message, Receive, Scope, Send

from fairgate.gate.app import Gate, Place
from fairgate.gate.pages import TROUBLE
from fairgate.web.environment import STATIC
from fairgate.web.receipts import signer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairgate.web.settings")

THREADS = 8  # as many as the pages have connections to the database

_wsgi = get_wsgi_application()
_django = WSGIMiddleware(_wsgi, workers=THREADS)  # type: ignore[arg-type]  # Django's own WSGI type
_troubles = WSGIMiddleware(_wsgi, workers=1)  # type: ignore[arg-type]  # never behind pages that wait for the database


async def pages(scope: Scope, receive: Receive, send: Send) -> None:
    """Django. a2wsgi wants coroutines to hand to its threads, and Granian's `receive` gives other awaitables."""

    async def receiving() -> Message:
        return await receive()

    django = _troubles if TROUBLE in scope else _django
    await django(scope, receiving, send)  # type: ignore[arg-type]  # the same protocol under other names


_gate = Gate(
    pages,
    Place(
        database_url=settings.DATABASE_URL,
        home=settings.FAIRGATE_HOME,
        front_end=STATIC,
        keys=settings.FAIRGATE_KEYS,
        signer=signer(),
        proxies=settings.FAIRGATE_PROXIES,
    ),
)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The gate; what escapes it, after a 500 has been sent, is logged by its kind alone.

    The server would log its words too, and they may be about people.
    """
    try:
        await _gate(scope, receive, send)
    except Exception as error:
        if scope["type"] != "http":
            raise
        structlog.get_logger().error("request failed", kind=type(error).__qualname__)
