"""The HTTP server in front of the gate: Granian, and what it is given to hold clients in bounds."""

import os
import tempfile
from pathlib import Path

from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings

from fairgate.cli import logs

HEADERS_MOST = 32 * 1024  # bytes of a request's head: ours have one or two thousand
HEADERS_WITHIN_MS = 10_000  # a client that dribbles its head is let go
BACKLOG = 4096  # connections that wait to be taken
IN_HAND_MOST = 8192  # requests that one process answers at once
STOP_WITHIN_S = 10
RESPAWN_AFTER_S = 0.5


def run(host: str, port: int, workers: int, tls: tuple[Path, Path] | None) -> None:
    """Serve until SIGTERM or SIGINT, finishing what is in hand. `tls`: certificate and key."""
    with tempfile.TemporaryDirectory(prefix="fairgate-figures-") as figures:
        if workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = figures  # each process keeps its own, whoever is asked adds up
        Granian(
            "fairgate.cli.served:app",
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,  # told to find out which, it waits without end for who says nothing
            workers=workers,
            websockets=False,
            backlog=BACKLOG,
            backpressure=IN_HAND_MOST,
            http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS, max_buffer_size=HEADERS_MOST),
            ssl_cert=tls[0] if tls else None,
            ssl_key=tls[1] if tls else None,
            ssl_protocol_min=SSLProtocols.tls12,  # phones of ten years ago know no later one
            log_dictconfig=logs.server_config(),
            respawn_failed_workers=True,
            respawn_interval=RESPAWN_AFTER_S,
            workers_kill_timeout=STOP_WITHIN_S,
        ).serve()
