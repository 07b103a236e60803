"""Manifests and entries for tests: factories with dull defaults, and Hypothesis strategies for whole rounds."""

import hashlib
from datetime import UTC, datetime
from typing import Any, NamedTuple

from hypothesis import strategies as st

from fairgate.core.bundle import Commitment, CommitReveal, Manifest, PortPlaces, Reveals
from fairgate.core.draw import Entry

REVEALS = Reveals((("notary", b"n" * 32), ("ombudsman", b"o" * 32)))
COMMITMENTS = CommitReveal(tuple(Commitment(by, hashlib.sha256(r).hexdigest()) for by, r in REVEALS.reveals))


def a_manifest(**changes: Any) -> Manifest:
    """One port SYS of 10 places, half of them for those who wait longest, groups of at most 4."""
    dull = {
        "program": "arrival",
        "round": "2026-12-01",
        "ports": (PortPlaces("SYS", 10, 0),),
        "seniority_share": (1, 2),
        "group_max": 4,
        "closes_at": datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC),
        "seed_at": datetime(2026, 11, 20, 17, 30, tzinfo=UTC),
        "beacon": COMMITMENTS,
        "ticket_key_hash": "0" * 64,
    }
    return Manifest(**{**dull, **changes})


def an_entry(number: int = 0, *, size: int = 1, weeks: int = 0, ports: str = "SYS") -> Entry:
    """An entry whose ticket follows from `number`; `ports` as in entries.csv."""
    return Entry(hashlib.sha256(b"%d" % number).hexdigest()[:32], size, weeks, tuple(ports.split("|")))


class Round(NamedTuple):
    manifest: Manifest
    entries: list[Entry]
    randomness: bytes


@st.composite
def rounds(draw: st.DrawFn, *, entries_most: int = 40) -> Round:
    """Small rounds in which everything is scarce: few places, carries, long waits that tie, any lists of ports."""
    codes = ["SYS", "CAL", "NOG", "ELP"][: draw(st.integers(1, 4))]
    group_max = draw(st.integers(1, 6))
    places = st.tuples(st.integers(0, 14), st.integers(0, 7))
    ports = tuple(PortPlaces(code, *draw(places)) for code in codes)
    d = draw(st.integers(1, 4))
    share = (draw(st.integers(0, d)), d)
    entry = st.builds(
        Entry,
        st.binary(min_size=16, max_size=16).map(bytes.hex),
        st.integers(1, group_max),
        st.integers(0, 5),
        st.lists(st.sampled_from(codes), min_size=1, max_size=len(codes), unique=True).map(tuple),
    )
    entries = draw(st.lists(entry, max_size=entries_most, unique_by=lambda e: e.ticket))
    manifest = a_manifest(ports=ports, seniority_share=share, group_max=group_max)
    return Round(manifest, entries, draw(st.binary(min_size=32, max_size=32)))
