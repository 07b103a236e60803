"""honoured.csv: who was missing from a sealed list and showed a receipt, beside the files of the draw.

    ticket,size,weeks,ports,outcome,port,order,phase,request_leaf,on_record,honoured_at

The first four fields are the line that is missing from entries.csv. The next four are what the draw gives it, as in
results.csv; on the reserve it stands before the one who has `order` there. `request_leaf` is the leaf that the receipt
names, `on_record` whether the ledger holds there what the receipt says, `honoured_at` when it was shown.
Why the draw can be gone through again with another line is in honour.py.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from fairgate.core.bundle import ENTRIES_HEADER, entry_line, parse_entries
from fairgate.core.clocks import read_moment
from fairgate.core.draw import Drawn, Entry, Offered, draw
from fairgate.core.errors import BadInput
from fairgate.core.manifest import Manifest
from fairgate.core.places import moment

FILE: Final = "honoured.csv"
HEADER: Final = "ticket,size,weeks,ports,outcome,port,order,phase,request_leaf,on_record,honoured_at"

_WHOLE: Final = re.compile("0|[1-9][0-9]{0,15}")
_WAY_OUT: Final = "fetch the file again; if it stays so, tell the service"


class Share(NamedTuple):
    """What a missing entry would have got: a place, or a position on the reserve, before the one who has `order` there.

    `outcome`, "offered" or "reserve", `port` and `phase` are those of results.csv.
    """

    outcome: str
    port: str | None
    order: int
    phase: str | None


class Honoured(NamedTuple):
    """A line of the public list of those who were missing.

    `on_record`: the ledger says at `request_leaf` what the receipt says.
    """

    entry: Entry
    share: Share
    request_leaf: int
    on_record: bool
    honoured_at: datetime


def draw_with(manifest: Manifest, root: bytes, entries: Iterable[Entry], missing: Entry, randomness: bytes) -> Drawn:
    """The draw with the missing line among the sealed entries; `root` is that of the sealed, and so the seed stays."""
    return draw(manifest, root, [*entries, missing], randomness)


def share_of(ticket: str, drawn: Drawn) -> Share:
    """What a ticket got in a draw that it was in."""
    found: Offered | None = next((offer for offer in drawn.offers if offer.ticket == ticket), None)
    if found is not None:
        return Share("offered", found.port, found.order, found.phase)
    return Share("reserve", None, drawn.reserve.index(ticket) + 1, None)


def write_honoured(lines: Iterable[Honoured]) -> bytes:
    """honoured.csv, in the order given: each line's first four fields are the line missing from entries.csv."""
    return b"\n".join([HEADER.encode(), *map(_line, lines), b""])


def _line(line: Honoured) -> bytes:
    share = line.share
    got = f"{share.outcome},{share.port or ''},{share.order},{share.phase or ''}"
    kept = "yes" if line.on_record else "no"
    return entry_line(line.entry) + f",{got},{line.request_leaf},{kept},{moment(line.honoured_at)}".encode()


def parse_honoured(data: bytes, manifest: Manifest) -> list[Honoured]:
    """The lines of an honoured.csv; raises BadInput for the first that `write_honoured` would not write."""
    try:
        header, *lines, end = data.decode("ascii").split("\n")
    except ValueError:
        raise BadInput(FILE, "is not lines of ASCII that end with a line feed", _WAY_OUT) from None
    if header != HEADER or end:
        raise BadInput(FILE, "has another header, or no line end at its end", f"its first line is {HEADER}")
    found = [_read(line, number, manifest) for number, line in enumerate(lines, 2)]
    for number, (line, read) in enumerate(zip(lines, found, strict=True), 2):
        if _line(read).decode() != line:
            raise BadInput(f"{FILE} line {number}", "is not written as such lines are", _WAY_OUT)
    return found


def _read(line: str, number: int, manifest: Manifest) -> Honoured:
    place, fields = f"{FILE} line {number}", line.split(",")
    if len(fields) != HEADER.count(",") + 1:
        raise BadInput(place, f"{len(fields)} fields where there must be {HEADER.count(',') + 1}", _WAY_OUT)
    outcome, port, order, phase, leaf, on_record, at = fields[4:]
    if not (_WHOLE.fullmatch(order) and _WHOLE.fullmatch(leaf) and outcome in ("offered", "reserve")):
        raise BadInput(place, "its outcome, order or leaf cannot be", _WAY_OUT)
    try:
        entry = next(iter(parse_entries(f"{ENTRIES_HEADER}\n{','.join(fields[:4])}\n".encode(), manifest)))
    except BadInput as fault:  # it counts lines of a file of one line
        raise BadInput(place, fault.problem, fault.way_out) from None
    share = Share(outcome, port or None, int(order), phase or None)
    return Honoured(entry, share, int(leaf), on_record == "yes", read_moment(at, place))


def again(
    lines: Sequence[Honoured], manifest: Manifest, root: bytes, entries: Iterable[Entry], randomness: bytes
) -> list[Honoured]:
    """The same lines with what the draw gives each, whatever they say: each alone among the sealed entries."""
    listed = list(entries)
    tickets = {entry.ticket for entry in listed}
    for number, line in enumerate(lines, 2):
        if line.entry.ticket in tickets:
            raise BadInput(f"{FILE} line {number}", "its ticket stands in entries.csv: it was not missing", _WAY_OUT)
    return [
        line._replace(share=share_of(line.entry.ticket, draw_with(manifest, root, listed, line.entry, randomness)))
        for line in lines
    ]
