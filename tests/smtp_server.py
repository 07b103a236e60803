"""A real mail server on the loopback, which keeps what it is given and answers as it is told."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Mailbox:
    """`answers` are given to RCPT by address, `data_answer` to the mail itself; while `silent`, none to that."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    greeted: int = 0
    secure: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 OK"
    silent: bool = False
    port: int = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.greeted += session.ssl is None
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data_answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
            self.recipients += envelope.rcpt_tos
            self.secure.append(session.ssl is not None)
        while self.silent:
            await asyncio.sleep(0.01)
        return self.data_answer

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"p@ss:word", handled=True)


@contextmanager
def mail_server(*, certificate: Path | None = None, login: bool = False) -> Iterator[Mailbox]:
    """With a certificate (chain and key in one file) it offers STARTTLS and asks for it."""
    with socket.socket() as probe:  # the controller wants to know its port beforehand
        probe.bind(("127.0.0.1", 0))
        box = Mailbox(port=probe.getsockname()[1])
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=box.port,
        tls_context=context,
        require_starttls=context is not None,
        authenticator=box.authenticate if login else None,
        auth_required=login,
        enable_SMTPUTF8=False,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
