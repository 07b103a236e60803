"""The desk in front of the lanes: who may act now, what is done, and what happens when there is no answer.

Programs and browsers come to the same desk. Nobody who confirms is made to wait, and nobody who tried to confirm and
got no answer goes without a trace: the try is on disk before they are told.
"""

import secrets
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from fairgate.commands.check_in import CheckIn
from fairgate.commands.confirm import Confirm
from fairgate.commands.decline import Decline
from fairgate.commands.request import Ask, Withdraw
from fairgate.core import sealing
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.receipts import Signer
from fairgate.core.sealing import Keys
from fairgate.gate.admission import Guessing, Limits, address_of
from fairgate.gate.calls import Call
from fairgate.gate.counted import Counter
from fairgate.gate.figures import Figures
from fairgate.gate.funnel import Unanswered
from fairgate.gate.lanes import Lanes
from fairgate.gate.passes import Shown
from fairgate.gate.standing import Standing
from fairgate.gate.tries import Tries
from fairgate.store.journal import Tried

R = TypeVar("R")

NOBODY = bytes(16)  # compared with when the number is unknown, so that both cases take as long
RETRY_AFTER_S = 10  # when there was no answer: by then a database that was restarted is back


class TooMany(Exception):  # noqa: N818  an answer, not a defect
    """Too many requests or tries; the next one in `wait_s` seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


class NoAnswer(Exception):  # noqa: N818
    """The act may or may not have been done; `recorded`: that it was tried is on disk."""

    def __init__(self, recorded: bool) -> None:
        super().__init__(recorded)
        self.recorded = recorded


@dataclass(frozen=True, slots=True)
class Desk:
    """`proxies`: how many hops in front of us are ours, so that the address is the one that they saw."""

    keys: Keys
    signer: Signer
    lanes: Lanes
    tries: Tries
    figures: Figures
    proxies: int
    guessing: Guessing = field(default_factory=Guessing)
    limits: Limits = field(default_factory=Limits)
    counter: Counter = field(default_factory=Counter)

    async def confirm(self, number: str, program: str, page_opened_at: datetime | None, key: str) -> Outcome:
        """Raises TooMany or NoAnswer, as all acts do."""
        self._admit(f"confirm {number}")  # a limit of its own: no other act uses it up
        came_at = datetime.now(UTC)  # whoever came in time has tried in time, however long we took to fail
        try:
            outcome = await self.lanes.confirm.submit(Confirm(number, program, page_opened_at, key))
        except Unanswered as unanswered:
            self.counter.failed(time.time())
            tried = Tried(number, program, came_at, unanswered.fault.value)
            raise NoAnswer(await self.tries.keep(tried)) from None
        self.counter.ok(time.time())
        return outcome

    async def decline(self, number: str, program: str, key: str) -> Outcome:
        self._admit(number)
        return await _answered(self.lanes.decline.submit(Decline(number, program, key)))

    async def request(self, number: str, program: str, ports: list[str], key: str) -> Outcome:
        self._admit(number)
        return await _answered(self.lanes.request.submit(Ask(number, program, ports, key)))

    async def withdraw(self, number: str, program: str, key: str) -> Outcome:
        self._admit(number)
        return await _answered(self.lanes.withdraw.submit(Withdraw(number, program, key)))

    async def check_in(self, number: str, program: str, key: str) -> Outcome:
        return await _answered(self.lanes.check_in.submit(CheckIn(number, program, key)))

    async def standing(self, number: str) -> Standing | None:
        """Where the registration stands; None when it is not there any more."""
        return await _answered(self.lanes.standing.submit(number))

    async def pass_of(self, number: str) -> Shown | None:
        """The pass of the registration's appointment; None when the registration is not there any more."""
        return await _answered(self.lanes.passes.submit(number))

    async def sign_in(self, number: str, code: str, address: str) -> bool:
        """Whether the code opens the registration; raises TooMany for who guesses."""
        self.may_guess(number, address)
        try:
            found = await _answered(self.lanes.registration.submit(number))
        except NoAnswer:
            self.guessing.unanswered(number, address, time.monotonic())
            raise
        stored = found.code_hash if found else NOBODY
        right = sealing.code_matches(self.keys, number, code, stored) and found is not None
        self.guessed(number, address, right=right)
        return right

    def may_guess(self, number: str, address: str) -> None:
        """Raises TooMany when the next try of a code has to wait, or the address asks for more than people can."""
        wait_s = self.limits.anonymous(address, time.monotonic())
        if wait_s > 0:
            self.figures.limited("address")
            raise TooMany(wait_s)
        wait_s = self.guessing.ask(number, address, time.monotonic())
        if wait_s > 0:
            self.figures.slowed()
            raise TooMany(wait_s)

    def guessed(self, number: str, address: str, *, right: bool | None) -> None:
        """Take note of what became of a try; None: nobody knows."""
        if right is None:
            self.guessing.unanswered(number, address, time.monotonic())
            return
        if right:
            self.guessing.succeeded(number, address, time.monotonic())
        else:
            self.guessing.failed(number, address, time.monotonic())
        self.figures.code(right)

    def receipt(self, done: Done) -> str | None:
        """The signed receipt of an act; none where its leaf is not known any more."""
        return self.signer.receipt(done) if done.leaf else None

    def address(self, call: Call) -> str:
        client = call.scope.get("client")
        headers = (
            call.scope["headers"] if self.proxies else ()
        )  # there may be several: some proxies add one of their own
        forwarded = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        return address_of(client[0] if client else "", forwarded, self.proxies)

    def _admit(self, number: str) -> None:
        wait_s = self.limits.act(number, time.monotonic())
        if wait_s > 0:
            self.figures.limited("registration")
            raise TooMany(wait_s)


async def _answered(submitted: Awaitable[R]) -> R:
    try:
        return await submitted
    except Unanswered:
        raise NoAnswer(recorded=False) from None


def new_key() -> str:
    """A key for an act that came without one, so that it too is done once whatever happens to a connection."""
    return f"~{secrets.token_urlsafe(12)}"
