"""Say to each holder of an open offer, on the record, that their deadline has moved: with a leaf and a notice.

An outage moves the deadlines of all windows at once, by a few rows, and for a million people that is done in a second.
What follows for each of them comes here, some at a time, oldest first: the windows remember up to which offer it was
said. A window that moves again before everybody was told begins anew, and then people are told what holds now and not
what held in between. Nobody's deadline waits for this: it is computed from the outages on record.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import psycopg

from fairgate.commands.acting import place
from fairgate.commands.record import record
from fairgate.core.deadlines import PAUSED
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.places import shown
from fairgate.core.sealing import Chance
from fairgate.store import offers, registrations
from fairgate.store.offers import Offer

WINDOWS_AT_ONCE: Final = 50
OFFERS_AT_ONCE: Final = 500  # the ledger is locked for as long as these take, a tenth of a second


def extend(conn: psycopg.Connection, *, now: datetime, chance: Chance) -> list[Outcome]:
    """Tell the next holders whose deadline has moved; an empty list when there is nobody left to tell for now."""
    said: list[Outcome] = []
    while not said:
        with conn.transaction():
            windows = offers.lock_moved(conn, WINDOWS_AT_ONCE)
            if not windows:
                return []
            looked_at = offers.open_untold(conn, windows, OFFERS_AT_ONCE)
            registrations.lock_ids(conn, [offer.registration_id for offer in looked_at])
            open_now = {offer.id for offer in offers.open_untold(conn, windows, OFFERS_AT_ONCE)}
            holders = [offer for offer in looked_at if offer.id in open_now]  # somebody may have confirmed meanwhile
            offers.told_up_to(conn, _told(windows, looked_at))
            said = record(conn, [(o.registration_id, _extended(o)) for o in holders], now=now, chance=chance)
    return said


def _told(windows: Sequence[int], looked_at: Sequence[Offer]) -> list[tuple[int, int | None]]:
    """How far each window has come: to its end, but for the one at which we stopped, and those after it."""
    if len(looked_at) < OFFERS_AT_ONCE:
        return [(window, None) for window in windows]
    last = looked_at[-1]
    return [*((window, None) for window in windows if window < last.window_id), (last.window_id, last.id)]


def _extended(offer: Offer) -> Done:
    held = place(offer)
    assert held is not None
    return Done("extended", offer.number, {**held.facts, "deadline": shown(offer.deadline or PAUSED)})
