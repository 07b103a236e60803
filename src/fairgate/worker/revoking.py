"""Sign the list of passes that count no more: whoever signs the ledger reads it from the database itself.

So it is signed where the ledger's key is, which nobody reads who answers requests, and never over a database of before,
in which appointments stand that were cancelled since.
"""

from dataclasses import dataclass
from pathlib import Path

from fairgate.commands.looping import Clock, Connect
from fairgate.core import revoked_note
from fairgate.core.note import NoteSigner
from fairgate.store import clock, heads, passes


@dataclass(frozen=True, slots=True)
class Revoking:
    """What the loop works with; one such process runs for a ledger."""

    home: Path
    signer: NoteSigner
    connect: Connect
    clock: Clock = clock.now

    def tell(self) -> bool:
        """Write the signed list, also where nothing changed: it says how old it is. There is never more to do at once.

        Raises OlderDatabase where the database does not go on from what was signed.
        """
        with self.connect() as conn:
            heads.refuse_older(conn, self.home)
            found = passes.revoked(conn, self.signer.key.name, self.clock(conn))
        passes.publish_note(self.home, revoked_note.signed(self.signer, found))
        return False
