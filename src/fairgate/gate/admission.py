"""Who is asked to wait at the gate: who guesses codes, and who asks for more than people can.

Nothing here may cost a person their place. So these are waits of seconds, never locks, and three rules come first.

1. Who is signed in is measured by their registration alone. A shelter, or a telephone company's whole town, stands
   behind one address; what others there do is nothing against them. Addresses count only where there is nobody yet:
   for pages that anybody may see, and for signing in.
2. The first try of a code for a number from an address where none was wrong is never made to wait, whatever others did
   and wherever they did it. If wrong codes closed a number, anybody who knows it could close a family out on its last
   day.
3. How long somebody waits is decided by wrong codes for this number from this address. What happened elsewhere can
   make the wait begin earlier; with no wrong code of one's own there is none to begin.

Guessing. A code has 55 bits of chance, so whoever guesses has to be fast and many. At one address, five wrong
codes for a number are free, for slips; then the next try comes 2 s after the last one, then 4, 8, 16, 32, and 60 s
from there on. The right code clears the count; so does an hour without a try. In an hour that is some seventy tries.

    wrong so far     0   1   2   3   4   5   6   7   8   9   10  11
    wait, seconds    0   0   0   0   0   2   4   8   16  32  60  60

Many addresses, one number. A botnet brings five free tries with each address. Therefore a number at which 20 wrong
codes have come in, and more than one in 30 s since, gives each address one wrong code free instead of five. With a
million addresses that is a million tries and then 17,000 a second; half of all codes take 34,000 years. The family
itself signs in at once, and waits two seconds after a slip.

One address, many numbers. Whoever tries each number of a list once has a fresh pair every time. We do not slow them
here, as they cannot be told from a shelter on results day: a million tries against 2^55 codes for each number win with
a chance of 1 in 36,000,000,000. But where 60 wrong codes have come from an address, and more than one in 10 s since,
a second try for the same number waits one second after the first. Three hundred people may mistype and notice nothing.

What this does not solve: somebody behind the same address who guesses at the same number makes its family wait
up to a minute there. Whoever is signed in goes on, and from every other address the number opens at once.

Tries that have no answer yet count among the five, or a thousand sent at the same moment would all be free. One
that never gets an answer, as the database is away, is nothing against anybody: `unanswered` takes it back, and half a
minute later it is forgotten in any case.

Memory is bounded, at 91 MiB when everything is full: what was longest unused is forgotten, in favour of who tries.

Times are seconds of a clock that only goes forward. One thread; each process counts for itself.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network

PAIRS_MOST = 200_000
KEYS_MOST = 50_000  # numbers, addresses
KEY_LENGTH = 100  # characters; beyond them nobody's name goes on

FREE, FREE_WHEN_MANY = 5, 1  # wrong codes at an address for a number, before there is a wait
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0
CROWDED_WAIT_S = 1.0
FORGOTTEN_S = 3600.0
ANSWER_S = 30.0  # who has no answer by then gets none
TINY_S = 1e-6  # what is left of a wait when floats are rounded

NOWHERE = "nowhere"  # the address of who has none, as over a socket in the file system


class Buckets:
    """A bucket of `burst` tokens for each key, filled with `per_s` of them a second; the `most` last used are kept.

    Of each bucket only one number is kept: the time at which it will be full again.
    """

    def __init__(self, burst: float, per_s: float, most: int = KEYS_MOST) -> None:
        self._burst_s = burst / per_s
        self._token_s = 1 / per_s
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: str, now: float) -> float:
        """Seconds until there is a token; 0.0 if there is one."""
        return _wait(self._full_at.get(key[:KEY_LENGTH], now) - now - self._burst_s + self._token_s)

    def take(self, key: str, now: float) -> None:
        """Take a token, or what is left."""
        key = key[:KEY_LENGTH]
        self._full_at[key] = min(max(now, self._full_at.get(key, now)) + self._token_s, now + self._burst_s)
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)


def _wait(seconds: float) -> float:
    return seconds if seconds > TINY_S else 0.0


class Limits:
    """How much a registration, and an address of people whom we do not know, may ask for.

    A person who clicks twice, or whose telephone tries again ten times, is nowhere near it; a program in a loop is.
    """

    def __init__(self) -> None:
        self._registrations = Buckets(burst=30, per_s=1, most=PAIRS_MOST)
        self._addresses = Buckets(burst=600, per_s=100)

    def act(self, number: str, now: float) -> float:
        """Seconds that this registration has to wait for its next act, at most 1.0; 0.0: go ahead, it is counted."""
        return _admit(self._registrations, number, now)

    def anonymous(self, address: str, now: float) -> float:
        """The same for a request without a session or token, at most 0.01; not for acts of somebody signed in."""
        return _admit(self._addresses, address, now)


def _admit(buckets: Buckets, key: str, now: float) -> float:
    wait_s = buckets.wait(key, now)
    if wait_s == 0.0:
        buckets.take(key, now)
    return wait_s


@dataclass(slots=True)
class _Pair:
    """What a number has seen from an address."""

    wrong: int = 0
    unanswered: int = 0
    last: float = 0.0


@dataclass(slots=True)
class Guessing:
    """How long the next try of a code has to wait. A try goes `ask`, then `failed`, `succeeded` or `unanswered`."""

    _pairs: OrderedDict[tuple[str, str], _Pair] = field(default_factory=OrderedDict)
    _numbers: Buckets = field(default_factory=lambda: Buckets(burst=20, per_s=1 / 30))
    _addresses: Buckets = field(default_factory=lambda: Buckets(burst=60, per_s=1 / 10))

    def __len__(self) -> int:
        """How many numbers, addresses and pairs of them are kept."""
        return len(self._pairs) + len(self._numbers) + len(self._addresses)

    def ask(self, number: str, address: str, now: float) -> float:
        """Seconds to wait before `number` may be tried from `address`; 0.0: go ahead, the try is counted."""
        pair = self._pair(number, address, now)
        after_s = self._after(pair, number, address, now)
        wait_s = _wait(pair.last + after_s - now) if after_s else 0.0
        if wait_s == 0.0:
            pair.unanswered += 1
            pair.last = now
        return wait_s

    def failed(self, number: str, address: str, now: float) -> None:
        """The code was wrong, or there is no such number."""
        pair = self._pair(number, address, now)
        pair.unanswered = max(0, pair.unanswered - 1)
        pair.wrong += 1
        pair.last = now
        self._numbers.take(number, now)
        self._addresses.take(address, now)

    def succeeded(self, number: str, address: str, now: float) -> None:
        """The code was right: whoever is there holds it."""
        self._pairs.pop(_key(number, address), None)

    def unanswered(self, number: str, address: str, now: float) -> None:
        """Whether the code was right could not be found out."""
        pair = self._pair(number, address, now)
        pair.unanswered = max(0, pair.unanswered - 1)

    def _pair(self, number: str, address: str, now: float) -> _Pair:
        key = _key(number, address)
        pair = self._pairs.setdefault(key, _Pair(last=now))
        self._pairs.move_to_end(key)
        if len(self._pairs) > PAIRS_MOST:
            self._pairs.popitem(last=False)
        if now - pair.last > ANSWER_S:
            pair.unanswered = 0
        if now - pair.last > FORGOTTEN_S:
            pair.wrong = 0
        return pair

    def _after(self, pair: _Pair, number: str, address: str, now: float) -> float:
        """Seconds between this pair's last try and its next."""
        many = pair.wrong > 0 and self._numbers.wait(number, now) > 0
        beyond = pair.wrong + pair.unanswered - (FREE_WHEN_MANY if many else FREE)
        if beyond >= 0:
            return min(FIRST_WAIT_S * 2.0 ** min(beyond, 10), LONGEST_WAIT_S)
        crowded = pair.wrong > 0 and self._addresses.wait(address, now) > 0
        return CROWDED_WAIT_S if crowded else 0.0


def _key(number: str, address: str) -> tuple[str, str]:
    return number[:KEY_LENGTH], address[:KEY_LENGTH]


# -- addresses ----------------------------------------------------------------------------------


def address_of(client: str, forwarded: str | None, proxies: int) -> str:
    """The address that counts for a request: an IPv4 address, the /64 of an IPv6 address, or "nowhere".

    `client` is who is connected to us; `forwarded` what all X-Forwarded-For headers say, joined with commas; `proxies`
    how many proxies of our own each request comes through. Every one of them added on the right whom it saw, so
    the one that is `proxies` from the end is what the outermost saw; whatever stands left of it
    anybody may have written. Where that is no address, the nearest one towards us counts.
    """
    assert proxies >= 0
    hops = forwarded.rsplit(",", proxies)[-proxies:] if forwarded and proxies else []
    return next(_addresses([*hops, client]), NOWHERE)


def _addresses(hops: list[str]) -> Iterator[str]:
    for hop in hops:
        with suppress(ValueError):
            yield _address(hop.strip())


def _address(hop: str) -> str:
    """Raises ValueError for what is none; a port is left out."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    found = ip_address(hop.partition("%")[0])
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), 64), strict=False))
