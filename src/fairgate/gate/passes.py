"""Passes, many read at once: what `GET /api/v1/me/pass` answers.

They are not a part of `GET /api/v1/me`: a pass is signed anew for every answer, which takes about as long as all of
`me` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from fairgate.store import passes, profiles
from fairgate.store.passes import Held


@dataclass(frozen=True, slots=True)
class Shown:
    """A registration's pass in the first program that is not hidden;
    None while there is none that counts."""

    held: Held | None


def passes_of(conn: psycopg.Connection, numbers: Sequence[str]) -> list[Shown | None]:
    """The pass of each registration number; None for one that is not there."""
    program = profiles.current(conn).public_programs[0].program
    found = passes.held(conn, program, numbers)
    return [Shown(found[number]) if number in found else None for number in numbers]
