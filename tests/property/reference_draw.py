"""The draw once more, slow and obvious, straight from RULES.md and from the bytes of the files.

It shares nothing with the code it is compared with: no parser, no tree, no types; and where the code is
clever (ties of some weeks only, keys joined, an early end) this walks through everything.
"""

import hashlib
import json
from typing import NamedTuple


class Line(NamedTuple):
    ticket: str
    size: int
    weeks: int
    ports: list[str]


class Result(NamedTuple):
    results: bytes
    root: str
    seed: str
    used: dict[str, int]
    carry_out: dict[str, int]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def merkle(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k = 2 * k
    return sha256(b"\x01" + merkle(leaves[:k]) + merkle(leaves[k:]))


def draw(manifest_json: bytes, entries_csv: bytes, randomness: bytes) -> Result:
    manifest = json.loads(manifest_json)
    lines = entries_csv.decode().split("\n")[1:-1]
    entries = []
    for line in lines:
        ticket, size, weeks, ports = line.split(",")
        entries.append(Line(ticket, int(size), int(weeks), ports.split("|")))

    root = merkle([line.encode() for line in lines]).hex()
    parts = ["fairgate-draw/1", "seed", sha256(manifest_json).hex(), root, randomness.hex()]
    seed = sha256("|".join(parts).encode()).hex()

    def rank(ticket: str) -> bytes:
        return sha256(f"fairgate-draw/1|rank|{seed}|{ticket}".encode())

    def tie(ticket: str) -> bytes:
        return sha256(f"fairgate-draw/1|tie|{seed}|{ticket}".encode())

    n, d = manifest["seniority_share"]
    cap, reserved, used = {}, {}, {}
    for p in manifest["ports"]:
        cap[p["port"]] = max(0, p["capacity"] - p["carry"])
        reserved[p["port"]] = cap[p["port"]] * n // d
        used[p["port"]] = 0

    out = ["ticket,outcome,port,order,phase"]
    offered: set[str] = set()

    def go_through(ordered: list[Line], limit: dict[str, int], phase: str) -> None:
        for entry in ordered:
            if entry.ticket in offered:
                continue
            for port in entry.ports:
                if used[port] < limit[port]:
                    used[port] += entry.size
                    offered.add(entry.ticket)
                    out.append(f"{entry.ticket},offered,{port},{len(offered)},{phase}")
                    break

    by_lot = sorted(entries, key=lambda e: (rank(e.ticket), e.ticket))
    go_through(sorted(entries, key=lambda e: (-e.weeks, tie(e.ticket), e.ticket)), reserved, "seniority")
    go_through(by_lot, cap, "lottery")
    left = [entry for entry in by_lot if entry.ticket not in offered]
    out += [f"{entry.ticket},reserve,,{order}," for order, entry in enumerate(left, 1)]

    carry_out = {}
    for p in manifest["ports"]:
        port = p["port"]
        carry_out[port] = max(0, p["carry"] - p["capacity"]) + max(0, used[port] - cap[port])
    return Result("".join(line + "\n" for line in out).encode(), root, seed, used, carry_out)
