"""How a round is named on the command line."""

from datetime import date
from typing import Annotated

import typer

from fairgate.core.errors import BadInput, shown

Date = Annotated[str, typer.Argument(metavar="DATE", help="The date of the appointments, 2026-12-01")]
OfProgram = Annotated[str | None, typer.Option("--program", help="Else the profile's first program")]
AsJson = Annotated[bool, typer.Option("--json", help="Write the answer as JSON")]


def date_of(text: str) -> date:
    """The date; raises BadInput for what is none."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadInput("DATE", f"{shown(text)} is not a date", "write it like 2026-12-01")
