"""Providers of text messages: what is known of each, and how the work is shared between them.

Each has a share of 100, and a message goes first to one drawn by these shares, and where that fails to another. As
GOV.UK Notify does it, a provider that fails loses ten to the others, once a minute at most, and when nothing has failed
for an hour the shares go back to what was set up, ten every five minutes. So one that is down is soon asked last, and
two that work both show every day that they do.

    set up 60 : 40    the first fails    50 : 50, then 40 : 60 … 0 : 100    an hour of quiet    10 : 90, then 20 : 80 …
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import Any, Final
from urllib.parse import urlsplit

from fairgate.core.errors import BadInput
from fairgate.core.tables import Table

STEP: Final = 10
SHIFT_EVERY, REST_AFTER, REST_EVERY = timedelta(minutes=1), timedelta(hours=1), timedelta(minutes=5)
SECRET_LEAST: Final = 16  # characters
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")

Shares = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Provider:
    """`token` shows the gateway at `url` who asks, `report_secret` us who reports; `sender` is what people see."""

    name: str
    url: str
    token: str
    report_secret: str
    weight: int
    sender: str


def parse_providers(file: str, values: Mapping[str, Any]) -> tuple[Provider, ...]:
    """The providers in a parsed TOML file, each a table with its name; raises BadInput that quotes no secret."""
    providers = []
    for name, table in Table(file, values).tables(_NAME, "small letters, digits and hyphens"):
        providers.append(
            Provider(
                name,
                _url(table),
                _secret(table, "token"),
                _secret(table, "report_secret"),
                table.number("weight", 0, 100),
                table.text("sender"),
            )
        )
        table.end()
    total = sum(provider.weight for provider in providers)
    if total != 100:
        raise BadInput(file, f"the weights add up to {total}", "make them add up to 100")
    return tuple(providers)


def _url(table: Table) -> str:
    url = table.text("url")
    try:
        parts = urlsplit(url)
        safe = parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL))
    except ValueError:
        safe = False
    if not safe:
        table.refuse("url", "is not an https address", "write it like https://sms.example.org/messages")
    return url


def _secret(table: Table, key: str) -> str:
    given = table.peek(key)
    if not isinstance(given, str) or len(given) < SECRET_LEAST or not (given.isascii() and given.isprintable()):
        table.refuse(key, f"is not a text of {SECRET_LEAST} plain characters or more", "ask the provider for another")
    return table.text(key)


def order(shares: Shares, chance: Callable[[], float]) -> list[str]:
    """The names in the order in which they are asked; `chance` gives numbers from 0 to below 1."""
    left, found = dict(shares), []
    while left:
        name = _drawn(left, chance() * sum(left.values()))
        found.append(name)
        del left[name]
    return found


def _drawn(shares: Shares, point: float) -> str:
    """Whose share `point` lies in, when they are laid end to end; the last one where none of them has any."""
    for name, end in zip(shares, accumulate(shares.values()), strict=True):
        if point < end:
            return name
    return [*shares][-1]


def shifted(shares: Shares, failing: str) -> dict[str, int]:
    """The shares after `failing` has lost a step to the others, the first of them taking what does not divide."""
    others = [name for name in shares if name != failing]
    if not others:
        return dict(shares)
    lost = min(STEP, shares[failing])
    each, rest = divmod(lost, len(others))
    return {
        name: share - lost if name == failing else share + each + (rest if name == others[0] else 0)
        for name, share in shares.items()
    }


def rested(shares: Shares, resting: Shares) -> dict[str, int]:
    """The shares a step nearer to those that were set up; they add up to 100 on the way too."""
    below = [name for name in shares if shares[name] < resting[name]]
    above = [name for name in shares if shares[name] > resting[name]]
    found, left = dict(shares), STEP
    for taker in below:
        for giver in above:
            moved = min(left, resting[taker] - found[taker], found[giver] - resting[giver])
            found[taker], found[giver], left = found[taker] + moved, found[giver] - moved, left - moved
    return found
