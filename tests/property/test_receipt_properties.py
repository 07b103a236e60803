"""Any act's receipt is read as it was written, by us and by others, and no character of it can be changed unseen."""

from datetime import UTC, datetime, timedelta

import base45 as base45_library
import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fairgate.core import base45
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Leaf
from fairgate.core.receipts import PREFIX, KeyUnknown, SignatureWrong, Signer, read, verify
from fairgate.core.statements import statement

SIGNER = Signer(bytes(range(32)), "places.example.org/ledger")
KEYS = {SIGNER.kid: SIGNER.public}
AT = datetime(2026, 11, 26, 20, 15, 4, tzinfo=UTC)
FACTS = {"program": "arrival", "port": "SYS", "date": "2026-12-17", "time": "09:00", "size": 2, "how": "on time"}
TEXT = SIGNER.receipt(Done("confirmed", "K48J-2J9P", FACTS, leaf=Leaf(1234567, bytes(range(16)), AT)))
DATA = base45.decode(TEXT.removeprefix(PREFIX))

OWN = {"iss", "kind", "number", "at", "salt", "leaf"}
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
KEY = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30).filter(lambda key: key not in OWN)
FACT = st.one_of(WORDS, WHOLE, st.booleans(), st.none(), st.lists(WORDS, max_size=5))
LEAVES = st.builds(
    Leaf,
    st.integers(0, 2**53 - 1),
    st.binary(min_size=16, max_size=16),
    st.timedeltas(timedelta(), timedelta(days=365_000)).map(datetime(1970, 1, 1, tzinfo=UTC).__add__),
)
ACTS = st.builds(
    Done,
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.dictionaries(KEY, FACT, max_size=8),
    st.booleans(),
    LEAVES,
)


@given(ACTS)
def test_a_receipt_is_read_as_it_was_written(done: Done) -> None:
    assert done.leaf is not None
    text = SIGNER.receipt(done)
    receipt = verify(text, KEYS)
    assert (receipt.kind, receipt.number, receipt.facts) == (done.kind, done.number, done.facts)
    assert (receipt.leaf, receipt.salt) == (done.leaf.index, done.leaf.salt)
    assert timedelta() <= done.leaf.at - datetime.fromtimestamp(receipt.at, UTC) < timedelta(seconds=1)
    assert receipt.statement() == statement(done.kind, done.number, done.facts, done.leaf.at)
    assert SIGNER.receipt(done) == text


@given(ACTS)
def test_the_payload_is_what_a_library_calls_canonical(done: Done) -> None:
    payload = cbor2.loads(base45_library.b45decode(SIGNER.receipt(done).removeprefix(PREFIX))).value[2]
    assert cbor2.dumps(cbor2.loads(payload), canonical=True) == payload


@given(st.binary(max_size=600))
@example(b"")
@example(b"\xff\xff")
@example(b"\xff\xff\xff")
def test_base45_is_what_the_library_writes_and_is_read_back(data: bytes) -> None:
    text = base45.encode(data)
    assert text == base45_library.b45encode(data).decode()
    assert base45.decode(text) == data


def test_every_pair_of_bytes_and_every_last_byte_is_written_as_the_library_does() -> None:
    every = b"".join(pair.to_bytes(2) for pair in range(1 << 16))
    assert base45.encode(every) == base45_library.b45encode(every).decode()
    for last in range(256):
        assert (
            base45.encode(b"\x00\x00" + bytes([last])) == base45_library.b45encode(b"\x00\x00" + bytes([last])).decode()
        )


@given(st.text(base45.ALPHABET + "a\n", max_size=12))
def test_what_is_read_as_base45_is_written_as_it_was(text: str) -> None:
    try:
        data = base45.decode(text)
    except ValueError:
        return
    assert base45.encode(data) == text


@pytest.mark.parametrize("place", range(len(DATA)))
def test_a_byte_that_was_changed_is_noticed(place: int) -> None:
    """Every bit of every byte."""
    for bit in range(8):
        changed = bytearray(DATA)
        changed[place] ^= 1 << bit
        with pytest.raises((BadInput, KeyUnknown, SignatureWrong)):
            verify(PREFIX + base45.encode(bytes(changed)), KEYS)


@given(st.integers(0, len(TEXT) - 1), st.characters())
def test_a_character_that_was_changed_is_noticed(place: int, char: str) -> None:
    changed = TEXT[:place] + char + TEXT[place + 1 :]
    if changed == TEXT:
        return
    with pytest.raises((BadInput, KeyUnknown, SignatureWrong)):
        verify(changed, KEYS)


@given(st.integers(0, len(TEXT)), st.text(base45.ALPHABET, max_size=6), st.integers(0, 6))
def test_what_was_put_in_or_taken_out_is_noticed(place: int, put_in: str, taken_out: int) -> None:
    changed = TEXT[:place] + put_in + TEXT[place + taken_out :]
    if changed == TEXT:
        return
    with pytest.raises((BadInput, KeyUnknown, SignatureWrong)):
        verify(changed, KEYS)


@given(
    st.one_of(
        st.text(), st.text(base45.ALPHABET).map(PREFIX.__add__), st.binary().map(base45.encode).map(PREFIX.__add__)
    )
)
def test_anything_else_is_bad_input_and_nothing_worse(text: str) -> None:
    with pytest.raises(BadInput, match=r"^receipt: "):
        read(text)


HEAD, SIGNATURE = DATA[:17], DATA[-66:]


@given(st.binary(min_size=1, max_size=300))
def test_any_payload_in_a_right_envelope_is_bad_input_and_nothing_worse(payload: bytes) -> None:
    with pytest.raises(BadInput, match=r"^receipt: "):
        read(PREFIX + base45.encode(HEAD + cbor2.dumps(payload) + SIGNATURE))
