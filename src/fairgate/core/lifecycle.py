"""What may become of a registration, a request, a round and an offer.

One table drives everything: an act moves a subject from one state to another, and what is not
in the table is refused. PostgreSQL holds the same table (`edge` in schema.sql) and refuses the
same moves on its own; a test compares the two. States are few on purpose. Why something
happened is a reason beside the state, never a state of its own.

An offer's life, for example:

    none -offer-> offered -confirm-> confirmed -check_in-> checked_in
                     |                   |------miss-----> missed
                     |--decline-> declined    \\--cancel--> cancelled
                     \\--lapse---> lapsed
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple

NONE = "none"


class Subject(StrEnum):
    """What has states."""

    REGISTRATION = "registration"
    REQUEST = "request"
    ROUND = "round"
    OFFER = "offer"


class Edge(NamedTuple):
    """`act` moves `subject` from one state to the other; `none` is: does not exist yet."""

    subject: Subject
    act: str
    source: str
    target: str


EDGES: tuple[Edge, ...] = (
    Edge(Subject.REGISTRATION, "register", NONE, "registered"),
    Edge(Subject.REGISTRATION, "amend", "registered", "registered"),
    Edge(Subject.REQUEST, "request", NONE, "standing"),
    Edge(Subject.REQUEST, "request", "standing", "standing"),
    Edge(Subject.REQUEST, "request", "withdrawn", "standing"),
    Edge(Subject.REQUEST, "request", "fulfilled", "standing"),
    Edge(Subject.REQUEST, "withdraw", "standing", "withdrawn"),
    Edge(Subject.REQUEST, "restore", "withdrawn", "standing"),
    Edge(Subject.REQUEST, "fulfil", "standing", "fulfilled"),
    Edge(Subject.ROUND, "open", NONE, "open"),
    Edge(Subject.ROUND, "seal", "open", "sealed"),
    Edge(Subject.ROUND, "seed", "sealed", "sealed"),
    Edge(Subject.ROUND, "postpone", "sealed", "sealed"),
    Edge(Subject.ROUND, "draw", "sealed", "drawn"),
    Edge(Subject.ROUND, "close", "drawn", "closed"),
    Edge(Subject.ROUND, "void", "open", "void"),
    Edge(Subject.ROUND, "void", "sealed", "void"),
    Edge(Subject.OFFER, "offer", NONE, "offered"),
    Edge(Subject.OFFER, "pass over", NONE, "declined"),
    Edge(Subject.OFFER, "confirm", "offered", "confirmed"),
    Edge(Subject.OFFER, "decline", "offered", "declined"),
    Edge(Subject.OFFER, "lapse", "offered", "lapsed"),
    Edge(Subject.OFFER, "cancel", "offered", "cancelled"),
    Edge(Subject.OFFER, "cancel", "confirmed", "cancelled"),
    Edge(Subject.OFFER, "check in", "confirmed", "checked_in"),
    Edge(Subject.OFFER, "miss", "confirmed", "missed"),
)

_TARGET = {(edge.subject, edge.act, edge.source): edge.target for edge in EDGES}

STATES: dict[Subject, tuple[str, ...]] = {
    subject: tuple(dict.fromkeys(edge.target for edge in EDGES if edge.subject is subject)) for subject in Subject
}
ACTS: dict[Subject, tuple[str, ...]] = {
    subject: tuple(dict.fromkeys(edge.act for edge in EDGES if edge.subject is subject)) for subject in Subject
}

LIVE = ("offered", "confirmed")  # an offer in one of these holds a place


class Reason(StrEnum):
    """Why an act is refused; put into words, in the person's language, at the edge."""

    UNKNOWN_NUMBER = "unknown number"
    NUMBER_TAKEN = "number taken"
    NO_MEMBERS = "no members"
    GROUP_TOO_LARGE = "group too large"
    NO_NAME = "no name"
    NAME_TOO_LONG = "name too long"
    NAME_NOT_WRITTEN = "name with invisible characters"
    BORN_IN_FUTURE = "born in the future"
    BORN_TOO_LONG_AGO = "born too long ago"
    REGISTERED_IN_FUTURE = "registered in the future"
    UNKNOWN_LANGUAGE = "unknown language"
    UNKNOWN_PROGRAM = "unknown program"
    UNKNOWN_PORT = "unknown port"
    PORT_TWICE = "port twice"
    NO_PORTS = "no ports"
    NO_REQUEST = "no request"
    UNDO_EXPIRED = "undo expired"
    HAS_PLACE = "has place"
    NO_OFFER = "no offer"
    TOO_LATE = "too late"
    NOT_TODAY = "not today"
    WRONG_STATE = "wrong state"
    UNKNOWN_ROUND = "unknown round"
    ROUND_EXISTS = "round exists"
    NOT_DUE = "not due"
    SEED_KNOWN = "seed known"
    SEALING_NOT_SHOWN = "sealing not shown"
    SEALING_SHOWN = "sealing shown"
    WAITS_FOR_EARLIER = "waits for an earlier round"
    UNKNOWN_SLOT = "unknown slot"
    ROUND_SEALED = "round sealed"
    BELOW_TAKEN = "below taken"
    BAD_SAMPLE = "bad sample"
    KEY_REUSED = "key reused"
    UNKNOWN_INCIDENT = "unknown incident"
    INCIDENT_OVER = "incident over"
    INCIDENT_LASTS = "incident lasts"
    TEXT_MISSING = "text missing"
    TEXT_TOO_LONG = "text too long"
    TEXT_NOT_WRITTEN = "text with control characters"
    END_BEFORE_START = "end before start"
    OTHER_LEDGER = "other ledger"
    NO_PROMISE = "no promise"
    OTHER_PROGRAM = "other program"
    ASKED_TOO_LATE = "asked too late"
    REQUEST_ENDED = "request ended"
    REQUEST_CHANGED = "request changed"
    NOT_STANDING = "request does not stand"
    HAD_PLACE = "had place"
    PORTS_NOT_IN_ROUND = "ports not in round"
    IN_THE_LIST = "in the list"
    TOO_NEAR = "too near"


Fact = str | int | bool | None | list[str] | list[dict[str, str | None]]


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where an act stands in the ledger: the leaf's index, and the salt (16 bytes) and time of its statement."""

    index: int
    salt: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """The act is not done and nothing changed; `facts` are what the words at the edge need."""

    reason: Reason
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """The act is done (`repeated`: it had been done before, and this is the same answer again).

    `kind` is a fact in the past tense ("confirmed"); `facts` are JSON values, and with `kind`,
    `number` and the time they are the statement that the ledger keeps, at `leaf` once it is written.
    `answered_at`: when what is repeated was answered under its idempotency key.
    """

    kind: str
    number: str | None
    facts: Mapping[str, Fact] = field(default_factory=dict)
    repeated: bool = False
    leaf: Leaf | None = None
    answered_at: datetime | None = field(default=None, compare=False)


Outcome = Done | Refused


def target(subject: Subject, act: str, source: str) -> str | None:
    """The state that `act` leads to from `source`; None where the table has no such edge."""
    return _TARGET.get((subject, act, source))


def refuse_unless_possible(subject: Subject, act: str, source: str) -> Refused | None:
    """A refusal naming the state when `act` is not in the table, else None."""
    if target(subject, act, source) is None:
        return Refused(Reason.WRONG_STATE, {"subject": subject.value, "act": act, "state": source})
    return None


def moves(subject: Subject) -> frozenset[tuple[Literal["none"] | str, str]]:
    """The (from, to) pairs that exist for `subject`, whatever the act."""
    return frozenset((edge.source, edge.target) for edge in EDGES if edge.subject is subject)
