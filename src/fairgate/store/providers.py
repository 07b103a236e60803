"""The file that names the providers of text messages. It holds secrets, and is read by nobody but its owner."""

import stat
import tomllib
from pathlib import Path

from fairgate.core.errors import BadInput
from fairgate.core.providers import Provider, parse_providers


def load(path: Path) -> tuple[Provider, ...]:
    """The providers in the file at `path`; raises BadInput that quotes no secret."""
    try:
        mode, content = stat.S_IMODE(path.stat().st_mode), path.read_bytes()
    except OSError as error:
        raise BadInput(str(path), f"cannot be read ({error.strerror})", "correct FAIRGATE_SMS_FILE") from None
    if mode & 0o077:
        raise BadInput(str(path), f"may be read by others (mode {mode:o})", f"run chmod 600 {path}")
    try:
        values = tomllib.loads(content.decode())
    except ValueError:  # its message quotes the line, and lines hold secrets
        raise BadInput(str(path), "is not TOML in UTF-8", "see docs/operations/notices.md for an example") from None
    return parse_providers(str(path), values)
