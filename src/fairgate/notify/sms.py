"""Text messages through gateways: a request to one of the providers, and where that fails to another.

POST the provider's url    Authorization: Bearer TOKEN    Idempotency-Key: FG-1234
{"to": "+526645550199", "from": "Fairgate", "text": "…", "reference": "FG-1234"}

2xx {"id": "…"}    it is taken; `id` is what the provider calls it, and may be missing
422                nobody can be reached at this number, now or later
anything else      not now
"""

import random
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from time import monotonic
from typing import Final

import httpx
import structlog

from fairgate.core import addresses, providers
from fairgate.core.delivering import Fault, Sent, reference
from fairgate.core.providers import Provider
from fairgate.notify.channels import Message, NotTaken, Undeliverable

PATIENCE_S: Final = 10.0
TOGETHER: Final = 4
ID_MOST: Final = 200  # characters of what a provider calls a message

log = structlog.get_logger()


class Weights:
    """The shares of this process, as its own tries move them. Every worker learns for itself, within minutes."""

    def __init__(self, resting: providers.Shares, clock: Callable[[], float] = monotonic) -> None:
        self._resting = dict(resting)
        self._shares = dict(resting)
        self._clock = clock
        self._failed_at: float | None = None
        self._rested_at = clock()
        self._turn = threading.Lock()

    def order(self) -> list[str]:
        """Whom to ask, one after the other."""
        with self._turn:
            self._rest()
            shares = dict(self._shares)
        return providers.order(shares, random.random)

    def failed(self, name: str) -> None:
        with self._turn:
            now = self._clock()
            if self._failed_at is None or now - self._failed_at >= providers.SHIFT_EVERY.total_seconds():
                self._shares = providers.shifted(self._shares, name)
                self._failed_at = now

    def _rest(self) -> None:
        now = self._clock()
        quiet = self._failed_at is None or now - self._failed_at >= providers.REST_AFTER.total_seconds()
        if quiet and now - self._rested_at >= providers.REST_EVERY.total_seconds():
            self._shares = providers.rested(self._shares, self._resting)
            self._rested_at = now


class Sms:
    """The channel. The connections to the providers are kept for a batch."""

    name, detail, together = "sms", "phone", TOGETHER

    def __init__(self, known: Sequence[Provider], weights: Weights | None = None) -> None:
        self._providers = {provider.name: provider for provider in known}
        self._weights = weights or Weights({provider.name: provider.weight for provider in known})
        self._client: httpx.Client | None = None
        self._turn = threading.Lock()

    def read(self, given: str) -> str | None:
        return addresses.phone(given)

    def hand_over(self, message: Message) -> Sent:
        for name in self._weights.order():
            try:
                return self._ask(self._providers[name], message)
            except (httpx.HTTPError, NotTaken) as error:
                self._weights.failed(name)
                said = str(error) if isinstance(error, NotTaken) else None
                log.warning("provider failed", provider=name, error=type(error).__name__, status=said)
        raise NotTaken("every provider")

    def close(self) -> None:
        with self._turn:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, provider: Provider, message: Message) -> Sent:
        name = reference(message.id)
        asked = {"to": message.to, "from": provider.sender, "text": message.text.sms, "reference": name}
        headers = {"Authorization": f"Bearer {provider.token}", "Idempotency-Key": name}
        answer = self._open().post(provider.url, json=asked, headers=headers)
        if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise Undeliverable(Fault.REFUSED)
        if not answer.is_success:
            raise NotTaken(str(answer.status_code))
        return Sent(provider.name, _called(answer))

    def _open(self) -> httpx.Client:
        with self._turn:
            if self._client is None:
                self._client = httpx.Client(timeout=PATIENCE_S)
            return self._client


def _called(answer: httpx.Response) -> str | None:
    """What the provider calls the message; it has taken it, whatever else it says."""
    try:
        said = answer.json()
    except ValueError:
        return None
    name = said.get("id") if isinstance(said, dict) else None
    return name if isinstance(name, str) and len(name) <= ID_MOST and name.isprintable() else None
