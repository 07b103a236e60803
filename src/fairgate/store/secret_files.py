"""Secrets of 32 bytes, each in a file of its own: made on first use, read by nobody but their owner."""

import base64
import contextlib
import os
import stat
import tempfile
from pathlib import Path

from fairgate.core.errors import BadInput

KEY_BYTES = 32


def load_own(path: Path) -> bytes:
    """A secret that nobody but its owner may read; raises BadInput where others may."""
    secret = load_secret(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise BadInput(str(path), f"may be read by others (mode {mode:o})", f"run chmod 600 {path}")
    return secret


def load_secret(path: Path) -> bytes:
    """The 32 bytes in the file at `path`, made (mode 0600, flushed to disk) when there are none yet."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        _make(path)
    try:
        secret = base64.b64decode(path.read_bytes().strip(), validate=True)
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        way_out = "restore it from the backup of your keys"
        raise BadInput(str(path), f"is not a key of {KEY_BYTES} bytes in base64", way_out)
    return secret


def _make(path: Path) -> None:
    """Write a new key under a name of its own, then link it into place: it is whole or not there."""
    if path.exists():
        raise FileExistsError(path)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        os.write(handle, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, path)
    finally:
        Path(draft).unlink()
