"""Who is told of a notice, and where: read from the sealed data of the group's people, and kept nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fairgate.core.addresses import reachable
from fairgate.core.delivering import Fault
from fairgate.core.registering import Member
from fairgate.core.sealing import Keys, recipient_hash, unseal
from fairgate.notify.channels import Channel
from fairgate.store.registrations import Person


@dataclass(frozen=True, slots=True)
class Recipient:
    """`to` is an address that the channel can use, or as it was given where there is a `fault`."""

    hash: bytes
    to: str
    fault: Fault | None = None


def recipients(channel: Channel, number: str, people: Sequence[Person], *, keys: Keys, today: date) -> list[Recipient]:
    """Whom to tell over this channel, each address once; raises InvalidTag where the data cannot be opened."""
    if channel.detail is None:
        given = [number]
    else:
        opened = [(p.adult_from, Member.from_json(unseal(keys, p.sealed, number))) for p in people]
        given = [m.details[channel.detail] for m in reachable(opened, today) if m.details.get(channel.detail)]
    found: dict[bytes, Recipient] = {}
    for text in given:
        to = channel.read(text)
        hashed = recipient_hash(keys, number, channel.name, text if to is None else to)
        found.setdefault(hashed, Recipient(hashed, to or text, Fault.BAD_ADDRESS if to is None else None))
    return [*found.values()]
