"""People at the gate: many at once, each doing what people do, and a book of what they were told.

They send things twice, go away before the answer comes, try again after a failure or give up. Every act is in the book
before it is sent.
"""

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from crash.book import PATHS, REFUSED, Act, Answer, Book
from crash.wire import LOST, Wire, request
from fairgate.core import tokens
from fairgate.core.sealing import Keys

PROGRAM = {"program": "arrival"}
PATIENT = 4  # how many times somebody sends the same again before giving up
MANNERS = ["plain"] * 10 + ["twice"] * 2 + ["both"] * 2 + ["once"] * 2 + ["gone"] + ["gone, again"] * 2


@dataclass(frozen=True, slots=True)
class Step:
    kind: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class People:
    """Numbers of those who have an offer, an appointment of today, or neither; each is given out to one client.

    Those who have neither ask for other ports again and again, so that there is always something to do.
    """

    offers: deque[str]
    appointments: deque[str]
    others: deque[str]
    ports: Sequence[str]
    chance: random.Random

    def next(self) -> tuple[str, list[Step]]:
        """Somebody, and what they will do."""
        lot = self.chance.random()
        if lot < 0.7 and self.offers:
            return self.offers.popleft(), self._about_an_offer()
        if lot < 0.85 and self.appointments:
            return self.appointments.popleft(), self._at_the_port()
        number = self.others.popleft()
        return number, self._asking()

    def again(self, number: str, steps: Sequence[Step]) -> None:
        """Whoever only asks comes back."""
        if steps[-1].kind == "requested":
            self.others.append(number)

    def _about_an_offer(self) -> list[Step]:
        confirm = Step("confirmed", self.chance.choice([{}, PROGRAM]))
        decline = Step("declined", self.chance.choice([{}, PROGRAM]))
        plans = [[confirm]] * 8 + [[decline]] * 2 + [[confirm, confirm], [confirm, decline], [decline, confirm]]
        return self.chance.choice(plans)

    def _at_the_port(self) -> list[Step]:
        return [Step("checked in")] * self.chance.choice([1, 1, 1, 2])

    def _asking(self) -> list[Step]:
        """Other ports each time: who asks for the same twice in one second has two leaves that differ in nothing."""
        wishes = dict.fromkeys(tuple(self._some_ports()) for _ in range(self.chance.randint(1, 3)))
        steps = [Step("requested", {"ports": list(ports)}) for ports in wishes]
        odd = [Step("requested", {"ports": ["NOWHERE"]}), Step("confirmed"), Step("checked in"), Step("declined")]
        return [*([self.chance.choice(odd)] if self.chance.random() < 0.2 else []), *steps]

    def _some_ports(self) -> list[str]:
        return self.chance.sample(list(self.ports), self.chance.randint(1, 2))


class Clients:
    """`how_many` connections that are busy in a thread of their own while the block of `busy` runs."""

    def __init__(self, port: int, keys: Keys, people: People, book: Book, *, how_many: int, pause_s: float) -> None:
        self.book = book
        self._port = port
        self._keys = keys
        self._people = people
        self._how_many = how_many
        self._pause_s = pause_s
        self._chance = random.Random(people.chance.random())
        self._until = int(time.time()) + 86_400
        self._officer = tokens.sign(keys, tokens.OFFICER, {"name": "officer", "until": self._until})
        self._tokens: dict[str, str] = {}
        self._keys_made = count(1)
        self._leaving = False
        self._busy: Future[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def begin(self) -> None:
        self._busy = self._submit(self._all([self._client() for _ in range(self._how_many)]))

    def end(self) -> None:
        """Everyone finishes the act at hand, and leaves."""
        self._leaving = True
        if self._busy is not None:
            self._busy.result(120)

    def send_again(self, acts: Sequence[Act]) -> None:
        """Send these once more under their keys, until each is answered."""
        waiting = iter(acts)
        self._submit(self._all([self._ask_for(waiting) for _ in range(self._how_many)])).result(300)

    def close(self) -> None:
        self._submit(self._leave_all()).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _leave_all(self) -> None:
        """Whoever is still here, as after a test that failed, leaves at once."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.1)  # for connections to be closed

    def _submit(self, work: Coroutine[Any, Any, None]) -> "Future[None]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _all(self, works: Sequence[Coroutine[Any, Any, None]]) -> None:
        await asyncio.gather(*works)

    async def _client(self) -> None:
        with closing(Wire(self._port)) as wire:
            while not self._leaving:
                number, steps = self._people.next()
                for step in steps:
                    act = self.book.open(step.kind, number, f"key-{next(self._keys_made)}", step.body)
                    await self._carry(wire, act, self._chance.choice(MANNERS))
                self._people.again(number, steps)

    async def _carry(self, wire: Wire, act: Act, manner: str) -> None:
        match manner:
            case "once":
                await self._send(wire, act)
            case "gone":
                await self._leave(wire, act)
            case "gone, again":
                await self._leave(wire, act)
                await self._insist(wire, act)
            case "both":
                with closing(Wire(self._port)) as other:
                    await asyncio.gather(self._send(wire, act), self._send(other, act))
            case "twice":
                await self._insist(wire, act)
                await self._send(wire, act)
            case _:
                await self._insist(wire, act)
        settled = all(
            one.done or one.refused for one in self.book.of[act.number]
        )  # nothing is under way that may follow
        if act.done and settled and self._chance.random() < 0.3:
            await self._look(wire, act)
        await asyncio.sleep(self._chance.expovariate(1 / self._pause_s))

    async def _insist(self, wire: Wire, act: Act) -> None:
        for _ in range(PATIENT):
            if self._settled(await self._send(wire, act)) or self._leaving:
                return
            await asyncio.sleep(self._chance.uniform(0.05, 0.8))

    async def _ask_for(self, acts: Iterator[Act]) -> None:
        with closing(Wire(self._port)) as wire:
            for act in acts:
                while not self._settled(await self._send(wire, act)):
                    await asyncio.sleep(0.1)

    @staticmethod
    def _settled(answer: Answer | None) -> bool:
        return answer is not None and answer.status in (200, *REFUSED)

    async def _send(self, wire: Wire, act: Act) -> Answer | None:
        """The answer, which is in the book; None where there was none."""
        act.sent += 1
        self.book.sent += 1
        try:
            answer = await wire.ask(self._request(act))
        except LOST:
            await asyncio.sleep(0.05)
            return None
        self.book.note(act, answer)
        return answer

    async def _leave(self, wire: Wire, act: Act) -> None:
        act.sent += 1
        self.book.sent += 1
        await wire.leave(self._request(act))

    def _request(self, act: Act) -> bytes:
        if act.kind == "checked in":
            return request("POST", PATHS[act.kind], self._officer, {"number": act.number, **act.body}, act.key)
        return request("POST", PATHS[act.kind], self._token(act.number), act.body, act.key)

    async def _look(self, wire: Wire, act: Act) -> None:
        """Whoever was told that it is done sees that it is."""
        try:
            answer = await wire.ask(request("GET", "/api/v1/me", self._token(act.number)))
        except LOST:
            return
        if answer.status == 200:
            self.book.looks += 1
            if not SEEN[act.kind](answer.said, act):
                self.book.wrong.append(f"{act.kind} {act.key} is not seen afterwards: {answer.said}")
        elif answer.status != 503:
            self.book.wrong.append(f"{answer.status} for a look")

    def _token(self, number: str) -> str:
        if number not in self._tokens:
            self._tokens[number] = tokens.sign(self._keys, tokens.SESSION, {"number": number, "until": self._until})
        return self._tokens[number]


def _state(said: Mapping[str, Any]) -> str | None:
    place = said["appointment"] or said["offer"]
    return None if place is None else place["state"]


# What `GET /api/v1/me` has to show once an act is done, as long as nobody does anything after it.
SEEN: Mapping[str, Callable[[Mapping[str, Any], Act], bool]] = {
    "confirmed": lambda said, _: _state(said) == "confirmed",
    "declined": lambda said, _: _state(said) == "declined",
    "checked in": lambda said, _: _state(said) == "checked_in",
    "requested": lambda said, act: list(said["request"]["ports"]) == list(act.body["ports"]),
}
