"""Whom to believe about a ledger: which logs, which witnesses, and how many of these are enough.

    log places.example.org/ledger+5c2d9a11+AWx…                   a checkpoint counts if one of the logs signed it
    witness north north.example.org/w+0f9e8d7c+BNk… https://north.example.org
    witness south south.example.org/w+1a2b3c4d+BJq…
    witness court court.example.org/w+99aabbcc+BGh…
    group press any north south                                   all, any, or a number
    group both all press court
    quorum both                                                   or a witness, or none

The names are those of this file only. Each may be in one group at most, so that no witness counts twice.

Source: C2SP tlog-policy. Of the kinds of keys, those of core/note.py are understood: Ed25519 for logs, and that of
cosigners for witnesses.
"""

import re
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from fairgate.core.checkpoint import parse_checkpoint
from fairgate.core.clocks import CALENDAR_END
from fairgate.core.errors import BadInput, shown
from fairgate.core.lines import number
from fairgate.core.note import COSIGNATURE, ED25519, Key, Note, parse_key, verified

NONE: Final = "none"
POLICY_MOST: Final = 64 * 1024  # bytes
LINES_MOST: Final = 1000

_LINE: Final = "write it as C2SP tlog-policy says: log, witness, group or quorum"
_CONTROL: Final = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Log:
    """A log that may be believed; the name of its key is the ledger's origin."""

    key: Key
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness under its name in this policy; `url` is where checkpoints are sent to."""

    name: str
    key: Key
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """`enough` of the members, which are names of witnesses and of groups before this one."""

    name: str
    enough: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Logs, witnesses, groups in the order in which they build on each other, and the name of what is enough."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    def satisfied(self, cosigners: Set[str]) -> bool:
        """Whether the witnesses of these names are enough; with `quorum none`, nobody is."""
        if self.quorum == NONE:
            return True
        agreed = {witness.name for witness in self.witnesses} & cosigners
        for group in self.groups:
            if sum(member in agreed for member in group.members) >= group.enough:
                agreed.add(group.name)
        return self.quorum in agreed

    def log_keys(self, origin: str) -> list[Key]:
        """The keys by which the ledger of this origin signs."""
        return [log.key for log in self.logs if log.key.name == origin]


def log_signed(note: Note, policy: Policy, place: str) -> bool:
    """Whether a log of the policy signed this note as a checkpoint of its own; raises BadInput for what is none."""
    return bool(verified(note, policy.log_keys(parse_checkpoint(note, place).origin)))


def cosigned_at(note: Note, policy: Policy) -> dict[str, int]:
    """When each witness of the policy cosigned the note, in seconds, by its name in the policy.

    One that names a time which no calendar has does not say when.
    """
    names = {witness.key: witness.name for witness in policy.witnesses}
    return {names[key]: at for key, at in verified(note, names).items() if at is not None and at < CALENDAR_END}


def witnessed_at(note: Note, policy: Policy) -> int | None:
    """When the quorum was complete, in seconds, by the witnesses' own times; None where it is not.

    It is the time of the last cosignature that was needed: what came after it does not matter. With `quorum none`
    nobody is asked and there is no such time: the answer is 0, at every time past. The log's own signature is
    not looked at here (`log_signed`).
    """
    agreed: set[str] = set()
    if policy.satisfied(agreed):
        return 0
    for name, at in sorted(cosigned_at(note, policy).items(), key=lambda each: each[1]):
        agreed.add(name)
        if policy.satisfied(agreed):
            return at
    return None


def parse_policy(data: bytes, place: str) -> Policy:
    """The policy in a file; raises BadInput with the line that is wrong."""
    if len(data) > POLICY_MOST or data.count(b"\n") > LINES_MOST:
        raise BadInput(place, f"has more than {POLICY_MOST} bytes or {LINES_MOST} lines", "is this a policy?")
    if _CONTROL.search(data):
        raise BadInput(place, "holds a control character", "a policy has tabs and line ends, and no others")
    if data and not data.endswith(b"\n"):
        raise BadInput(place, "its last line does not end", "see that the file is whole, and end the line")
    read = _Reading(place)
    for at, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
        words = line.replace("\t", " ").strip(" ")
        if words and not words.startswith("#"):
            read.line(f"{place} line {at}", re.split(" +", words))
    return read.policy()


class _Reading:
    """What has been read of a policy so far."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._logs: list[Log] = []
        self._witnesses: list[Witness] = []
        self._groups: list[Group] = []
        self._names: set[str] = set()
        self._grouped: set[str] = set()
        self._quorum: str | None = None

    def line(self, place: str, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                key = _key(vkey, ED25519, [log.key for log in self._logs], place)
                self._logs.append(Log(key, *url))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                key = _key(vkey, COSIGNATURE, [witness.key for witness in self._witnesses], place)
                self._witnesses.append(Witness(self._new(name, place), key, *url))
            case ["group", name, enough, *members] if members:
                for member in members:
                    self._join(member, place)
                self._groups.append(Group(self._new(name, place), _enough(enough, members, place), tuple(members)))
            case ["quorum", name] if self._quorum is None:
                if name != NONE and name not in self._names:
                    raise BadInput(place, f"{shown(name)} is no witness or group of a line before", _LINE)
                self._quorum = name
            case ["quorum", _]:
                raise BadInput(place, "is a second quorum", "leave one of them")
            case _:
                raise BadInput(place, f"{shown(' '.join(words))} is no line of a policy", _LINE)

    def policy(self) -> Policy:
        if self._quorum is None:
            raise BadInput(self._place, "says no quorum", "add a line with it; `quorum none` asks for no witness")
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _new(self, name: str, place: str) -> str:
        if name == NONE or name in self._names:
            raise BadInput(place, f"the name {shown(name)} is taken", "give each witness and group a name of its own")
        self._names.add(name)
        return name

    def _join(self, member: str, place: str) -> None:
        if member not in self._names:
            raise BadInput(place, f"{shown(member)} is no witness or group of a line before", _LINE)
        if member in self._grouped:
            raise BadInput(place, f"{shown(member)} is in a group already", "let each count in one way only")
        self._grouped.add(member)


def _key(vkey: str, kind: int, before: list[Key], place: str) -> Key:
    key = parse_key(vkey, place)
    if key.kind != kind:
        problem = f"the key {shown(key.name)} is of kind {key.kind}, not {kind}"
        raise BadInput(place, problem, "a log's key is of kind 1, a witness's of kind 4")
    if any(key.public == each.public for each in before):
        raise BadInput(place, f"the key {shown(key.name)} is in the policy already", "leave one of the lines")
    return key


def _enough(word: str, members: list[str], place: str) -> int:
    enough = {"all": len(members), "any": 1}.get(word, number(word))
    if enough is None or not 1 <= enough <= len(members):
        problem = f"{shown(word)} of {len(members)} members cannot be asked for"
        raise BadInput(place, problem, f"write all, any, or a number from 1 to {len(members)}")
    return enough
