"""Who is told of a notice, and where: read from the sealed data of the group's people and devices, and kept nowhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import psycopg

from fairgate.core.addresses import reachable
from fairgate.core.canonical import canonical
from fairgate.core.delivering import Fault
from fairgate.core.registering import Member
from fairgate.core.sealing import Keys, recipient_hash, unseal
from fairgate.notify.channels import DEVICES, Channel
from fairgate.store import registrations, subscriptions
from fairgate.store.registrations import Person
from fairgate.store.subscriptions import Subscribed


@dataclass(frozen=True, slots=True)
class Recipient:
    """`to` is an address that the channel can use, or as it was given where there is a `fault`."""

    hash: bytes
    to: str
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """What a registration is reached by, still sealed."""

    people: Sequence[Person] = ()
    devices: Sequence[Subscribed] = ()


def groups(conn: psycopg.Connection, ids: Iterable[int], channels: Iterable[Channel]) -> Mapping[int, Group]:
    """What these channels need to know of these registrations."""
    wanted, details = {*ids}, {channel.detail for channel in channels}
    people = registrations.people(conn, wanted) if details - {None, DEVICES} else {}
    devices = subscriptions.of(conn, wanted) if DEVICES in details else {}
    return {owner: Group(people.get(owner, ()), devices.get(owner, ())) for owner in wanted}


def recipients(channel: Channel, number: str, group: Group, *, keys: Keys, today: date) -> list[Recipient]:
    """Whom to tell over this channel, each address once; raises InvalidTag where the data cannot be opened."""
    if channel.detail == DEVICES:
        return [_device(channel, number, device, keys) for device in group.devices]
    if channel.detail is None:
        given = [number]
    else:
        opened = [(p.adult_from, Member.from_json(unseal(keys, p.sealed, number))) for p in group.people]
        given = [m.details[channel.detail] for m in reachable(opened, today) if m.details.get(channel.detail)]
    found: dict[bytes, Recipient] = {}
    for text in given:
        to = channel.read(text)
        hashed = recipient_hash(keys, number, channel.name, text if to is None else to)
        found.setdefault(hashed, Recipient(hashed, to or text, Fault.BAD_ADDRESS if to is None else None))
    return [*found.values()]


def _device(channel: Channel, number: str, device: Subscribed, keys: Keys) -> Recipient:
    text = canonical(unseal(keys, device.sealed, number))
    to = channel.read(text)
    return Recipient(device.endpoint_hash, to or text, Fault.BAD_ADDRESS if to is None else None)
