"""Whatever the time of day at which a rehearsal ends, it leaves offers that can be tried out."""

from datetime import UTC, datetime, timedelta

import pytest

from fairgate.core.errors import BadInput
from fairgate.sim.rehearse import AT_LEAST_OPEN, rehearse
from sim.rehearsed import rehearsed

NOON = datetime(2026, 3, 4, 17, tzinfo=UTC)  # in New York, when results are out


@pytest.mark.parametrize(
    "until",
    [
        NOON - timedelta(hours=1, minutes=20),  # the window of the day before has just ended
        NOON - timedelta(seconds=1),
        NOON,
        NOON + timedelta(minutes=7),
        NOON + timedelta(hours=13, minutes=30),
    ],
)
def test_offers_are_open_for_hours_whenever_it_ends(dsn: str, until: datetime) -> None:
    with rehearsed(dsn, "southwest-border", registrations=150, days=2, until=until) as left:
        row = left.conn.execute(
            'SELECT w.deadline FROM registration r JOIN offer o ON o.registration_id = r.id JOIN "window" w'
            " ON w.id = o.window_id WHERE r.number = %s AND o.state = 'offered'",
            [left.found.sample_number],
        ).fetchone()
    assert row is not None
    assert row[0] - until >= AT_LEAST_OPEN
    assert left.found.refused == 0


def test_a_database_that_is_in_use_is_left_alone(dsn: str, tmp_path) -> None:
    with rehearsed(dsn, "one-clinic", registrations=5, days=1) as left:
        before = left.conn.execute("SELECT size FROM ledger").fetchone()
        with pytest.raises(BadInput, match="rehearse on an empty one"):
            rehearse(dsn, tmp_path, registrations=5, days=1, seed=1)
        assert left.conn.execute("SELECT size FROM ledger").fetchone() == before
