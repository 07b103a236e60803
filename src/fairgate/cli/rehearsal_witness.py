"""The witness that `fairgate up` runs where everything is a rehearsal, so that the way of a checkpoint can be seen.

It is on the same machine as the ledger, under the same hand, and so proves nothing to anybody. A home that has a policy
of its own keeps it.
"""

import socket
from pathlib import Path
from typing import Final

from fairgate.core.note import COSIGNATURE, NoteSigner
from fairgate.store import heads, keys
from fairgate.store.files import put
from fairgate.store.secret_files import load_own

NAME: Final = "localhost/witness"
MODE: Final = 0o644
MADE_HERE: Final = "# By `fairgate up`, for a rehearsal: a witness on the same machine proves nothing to others.\n"


def arrange(home: Path) -> tuple[str, ...] | None:
    """The arguments of the witness's process, once the home's policy names it; None where that names others."""
    policy = heads.path(home).with_name("policy")
    if policy.exists() and not policy.read_text().startswith(MADE_HERE):
        return None
    folder = home / "witness"
    witness = NoteSigner(load_own(folder / "witness.key"), NAME, COSIGNATURE).key
    ledger = keys.load_ledger(home, keys.LOCAL).key
    port = _free_port()
    policy.parent.mkdir(parents=True, exist_ok=True)
    lines = f"witness rehearsal {witness.vkey} http://127.0.0.1:{port}\nquorum rehearsal\n"
    put(policy, (MADE_HERE + lines).encode(), MODE)
    return ("witness", "--home", str(folder), "--name", NAME, "--log", ledger.vkey, "--port", str(port))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
