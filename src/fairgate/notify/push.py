"""Notices on a person's devices, through the push service of each browser that was subscribed.

POST the subscription's endpoint    TTL: 86400    Urgency: high    Topic: FG-1234
the notice's subject and short text, encrypted for the device

2xx         the push service has it, and shows it when the device is next reached
404, 410    the device is not subscribed any more: it is forgotten
else        not now

Whoever subscribes names the address that we send to. So only known push services are sent to, names that lead into our
own network are refused, the connection goes to the very address that was looked at, and no redirect is followed.
"""

import ipaddress
import json
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from fairgate.core import webpush
from fairgate.core.canonical import canonical, read_json
from fairgate.core.delivering import Fault, Sent, reference
from fairgate.core.errors import BadInput
from fairgate.core.webpush import KNOWN, Services, Subscription
from fairgate.notify.channels import DEVICES, Message, NotTaken, Undeliverable

PATIENCE_S: Final = 10.0
TOGETHER: Final = 4
TTL_S: Final = 24 * 3600  # a device that is off for longer reads it on the page
ADDRESSES_MOST: Final = 3  # of one name that are tried: where the first cannot be reached, another may
GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)

log = structlog.get_logger()


class Push:
    """The channel. `key` is the deployment's, `contact` the mailto: address at which push services find who sends.

    `trust` decides whose certificates are believed, those of the web where it is not given.
    """

    name, detail, together = "push", DEVICES, TOGETHER

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        contact: str,
        services: Services = KNOWN,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._key, self._contact, self._services, self._clock = key, contact, services, clock
        self._trust = trust or httpx.create_ssl_context(trust_env=False)

    def read(self, given: str) -> str | None:
        try:
            return canonical(self._opened(given).to_json())
        except BadInput:
            return None

    def hand_over(self, message: Message) -> Sent:
        to = self._opened(message.to)
        body = webpush.encrypt(said(message), to, own=ec.generate_private_key(ec.SECP256R1()), salt=os.urandom(16))
        status = self._post(to, body, reference(message.id))
        if status in GONE:
            raise Undeliverable(Fault.GONE)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            log.warning("push service failed", service=urlsplit(to.endpoint).hostname, status=status)
            raise NotTaken(str(status))
        return Sent(urlsplit(to.endpoint).hostname)

    def close(self) -> None:
        """Nothing is kept open: the next message goes to another address."""

    def _opened(self, text: str) -> Subscription:
        kept = read_json("subscription", text.encode())
        return webpush.from_json(kept if isinstance(kept, dict) else {}, self._services)

    def _post(self, to: Subscription, body: bytes, topic: str) -> int:
        """The status of the push service's answer, from the first of its addresses that can be reached."""
        url = httpx.URL(to.endpoint)
        headers = {
            "Host": url.netloc.decode(),
            "Authorization": webpush.authorization(to.endpoint, self._key, self._contact, self._clock()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S),
            "Urgency": "high",
            "Topic": topic,  # handed over again while the device is away, it takes the place of the first
        }
        *first, last = self._addresses(url)
        for address in first:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return self._ask(url, address, body, headers)
        return self._ask(url, last, body, headers)

    def _ask(self, url: httpx.URL, address: str, body: bytes, headers: Mapping[str, str]) -> int:
        """What one address answers, with the certificate of the name. Only the status is read: more might never end."""
        there, name = url.copy_with(host=address), {"sni_hostname": url.host}
        with (
            httpx.Client(timeout=PATIENCE_S, verify=self._trust, trust_env=False, follow_redirects=False) as client,
            client.stream("POST", there, content=body, headers=headers, extensions=name) as answer,
        ):
            return answer.status_code

    def _addresses(self, url: httpx.URL) -> list[str]:
        """The IP addresses behind the name. One that leads into our own network is not tried, now or later."""
        found = socket.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found][:ADDRESSES_MOST]
        if not self._services.private and not all(public(address) for address in addresses):
            raise Undeliverable(Fault.BAD_ADDRESS)
        return addresses


def public(address: str) -> bool:
    """Whether an IP address is one of the open internet, and of no private, local or special network."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_global and not (mapped or found).is_multicast


def said(message: Message) -> bytes:
    """What the device is told: one notice is shown once, for `tag` is the same when it is handed over again."""
    text = message.text
    shown = {"title": text.subject, "body": text.sms, "lang": text.language, "tag": f"FG-{message.notice}"}
    return json.dumps(shown, ensure_ascii=False).encode()
