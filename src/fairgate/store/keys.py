"""Keys in files: made on first use, and read by nobody but their owner."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from fairgate.core.errors import BadInput, shown
from fairgate.core.key_list import KeyList, parse_keys
from fairgate.core.note import COSIGNATURE, NoteSigner
from fairgate.core.receipts import ISSUER_MOST, Signer
from fairgate.core.sealing import Keys
from fairgate.core.webpush import private_key
from fairgate.store.files import alone, flush_folder, put
from fairgate.store.secret_files import load_own, load_secret

LOCAL: Final = "localhost/ledger"  # the ledger's name where only this machine is served
REHEARSAL_WITNESS: Final = "localhost/witness"
LIST_MODE: Final = 0o644  # for everyone
_HOST: Final = re.compile(r"[a-z0-9.-]+(:[0-9]+)?|\[[0-9a-f:.]+\](:[0-9]+)?", re.ASCII)


def load(home: Path) -> Keys:
    """The deployment's key, in `home`/keys."""
    return Keys(load_secret(home / "keys" / "deployment.key"))


def load_signer(home: Path, issuer: str, now: datetime) -> Signer:
    """Who signs receipts for `issuer`: the key in `home`/keys, which from now on is in the public list too."""
    path = home / "keys" / "receipt.key"
    signer = Signer(load_own(path), issuer)
    _publish(list_path(home), signer, now)
    return signer


def load_ledger(home: Path, issuer: str) -> NoteSigner:
    """Who signs the ledger's checkpoints: the key in `home`/keys, under the ledger's name."""
    return NoteSigner(load_own(home / "keys" / "ledger.key"), issuer)


def load_rehearsal_witness(home: Path) -> NoteSigner:
    """The witness that a rehearsal has beside its ledger, of which it proves nothing."""
    return NoteSigner(load_own(home / "witness" / "witness.key"), REHEARSAL_WITNESS, COSIGNATURE)


def load_push(home: Path) -> ec.EllipticCurvePrivateKey:
    """The key by which push services know us (VAPID), in `home`/keys; devices are subscribed to it."""
    return private_key(load_own(home / "keys" / "push.key"))


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
        return LOCAL
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
