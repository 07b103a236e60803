"""Register groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from fairgate.commands.record import record
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.registering import Member, adult_from, refuse_members
from fairgate.core.sealing import Chance, Keys, code_hash, identity, seal
from fairgate.store import bulk, profiles, registrations
from fairgate.store.registrations import NewPerson


@dataclass(frozen=True, slots=True)
class Register:
    """A group with the number and access code drawn for it; the code itself is stored nowhere.

    `registered_at` is given where a registration comes from another system, else it is now.
    """

    number: str
    code: str
    language: str
    members: Sequence[Member]
    registered_at: datetime | None = None


def register(
    conn: psycopg.Connection, acts: Sequence[Register], *, keys: Keys, now: datetime, chance: Chance
) -> list[Outcome]:
    """Register each group, its people's data sealed; a number that is taken is refused."""
    with conn.transaction():
        taken = registrations.taken_numbers(conn, [act.number for act in acts])
        profile = profiles.current(conn)
        outcomes: list[Outcome] = []
        for act in acts:
            outcomes.append(_decide(act, taken, profile.group_max, profile.languages, now))
            taken.add(act.number)
        accepted = [act for act, outcome in zip(acts, outcomes, strict=True) if isinstance(outcome, Done)]
        ids = bulk.take_ids(conn, "registration", len(accepted))
        registrations.insert(conn, [_row(i, act, keys, now) for i, act in zip(ids, accepted, strict=True)])
        registrations.insert_people(
            conn,
            (
                (i, person)
                for i, act in zip(ids, accepted, strict=True)
                for person in sealed_people(act.number, act.members, act.registered_at or now, keys=keys, chance=chance)
            ),
        )
        done = [outcome for outcome in outcomes if isinstance(outcome, Done)]
        record(conn, list(zip(ids, done, strict=True)), now=now, chance=chance)
    return outcomes


def _decide(act: Register, taken: set[str], group_max: int, languages: Sequence[str], now: datetime) -> Outcome:
    if act.number in taken:
        return Refused(Reason.NUMBER_TAKEN, {"number": act.number})
    if act.language not in languages:
        return Refused(Reason.UNKNOWN_LANGUAGE, {"language": act.language[:20], "known": list(languages)})
    if act.registered_at is not None and act.registered_at > now:
        return Refused(Reason.REGISTERED_IN_FUTURE)
    refusal = refuse_members(act.members, group_max=group_max, today=now.date())
    return refusal or Done("registered", act.number, {"size": len(act.members)})


def _row(i: int, act: Register, keys: Keys, now: datetime) -> tuple[int, str, bytes, str, int, datetime]:
    hashed = code_hash(keys, act.number, act.code)
    return (i, act.number, hashed, act.language, len(act.members), act.registered_at or now)


def sealed_people(
    number: str, members: Sequence[Member], joined_at: datetime, *, keys: Keys, chance: Chance
) -> list[NewPerson]:
    """The members of a registration as rows, each sealed under a key of its own."""
    return [
        NewPerson(
            position=position,
            joined_at=joined_at,
            adult_from=adult_from(member.born_on, joined_at.astimezone(UTC).date()),
            identity=identity(keys, member.given_names, member.family_names, member.born_on),
            sealed=seal(keys, member.as_json(), number, chance),
        )
        for position, member in enumerate(members, 1)
    ]
