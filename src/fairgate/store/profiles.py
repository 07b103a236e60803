"""The profile that the deployment runs on: its files as text, and the rows that the machinery needs."""

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from fairgate.core.canary import with_canary
from fairgate.core.errors import BadInput
from fairgate.core.profile import Profile, parse_profile

KNOWN_MOST = 64  # some kilobytes each
CURRENT = "SELECT id, documents FROM profile ORDER BY id DESC LIMIT 1"
CURRENT_ID = "SELECT id FROM profile ORDER BY id DESC LIMIT 1"


def read_folder(folder: Path) -> dict[str, str]:
    """The texts of a profile's TOML files by file name."""
    try:
        texts = {file.name: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.toml"))}
    except UnicodeDecodeError as error:
        raise BadInput(str(folder), "a file is not UTF-8", "save it as UTF-8") from error
    if not texts:
        raise BadInput(str(folder), "holds no profile (no .toml file)", "name the folder of a profile")
    return texts


def parse(texts: Mapping[str, str]) -> Profile:
    """The profile that the texts describe, and the watchers' hidden program; raises BadInput naming file and key."""
    documents = {}
    for name, text in texts.items():
        try:
            documents[name] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadInput(name, str(error).splitlines()[0], "correct the file") from error
    return with_canary(parse_profile(documents))


def save(conn: psycopg.Connection, profile: Profile, texts: Mapping[str, str], now: datetime) -> None:
    """Make `profile` the one that holds. Ports and programs of earlier ones are kept, but no rounds of theirs open."""
    current = conn.execute(CURRENT).fetchone()
    if current is None or current[1] != dict(texts):
        conn.execute(
            "INSERT INTO profile (key, documents, loaded_at) VALUES (%s, %s, %s)",
            [profile.key, Jsonb(dict(texts)), now],
        )
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO port (port, zone) VALUES (%s, %s) ON CONFLICT (port) DO UPDATE SET zone = EXCLUDED.zone",
            [(port.port, port.zone) for port in profile.ports],
        )
        cursor.executemany(
            "INSERT INTO program (program, group_max, hidden) VALUES (%s, %s, %s)"
            " ON CONFLICT (program) DO UPDATE SET group_max = EXCLUDED.group_max, hidden = EXCLUDED.hidden",
            [(program.program, program.group_max, program.hidden) for program in profile.programs],
        )
    conn.execute(
        "UPDATE program SET next_date = NULL, opens_at = NULL WHERE opens_at IS NOT NULL AND program <> ALL(%s)",
        [[program.program for program in profile.programs]],
    )


_known: dict[tuple[bytes, bytes, bytes, int], Profile] = {}  # by database and row: a profile row never changes


def current(conn: psycopg.Connection) -> Profile:
    """The profile that holds; raises BadInput when none was loaded."""
    row = conn.execute(CURRENT_ID).fetchone()
    if row is None:
        raise BadInput("database", "holds no profile", "run `fairgate migrate --profile FOLDER` first")
    return _parsed(conn, int(row[0]))


def history(conn: psycopg.Connection) -> list[tuple[datetime, Profile]]:
    """Every profile that held, since when, oldest first; those that this version cannot read are left out."""
    found = []
    for profile_id, loaded_at in conn.execute("SELECT id, loaded_at FROM profile ORDER BY id"):
        with suppress(BadInput):
            found.append((loaded_at, _parsed(conn, profile_id)))
    return found


def _parsed(conn: psycopg.Connection, profile_id: int) -> Profile:
    place = (conn.pgconn.host, conn.pgconn.port, conn.pgconn.db, profile_id)  # cheap, unlike conn.info.dsn
    if place not in _known:
        if len(_known) > KNOWN_MOST:
            _known.clear()
        documents = conn.execute("SELECT documents FROM profile WHERE id = %s", [profile_id]).fetchone()
        assert documents is not None
        _known[place] = parse(documents[0])
    return _known[place]
