"""Whatever the time of day at which a rehearsal ends, it leaves offers that can be tried out."""

from datetime import UTC, datetime, timedelta

import pytest

from fairgate.core.errors import BadInput
from fairgate.sim.rehearse import AT_LEAST_OPEN, FIRST_LOOK, first_look, first_visible, rehearse
from fairgate.store import clock, profiles
from sim.rehearsed import rehearsed
from vectors import ROOT

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


def test_a_rehearsal_that_ends_now_shows_health_until_it_is_over(dsn: str) -> None:
    with rehearsed(dsn, "one-clinic", registrations=5, days=1, until=None) as left:
        row = left.conn.execute("SELECT max(at) FROM sample").fetchone()
        assert row is not None
        assert left.found.until < row[0] <= clock.now(left.conn)


def test_a_database_that_is_in_use_is_left_alone(dsn: str, tmp_path) -> None:
    with rehearsed(dsn, "one-clinic", registrations=5, days=1, until=NOON) as left:
        before = left.conn.execute("SELECT size FROM ledger").fetchone()
        with pytest.raises(BadInput, match="rehearse on an empty one"):
            rehearse(dsn, tmp_path, registrations=5, days=1, seed=1)
        assert left.conn.execute("SELECT size FROM ledger").fetchone() == before


@pytest.mark.parametrize("key", ["southwest-border", "one-clinic"])
def test_a_first_look_reaches_the_days_of_the_first_appointments(key: str) -> None:
    profile = profiles.parse(profiles.read_folder(ROOT / "profiles" / key))
    registrations, days = first_look(profile)
    assert registrations == {"southwest-border": FIRST_LOOK, "one-clinic": 600}[key]
    assert days == first_visible(profile).lead_days + 3
