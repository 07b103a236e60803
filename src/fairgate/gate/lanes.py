"""The lanes through the gate: one funnel for each kind of act, and for what the hot paths read.

A lane has connections of its own, made when they are first needed, so that a rush on one does not stop another: who
confirms never stands in line behind those who look.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

import psycopg

from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.request import Ask, Withdraw, request, withdraw
from fairgate.core.lifecycle import Outcome
from fairgate.core.sealing import Chance
from fairgate.gate import weaving
from fairgate.gate.carrying import Carrier
from fairgate.gate.funnel import Funnel, Watcher
from fairgate.gate.passes import Shown, passes_of
from fairgate.gate.standing import Standing, standings
from fairgate.store import clock, heads, profiles, registrations
from fairgate.store.registrations import Registration

QUEUE_MOST: Final = 8192  # acts in line, of one kind; at a few thousand a second nobody stands there long
BATCH_MOST: Final = 512
PATIENCE_S: Final = 6.0  # then a person is told that there is no answer
SPARE_AFTER_S: Final = 0.4  # a batch takes a few hundredths of a second, unless somebody holds what it has to lock
SEEK_S: Final = 3.0  # how long a lost connection is sought; shorter, so that the line is told what is known
# PostgreSQL ends by itself what takes too long; a server that has fallen silent is noticed by the funnel.
OPTIONS: Final = "-c statement_timeout=4000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=8000"

A = TypeVar("A")
P = TypeVar("P", Confirm, Decline, Ask, Withdraw, CheckIn)
R = TypeVar("R")
Act = Callable[..., list[Outcome]]


class Lanes:
    """All lanes of one process; made inside its event loop."""

    def __init__(self, database_url: str, home: Path, watcher: Watcher, chance: Chance = os.urandom) -> None:
        self._url = database_url
        self._home = home
        self._watcher = watcher
        self._chance = chance
        self.confirm: Funnel[Confirm, Outcome] = self._lane("confirm", self._acting(confirm), 2)
        self.decline: Funnel[Decline, Outcome] = self._lane("decline", self._acting(decline), 1)
        self.request: Funnel[Ask, Outcome] = self._lane("request", self._acting(request), 2)
        self.withdraw: Funnel[Withdraw, Outcome] = self._lane("withdraw", self._acting(withdraw), 1)
        self.check_in: Funnel[CheckIn, Outcome] = self._lane("check in", self._acting(check_in), 2)
        self.standing: Funnel[str, Standing | None] = self._lane("me", standings, 1)
        self.passes: Funnel[str, Shown | None] = self._lane("pass", passes_of, 1)
        self.registration: Funnel[str, Registration | None] = self._lane("session", _registrations, 1)

    def all(self) -> list[Funnel]:  # type: ignore[type-arg]  # of every kind
        return [value for value in vars(self).values() if isinstance(value, Funnel)]

    async def close(self) -> None:
        for lane in self.all():
            await lane.close()

    def _acting(self, command: Act) -> Callable[[psycopg.Connection, Sequence[P]], list[Outcome]]:
        """A command as a lane runs it: at the time of the database's clock, in the program that is meant."""

        def carry_out(conn: psycopg.Connection, acts: Sequence[P]) -> list[Outcome]:
            return command(conn, _in_a_program(conn, acts), now=clock.now(conn), chance=self._chance)

        return carry_out

    def _lane(
        self, name: str, command: Callable[[psycopg.Connection, Sequence[A]], list[R]], connections: int
    ) -> Funnel[A, R]:
        connect = weaving.in_a_thread(self._connect)
        carriers = [Carrier(command, connect, patience_s=SEEK_S, pause=weaving.pause) for _ in range(connections)]
        return Funnel(
            name,
            carriers,
            queue_most=QUEUE_MOST,
            batch_most=BATCH_MOST,
            patience_s=PATIENCE_S,
            spare_after_s=SPARE_AFTER_S,
            watcher=self._watcher,
            begin=weaving.begin,
        )

    def _connect(self) -> psycopg.Connection:
        conn = weaving.Connection.connect(self._url, autocommit=True, connect_timeout=2, options=OPTIONS)
        try:
            heads.refuse_older(conn, self._home)
        except BaseException:
            conn.close()
            raise
        return conn


def _in_a_program(conn: psycopg.Connection, acts: Sequence[P]) -> list[P]:
    """The acts; those that name no program are about the first one that is not hidden."""
    first = profiles.current(conn).public_programs[0].program
    return [act if act.program else replace(act, program=first) for act in acts]


def _registrations(conn: psycopg.Connection, numbers: Sequence[str]) -> list[Registration | None]:
    found = registrations.find_all(conn, numbers)
    return [found.get(number) for number in numbers]
