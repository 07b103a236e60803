"""PostgreSQL refuses to run as root. Where we are root, this says as whom it runs, and how it gets to its files."""

import os
import pwd
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fairgate.core.errors import BadInput


class Account(NamedTuple):
    name: str
    uid: int
    gid: int


def account(data: Path) -> Account | None:
    """The owner of the cluster in `data`; for a new one `postgres` or else `nobody`. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    with suppress(FileNotFoundError):
        return _account(pwd.getpwuid(data.stat().st_uid))
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return _account(pwd.getpwnam(name))
    raise BadInput("PostgreSQL", "it may not run as root and there is no account postgres or nobody", "add one")


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def give(folder: Path, to: Account | None) -> None:
    if to:
        os.chown(folder, to.uid, to.gid)


def wrapper(runs_as: Account | None, needs: Iterable[Path]) -> list[str]:
    """The words before a command that run it as the account and have the kernel end it when this process is gone.

    Where the account may not enter the folders that it needs (a clone in root's home), it gets the one
    capability to do so, which leaves the permissions of people's folders alone.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if runs_as is None:
            return []
        raise BadInput("PostgreSQL", "it may not run as root and setpriv is missing", "run this as another user")
    words = [setpriv, "--pdeathsig", "INT"]
    if runs_as:
        words += [f"--reuid={runs_as.uid}", f"--regid={runs_as.gid}", "--clear-groups"]
        if not all(_open_to_all(folder) for folder in needs):
            # Without this bit access() asks for the account's own rights, not what the capability adds to them.
            words += ["--securebits=+no_setuid_fixup"]
            words += ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"]
    return words


def _open_to_all(folder: Path) -> bool:
    return all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents))
