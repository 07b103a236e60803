"""How long an outage takes that touches everybody: python bench/extend.py [offers] [windows] [sources]

On a new embedded cluster with fsync, which is thrown away: so many open offers in so many windows, and two days of
samples of so many sources, written by SQL with triggers and foreign keys off, so that the ground is there in a minute.
What is measured are the real commands with everything on: looking for outages, moving all deadlines, telling
everybody that it is over, and saying to each holder that their deadline has moved.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from seal_draw import PROFILE, Watch, done

from fairgate.commands.evidence import record_notices, tell_of_outages, tellable
from fairgate.commands.extend import extend
from fairgate.commands.find_outages import find_outages
from fairgate.commands.load_profile import load_profile
from fairgate.commands.rounds import Open, open_rounds
from fairgate.core import schedule
from fairgate.sim.rehearse import first_visible
from fairgate.store import clock, embedded, migrate, profiles
from fairgate.store import offers as store

EXTENDING_S = 30.0  # then the rate is known; a million take minutes
HOUR, TICK = timedelta(hours=1), timedelta(seconds=10)

OFFERS = """
    INSERT INTO offer (registration_id, program, round_id, port, slot_id, window_id, size, ord,
                       phase, state, offered_at)
    SELECT i, %(program)s, %(round)s, %(port)s, %(slot)s, %(first)s + i %% %(windows)s, 2, i,
           'lottery', 'offered', %(now)s
      FROM generate_series(1, %(offers)s) AS i
"""
REGISTRATIONS = """
    INSERT INTO registration (id, number, code_hash, language, size, registered_at)
    SELECT i, to_char(i, 'FM0000-0000'), substr(sha256(i::text::bytea), 1, 16), 'en', 2, %(now)s
      FROM generate_series(1, %(offers)s) AS i
"""
SAMPLES = """
    INSERT INTO sample (at, source, ok, failed)
    SELECT at, 'source ' || s, %(ok)s, %(failed)s
      FROM generate_series(%(since)s::timestamptz, %(until)s, '10 s') AS at, generate_series(1, %(sources)s) AS s
"""


def main(offers: int = 1_000_000, windows: int = 500, sources: int = 3) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with embedded.server(Path(folder) / "pg") as dsn, psycopg.connect(dsn, autocommit=True) as conn:
            now = build(conn, offers, windows, sources)
            print(f"{offers} open offers in {windows} windows, {sources} sources; load {os.getloadavg()[0]:.1f}")
            outage(conn, now, sources)


def build(conn: psycopg.Connection, offers: int, windows: int, sources: int) -> datetime:
    """The ground; the time at which everything has worked for two days."""
    migrate.migrate(conn)
    now = clock.now(conn).replace(second=0, microsecond=0)
    load_profile(conn, profiles.read_folder(PROFILE), now=now)
    profile = profiles.current(conn)
    program = first_visible(profile)
    day = schedule.next_to_open(program, now)
    done(open_rounds(conn, [Open(program.program, day)], now=now, chance=os.urandom))
    row = conn.execute("SELECT r.id, s.id, s.port FROM round r JOIN slot s ON s.date = r.date LIMIT 1").fetchone()
    assert row is not None
    opened = [now - 20 * HOUR * i / windows for i in range(windows)]
    ids = [
        store.open_window(conn, program.program, program.zone, at, at + program.policy.window, program.policy)
        for at in opened
    ]
    given = dict(zip(("round", "slot", "port"), row, strict=True))
    given |= {"program": program.program, "first": ids[0], "windows": windows, "offers": offers, "now": now}
    conn.execute("SET session_replication_role = replica")
    conn.execute(REGISTRATIONS, given)
    conn.execute(OFFERS, given)
    conn.execute("SET session_replication_role = origin")
    sample(conn, now - 48 * HOUR, now, sources)
    conn.execute("VACUUM (ANALYZE)")
    conn.execute("CHECKPOINT")
    return now


def sample(conn: psycopg.Connection, since: datetime, until: datetime, sources: int, *, ok: int = 1) -> None:
    given = {"since": since, "until": until, "sources": sources, "ok": ok, "failed": 1 - ok}
    conn.execute(SAMPLES, given)


def outage(conn: psycopg.Connection, now: datetime, sources: int) -> None:
    def look() -> int:
        return find_outages(conn, now=now, chance=os.urandom)

    measured(conn, "look for outages, nothing new", look)
    measured(conn, "the same again", look)
    broken = now
    now += HOUR
    sample(conn, broken + TICK, now, sources, ok=0)
    measured(conn, "find an outage, pause all deadlines", look)
    mended = now
    now += HOUR
    sample(conn, mended + TICK, now, sources)
    measured(conn, "find its end", look)
    telling(conn, now)
    conn.execute("UPDATE notice SET state = 'sent', sent_at = %s WHERE state = 'waiting'", [now])
    conn.execute("VACUUM (ANALYZE) notice")
    [act] = measured(conn, "see that everybody was told", lambda: tellable(conn))
    measured(
        conn, "put that on record, set all deadlines", lambda: record_notices(conn, [act], now=now, chance=os.urandom)
    )
    extending(conn, now)


def measured(conn: psycopg.Connection, what: str, work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    found = work()
    took = 1000 * (time.perf_counter() - began)
    moved = f"; {found} deadlines moved" if isinstance(found, int) else ""
    print(f"{what}: {took:.0f} ms{moved}")
    return found


def telling(conn: psycopg.Connection, now: datetime) -> None:
    watch, told, longest = Watch(conn), 0, 0.0
    while True:
        began = time.perf_counter()
        some = tell_of_outages(conn, now=now)
        longest = max(longest, time.perf_counter() - began)
        told += some
        if not some:
            break
    print(f"tell {told} people that it is over: {watch}; the longest transaction {1000 * longest:.0f} ms")


def extending(conn: psycopg.Connection, now: datetime) -> None:
    watch, began, told, longest = Watch(conn), time.perf_counter(), 0, 0.0
    while time.perf_counter() - began < EXTENDING_S:
        first = time.perf_counter()
        some = len(extend(conn, now=now, chance=os.urandom))
        longest = max(longest, time.perf_counter() - first)
        told += some
        if not some:
            break
    rate = told / (time.perf_counter() - began)
    print(f"say to {told} holders that their deadline moved: {watch}; {rate:.0f} a second, leaf and notice each")
    print(f"the longest transaction {1000 * longest:.0f} ms")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
