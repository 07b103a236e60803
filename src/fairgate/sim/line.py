"""The line of people who will register: they do so, and ask, when their time has come."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice

import psycopg

from fairgate.commands.register import Register, register
from fairgate.commands.request import Ask, request
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.numbers import new_code, new_number
from fairgate.core.sealing import Chance, Keys
from fairgate.sim.population import Group

BATCH = 2000  # registrations in one transaction


class Line:
    """Groups in the order in which they register for `program`; `codes` are the access codes of those who have."""

    def __init__(self, groups: Iterator[Group], program: str, keys: Keys, chance: Chance) -> None:
        self._groups = groups
        self._program = program
        self._keys = keys
        self._chance = chance
        self.codes: dict[str, str] = {}

    def register(self, conn: psycopg.Connection, until: datetime) -> Iterator[int]:
        """Register who comes until then, and let their requests stand; after each batch, how many have registered.

        A full batch is written at the time of its last, what is left at `until`: time never goes back.
        """
        while batch := list(islice(self._until(until), BATCH)):
            now = batch[-1].registered_at if len(batch) == BATCH else until
            numbers = self._register(conn, batch, now)
            asked = [Ask(number, self._program, group.ports) for number, group in zip(numbers, batch, strict=True)]
            request(conn, asked, now=now, chance=self._chance)
            yield len(self.codes)

    def _until(self, until: datetime) -> Iterator[Group]:
        for group in self._groups:
            if group.registered_at > until:
                self._groups = chain([group], self._groups)
                return
            yield group

    def _register(self, conn: psycopg.Connection, batch: list[Group], now: datetime) -> list[str]:
        """The numbers of the batch. Among hundreds of thousands a number comes up twice: then another is drawn."""
        numbers = [""] * len(batch)
        left = list(range(len(batch)))
        while left:
            acts = [self._act(batch[i]) for i in left]
            outcomes = register(conn, acts, keys=self._keys, now=now, chance=self._chance)
            for i, act, outcome in zip(left, acts, outcomes, strict=True):
                if isinstance(outcome, Done):
                    numbers[i] = act.number
                    self.codes[act.number] = act.code
            left = [i for i, outcome in zip(left, outcomes, strict=True) if _number_taken(outcome)]
        return numbers

    def _act(self, group: Group) -> Register:
        number, code = new_number(self._chance), new_code(self._chance)
        return Register(number, code, group.language, group.members, group.registered_at)


def _number_taken(outcome: Outcome) -> bool:
    if isinstance(outcome, Done):
        return False
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.NUMBER_TAKEN, f"nobody here is refused: {outcome}"
    return True
