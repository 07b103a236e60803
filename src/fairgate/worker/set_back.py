"""No round is drawn twice, also where the database was restored from a backup of before a list was public."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import psycopg
import structlog

from fairgate.commands.rounds import SET_BACK, Void, void
from fairgate.core.profile import Profile
from fairgate.core.sealing import Chance
from fairgate.store import publication, rounds
from fairgate.store.rounds import Round

_GOING_ON: Mapping[str, bool] = {"seal": False, "seed": False, "draw": False, "postpone": True}

log = structlog.get_logger()


def void_other(
    conn: psycopg.Connection,
    home: Path,
    profile: Profile,
    found: Round,
    act: str,
    *,
    now: datetime,
    chance: Chance,
) -> bool:
    """Void a round of which other files are public than it would have after `act`; whether it was.

    It is looked at again under its lock: what another worker did meanwhile may be public already.
    """
    if act not in _GOING_ON:
        return False
    place = publication.folder(home, profile, found.program, found.date)
    with conn.transaction():
        locked = rounds.lock(conn, found.program, found.date)
        if locked is None or locked.state not in ("open", "sealed"):
            return False
        if not publication.is_another(place, locked, postponing=_GOING_ON[act]):
            return False
        void(conn, [Void(found.program, found.date, SET_BACK)], now=now, chance=chance)
    log.error("round void", program=found.program, date=found.date.isoformat(), why=SET_BACK)
    return True
