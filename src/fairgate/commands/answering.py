"""Idempotency keys: the same key gets the same answer, and the same key with another question is refused.

What is kept is what was done. A refusal is decided anew: somebody who was too late, and whose deadline an outage has
moved since, must not be held to an old answer by a phone that repeats itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import psycopg

from fairgate.core.lifecycle import Done, Fact, Outcome, Reason, Refused
from fairgate.store import answers
from fairgate.store.answers import Answer


class Keyed(Protocol):
    """An act; `key` is the idempotency key, if there is one."""

    @property
    def number(self) -> str: ...
    @property
    def program(self) -> str: ...
    @property
    def key(self) -> str | None: ...


@dataclass
class Answers:
    """What was answered before under the keys of a batch, by (registration, key), and what is answered now."""

    stored: dict[tuple[int, str], Answer]
    new: list[tuple[int, str, Answer]] = field(default_factory=list)

    def find(self, owner: int, act: Keyed, terms: Sequence[str] = ()) -> Outcome | None:
        """The answer that was given before; None when the act's key is new or missing. `terms`: what else is asked."""
        stored = self.stored.get((owner, act.key)) if act.key else None
        if stored is None:
            return None
        if stored.digest != asked(act, terms):
            return Refused(Reason.KEY_REUSED)
        facts: Mapping[str, Fact] = stored.facts  # type: ignore[assignment]  # they come back from jsonb as they went in
        return Done(stored.kind, act.number, facts, repeated=True, answered_at=stored.at)

    def keep(self, owner: int, act: Keyed, done: Done, terms: Sequence[str] = ()) -> None:
        """The first answer under a key is the one that is given from now on."""
        if act.key and (owner, act.key) not in self.stored:
            answer = Answer(asked(act, terms), done.kind, done.facts)
            self.stored[owner, act.key] = answer
            self.new.append((owner, act.key, answer))

    def write(self, conn: psycopg.Connection, now: datetime) -> None:
        answers.add(conn, self.new, now)


def given(conn: psycopg.Connection, acts: Iterable[Keyed], ids: dict[str, int]) -> Answers:
    """The answers stored under the keys of these acts, whose registrations (id by number) are locked."""
    return Answers(answers.of(conn, [(ids[act.number], act.key) for act in acts if act.key and act.number in ids]))


def asked(act: Keyed, terms: Sequence[str] = ()) -> bytes:
    """What is asked, for telling a repeated act from another one under the same key."""
    return answers.digest(type(act).__name__, act.program, *terms)
