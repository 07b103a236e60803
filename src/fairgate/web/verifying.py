"""What the panel "Check this draw" on the page of a draw needs: where the files are, how large, and names for ports."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.conf import settings

from fairgate.core.profile import Profile, Program
from fairgate.store import publication
from fairgate.web import dates, deployment

NEEDED = ("manifest.json", "entries.csv", "beacon.json", "results.csv")
_MEGA = 1_000_000


@dataclass(frozen=True, slots=True)
class Panel:
    """`address` ends with a stroke. `bytes` are those of all files, `megabytes` says what comes over the network."""

    address: str
    bytes: int
    megabytes: str
    ports: dict[str, str]
    locale: str


def panel(profile: Profile, program: Program, day: date, address: str) -> Panel | None:
    """The panel for a draw whose files are at `address`; None until all of them are there."""
    folder = publication.folder(settings.FAIRGATE_HOME, profile, program.program, day)
    found = [folder / name for name in NEEDED]
    try:
        size, sent = sum(file.stat().st_size for file in found), sum(map(_sent, found))
    except FileNotFoundError:
        return None
    return Panel(
        address=address,
        bytes=size,
        megabytes=dates.number(max(0.1, round(sent / _MEGA, 1))),
        ports={port.port: deployment.in_words(port.names) for port in profile.ports},
        locale=dates.locale_tag(),
    )


def _sent(file: Path) -> int:
    """What goes over the network for a file: the worker leaves it compressed beside itself, and may be about to."""
    try:
        return file.with_name(f"{file.name}.gz").stat().st_size
    except FileNotFoundError:
        return file.stat().st_size
