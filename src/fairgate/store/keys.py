"""Keys in files: made on first use, and read by nobody but their owner."""

import base64
import contextlib
import os
import re
import stat
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from fairgate.core.errors import BadInput, shown
from fairgate.core.key_list import KeyList, parse_keys
from fairgate.core.receipts import ISSUER_MOST, Signer
from fairgate.core.sealing import Keys
from fairgate.core.webpush import private_key
from fairgate.store.files import alone, flush_folder, put

KEY_BYTES = 32
LIST_MODE: Final = 0o644  # for everyone
_HOST: Final = re.compile(r"[a-z0-9.-]+(:[0-9]+)?|\[[0-9a-f:.]+\](:[0-9]+)?", re.ASCII)


def load(home: Path) -> Keys:
    """The deployment's key, in `home`/keys."""
    return Keys(load_secret(home / "keys" / "deployment.key"))


def load_signer(home: Path, issuer: str, now: datetime) -> Signer:
    """Who signs receipts for `issuer`: the key in `home`/keys, which from now on is in the public list too."""
    path = home / "keys" / "receipt.key"
    signer = Signer(_load_own(path), issuer)
    _publish(list_path(home), signer, now)
    return signer


def load_push(home: Path) -> ec.EllipticCurvePrivateKey:
    """The key by which push services know us (VAPID), in `home`/keys; devices are subscribed to it."""
    return private_key(_load_own(home / "keys" / "push.key"))


def list_path(home: Path) -> Path:
    """The public list of receipt keys; what it holds is in core/key_list.py."""
    return home / "public" / "keys.json"


def load_list(path: Path) -> KeyList:
    """The list of receipt keys at `path`; FileNotFoundError where there is none."""
    return parse_keys(str(path), path.read_bytes())


def origin(address: str) -> str:
    """The ledger's name in receipts, from the address that people use ("" where only this machine is served).

    "https://places.example.org" is "places.example.org/ledger": without scheme, as logs are named by C2SP.
    """
    if not address:
        return "localhost/ledger"
    try:
        place = urlsplit(address).netloc.lower()
    except ValueError:  # brackets that do not close
        place = ""
    if not _HOST.fullmatch(place):
        problem = f"{shown(address)} is not the address of a service"
        raise BadInput("FAIRGATE_ORIGIN", problem, "write it like https://places.example.org")
    issuer = f"{place}/ledger"
    if len(issuer) > ISSUER_MOST:
        problem = f"{shown(place)} has more than {ISSUER_MOST - len('/ledger')} characters"
        raise BadInput("FAIRGATE_ORIGIN", problem, "use a shorter name, so that receipts fit a QR code")
    return issuer


def _publish(path: Path, signer: Signer, now: datetime) -> None:
    """See that the key that signs is the last of the list; several processes may start at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.parent):
        known = load_list(path) if path.exists() else KeyList(signer.issuer)
        wanted = known.now_signing(signer.issuer, signer.public, now)
        if wanted != known:
            put(path, wanted.to_bytes(), LIST_MODE)
            flush_folder(path.parent)


def _load_own(path: Path) -> bytes:
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
