"""Files over HTTP as a ledger's service has them, which a test may change, cut or take away."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from ledgers import Published
from loopback import loopback


class Served:
    """The files at `url`; `asked` has every path that was asked for."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.asked: list[str] = []
        self.url = ""

    def show(self, ledger: Published, *signatures: str) -> None:
        """From now on, the ledger as it is, with these signature lines besides its own."""
        self.files = {**ledger.files, "checkpoint": ledger.signed() + "".join(signatures).encode()}

    @contextmanager
    def serving(self) -> Iterator["Served"]:
        served = self

        class Files(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.removeprefix("/ledger/")
                served.asked.append(path)
                data = served.files.get(path)
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_: object) -> None:
                pass

        with loopback(Files) as port:
            self.url = f"http://127.0.0.1:{port}/ledger"
            yield self
