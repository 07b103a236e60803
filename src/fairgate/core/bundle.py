"""The files of a drawn round, read and written: what anyone needs to recompute it (docs/rules/draw.md).

`manifest.json` and `entries.csv` are sealed before the random value exists, `beacon.json` brings it, and
`results.csv` follows from the three. Everything read here came from outside: each line has exactly one right
form, and whatever differs is refused with the file, the line and the way out. A lenient reader would let two people
who look at "the same" file see two different draws.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from fairgate.core import collector, tree
from fairgate.core.beacon import Beacon, Commitment, CommitReveal, Drand, DrandProof, Proof, Reveals
from fairgate.core.canonical import Fields, canonical, kind_of, read_json
from fairgate.core.draw import Drawn, Entry
from fairgate.core.errors import BadInput, shown
from fairgate.core.manifest import Manifest, PortPlaces, parse_manifest

__all__ = [
    "Beacon",
    "CommitReveal",
    "Commitment",
    "Drand",
    "DrandProof",
    "Manifest",
    "PortPlaces",
    "Proof",
    "Reveals",
    "entries_root",
    "entry_line",
    "parse_beacon",
    "parse_entries",
    "parse_manifest",
    "write_beacon",
    "write_entries",
    "write_results",
]

ENTRIES_FILE, BEACON_FILE = "entries.csv", "beacon.json"
ENTRIES_HEADER = "ticket,size,weeks,ports"
RESULTS_HEADER = "ticket,outcome,port,order,phase"
LINE_MOST = 4096  # characters; eight ports of three letters make a line of 70
_TICKET = re.compile("[0-9a-f]{32}")
# Nine digits at most. The ASCII digits are spelled out because int() also reads "+7", "07", "1_000" and "٣",
# and each of them would be a second way to write the same line.
_WHOLE = re.compile("0|[1-9][0-9]{0,8}")
_HEX = re.compile("(?:[0-9a-f]{2})+")

Value = TypeVar("Value")


class _LineError(Exception):
    """What is wrong in a line, and the way out; the line's number is added by whoever knows it."""


class _Once(dict[str, Value]):
    """Reads each distinct text once: a million lines hold a handful of sizes, weeks and port lists."""

    def __init__(self, read: Callable[[str], Value]) -> None:
        self._read = read

    def __missing__(self, text: str) -> Value:
        value = self[text] = self._read(text)
        return value


def parse_entries(data: bytes, manifest: Manifest) -> list[Entry]:
    """The entries in the bytes of entries.csv, in their order; raises BadInput for the first bad line."""
    lines = _lines(data)
    sizes = _Once(lambda text: _size(text, manifest.group_max))
    weeks = _Once(_weeks)
    known = {each.port for each in manifest.ports}
    lists = _Once(lambda text: _ports(text, known))
    entries: list[Entry] = []
    # local names, and tuple's constructor in place of Entry's, which calls it: worth a fifth of a million lines' time
    is_ticket, new = _TICKET.fullmatch, tuple.__new__
    before = ""
    number = 0
    try:
        with collector.paused():
            for number, line in enumerate(lines, 2):  # noqa: B007  the number is for whoever catches the fault
                fields = line.split(",")
                if len(fields) != 4 or len(line) > LINE_MOST:
                    _refuse_line(line)
                ticket = fields[0]
                if ticket <= before or not is_ticket(ticket):
                    _refuse_ticket(ticket, entries)
                before = ticket
                entries.append(new(Entry, (ticket, sizes[fields[1]], weeks[fields[2]], lists[fields[3]])))
    except _LineError as fault:
        problem, way_out = fault.args
        raise BadInput(f"{ENTRIES_FILE} line {number}", problem, way_out) from None
    return entries


def entry_line(entry: Entry) -> bytes:
    """The entry's line of entries.csv without its line end: a leaf of the entries' tree."""
    ticket, size, weeks, ports = entry
    return f"{ticket},{size},{weeks},{'|'.join(ports)}".encode()


def entries_root(entries: Iterable[Entry]) -> bytes:
    """The root over the entries' lines, sorted by ticket."""
    return tree.root(map(entry_line, sorted(entries)))


def write_entries(entries: Iterable[Entry]) -> bytes:
    """entries.csv, sorted by ticket."""
    return b"\n".join([ENTRIES_HEADER.encode(), *map(entry_line, sorted(entries)), b""])


def write_results(drawn: Drawn) -> bytes:
    """results.csv: the offers in the order in which they were made, then the reserve."""
    offers = [f"{o.ticket},offered,{o.port},{o.order},{o.phase}" for o in drawn.offers]
    reserve = [f"{ticket},reserve,,{order}," for order, ticket in enumerate(drawn.reserve, 1)]
    return "\n".join([RESULTS_HEADER, *offers, *reserve, ""]).encode()


def parse_beacon(data: bytes) -> Proof:
    """The proof in the bytes of beacon.json; `beacon.randomness` tells what it is worth."""
    value = read_json(BEACON_FILE, data)
    if kind_of(BEACON_FILE, "", value, ("drand", "commit-reveal")) == "drand":
        drand = Fields(BEACON_FILE, "", value, ("kind", "round", "signature"))
        return DrandProof(drand.whole("round"), _bytes(drand, "signature"))
    fields = Fields(BEACON_FILE, "", value, ("kind", "reveals"))
    each = fields.objects("reveals", ("by", "reveal"))
    return Reveals(tuple((reveal.text("by"), _bytes(reveal, "reveal")) for reveal in each))


def write_beacon(proof: Proof) -> bytes:
    """beacon.json, canonical."""
    if isinstance(proof, DrandProof):
        return canonical({"kind": "drand", "round": proof.round, "signature": proof.signature.hex()}).encode()
    reveals = [{"by": by, "reveal": reveal.hex()} for by, reveal in proof.reveals]
    return canonical({"kind": "commit-reveal", "reveals": reveals}).encode()


def _lines(data: bytes) -> list[str]:
    """The lines after the header, once the file is known to be text of lines with the right ends."""
    if b"\r" in data:
        raise BadInput(_place(data, data.index(b"\r")), "a carriage return", r"end lines with a line feed (\n) alone")
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        raise BadInput(_place(data, fault.start), "not UTF-8", "write the file in UTF-8") from None
    header, *lines = text.split("\n")
    if header != ENTRIES_HEADER:
        raise BadInput(_place(data, 0), f"{shown(header)} is not the header", f"write {ENTRIES_HEADER}")
    if not lines or lines.pop():
        raise BadInput(_place(data, len(data)), "the last line has no line end", r"end the file with a line feed (\n)")
    return lines


def _place(data: bytes, position: int) -> str:
    return f"{ENTRIES_FILE} line {data.count(10, 0, position) + 1}"  # 10: line feed


def _refuse_line(line: str) -> None:
    if len(line) > LINE_MOST:
        raise _LineError(f"{len(line)} characters are more than {LINE_MOST}", "see whether lines were joined")
    if not line:
        raise _LineError("an empty line", "take it out")
    raise _LineError(f"{line.count(',') + 1} fields where there must be 4", f"write {ENTRIES_HEADER}, without quotes")


def _refuse_ticket(ticket: str, entries: Sequence[Entry]) -> None:
    if not _TICKET.fullmatch(ticket):
        raise _LineError(f"{shown(ticket)} is no ticket", "write 32 digits of lower-case hex")
    for first, entry in enumerate(entries, 2):
        if entry.ticket == ticket:
            raise _LineError(f"ticket stands twice (first on line {first})", "remove one of them")
    raise _LineError("ticket is smaller than that of the line before", "sort the lines by ticket")


def _whole(text: str, what: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise _LineError(f"{what} {shown(text)} is no whole number", "write it in digits 0 to 9, at most nine")
    return int(text)


def _size(text: str, group_max: int) -> int:
    size = _whole(text, "size")
    if not 1 <= size <= group_max:
        raise _LineError(f"size {size} is not from 1 to group_max, {group_max}", "correct it or take the entry out")
    return size


def _weeks(text: str) -> int:
    return _whole(text, "weeks")


def _ports(text: str, known: set[str]) -> tuple[str, ...]:
    ports = tuple(text.split("|"))
    for port in ports:
        if port not in known:
            raise _LineError(f"port {shown(port)} is not in the manifest", f"use {', '.join(sorted(known))}")
        if ports.count(port) > 1:
            raise _LineError(f"port {port} stands twice in one list", "leave the first of them")
    return ports


def _bytes(fields: Fields, key: str) -> bytes:
    text = fields.text(key)
    if not _HEX.fullmatch(text):
        raise BadInput(fields.place(key), f"{shown(text)} is not bytes in hex", "write pairs of digits 0-9 and a-f")
    return bytes.fromhex(text)
