"""Small servers on 127.0.0.1 for tests, which end at once, whoever is still connected.

A fault in a handler fails the test when the server is closed. Only that somebody has hung up is none: it is what
impatient clients do, and says nothing of the handler.
"""

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from socketserver import BaseRequestHandler
from typing import Any

_HUNG_UP = (ConnectionError, TimeoutError, ssl.SSLError)
_LOOK_EVERY_S = 0.02  # whether to end


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for the threads: none says anything into a later test

    def __init__(self, handler: Callable[..., BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.faults: list[BaseException] = []
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        for left in list(self._open):
            with suppress(OSError):
                left.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        fault = sys.exception()
        if fault is not None and not isinstance(fault, _HUNG_UP):
            self.faults.append(fault)


@contextmanager
def loopback(handler: Callable[..., BaseRequestHandler], *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port on which requests are answered, each in a thread of its own, by an instance of `handler`."""
    server = _Server(handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(_LOOK_EVERY_S,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    if server.faults:
        raise server.faults[0]
