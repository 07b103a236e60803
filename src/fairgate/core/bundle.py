"""The files of a drawn round, read and written: what anyone needs to recompute it (docs/rules/draw.md).

`manifest.json` and `entries.csv` are sealed before the random value exists, `beacon.json` brings it, and
`results.csv` follows from the three. Everything read here came from outside: each line has exactly one right
form, and whatever differs is refused with the file, the line and the way out. A lenient reader would let two people
who look at "the same" file see two different draws.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from operator import lt
from typing import NoReturn, TypeVar

from fairgate.core import tree
from fairgate.core.beacon import Beacon, Commitment, CommitReveal, Drand, DrandProof, Proof, Reveals
from fairgate.core.canonical import Fields, canonical, kind_of, read_json
from fairgate.core.draw import Drawn, Entries, Entry, Standing
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
    "lines_root",
    "parse_beacon",
    "parse_entries",
    "parse_manifest",
    "results_in_parts",
    "write_beacon",
    "write_entries",
    "write_results",
]

ENTRIES_FILE, BEACON_FILE = "entries.csv", "beacon.json"
ENTRIES_HEADER = "ticket,size,weeks,ports"
RESULTS_HEADER = "ticket,outcome,port,order,phase"
LINE_MOST = 4096  # characters; eight ports of three letters make a line of 70
_TICKET_DIGITS = 32
_TICKET = re.compile("[0-9a-f]{32}")
_PART = 1 << 20  # bytes of lines read at once
_RESULTS_PART = 1 << 13  # lines of results written at once
# Nine digits at most. The ASCII digits are spelled out because int() also reads "+7", "07", "1_000" and "٣",
# and each of them would be a second way to write the same line.
_WHOLE = re.compile("0|[1-9][0-9]{0,8}")
_HEX = re.compile("(?:[0-9a-f]{2})+")

Value = TypeVar("Value")


class _LineError(ValueError):
    """What is wrong in a line, and the way out; the line's number is added by whoever knows it."""


class _Once(dict[str, Value]):
    """Reads each distinct text once: behind their tickets, a million lines hold some ten thousand different texts."""

    def __init__(self, read: Callable[[str], Value]) -> None:
        self._read = read

    def __missing__(self, text: str) -> Value:
        value = self[text] = self._read(text)
        return value


def parse_entries(data: bytes, manifest: Manifest) -> Entries:
    """The entries in the bytes of entries.csv; raises BadInput for the first bad line.

    Twice strict. `_read` takes a file of nothing but right lines, in large parts, and has no words for any other;
    `_refuse` then goes through it line by line and names the first fault.
    """
    try:
        entries = _read(data, manifest)
    except ValueError:  # also where bytes are not ASCII: no right line holds any
        _refuse(data, manifest)
    return entries


def _read(data: bytes, manifest: Manifest) -> Entries:
    """The entries of a file without any fault; a ValueError for all others."""
    standing = _standings(manifest)
    tickets: list[str] = []
    standings: list[Standing] = []
    last = ""
    for part in _parts(data):
        lines = part.decode("ascii").split("\n")
        found = [line[:_TICKET_DIGITS] for line in lines]
        if not (_are_tickets(found) and last < found[0] and all(map(lt, found, islice(found, 1, None)))):
            raise ValueError
        tickets += found
        standings += [standing[line[_TICKET_DIGITS:]] for line in lines]
        last = found[-1]
    return Entries(tickets, standings)


def lines_root(data: bytes) -> bytes:
    """The root over the lines of an entries.csv that `parse_entries` took; the same as `entries_root`, sooner."""
    return tree.root(chain.from_iterable(part.split(b"\n") for part in _parts(data)))


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
    return b"".join(results_in_parts(drawn))


def results_in_parts(drawn: Drawn) -> Iterator[bytes]:
    """The bytes of results.csv in parts of some thousand whole lines, for whoever need not hold them all."""
    offers = (f"{o.ticket},offered,{o.port},{o.order},{o.phase}\n" for o in drawn.offers)
    reserve = (f"{ticket},reserve,,{order},\n" for order, ticket in enumerate(drawn.reserve, 1))
    lines = chain([f"{RESULTS_HEADER}\n"], offers, reserve)
    while part := "".join(islice(lines, _RESULTS_PART)):
        yield part.encode()


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


def _parts(data: bytes) -> Iterator[bytes]:
    """The lines after the header, about a megabyte at a time, without the last line end of each part.

    A ValueError for a file with another header or without a line end at its end.
    """
    header = f"{ENTRIES_HEADER}\n".encode()
    if not (data.startswith(header) and data.endswith(b"\n")):
        raise ValueError
    start = len(header)
    while start < len(data):
        end = data.index(b"\n", min(start + _PART, len(data) - 1))
        yield data[start:end]
        start = end + 1


def _are_tickets(found: list[str]) -> bool:
    """Whether each has 32 digits of lower-case hex, where each has 32 characters at most."""
    digits = "".join(found).encode()
    return len(digits) == _TICKET_DIGITS * len(found) and not digits.translate(None, b"0123456789abcdef")


def _standings(manifest: Manifest) -> _Once[Standing]:
    """Reads what stands behind the ticket in a line, as in ",2,7,SYS|NOG"; raises _LineError."""
    known = {each.port for each in manifest.ports}

    def read(text: str) -> Standing:
        nothing, *fields = text.split(",")
        if nothing or len(fields) != 3 or _TICKET_DIGITS + len(text) > LINE_MOST:
            raise _LineError("not the form of a line", f"write {ENTRIES_HEADER}")
        size, weeks, ports = fields
        return Standing(_size(size, manifest.group_max), _whole(weeks, "weeks"), _ports(ports, known))

    return _Once(read)


def _refuse(data: bytes, manifest: Manifest) -> NoReturn:
    """Raise BadInput for the first fault of a file that `_read` did not take."""
    *lines, rest = data.split(b"\n")
    has_end = lines and not rest
    standing = _standings(manifest)
    last = ""
    for number, found in enumerate(lines if has_end else [*lines, rest], 1):
        try:
            line = _text(found)
            if number == 1 and line != ENTRIES_HEADER:
                raise _LineError(f"{shown(line)} is not the header", f"write {ENTRIES_HEADER}")
            if number > len(lines):
                raise _LineError("the last line has no line end", r"end the file with a line feed (\n)")
            if number > 1:
                last = _refuse_ticket(line, last, islice(lines, number - 1))
                standing[line[_TICKET_DIGITS:]]
        except _LineError as fault:
            problem, way_out = fault.args
            raise BadInput(f"{ENTRIES_FILE} line {number}", problem, way_out) from None
    raise AssertionError("a file that was not taken has a fault")


def _text(line: bytes) -> str:
    """A line as text; bytes that no file of lines has are named before anything that it says."""
    if b"\r" in line:
        raise _LineError("a carriage return", r"end lines with a line feed (\n) alone")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise _LineError("not UTF-8", "write the file in UTF-8") from None


def _refuse_ticket(line: str, last: str, before: Iterable[bytes]) -> str:
    """The ticket of a line; raises for a line without one, or whose ticket stands twice or comes too late.

    `last` is the ticket of the line before, `before` are all lines before it.
    """
    if len(line) > LINE_MOST:
        raise _LineError(f"{len(line)} characters are more than {LINE_MOST}", "see whether lines were joined")
    if not line:
        raise _LineError("an empty line", "take it out")
    ticket, *others = line.split(",")
    if len(others) != 3:
        raise _LineError(f"{1 + len(others)} fields where there must be 4", f"write {ENTRIES_HEADER}, without quotes")
    if not _TICKET.fullmatch(ticket):
        raise _LineError(f"{shown(ticket)} is no ticket", "write 32 digits of lower-case hex")
    if ticket > last:
        return ticket
    for first, earlier in enumerate(before, 1):
        if earlier.startswith(ticket.encode()):
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
