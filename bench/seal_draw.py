"""How long sealing and drawing take: python bench/seal_draw.py [entries] [rounds]

On a new embedded cluster with fsync, which is thrown away. Entries are registrations of the population for rehearsals;
every round is sealed, seeded and drawn by the real commands, its offers, slots, ledger leaves and notices written.
Where other programs run beside it, the processor's seconds tell more than those on the wall.
"""

import gc
import os
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import psycopg

from fairgate.commands.checkpoint import Notary
from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.load_profile import load_profile
from fairgate.commands.rounds import Open, open_rounds
from fairgate.commands.seal import Seal, seal
from fairgate.core import schedule
from fairgate.core.lifecycle import Done, Outcome
from fairgate.sim.line import Line
from fairgate.sim.population import groups, read_figures
from fairgate.sim.rehearse import first_visible
from fairgate.store import clock, counts, embedded, keys, migrate, observers, profiles

ROOT = Path(__file__).parents[1]
PROFILE = ROOT / "profiles" / "southwest-border"


def main(entries: int = 300_000, rounds: int = 2) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with embedded.server(Path(folder) / "pg") as dsn, psycopg.connect(dsn, autocommit=True) as conn:
            migrate.migrate(conn)
            load_profile(conn, profiles.read_folder(PROFILE), now=clock.now(conn))
            home = Path(folder)
            now = register_all(conn, home, entries)
            for _ in range(rounds):
                now = one_round(conn, home, now)


def register_all(conn: psycopg.Connection, home: Path, entries: int) -> datetime:
    profile = profiles.current(conn)
    program = first_visible(profile)
    now = clock.now(conn)
    figures = read_figures(profile, program)
    people = list(groups(figures, profile.languages, registrations=entries, since=now, until=now, seed=1))
    line = Line(iter(people), program.program, keys.load(home), os.urandom)
    gc.freeze()  # made up beforehand, and no part of what is measured
    watch = Watch(conn)
    for _ in line.register(conn, now):
        pass
    persons = sum(len(group.members) for group in people)
    print(f"register {entries} registrations of {persons} persons: {watch}")
    conn.execute("ANALYZE")
    return now


def one_round(conn: psycopg.Connection, home: Path, now: datetime) -> datetime:
    profile = profiles.current(conn)
    program = first_visible(profile)
    day = schedule.next_to_open(program, now)
    times = schedule.round_times(program, day)
    slug, names, chance = program.program, profile.beacon.observers, os.urandom
    done(open_rounds(conn, [Open(slug, day)], now=times.opens_at, chance=chance))
    sealing = Seal(slug, day, observers.commit(home, names, slug, day))
    watch = Watch(conn)
    done(seal(conn, [sealing], keys=keys.load(home), now=times.closes_at, chance=chance))
    print(f"round of {day}, seal: {watch}")
    Notary(keys.load_ledger(home, keys.LOCAL)).sign(conn, times.closes_at)
    done(seed(conn, [Seed(slug, day, observers.reveal(home, names, slug, day))], now=times.seed_at, chance=chance))
    watch = Watch(conn)
    done(draw(conn, [Draw(slug, day)], now=times.draw_at, chance=chance))
    print(f"round of {day}, draw: {watch}; {counts.offers(conn)}")
    return times.draw_at


class Watch:
    """Seconds since it was made: of the wall, of this process, of its PostgreSQL backend (Linux)."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self._stat = Path(f"/proc/{conn.info.backend_pid}/stat")
        self._began = self._read()

    def _read(self) -> tuple[float, float, float]:
        spent = self._stat.read_text().rpartition(")")[2].split()[11:13]
        return time.perf_counter(), time.process_time(), sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")

    def __str__(self) -> str:
        wall, here, there = (now - began for now, began in zip(self._read(), self._began, strict=True))
        return f"{wall:.1f} s ({here:.1f} s + {there:.1f} s of a processor)"


def done(outcomes: list[Outcome]) -> None:
    assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
