"""Requests: ask, change ports, withdraw, and take a withdrawal back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import psycopg

from fairgate.commands.answering import given
from fairgate.commands.record import record
from fairgate.core import asking
from fairgate.core.asking import NO_WISH, Wish
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.sealing import Chance
from fairgate.store import offers, profiles, registrations, requests
from fairgate.store.requests import Request


@dataclass(frozen=True, slots=True)
class Ask:
    """`ports` in order of preference; `key` is the idempotency key, if there is one."""

    number: str
    program: str
    ports: Sequence[str]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    number: str
    program: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Restore:
    number: str
    program: str
    key: str | None = None


A = TypeVar("A", Ask, Withdraw, Restore)


def request(conn: psycopg.Connection, acts: Sequence[Ask], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Let requests stand from now on, or change their ports; nothing has to be repeated."""
    profile = profiles.current(conn)

    def decide(act: Ask, wish: Wish, size: int) -> Outcome:
        program = profile.find_program(act.program)
        if program is None:
            return Refused(Reason.UNKNOWN_PROGRAM, {"program": act.program[:60]})
        if size > program.group_max:
            return Refused(Reason.GROUP_TOO_LARGE, {"size": size, "group_max": program.group_max})
        return asking.request(act.number, act.program, wish, act.ports, program.port_codes)

    def change(act: Ask, was: Request | None, owner: int) -> Request:
        asked_at = was.asked_at if was is not None and was.state == "standing" else now
        return Request(owner, act.program, "standing", list(act.ports), asked_at, None)

    return _carry_out(conn, acts, decide, change, now=now, chance=chance)


def withdraw(conn: psycopg.Connection, acts: Sequence[Withdraw], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Let requests stand no longer; this can be taken back for 72 hours."""

    def change(_: Withdraw, was: Request | None, _owner: int) -> Request:
        assert was is not None
        return replace(was, state="withdrawn", withdrawn_at=now)

    return _carry_out(
        conn,
        acts,
        lambda act, wish, _size: asking.withdraw(act.number, act.program, wish),
        change,
        now=now,
        chance=chance,
    )


def restore(conn: psycopg.Connection, acts: Sequence[Restore], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Take withdrawals back; the requests stand as if they had never been withdrawn."""

    def change(_: Restore, was: Request | None, _owner: int) -> Request:
        assert was is not None
        return replace(was, state="standing", withdrawn_at=None)

    return _carry_out(
        conn,
        acts,
        lambda act, wish, _size: asking.restore(act.number, act.program, wish, now),
        change,
        now=now,
        chance=chance,
    )


def _carry_out(
    conn: psycopg.Connection,
    acts: Sequence[A],
    decide: Callable[[A, Wish, int], Outcome],
    change: Callable[[A, Request | None, int], Request],
    *,
    now: datetime,
    chance: Chance,
) -> list[Outcome]:
    """Lock, decide, write, ledger, outbox. Acts on the same request see what those before them did."""
    with conn.transaction():
        locked = registrations.lock(conn, [act.number for act in acts])
        ids = {number: row.id for number, row in locked.items()}
        held = requests.of(conn, ids.values())
        live = {program: offers.live(conn, program, list(ids.values())) for program in {act.program for act in acts}}
        answers = given(conn, acts, ids)
        before = dict(held)

        def one(act: A) -> Outcome:
            row = locked.get(act.number)
            if row is None:
                return Refused(Reason.UNKNOWN_NUMBER)
            terms = act.ports if isinstance(act, Ask) else ()
            answer = answers.find(row.id, act, terms)
            if answer is not None:
                return answer
            was = held.get((row.id, act.program))
            outcome = decide(act, _wish(was, row.id in live[act.program]), row.size)
            if isinstance(outcome, Done):
                answers.keep(row.id, act, outcome, terms)
                if not outcome.repeated:
                    held[row.id, act.program] = change(act, was, row.id)
            return outcome

        outcomes = [one(act) for act in acts]
        requests.insert(conn, [new for place, new in held.items() if place not in before])
        changed = [(before[place].state, new) for place, new in held.items() if place in before]
        requests.change(conn, [(was, new) for was, new in changed if new != before[new.registration_id, new.program]])
        answers.write(conn, now)
        owners = [ids.get(act.number) for act in acts]
        return record(conn, list(zip(owners, outcomes, strict=True)), now=now, chance=chance)


def _wish(found: Request | None, has_place: bool) -> Wish:
    if found is None:
        return replace(NO_WISH, has_place=has_place)
    return Wish(found.state, found.ports, found.withdrawn_at, has_place)
