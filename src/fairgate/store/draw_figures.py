"""The figures of a drawn round as public files, written once beside its bundle.

    home/public/data/draws/DATE/NAME.csv and NAME.json           the rounds of the profile's first public program
    home/public/data/draws/PROGRAM/DATE/NAME.csv and NAME.json   those of the others

NAME is that of a table in `core.published.draw`.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from fairgate.core.bundle import parse_entries, parse_manifest
from fairgate.core.profile import Profile
from fairgate.core.published import Table, as_csv, as_json, read_table
from fairgate.core.published.draw import TABLES, figures
from fairgate.store import publication

KIND = "data/draws"
FILES = tuple(f"{table.name}.{ending}" for table in TABLES for ending in ("csv", "json"))


def folder(home: Path, profile: Profile, program: str, day: date) -> Path:
    """Where the figures of a round are."""
    return publication.folder(home, profile, program, day, KIND)


def write(place: Path, bundle: Mapping[str, bytes], seed: bytes) -> bool:
    """Compute and write the figures of a drawn round from the files of its bundle; whether they were not there yet."""
    if complete(place):
        return False
    manifest = parse_manifest(bundle["manifest.json"])
    made = figures(manifest, parse_entries(bundle["entries.csv"], manifest), bundle["results.csv"], seed)
    files = {f"{table.name}.csv": as_csv(table) for table in made}
    files |= {f"{table.name}.json": as_json(table) for table in made}
    publication.write(place, files)
    publication.compress(place, files)
    return True


def complete(place: Path) -> bool:
    """Whether the figures are all there; then they never change."""
    return all((place / name).exists() for name in FILES)


def read(place: Path) -> dict[str, Table]:
    """The figures of a round by the names of their tables, when they are complete."""
    files = {layout: place / f"{layout.name}.json" for layout in TABLES}
    return {layout.name: read_table(layout, path.name, path.read_bytes()) for layout, path in files.items()}
