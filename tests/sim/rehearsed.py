"""A rehearsal for tests to look at: the same one in every run, down to the draws."""

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

import psycopg

from fairgate.commands.load_profile import load_profile
from fairgate.core.note import Key
from fairgate.core.profile import Program
from fairgate.core.sealing import Keys
from fairgate.sim.rehearse import Rehearsal, first_visible, rehearse
from fairgate.store import clock, keys, profiles, secret_files
from vectors import ROOT


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal left, and a connection to look into it."""

    found: Rehearsal
    conn: psycopg.Connection
    keys: Keys
    program: Program
    witness: Key


@contextmanager
def rehearsed(dsn: str, profile: str, *, registrations: int, days: int, until: datetime | None) -> Iterator[Rehearsed]:
    with tempfile.TemporaryDirectory() as home, psycopg.connect(dsn, autocommit=True) as conn:
        load_profile(conn, profiles.read_folder(ROOT / "profiles" / profile), now=clock.now(conn))
        same = Random(1).randbytes
        for name in profiles.current(conn).beacon.observers:
            key = Path(home) / "keys" / "observers" / f"{name}.key"
            key.parent.mkdir(parents=True, exist_ok=True)
            key.write_bytes(base64.b64encode(same(secret_files.KEY_BYTES)))
        found = rehearse(dsn, Path(home), registrations=registrations, days=days, seed=1, until=until, chance=same)
        witness = keys.load_rehearsal_witness(Path(home)).key
        yield Rehearsed(found, conn, keys.load(Path(home)), first_visible(profiles.current(conn)), witness)
