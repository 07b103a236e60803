"""What tests of notices share: a channel that keeps what it is given, and somebody who hands over."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

import psycopg

from fairgate.commands.register import Register, register
from fairgate.core import numbers
from fairgate.core.addresses import email
from fairgate.core.delivering import Sent
from fairgate.core.registering import Member
from fairgate.notify.channels import Channel, Message
from fairgate.notify.run import Desk
from fairgate.store import notices
from time_world import NOON, Group, TimeWorld, must


class Kept:
    """A channel that keeps what it is given, and refuses as long as it is told to."""

    def __init__(self, name: str = "file", detail: str | None = None) -> None:
        self.name, self.detail, self.together = name, detail, 1
        self.messages: list[Message] = []
        self.refuses = False
        self.closed = 0

    def read(self, given: str) -> str | None:
        return email(given) if self.detail else given

    def hand_over(self, message: Message) -> Sent:
        if self.refuses:
            raise OSError(28, "No space left on device")
        self.messages.append(message)
        return Sent()

    def close(self) -> None:
        self.closed += 1


class Office:
    """Hands over on the world's connection and counts how many are lent out."""

    def __init__(self, world: TimeWorld, folder: Channel, *channels: Channel) -> None:
        self.world = world
        self.folder = folder
        self.lent = 0
        self.now = NOON
        self.desk = Desk(self.connect, folder, world.keys, channels, lambda _: self.now)

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        self.lent += 1
        yield self.world.conn
        self.lent -= 1


def adult(email: str = "", phone: str = "") -> Member:
    details = {"email": email, "phone": phone}
    return Member("Ana", "Pérez", date(1990, 5, 1), {key: text for key, text in details.items() if text})


def child(email: str) -> Member:
    return Member("Eva", "Pérez", date(2020, 5, 1), {"email": email})


def registered(world: TimeWorld, *members: Member, language: str = "en") -> Group:
    group = Group(numbers.new_number(os.urandom), numbers.new_code(os.urandom))
    act = Register(group.number, group.code, language, members)
    must(register(world.conn, [act], keys=world.keys, now=world.now, chance=os.urandom))
    return group


def told(world: TimeWorld, group: Group, kind: str = "withdrawn", now: datetime = NOON) -> None:
    [owner] = world.conn.execute("SELECT id FROM registration WHERE number = %s", [group.number]).fetchone()
    notices.add(world.conn, [(owner, kind, {"program": "arrival"})], now)


def deliveries_of(world: TimeWorld) -> list[tuple[str, str, str | None, int]]:
    """(channel, state, reason, tries) of all deliveries in order."""
    return world.conn.execute("SELECT channel, state, reason, tries FROM delivery ORDER BY id").fetchall()
