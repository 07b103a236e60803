"""A line to PostgreSQL that breaks where a test says: a proxy that reads just enough of what the client sends.

It stands between psycopg and the server and knows where transactions begin and end, for psycopg sends BEGIN and COMMIT
as messages of their own. Each transaction takes the next `Break` of the plan; without one it goes through.
"""

import contextlib
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import psycopg
from psycopg.conninfo import conninfo_to_dict

LIMIT_S = 30.0
READY = b"Z\0\0\0\5"  # ReadyForQuery; one byte of state follows
KEY = b"K\0\0\0\14"  # BackendKeyData; the backend's pid follows
COMMIT, BEGIN = -1, 0


class How(StrEnum):
    BEFORE = "the server never gets the message"
    AFTER = "the server has done it and answered, and nobody hears it"
    SENT = "the server gets the message, and by then nobody is there"
    LATE = "the server gets the message when the client has long gone"
    ENDED = "the backend is terminated before it gets the message"
    SILENT = "nobody answers any more"


@dataclass(frozen=True)
class Break:
    """`at`: BEGIN, COMMIT, or the n-th statement after BEGIN. `late_s` is for How.LATE."""

    at: int
    how: How
    late_s: float = 0.0


class Line:
    """Listens on 127.0.0.1 while it is open; `url` is that of the database through this line."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.plan: deque[Break] = deque()
        self.refuse = 0  # so many connections are closed as soon as they are there
        self.refuse_after = 0  # so many after the next break
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open = True
        self._threads: list[threading.Thread] = []
        port = self._listening.getsockname()[1]
        given = conninfo_to_dict(dsn)
        user, name = given.get("user", ""), given["dbname"]
        secret = f":{given['password']}" if given.get("password") else ""
        self.url = f"postgresql://{user}{secret}@127.0.0.1:{port}/{name}?sslmode=disable&gssencmode=disable"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def come_to_rest(self) -> None:
        """Wait until what was still on its way to the server is done there; all connections are gone by then."""
        for thread in self._threads:
            thread.join(LIMIT_S)
            assert not thread.is_alive()
        self._threads.clear()

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self.refuse:
                self.refuse -= 1
                client.close()
                continue
            thread = threading.Thread(target=_Wire(self, client, self._server()).run, daemon=True)
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
            thread.start()

    def _server(self) -> socket.socket:
        given = conninfo_to_dict(self._dsn)
        host, port = str(given.get("host") or "localhost"), int(given.get("port") or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def terminate(self, pid: int) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as conn:
            conn.execute("SELECT pg_terminate_backend(%s)", [pid])


class _Wire:
    """One connection through the line."""

    def __init__(self, line: Line, client: socket.socket, server: socket.socket) -> None:
        self._line = line
        self._client = client
        self._server = server
        self._pid = 0
        self._break: Break | None = None
        self._statement = 0
        self._hold = threading.Event()  # what the server says is kept from the client
        self._said = b""
        self._answering = threading.Thread(target=self._answers, daemon=True)

    def run(self) -> None:
        self._answering.start()
        try:
            self._forward(self._exactly(4, startup=True))
            while True:
                kind = self._exactly(1)
                length = self._exactly(4)
                message = kind + length + self._exactly(struct.unpack("!I", length)[0] - 4)
                if not self._goes_through(kind, message):
                    return
        except (OSError, EOFError):
            pass
        finally:
            self._cut(self._server)
            self._answering.join(LIMIT_S)
            self._cut(self._client)
            self._server.close()
            self._client.close()

    def _goes_through(self, kind: bytes, message: bytes) -> bool:
        """Pass a message on, unless the line breaks here; whether it still stands."""
        text = message[5:].rstrip(b"\0").upper() if kind == b"Q" else b""
        if text == b"BEGIN":
            self._statement = 0
            self._break = self._line.plan.popleft() if self._line.plan else None
        at = COMMIT if text == b"COMMIT" else self._statement
        self._statement += kind in (b"Q", b"S")
        if self._break is None or self._break.at != at or kind not in (b"Q", b"S"):
            self._forward(message)
            return True
        how, late_s = self._break.how, self._break.late_s
        self._break = None
        self._line.refuse, self._line.refuse_after = self._line.refuse + self._line.refuse_after, 0
        if how is How.ENDED:
            self._line.terminate(self._pid)
            self._answering.join(LIMIT_S)
            return False
        if how is How.SILENT:
            while self._client.recv(65536):
                pass
            return False
        self._hold.set()
        if how is not How.AFTER:
            self._cut(self._client)
        if how is How.LATE:
            time.sleep(late_s)
        if how is not How.BEFORE:
            self._forward(message)
        if how in (How.AFTER, How.LATE):
            over = time.monotonic() + LIMIT_S
            while not _complete(self._said) and time.monotonic() < over:
                time.sleep(0.001)
        return False

    def _forward(self, message: bytes) -> None:
        self._server.sendall(message)

    def _answers(self) -> None:
        seen = b""
        with contextlib.suppress(OSError):
            while data := self._server.recv(65536):
                if not self._pid:
                    seen += data
                    found = seen.find(KEY)
                    if found >= 0 and len(seen) >= found + 9:
                        self._pid = struct.unpack("!I", seen[found + 5 : found + 9])[0]
                if self._hold.is_set():
                    self._said += data
                else:
                    self._client.sendall(data)
        if not self._hold.is_set():
            self._cut(self._client)

    def _exactly(self, length: int, *, startup: bool = False) -> bytes:
        """So many bytes from the client; of the start all that its own length says."""
        data = b""
        while len(data) < length:
            more = self._client.recv(length - len(data))
            if not more:
                raise EOFError
            data += more
        return data + self._exactly(struct.unpack("!I", data)[0] - 4) if startup else data

    @staticmethod
    def _cut(line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def _complete(said: bytes) -> bool:
    """Whether the server has said all: that it is ready, or that it wants the data of a COPY."""
    return READY in said[-6:] or said[:1] == b"G"
