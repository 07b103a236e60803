"""How long a rehearsal takes: python bench/rehearse.py [registrations] [days] [profile]

On a new embedded cluster with fsync, which is thrown away. Prints where the time went.
"""

import sys
import tempfile
import time
from pathlib import Path

import psycopg

from fairgate.commands.load_profile import load_profile
from fairgate.sim.rehearse import FIRST_LOOK, rehearse
from fairgate.store import clock, embedded, migrate, profiles

ROOT = Path(__file__).parents[1]


class Stages:
    """Seconds that each thing that `rehearse` reports took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._before = time.perf_counter()

    def __call__(self, what: str, _done: int, _total: int) -> None:
        now = time.perf_counter()
        self.seconds[what] = self.seconds.get(what, 0.0) + now - self._before
        self._before = now


def main(registrations: int = FIRST_LOOK, days: int = 24, profile: str = "southwest-border") -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        began = time.perf_counter()
        with embedded.server(Path(folder) / "pg") as dsn:
            with psycopg.connect(dsn, autocommit=True) as conn:
                migrate.migrate(conn)
                load_profile(conn, profiles.read_folder(ROOT / "profiles" / profile), now=clock.now(conn))
            print(f"cluster and schema: {time.perf_counter() - began:.1f} s")
            stages = Stages()
            found = rehearse(dsn, Path(folder), registrations=registrations, days=days, seed=1, progress=stages)
    for what, seconds in stages.seconds.items():
        print(f"{what}: {seconds:.1f} s")
    print(f"in all: {time.perf_counter() - began:.1f} s")
    print(found)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*(int(word) for word in given[:2]), *given[2:])
