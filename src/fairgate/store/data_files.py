"""The tables for the public as files, for whoever computes, and for the pages that show them.

    home/public/data/NAME.csv, NAME.json    a table; the JSON has the meaning of its columns
    home/public/data/index.json             all tables with their columns, and as of when they are

A file is there whole or not at all, and is written only when it changes; index.json is written last. Pages read these
files and not the database, so that they stand when it is away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from fairgate.core.canonical import canonical, read_json
from fairgate.core.clocks import read_moment
from fairgate.core.errors import BadInput
from fairgate.core.places import moment
from fairgate.core.profile import Profile
from fairgate.core.published import Table, as_csv, as_json, dictionary, read_table
from fairgate.store import publication

INDEX: Final = "index.json"


@dataclass(frozen=True, slots=True)
class Index:
    """When the tables were made; public programs in the profile's order and ports, with their names by language."""

    as_of: datetime
    programs: Mapping[str, Mapping[str, str]]
    zones: Mapping[str, str]
    ports: Mapping[str, Mapping[str, str]]


def folder(home: Path) -> Path:
    return home / "public" / "data"


def write(home: Path, profile: Profile, tables: Sequence[Table], as_of: datetime) -> list[str]:
    """Write an edition of the tables; the names of the files that changed, the index apart."""
    made: dict[str, bytes] = {}
    for table in tables:
        made[f"{table.name}.csv"], made[f"{table.name}.json"] = as_csv(table), as_json(table)
    index = {
        "as_of": moment(as_of),
        "programs": [
            {"program": p.program, "names": dict(p.names), "zone": p.zone} for p in profile.programs if not p.hidden
        ],
        "ports": [{"port": p.port, "names": dict(p.names), "zone": p.zone} for p in profile.ports],
        "tables": [
            {**dictionary(t), "rows": len(t.rows), "csv": f"/data/{t.name}.csv", "json": f"/data/{t.name}.json"}
            for t in tables
        ],
    }
    made[INDEX] = canonical(index).encode() + b"\n"
    written = publication.write(folder(home), made)
    publication.compress(folder(home), made)
    return [name for name in written if name != INDEX]


def edition(home: Path) -> int | None:
    """A number that is another one after each edition; None where there is none."""
    return _changed(folder(home) / INDEX)


def index(home: Path) -> Index | None:
    """The index; None where there is none, or none that can be read."""
    path = folder(home) / INDEX
    changed = _changed(path)
    return None if changed is None else _index(path, changed)


def table(home: Path, layout: Table) -> Table | None:
    """A table of this layout as it was last written; None where there is none, or one of another version."""
    path = folder(home) / f"{layout.name}.json"
    changed = _changed(path)
    return None if changed is None else _table(layout, path, changed)


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


@lru_cache(maxsize=32)
def _table(layout: Table, path: Path, changed: int) -> Table | None:
    """`changed` makes another file of it each time that it is written."""
    try:
        return read_table(layout, path.name, path.read_bytes())
    except (OSError, BadInput):
        return None


@lru_cache(maxsize=4)
def _index(path: Path, changed: int) -> Index | None:
    try:
        said: Any = read_json(path.name, path.read_bytes())
        return Index(
            read_moment(said["as_of"], path.name),
            {one["program"]: one["names"] for one in said["programs"]},
            {one["program"]: one["zone"] for one in said["programs"]},
            {one["port"]: one["names"] for one in said["ports"]},
        )
    except (OSError, BadInput, KeyError, TypeError):
        return None
