"""A ledger served by somebody who wants to keep or to crush whoever looks at it: bounded in time and memory."""

import gzip
import time
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from fairgate.core.errors import BadInput
from fairgate.watch.fetching import Source
from loopback import loopback

UNFOLDS = gzip.compress(gzip.compress(bytes(64 << 20)))  # some kilobytes that become 64 MiB if they are let


class Hostile(BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        getattr(self, self.path.strip("/").split("/")[0])()  # until who asked has gone

    def unfolds(self) -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip, gzip")
        self.end_headers()
        self.wfile.write(UNFOLDS)

    def goes_on(self) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(bytes(1 << 16))

    def trickles(self) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"x")
            time.sleep(0.05)

    def trickles_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-More: 1\r\n")
            time.sleep(0.05)

    def leads_on(self) -> None:
        self.send_response(302)
        self.send_header("Location", f"{self.path}x")
        self.end_headers()

    def leads_to_a_file(self) -> None:
        self.send_response(302)
        self.send_header("Location", "file:///etc/hostname")
        self.end_headers()


@pytest.fixture
def hostile() -> Iterator[str]:
    with loopback(Hostile) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("unfolds", "comes compressed"),
        ("goes_on", "has more than 8192 bytes"),
        ("trickles", "is slower than any file of a ledger"),
        ("trickles_headers", "is slower than any file of a ledger"),
        ("leads_on", "TooManyRedirects"),
        ("leads_to_a_file", "UnsupportedProtocol"),
    ],
)
def test_whoever_serves_cannot_keep_or_crush_whoever_asks(hostile: str, how: str, said: str) -> None:
    tracemalloc.start()
    began = time.monotonic()
    with Source(f"{hostile}/{how}", file_s=2) as source, pytest.raises(BadInput, match=said):
        source.get("checkpoint", 8192)
    assert time.monotonic() - began < 10
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("url", ["places.example.org/ledger", "ftp://places.example.org/ledger", "ledger", ""])
def test_what_is_no_address_is_said_before_anything_is_asked(url: str) -> None:
    with pytest.raises(BadInput, match="does not begin with https:// or http://"):
        Source(url)
