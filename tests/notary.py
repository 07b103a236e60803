"""The ledger's signing process for tests that are about something else: it signs when they say so."""

from datetime import datetime

import psycopg

from fairgate.commands.checkpoint import Notary
from fairgate.core.note import NoteSigner
from fairgate.store import keys

SIGNER = NoteSigner(b"l" * 32, keys.LOCAL)


def show_sealing(conn: psycopg.Connection, now: datetime, signer: NoteSigner = SIGNER) -> None:
    """A checkpoint over all that is in the ledger, as if it had been signed and witnessed at `now`."""
    with conn.transaction():
        conn.execute("LOCK TABLE checkpoint IN EXCLUSIVE MODE")  # tests in which many seal at once
        Notary(signer).sign(conn, now)
