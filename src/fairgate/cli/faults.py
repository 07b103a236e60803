"""What went wrong, on one line, and the exit code that goes with it."""

import errno
import os
import sys
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    import psycopg

from fairgate.core import faults
from fairgate.core.errors import BadInput

FALSE: Final = 1
BAD_INPUT: Final = 2
DEFECT: Final = 70  # EX_SOFTWARE of sysexits.h

_FULL = (errno.ENOSPC, errno.EDQUOT)


class CheckedAndFalse(Exception):  # noqa: N818  a result, not a defect
    """A check came out false; `str()` names the first thing that is wrong."""


def told(error: Exception) -> tuple[str, int]:
    """The line for a person and the exit code."""
    if isinstance(error, BadInput):
        return str(error), BAD_INPUT
    if isinstance(error, CheckedAndFalse):
        return str(error), FALSE
    if isinstance(error, typer.TyperException):
        return _about_usage(error), BAD_INPUT
    if "psycopg" in sys.modules:
        line = _about_database(error)
        if line:
            return line, BAD_INPUT
    if isinstance(error, OSError):
        return _about_system(error), BAD_INPUT
    return _about_defect(error), DEFECT


def _about_usage(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return message if context is None else f"{message}; see {context.command_path} --help"


def _about_system(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in _FULL:
        return f"{place or 'writing: '}the disk is full; make room and run this again"
    return f"{place}{error.strerror or error}; correct that and run this again"


def _about_database(error: Exception) -> str | None:
    import psycopg  # noqa: PLC0415  only where a command has loaded it already

    from fairgate.store.heads import OlderDatabase  # noqa: PLC0415  the same

    place = database_place()
    if isinstance(error, OlderDatabase):
        return f"{place}: {error}; `fairgate ledger recover` and docs/operations/ledger.md say how it goes on"
    if isinstance(error, psycopg.errors.DiskFull):
        return f"{place}: the disk is full; make room there, nothing half written was kept"
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return f"{place}: its tables are missing or of another version; run `fairgate migrate`"
    return f"{place}: {_about_connection(error)}" if isinstance(error, psycopg.OperationalError) else None


def _about_connection(error: "psycopg.OperationalError") -> str:
    said = str(error)
    if "database" in said and "does not exist" in said:
        return "there is no such database; create it or correct DATABASE_URL"
    if "authentication failed" in said or "no password supplied" in said:
        return "it does not let us in; correct user and password in DATABASE_URL"
    if error.sqlstate is not None and error.sqlstate[:2] not in ("08", "57"):  # connection lost, shutdown
        return f"the database could not do it ({type(error).__name__}); try again, or see its log"
    return "the database cannot be reached; start it or correct DATABASE_URL"


def database_place(url: str | None = None) -> str:
    """Where the database is, without user and password."""
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415  only where a command has loaded it already

    given = os.environ.get("DATABASE_URL", "") if url is None else url
    try:
        parts = conninfo_to_dict(given)
    except Exception:  # whatever it is, it is not to be shown: it may hold a password
        return "DATABASE_URL"
    host, port = parts.get("host", "this machine"), parts.get("port", 5432)
    return f"database {parts.get('dbname', '')} at {host} port {port}"


def _about_defect(error: Exception) -> str:
    """Where it happened, and not what it says: messages of libraries quote rows, and rows are about people."""
    what = f"{type(error).__name__}, {faults.place(error)}"
    return f"a defect of this program ({what}); set FAIRGATE_DEBUG=1 to see more, and please report it"
