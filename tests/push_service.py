"""A push service on a loopback address, and a device that can read what is sent to it."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fairgate.core.webpush import Services, Subscription, public_point
from loopback import loopback

HERE = Services(("127.0.0.1",), ("http",), private=True)


@dataclass
class PushService:
    """`answers` are what it says, by path; else it takes everything. With a 3xx it sends on to /elsewhere."""

    port: int = 0
    names: list[str | None] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def push_service(certificate: Path | None = None) -> Iterator[PushService]:
    """With a certificate (chain and key in one file) it speaks TLS, and notes for which `names` it is asked."""
    found = PushService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.asked.append((self.path, dict(self.headers), body))
            status = found.answers.get(self.path, 201)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{found.origin}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is said on standard error."""

    context: ssl.SSLContext | None = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda _, name, __: found.names.append(name)
    with loopback(Handler, tls=context) as found.port:
        yield found


class Device:
    """A browser that is subscribed at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.subscription = Subscription(endpoint, public_point(self.key), self.auth)

    def read(self, body: bytes) -> bytes:
        """What was sent, opened as RFC 8291 and RFC 8188 say; raises InvalidTag when it is for somebody else."""
        salt, length, text = body[:16], body[20], body[21:]
        theirs, sealed = text[:length], text[length:]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        info = b"WebPush: info\x00" + self.subscription.public + theirs
        material = HKDF(hashes.SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(material)
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(material)
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00")
        assert plain.endswith(b"\x02"), "the last record ends with a 2"
        return plain[:-1]
