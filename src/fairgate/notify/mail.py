"""E-mail over SMTP: a server of the agency's own takes each message and brings it on its way.

A message has the same Message-ID whenever it is sent, so that one that was sent twice, because somebody was killed
between sending and noting it, can be told by a mailbox. `Auto-Submitted` (RFC 3834) keeps absence notes from answering.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate
from queue import Empty, LifoQueue
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from fairgate.core import addresses
from fairgate.core.delivering import Fault, Sent
from fairgate.core.errors import BadInput
from fairgate.notify.channels import Message, Undeliverable
from fairgate.notify.page import page

PATIENCE_S: Final = 10.0  # for each answer of the server
TOGETHER: Final = 4
PORTS: Final = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over, and from whom it is; `tls` from the first byte on, or `starttls` before the login."""

    host: str
    port: int
    tls: bool
    starttls: bool
    login: tuple[str, str] | None
    sender: str


def server(url: str, sender: str) -> Server:
    """The server at smtp://user:password@host:port?starttls=yes, or smtps://; BadInput tells no password."""
    way_out = "write it like smtp://user:password@mail.example.org:587?starttls=yes"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise BadInput("FAIRGATE_SMTP_URL", "is not an address", way_out) from None
    if parts.scheme not in PORTS or not host or parts.path not in ("", "/"):
        raise BadInput("FAIRGATE_SMTP_URL", "is not the address of a mail server", way_out)
    asked = parse_qs(parts.query, keep_blank_values=True)
    starttls = asked.pop("starttls", ["yes"])[0]
    if asked or starttls not in ("yes", "no"):
        raise BadInput("FAIRGATE_SMTP_URL", "asks for something else than starttls=yes or starttls=no", way_out)
    tls = parts.scheme == "smtps"
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    if login and not tls and starttls == "no":
        raise BadInput("FAIRGATE_SMTP_URL", "would send its password for everyone to read", "leave out starttls=no")
    read = addresses.email(sender)
    if read is None:
        raise BadInput("FAIRGATE_MAIL_FROM", "is not an address", "write it like notices@example.org")
    return Server(host, port, tls, starttls == "yes" and not tls, login, read)


class Mail:
    """The channel. Its connections are kept for a batch, so that the server is greeted only a few times."""

    name, detail, together = "email", "email", TOGETHER

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: LifoQueue[smtplib.SMTP] = LifoQueue()

    def read(self, given: str) -> str | None:
        return addresses.email(given)

    def hand_over(self, message: Message) -> Sent:
        mail = written(message, self._server.sender)
        with self._connection() as smtp:
            try:
                smtp.send_message(mail, self._server.sender, [message.to])
            except smtplib.SMTPRecipientsRefused as refused:
                [(code, _)] = refused.recipients.values()
                _final(code)
                raise
            except smtplib.SMTPDataError as refused:
                _final(refused.smtp_code)
                raise
            except smtplib.SMTPNotSupportedError:  # letters beside ASCII in the part before the @
                raise Undeliverable(Fault.BAD_ADDRESS) from None
        return Sent()

    def close(self) -> None:
        """Say goodbye on all connections."""
        while (smtp := self._kept()) is not None:
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        """A connection for one message, kept afterwards if the server is still at the other end."""
        smtp = self._kept() or _greeted(self._server)
        try:
            yield smtp
        except smtplib.SMTPServerDisconnected:
            smtp.close()
            raise
        except (smtplib.SMTPException, Undeliverable):  # the server answered, and would take the next message
            self._idle.put(smtp)
            raise
        except BaseException:
            smtp.close()
            raise
        self._idle.put(smtp)

    def _kept(self) -> smtplib.SMTP | None:
        with suppress(Empty):
            while (smtp := self._idle.get_nowait()).sock is None:
                pass  # the server has said goodbye by itself
            return smtp
        return None


def _final(code: int) -> None:
    """Raise Undeliverable where a server's answer is for good (RFC 5321, 4.2.1)."""
    if code >= 500:
        raise Undeliverable(Fault.REFUSED) from None


def _greeted(server: Server) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.tls:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=PATIENCE_S, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=PATIENCE_S)
    try:
        if server.starttls:
            smtp.starttls(context=context)  # raises where the server has none: nothing is sent in the open instead
        if server.login is not None:
            smtp.login(*server.login)
    except BaseException:
        smtp.close()
        raise
    return smtp


def written(message: Message, sender: str) -> EmailMessage:
    """The mail: as text and as HTML that says the same."""
    local, _, domain = message.to.rpartition("@")
    mail = EmailMessage(policy=SMTP if message.to.isascii() else SMTPUTF8)
    mail["From"] = sender
    mail["To"] = Address(username=local, domain=domain)
    mail["Subject"] = " ".join(message.text.subject.split())
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<notice.{message.notice}.{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text.body)
    mail.add_alternative(page(message.text), subtype="html")
    mail["Content-Language"] = message.text.language  # last, for content takes away what describes content
    return mail
