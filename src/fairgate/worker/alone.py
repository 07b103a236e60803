"""After each sealing the log says how many entries stand alone in size, weeks and ports."""

from datetime import date

import psycopg
import structlog

from fairgate.core.standing_alone import by_size, standing_alone
from fairgate.store import lists, rounds

log = structlog.get_logger()


def tell_alone(conn: psycopg.Connection, program: str, day: date) -> None:
    """Counts only: which they are, the operator prints with `fairgate round show --standing-alone`."""
    found = rounds.find(conn, program, day)
    assert found is not None, "a round that was just sealed is there"
    standings = lists.standings(conn, found.id)
    alone = standing_alone(standings)
    about = {"program": program, "date": day.isoformat()}
    log.info("standing alone", **about, entries=len(standings), alone=len(alone), by_size=dict(by_size(alone)))
