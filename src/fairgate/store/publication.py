"""The public folder: each drawn round as the files from which anyone can recompute it.

    home/public/draws/DATE/           the rounds of the profile's first public program
    home/public/draws/PROGRAM/DATE/   those of the others

A file is there whole or not at all, also after a power cut: it is written under another name, flushed to
disk and renamed. Writing the same again changes nothing. Beside each file the worker leaves it compressed, for
whoever asks over the network.

With the data goes `verify.py`, by which anyone can check them. A bundle keeps the one that it got first: whoever looked
at it once, or noted its SHA-256, finds the same file again, whatever version of the program runs by then.
"""

import gzip
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path

import psycopg

from fairgate.core import tiles
from fairgate.core.bundle import parse_manifest, write_entries, write_results
from fairgate.core.draw import Drawn
from fairgate.core.errors import BadInput
from fairgate.core.honoured import FILE, write_honoured
from fairgate.core.note import parse_note
from fairgate.core.profile import Profile
from fairgate.core.tlog_proof import Proof, proof_text
from fairgate.store import audit, checkpoints, honoured, lists
from fairgate.store.checkpoints import Published
from fairgate.store.files import alone, flush_folder, put
from fairgate.store.ledger_files import LedgerFiles
from fairgate.store.rounds import Round

MODE = 0o644  # for everyone; what is secret is elsewhere
VERIFIER = "verify.py"
KEPT = {VERIFIER}  # once in a bundle, it is not replaced by a newer one
COMPRESSED = ".gz"
LEVEL = 6  # of 9: a list of a million in seconds; the levels above gain a few per cent on hex digits


def folder(home: Path, profile: Profile, program: str, day: date, kind: str = "draws") -> Path:
    """Where the public files of a round are, those of one kind: "draws" are the bundles."""
    files = home / "public" / kind
    first = next((p.program for p in profile.programs if not p.hidden), program)
    return files / day.isoformat() if program == first else files / program / day.isoformat()


def files(conn: psycopg.Connection, found: Round, ledger: LedgerFiles) -> dict[str, bytes]:
    """The files of a round that is sealed at least, by name, from the rows as they are now.

    What shows the sealing is among them as soon as a witnessed checkpoint covers it and the tiles reach so far.
    """
    assert found.manifest is not None, "a sealed round has its manifest"
    made = {
        "manifest.json": found.manifest.encode(),
        "entries.csv": write_entries(entry for _, entry in lists.entries(conn, found.id)),
        VERIFIER: verifier(),
    }
    made |= _sealing(conn, found, ledger)
    if found.proof is not None:
        made["beacon.json"] = found.proof.encode()
    if found.state in ("drawn", "closed"):
        made["results.csv"] = _results(conn, found)
    if found.honoured:
        made[FILE] = write_honoured(honoured.of_round(conn, found.id))
    return made


def can_show(conn: psycopg.Connection, found: Round, ledger: LedgerFiles) -> bool:
    """Whether it can be shown by the ledger's files that the round was sealed before its random value existed."""
    return _shown(conn, found, ledger) is not None


def _shown(conn: psycopg.Connection, found: Round, ledger: LedgerFiles) -> Published | None:
    """The checkpoint that was witnessed before the random value existed, once the tiles reach so far."""
    if found.sealed_leaf is None:
        return None
    shown = checkpoints.covering(conn, found.sealed_leaf, found.seed_at)
    return shown if shown is not None and ledger.size() >= shown.size else None


def _sealing(conn: psycopg.Connection, found: Round, ledger: LedgerFiles) -> dict[str, bytes]:
    """That checkpoint, and the proof that the sealing is under it."""
    shown = _shown(conn, found, ledger)
    if shown is None:
        return {}
    assert found.sealed_leaf is not None, "what is shown was sealed"
    said = audit.statement_at(conn, found.sealed_leaf)
    if said is None:
        return {}
    assert said.salt is not None, "a statement that is kept"
    assert said.body is not None, "and all of it"
    proof = Proof(
        extra=said.salt + said.body.encode(),
        index=found.sealed_leaf,
        hashes=tuple(tiles.inclusion(found.sealed_leaf, shown.size, ledger.read)),
        note=parse_note(shown.note.encode(), "checkpoint"),
    )
    return {"checkpoint": shown.note.encode(), "sealing.tlog-proof": proof_text(proof).encode()}


@cache
def verifier() -> bytes:
    """The program that checks a bundle with nothing but Python, as this version hands it out."""
    return resources.files("fairgate.store").joinpath("bundled", VERIFIER).read_bytes()


def is_another(place: Path, found: Round, *, postponing: bool = False) -> bool:
    """Whether the public files at `place` are of another sealing or draw of this round than the database can have.

    So it is where that was restored from a backup of before. A list of which the public has seen one is never sealed
    again, and a round whose random value it has seen is never drawn from a later one. Files are written after the
    database, so of an open or sealed round, locked, they never have more than its row.
    """
    try:
        public = parse_manifest((place / "manifest.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError, BadInput):
        return False  # nothing that anybody could have checked a draw by
    if found.manifest is None:
        return True
    ours, is_seeded = parse_manifest(found.manifest.encode()), (place / "beacon.json").exists()
    if ours == public:
        return postponing and is_seeded
    postponed = replace(public, seed_at=ours.seed_at, beacon=ours.beacon) == ours and ours.seed_at > public.seed_at
    return is_seeded or not postponed


def _results(conn: psycopg.Connection, found: Round) -> bytes:
    offers, reserve = lists.results(conn, found.id)
    assert found.seed is not None, "a drawn round has its seed"
    results = write_results(Drawn(found.seed, tuple(offers), tuple(reserve), {}, {}))
    assert sha256(results).digest() == found.results_hash, "the results of a drawn round are those that were drawn"
    return results


def write(place: Path, made: Mapping[str, bytes]) -> list[str]:
    """Write the files that are not there yet with exactly these bytes; the names of those written.

    Of those in KEPT, what is there already is right, whatever its bytes.
    """
    place.mkdir(parents=True, exist_ok=True)
    written = []
    with alone(place) as handle:
        for name, data in made.items():
            if not (name in KEPT and (place / name).exists()) and not _is(place / name, data):
                (place / f"{name}{COMPRESSED}").unlink(missing_ok=True)  # it is of what was there before
                put(place / name, data, MODE)
                written.append(name)
        os.fsync(handle)
    if written:
        flush_folder(place.parent)
    return written


def compress(place: Path, made: Mapping[str, bytes]) -> None:
    """Leave each of these files, which are written, compressed beside itself, where it is not yet."""
    with alone(place) as handle:
        for name, data in made.items():
            path = place / f"{name}{COMPRESSED}"
            if not path.exists():
                plain = (place / name).read_bytes() if name in KEPT else data
                put(path, gzip.compress(plain, LEVEL, mtime=0), MODE)
        os.fsync(handle)


def _is(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False
