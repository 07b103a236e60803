"""Cancel offers and appointments, for the holder or for the agency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from fairgate.commands.acting import act_on_offers, place
from fairgate.core import places
from fairgate.core.lifecycle import Outcome
from fairgate.core.sealing import Chance


@dataclass(frozen=True, slots=True)
class Cancel:
    """`why`: "by holder", or the agency's reason, which goes on record."""

    number: str
    program: str
    why: str
    key: str | None = None


def cancel(conn: psycopg.Connection, acts: Sequence[Cancel], *, now: datetime, chance: Chance) -> list[Outcome]:
    """Give up offers and appointments; the places go down the reserve list, the requests stand on."""
    return act_on_offers(
        conn, acts, lambda _: lambda act, offer: places.cancel(place(offer), act.why), now=now, chance=chance
    )
