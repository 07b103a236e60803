"""The lots of a drawn round, computed again from the seed: the order in which its lottery read the list."""

from array import array
from collections.abc import Sequence
from hashlib import sha256

from fairgate.core.draw import Entries
from fairgate.core.manifest import RULES
from fairgate.core.uniformity import PARTS

_BYTES = 8  # of a lot; two of a million are equal in them once in 37 million rounds, and then stand by their tickets


def in_order_of_lots(entries: Entries, rows: Sequence[int], seed: bytes) -> tuple[list[int], list[int]]:
    """Rows of the list in the order of their lots, and how many lots are in each tenth of all values they can have.

    A lot is kept as eight bytes: those of ten million groups fit into the memory of a small machine.
    """
    prefix = f"{RULES}|rank|{seed.hex()}|".encode()
    tickets = entries.tickets
    lots = array("Q", bytes(_BYTES * len(entries)))
    parts = [0] * PARTS
    for row in rows:
        lot = int.from_bytes(sha256(prefix + tickets[row].encode()).digest()[:_BYTES])
        lots[row] = lot
        parts[lot * PARTS >> 8 * _BYTES] += 1
    return sorted(rows, key=lots.__getitem__), parts
