"""The deployment's key: a file that is made on first start and that nobody but its owner may read."""

import base64
import contextlib
import os
from pathlib import Path

from fairgate.core.errors import BadInput
from fairgate.core.sealing import Keys

_NAME = "deployment.key"


def load(home: Path) -> Keys:
    """The key in `home`/keys, made (mode 0600, flushed to disk) when there is none yet."""
    path = home / "keys" / _NAME
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        _make(path)
    try:
        return Keys(base64.b64decode(path.read_bytes().strip(), validate=True))
    except (ValueError, AssertionError) as error:
        raise BadInput(
            str(path), "is not a key of 32 bytes in base64", "restore it from the backup of your keys"
        ) from error


def _make(path: Path) -> None:
    """Write a new key under a name of its own, then link it into place: it is whole or not there."""
    if path.exists():
        raise FileExistsError(path)
    draft = path.with_name(f".{_NAME}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, base64.b64encode(os.urandom(32)) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, path)
    finally:
        draft.unlink()
