"""Where this deployment is: its database, its folder, its keys."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from fairgate.core.errors import BadInput
from fairgate.core.profile import Program
from fairgate.core.sealing import Keys
from fairgate.store import audit, embedded, heads, keys, profiles

CONNECT_SECONDS = 10


def home() -> Path:
    """FAIRGATE_HOME, or `var` here: keys, public files, notices; with `fairgate up` the database too."""
    return Path(os.environ.get("FAIRGATE_HOME") or "var").resolve()


def issuer() -> str:
    """The ledger's name, from FAIRGATE_ORIGIN, the address that people use."""
    return keys.origin(os.environ.get("FAIRGATE_ORIGIN", "").rstrip("/"))


def database_url() -> str:
    """DATABASE_URL, or else that of the database which `fairgate up` runs in this home."""
    given = os.environ.get("DATABASE_URL") or embedded.running(home() / "postgres")
    if not given:
        raise BadInput("DATABASE_URL", "is not set and no `fairgate up` runs here", "set it to postgresql://…")
    try:
        conninfo_to_dict(given)
    except psycopg.ProgrammingError:  # its message may quote a password
        raise BadInput("DATABASE_URL", "is no address of a database", "write it like postgresql://…") from None
    return given


@contextmanager
def server_running() -> Iterator[None]:
    """Inside the block this home's own PostgreSQL runs, where it has one and no other database is named."""
    cluster = home() / "postgres"
    if os.environ.get("DATABASE_URL") or embedded.running(cluster) or not (cluster / "data").is_dir():
        yield
        return
    with embedded.started(cluster) as server:
        os.environ["DATABASE_URL"] = server.url
        yield


@contextmanager
def database(*, any_ledger: bool = False) -> Iterator[psycopg.Connection]:
    """A connection in autocommit mode: commands open their own transactions.

    Without `any_ledger` only to a database whose ledger goes on from what was signed in this home.
    """
    url = database_url()
    os.environ["DATABASE_URL"] = url  # so that an error can name the place
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as conn:
        if not any_ledger and audit.has_ledger(conn):
            heads.refuse_older(conn, home())
        yield conn


def deployment_keys() -> Keys:
    """The keys of this home; made on first use."""
    return keys.load(home())


def program_of(conn: psycopg.Connection, named: str | None) -> Program:
    """The program of this name, or the profile's first one that is not hidden."""
    profile = profiles.current(conn)
    if named is None:
        return profile.public_programs[0]
    found = profile.find_program(named)
    if found is None:
        known = ", ".join(program.program for program in profile.programs)
        raise BadInput("--program", f"there is no program {named}", f"name one of {known}")
    return found
