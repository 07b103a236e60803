"""`fairgate import`: registrations from another system, all of a file or nothing of it."""

import gc
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import psycopg
import typer

from fairgate.cli import place
from fairgate.cli.import_lines import Group, Reader, Rules
from fairgate.cli.progress import bar
from fairgate.commands.register import Register, register
from fairgate.commands.request import Ask, request
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Refused
from fairgate.core.numbers import new_code, new_number
from fairgate.core.profile import Program
from fairgate.store import clock, profiles, registrations

app = typer.Typer()


@app.command("import", short_help="Bring in registrations from another system.")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="One line for each member, with a header")],
    codes: Annotated[
        Path | None, typer.Option("--codes", help="Where numbers and access codes go; else into the home's imports/")
    ] = None,
    program: Annotated[str | None, typer.Option("--program", help="What is asked for; else the first program")] = None,
    check: Annotated[bool, typer.Option("--check", help="Read and check everything, write nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the counts as JSON")] = False,
) -> None:
    """Bring in registrations from another system, with their standing requests.

    Every line that cannot be right is named, and then nothing at all is imported. Access codes are made here and
    stand in the codes file alone: hand them out, then destroy it. The columns are described in docs/import.md.

    \b
    registration,registered_at,language,ports,given_names,family_names,birth_date,nationality
    A1,2024-03-01T09:30:00Z,es,SYS|CAL,Ana María,Rojas,1990-02-28,VEN
    A1,2024-03-01T09:30:00Z,es,SYS|CAL,Luz,Rojas,2019-07-14,VEN

    \b
    fairgate import people.csv --check
    fairgate import people.csv --codes codes.csv
    """
    gc.disable()  # a million small objects and no cycles; this process ends when they are written
    with place.database() as conn:
        wanted = place.program_of(conn, program)
        now = clock.now(conn)
        groups = _read(conn, file, wanted, now)
        numbers = _numbers(conn, file, groups)
        target = None if check else codes or _codes_file(file, now)
        if target is not None:
            _write(conn, groups, numbers, wanted, target, now)
    counts = {"registrations": len(groups), "persons": sum(len(group.members) for group in groups)}
    if as_json:
        typer.echo(json.dumps({**counts, "imported": not check, "codes": str(target) if target else None}))
    else:
        done = "would be imported" if target is None else f"imported; numbers and access codes are in {target}"
        typer.echo(f"{counts['registrations']} registrations with {counts['persons']} persons {done}")


class _Faults:
    """Writes each fault to standard error as it is found, and counts the lines."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: set[int] = set()

    def tell(self, line: int, fault: BadInput) -> None:
        self._lines.add(line)
        what = f"{fault.place} " if fault.place != "line" else ""
        sys.stderr.write(f"fairgate: {self._file} line {line}: {what}{fault.problem}; {fault.way_out}\n")

    def refuse(self) -> None:
        if self._lines:
            count = f"{len(self._lines)} line{'s' if len(self._lines) > 1 else ''} cannot be right"
            raise BadInput(str(self._file), count, "correct them and run this again; nothing was imported")

    def __bool__(self) -> bool:
        return bool(self._lines)


def _read(conn: psycopg.Connection, file: Path, program: Program, now: datetime) -> list[Group]:
    """The groups of a file without fault; else every fault is told and BadInput raised."""
    faults = _Faults(file)
    reader = Reader(Rules(program.group_max, profiles.current(conn).languages, program.port_codes, now), faults.tell)
    groups: list[Group] = []
    with _opened(file) as handle, bar("reading", os.fstat(handle.fileno()).st_size) as advance:
        before = 0
        try:
            for group in reader.groups(handle):
                if faults:
                    groups.clear()  # nothing will be imported: look on for faults, and keep nothing
                    continue
                groups.append(group)
                if len(groups) % 1000 == 0 and handle.seekable():
                    advance(handle.tell() - before)
                    before = handle.tell()
        except BadInput as fault:
            raise BadInput(f"{file} {fault.place}", fault.problem, fault.way_out) from None
    faults.refuse()
    if not groups:
        raise BadInput(str(file), "holds no registration", "write a line for each member after the header")
    return groups


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        handle = file.open("rb")
    except FileNotFoundError:
        raise BadInput(str(file), "is not there", "correct the path") from None
    except OSError as error:
        raise BadInput(str(file), f"cannot be read ({error.strerror})", "name a file that you may read") from None
    with handle:
        yield handle


def _numbers(conn: psycopg.Connection, file: Path, groups: Sequence[Group]) -> list[str]:
    """A number for each group: the one in the file, which must be free, or a new one."""
    given = {group.number: group.line for group in groups if group.number is not None}
    taken = registrations.taken_numbers(conn, list(given))
    faults = _Faults(file)
    for number in sorted(taken, key=lambda number: given[number]):
        problem = f"{number} belongs to a registration that is here already"
        faults.tell(given[number], BadInput("number", problem, "leave the line out, or the number empty"))
    faults.refuse()
    missing = len(groups) - len(given)
    fresh: set[str] = set()
    while len(fresh) < missing:
        more = {new_number(os.urandom) for _ in range(missing - len(fresh))}
        fresh |= more - given.keys() - registrations.taken_numbers(conn, list(more))
    new = iter(fresh)
    return [group.number or next(new) for group in groups]


def _codes_file(file: Path, now: datetime) -> Path:
    folder = place.home() / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{file.stem}-{now:%Y%m%dT%H%M%SZ}-codes.csv"


def _write(
    conn: psycopg.Connection,
    groups: Sequence[Group],
    numbers: Sequence[str],
    program: Program,
    codes_file: Path,
    now: datetime,
) -> None:
    """Register and ask, in one transaction. One batch each, so that the ledger is held only at the end of it."""
    keys = place.deployment_keys()
    codes = [new_code(os.urandom) for _ in groups]
    acts = [
        Register(number, code, group.language, group.members, group.registered_at)
        for group, number, code in zip(groups, numbers, codes, strict=True)
    ]
    asks = [Ask(number, program.program, group.ports) for group, number in zip(groups, numbers, strict=True)]
    lines = [f"{number},{code}\n" for number, code in zip(numbers, codes, strict=True)]
    with bar("importing"), _appearing(codes_file, lines), conn.transaction():
        outcomes = [
            *register(conn, acts, keys=keys, now=now, chance=os.urandom),
            *request(conn, asks, now=now, chance=os.urandom),
        ]
        refused = next((outcome for outcome in outcomes if isinstance(outcome, Refused)), None)
        if refused is not None:  # somebody took a number, or changed the profile, in the last seconds
            raise BadInput("import", f"refused ({refused.reason})", "run this again; nothing was imported")


@contextmanager
def _appearing(path: Path, lines: Sequence[str]) -> Iterator[None]:
    """A file that only its owner may read: on disk before the block, under its name when the block has succeeded."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    if path.exists():
        raise BadInput(str(path), "is there already", "name another file for the codes")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        yield
    except psycopg.OperationalError as lost:
        if lost.sqlstate is not None:  # the database said no
            draft.unlink()
            raise
        problem = "the connection was lost before the database answered"
        raise BadInput(
            str(draft), problem, "if these numbers are in the database their codes hold, else import again"
        ) from lost
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    draft.rename(path)
