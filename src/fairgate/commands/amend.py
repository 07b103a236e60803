"""Amend registrations: people, contacts, language. The place in the line stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import psycopg

from fairgate.commands.record import record
from fairgate.commands.register import sealed_people
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused, Subject, refuse_unless_possible
from fairgate.core.registering import Member, adult_from, refuse_members
from fairgate.core.sealing import Chance, Keys, identity, unseal
from fairgate.store import lists, offers, profiles, registrations, rounds
from fairgate.store.registrations import NewPerson, Registration


@dataclass(frozen=True, slots=True)
class Amend:
    """What is to be from now on; None leaves as it is. `members` is the whole group."""

    number: str
    language: str | None = None
    members: Sequence[Member] | None = None


def amend(
    conn: psycopg.Connection, acts: Sequence[Amend], *, keys: Keys, now: datetime, chance: Chance
) -> list[Outcome]:
    """Correct registrations. Who was a member before, under the same or a corrected name, keeps the day of joining."""
    with conn.transaction():
        if any(act.members is not None for act in acts):
            rounds.hold_undrawn(conn)
        locked = registrations.lock(conn, [act.number for act in acts])
        outcomes = []
        for act in acts:
            row = locked.get(act.number)
            outcome = _decide(conn, act, row, now)
            if row is not None and isinstance(outcome, Done):
                locked[act.number] = _write(conn, act, row, keys=keys, now=now, chance=chance)
            outcomes.append(outcome)
        ids = [locked[act.number].id if act.number in locked else None for act in acts]
        record(conn, list(zip(ids, outcomes, strict=True)), now=now, chance=chance)
    return outcomes


def _decide(conn: psycopg.Connection, act: Amend, row: Registration | None, now: datetime) -> Outcome:
    profile = profiles.current(conn)
    if row is None:
        return Refused(Reason.UNKNOWN_NUMBER)
    if act.language is not None and act.language not in profile.languages:
        return Refused(Reason.UNKNOWN_LANGUAGE, {"language": act.language[:20], "known": list(profile.languages)})
    refusal = refuse_unless_possible(Subject.REGISTRATION, "amend", row.state)
    if refusal is None and act.members is not None:
        refusal = refuse_members(act.members, group_max=profile.group_max, today=now.date())
        refusal = refusal or _refuse_resizing(conn, row, len(act.members), [p.program for p in profile.programs])
    size = row.size if act.members is None else len(act.members)
    return refusal or Done("amended", act.number, {"size": size, "language": act.language or row.language})


def _refuse_resizing(conn: psycopg.Connection, row: Registration, size: int, programs: Sequence[str]) -> Refused | None:
    """A place is held for so many persons, and a sealed group is not to be larger when it is drawn than it was."""
    if size != row.size and any(offers.live(conn, program, [row.id]) for program in programs):
        return Refused(Reason.HAS_PLACE)
    sealed = lists.in_sealed(conn, [row.id]).get(row.id) if size > row.size else None
    return Refused(Reason.ROUND_SEALED, {"round": sealed.isoformat()}) if sealed else None


def _write(
    conn: psycopg.Connection, act: Amend, row: Registration, *, keys: Keys, now: datetime, chance: Chance
) -> Registration:
    """Write what is to be from now on; the registration as it is then."""
    size = None
    if act.members is not None:
        size = len(act.members)
        before = registrations.people(conn, [row.id]).get(row.id, [])
        old = [Member.from_json(unseal(keys, person.sealed, row.number)) for person in before]
        kept = _who_was_there(old, act.members, keys)
        members = [_remember(member, old[kept[i]] if i in kept else None) for i, member in enumerate(act.members)]
        people = sealed_people(row.number, members, now, keys=keys, chance=chance)
        joined = {i: before[j].joined_at for i, j in kept.items()}
        registrations.replace_people(conn, row.id, _keep_joining(people, members, joined))
    registrations.amend(conn, row.id, language=act.language, size=size, now=now)
    return row._replace(language=act.language or row.language, size=size or row.size, amended_at=now)


def _who_was_there(old: Sequence[Member], members: Sequence[Member], keys: Keys) -> dict[int, int]:
    """Which of the members, by place, is which of those before: a correction keeps the day of joining.

    Somebody is the same person with the same names and birth date, or, where a mistake was mended, with the
    same birth date and a name in common, with the same names, or with a name in common and two of the three
    parts of the birth date. Compared is with who was registered, not with the last correction, so that
    no chain of small corrections makes a stranger of a member. A stranger matches in none of these ways, and joins now.
    """
    left = list(range(len(old)))
    found: dict[int, int] = {}
    for same in (_same_person, _same_birth_date_and_a_name, _same_names, _nearly_the_same):
        for i, member in enumerate(members):
            match = None if i in found else next((j for j in left if same(keys, member, old[j].at_first)), None)
            if match is not None:
                found[i] = match
                left.remove(match)
    return found


def _remember(member: Member, before: Member | None) -> Member:
    """The member with who it was at first, where that is somebody with other names or another birth date."""
    first = None if before is None else replace(before.at_first, details={})
    same = first == replace(member, details={}, registered_as=None)
    return replace(member, registered_as=None if same else first)


def _keep_joining(
    people: Sequence[NewPerson], members: Sequence[Member], joined: Mapping[int, datetime]
) -> list[NewPerson]:
    """Give members who were there before, by place, their day of joining again."""
    return [
        replace(
            person,
            joined_at=joined[i],
            adult_from=adult_from(members[i].born_on, joined[i].astimezone(UTC).date()),
        )
        if i in joined
        else person
        for i, person in enumerate(people)
    ]


def _same_person(keys: Keys, a: Member, b: Member) -> bool:
    return identity(keys, a.given_names, a.family_names, a.born_on) == identity(
        keys, b.given_names, b.family_names, b.born_on
    )


def _a_name_in_common(a: Member, b: Member) -> bool:
    shared = set(a.given_names.upper().split()) & set(b.given_names.upper().split())
    return bool(shared) or a.family_names.upper() == b.family_names.upper()


def _same_birth_date_and_a_name(_: Keys, a: Member, b: Member) -> bool:
    return a.born_on == b.born_on and _a_name_in_common(a, b)


def _same_names(keys: Keys, a: Member, b: Member) -> bool:
    return _same_person(keys, replace(a, born_on=b.born_on), b)


def _nearly_the_same(_: Keys, a: Member, b: Member) -> bool:
    parts = zip(a.born_on.timetuple()[:3], b.born_on.timetuple()[:3], strict=True)
    return sum(one == other for one, other in parts) == 2 and _a_name_in_common(a, b)
