"""Decline offers: give places back before the deadline; they go down the reserve list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from fairgate.commands.acting import act_on_offers, place
from fairgate.core import places
from fairgate.core.lifecycle import Outcome
from fairgate.core.sealing import Chance


@dataclass(frozen=True, slots=True)
class Decline:
    number: str
    program: str
    key: str | None = None


def decline(conn: psycopg.Connection, acts: Sequence[Decline], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Give offers back on their holders' behalf; the requests stand on."""
    return act_on_offers(conn, acts, lambda _: lambda _act, offer: places.decline(place(offer)), now=now, chance=chance)
