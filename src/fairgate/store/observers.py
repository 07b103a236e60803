"""Observers whose keys lie on this machine, for rehearsals and for places without a network.

An observer commits to a reveal before a round is sealed and gives it afterwards (core/beacon.py). These do it
from a key of their own and the name of the round, so that what they commit to needs to be remembered
nowhere and is the same after a restart. Real observers keep their keys elsewhere: whoever holds all of
these could know the random value before the sealing, and so their names are to say that they rehearse.
"""

import hmac
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from fairgate.core.beacon import Commitment, CommitReveal, Reveals
from fairgate.store import secret_files


def commit(home: Path, names: Sequence[str], program: str, day: date) -> CommitReveal:
    """What the observers with these names promise for the round of `day`."""
    promised = reveal(home, names, program, day).reveals
    return CommitReveal(tuple(Commitment(by, sha256(bytes_).hexdigest()) for by, bytes_ in promised))


def reveal(home: Path, names: Sequence[str], program: str, day: date) -> Reveals:
    """What they reveal: HMAC-SHA256 of the round's name under the key of each, in `home`/keys/observers."""
    about = f"fairgate-reveal|{program}|{day.isoformat()}".encode()
    return Reveals(tuple((name, hmac.digest(_key(home, name), about, "sha256")) for name in sorted(names)))


def key_path(home: Path, name: str) -> Path:
    """Where the key of an observer lies, if it lies here."""
    return home / "keys" / "observers" / f"{quote(name, safe='')}.key"


def _key(home: Path, name: str) -> bytes:
    return secret_files.load_secret(key_path(home, name))
