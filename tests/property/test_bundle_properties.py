"""However a good file is damaged, it is refused in one line or means, byte for byte, what it says."""

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fairgate.cli.bundles import first_difference
from fairgate.core import bundle
from fairgate.core.errors import BadInput
from sealed_rounds import REVEALS, Round, a_manifest, rounds
from tampering import PIECES


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    start = draw(st.integers(0, len(good)))
    end = draw(st.integers(start, min(len(good), start + 4)))
    return good[:start] + draw(PIECES) + good[end:]


def read(parse: Callable[[bytes], Any], data: bytes, file: str) -> Any:
    """What is read, or None after a refusal that is one line of a sensible length about that file."""
    try:
        return parse(data)
    except BadInput as caught:
        message = str(caught)
    assert message.startswith(file)
    assert message.isprintable()
    assert len(message) < 300
    return None


@given(rounds(entries_most=6), st.data())
def test_damaged_entries_are_refused_or_mean_what_they_say(world: Round, data: st.DataObject) -> None:
    text = data.draw(damaged(bundle.write_entries(world.entries)))
    entries = read(lambda d: bundle.parse_entries(d, world.manifest), text, "entries.csv line ")
    assert entries is None or bundle.write_entries(entries) == text
    assert entries is None or bundle.lines_root(text) == bundle.entries_root(entries)


LINES = st.lists(st.sampled_from([b"a\n", b"bc\n", b"\n", b"\xff\n"]), min_size=1, max_size=4)


@given(st.lists(LINES.map(b"".join), max_size=4), st.data())
def test_the_first_line_that_differs_is_found_whatever_parts_it_is_looked_for_in(
    parts: list[bytes], data: st.DataObject
) -> None:
    right = b"".join(parts)
    for found in (data.draw(damaged(right)), *(right[:end] for end in range(len(right) + 1))):
        lines = enumerate(zip_longest(right.split(b"\n"), found.split(b"\n")), 1)
        expected = next(((number, line, here) for number, (line, here) in lines if line != here), None)
        difference = first_difference("results.csv", parts, found)
        assert (difference and (difference.line, difference.expected)) == (
            expected and (expected[0], told(*expected, end=right.count(b"\n") + 1))
        )


def told(number: int, line: bytes | None, here: bytes | None, *, end: int) -> str | None:
    """What was expected in a line; behind the last line end nothing, where the file goes on there."""
    if line is None or (number == end and line == b"" and here is not None):
        return None
    return line.decode(errors="backslashreplace")


@given(st.data())
def test_a_damaged_manifest_is_refused_or_means_what_it_says(data: st.DataObject) -> None:
    text = data.draw(damaged(a_manifest().to_json().encode()))
    manifest = read(bundle.parse_manifest, text, "manifest.json")
    assert manifest is None or manifest.to_json().encode() == text


@given(st.data())
def test_a_damaged_proof_is_refused_or_read(data: st.DataObject) -> None:
    good = data.draw(st.sampled_from([REVEALS, bundle.DrandProof(1000, bytes(48))]))
    text = data.draw(damaged(bundle.write_beacon(good)))
    proof = read(bundle.parse_beacon, text, "beacon.json")
    assert proof is None or bundle.parse_beacon(bundle.write_beacon(proof)) == proof


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_answered(data: bytes) -> None:
    assert read(bundle.parse_manifest, data, "manifest.json") is None
    assert read(bundle.parse_beacon, data, "beacon.json") is None
    assert read(lambda d: bundle.parse_entries(d, a_manifest()), data, "entries.csv") is None
