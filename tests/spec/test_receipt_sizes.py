"""How large receipts are: a phone reads the QR code of every one, and the page says how large it is."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.commands.record import TOLD
from fairgate.core import base45
from fairgate.core.lifecycle import Done, Fact, Leaf
from fairgate.core.receipts import ISSUER_MOST, NAMES_MOST, Signer, read
from signed import AT, PLACE, SALT, SIGNER, signed
from vectors import ROOT

SEED = bytes(range(32))
TEXT = signed(leaf=1234567)

# ISO/IEC 18004: bytes of data in a QR code of version 1 to 15 with error correction M.
DATA_BYTES = (16, 28, 44, 64, 86, 108, 124, 154, 182, 216, 254, 290, 334, 365, 415)


def qr_capacity(version: int) -> int:
    """Characters of the alphanumeric mode that fit: two in 11 bits, one in 6, behind 4 bits of mode and the length."""
    bits = 8 * DATA_BYTES[version - 1] - 4 - (9 if version < 10 else 11)
    return bits // 11 * 2 + (bits % 11 >= 6)


SLUG, ISSUER = "a" * 40, "a" * ISSUER_MOST  # the longest that a profile and an address may have
EIGHT = [letter * 3 for letter in "ABCDEFGH"]
LARGEST_PLACE: dict[str, Fact] = {**PLACE, "program": SLUG, "size": 1000}
DEADLINE = {"deadline": "2026-12-17T09:00:00Z"}
LARGEST: dict[str, dict[str, Any]] = {
    "registered": {"size": 1000},
    "amended": {"size": 1000, "language": "abc-Abcdefgh"},
    "requested": {"program": SLUG, "ports": EIGHT},
    "withdrawn": {"program": SLUG},
    "restored": {"program": SLUG, "ports": EIGHT},
    "confirmed": {**LARGEST_PLACE, "how": "on time"},
    "declined": LARGEST_PLACE,
    "cancelled": {**LARGEST_PLACE, "why": "by holder"},
    "checked in": LARGEST_PLACE,
    "missed": LARGEST_PLACE,
    "lapsed": {**LARGEST_PLACE, **DEADLINE},
    "extended": {**LARGEST_PLACE, **DEADLINE},
    "offered": {**LARGEST_PLACE, **DEADLINE, "round": "2026-12-17", "ticket": "0" * 32},
    "pass": {
        "appointment": "f" * 16,
        "port": "SYS",
        "date": "2199-12-31",
        "slot": "09:00",
        "size": 1000,
        "exp": 7_258_200_000,
    },
    "honoured": {
        "program": SLUG,
        "round": "2026-12-17",
        "ticket": "0" * 32,
        "outcome": "offered",
        "order": 1_000_000,
        "port": "SYS",
        "phase": "seniority",
        "request_leaf": 10**12,
        "on_record": False,
    },
    "passed over": {"round": "2026-12-17", "ticket": "0" * 32, "port": "SYS", "why": "group too large"},
}
PROGRAM_AND_ISSUER_MOST = {"offered": 84, "honoured": 71}  # together


def largest(kind: str, issuer: str = ISSUER, **facts: Any) -> str:
    """The longest receipt of a kind: of the leaf after a thousand thousand million others, in a far future."""
    leaf = Leaf(10**12, SALT, datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC))
    return Signer(SEED, issuer).receipt(Done(kind, "K48J-2J9P", {**LARGEST[kind], **facts}, leaf=leaf))


def test_the_capacities_are_those_of_the_standard():
    assert [qr_capacity(version) for version in (1, 9, 10, 14, 15)] == [20, 262, 311, 528, 600]


@pytest.mark.parametrize("kind", sorted(LARGEST.keys() - PROGRAM_AND_ISSUER_MOST.keys()))
def test_the_largest_receipt_of_every_kind_fits_a_qr_code_of_version_15(kind: str):
    text = largest(kind)
    assert set(text) <= set(base45.ALPHABET)
    assert len(text) <= qr_capacity(15)
    assert read(text).facts == LARGEST[kind]


@pytest.mark.parametrize(("kind", "most"), PROGRAM_AND_ISSUER_MOST.items())
def test_the_longest_statements_fit_while_program_and_issuer_are_not_both_of_the_longest(kind: str, most: int):
    for program in (1, 20, 40):
        issuer = "a" * min(ISSUER_MOST, most - program)
        assert len(largest(kind, issuer, program="a" * program)) <= qr_capacity(15)


def test_the_longest_names_that_a_deployment_may_have_fit_with_every_kind_of_act():
    assert min(PROGRAM_AND_ISSUER_MOST.values()) == NAMES_MOST
    for kind in LARGEST:
        assert len(largest(kind, "a" * (NAMES_MOST - len(SLUG)))) <= qr_capacity(15)
    assert len(largest("honoured", "a" * (NAMES_MOST + 2 - len(SLUG)))) > qr_capacity(15), "little room is given away"


USUAL: dict[str, dict[str, Any]] = {
    **{kind: {**facts, "program": "arrival"} if "program" in facts else facts for kind, facts in LARGEST.items()},
    "requested": {"program": "arrival", "ports": ["SYS", "CXI", "NOG"]},
    "restored": {"program": "arrival", "ports": ["SYS", "CXI", "NOG"]},
}


def drawn(text: str) -> int:
    """The version of the QR code that a page draws of a text, by the library that draws it."""
    code = segno.make(text, error="m", boost_error=False, micro=False)
    assert (code.error, code.mode) == ("M", "alphanumeric")
    return int(code.version)


@pytest.mark.parametrize("kind", sorted(LARGEST))
def test_the_codes_that_pages_draw_have_the_versions_that_the_page_says(kind: str):
    leaf = Leaf(12_345_678, SALT, AT)
    usual = drawn(SIGNER.receipt(Done(kind, "K48J-2J9P", USUAL[kind], leaf=leaf)))
    issuer = "a" * min(ISSUER_MOST, PROGRAM_AND_ISSUER_MOST.get(kind, 2 * ISSUER_MOST) - len(SLUG))
    longest = drawn(largest(kind, issuer))
    assert usual <= longest <= 15
    assert f"| `{kind}` | {usual} | {longest} |" in page()


@settings(max_examples=120, deadline=None)
@given(
    number=st.from_regex(r"[0-9A-Z]{4}-[0-9A-Z]{4}", fullmatch=True),
    issuer=st.text("abcdefghijklmnopqrstuvwxyz0123456789.-/:[]", min_size=1, max_size=ISSUER_MOST),
    leaf=st.integers(0, 10**12),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2199, 12, 31)),  # noqa: DTZ001  they are made aware below
    salt=st.binary(min_size=16, max_size=16),
    appointment=st.binary(min_size=8, max_size=8),
    port=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3),
    slot=st.times(),
    size=st.integers(1, 100_000),
)
def test_whatever_pass_is_given_out_fits_a_qr_code_of_version_13(
    number, issuer, leaf, at, salt, appointment, port, slot, size
):
    facts = {"appointment": appointment.hex(), "port": port, "slot": slot.strftime("%H:%M"), "size": size}
    when = {"date": at.date().isoformat(), "exp": int(at.replace(tzinfo=UTC).timestamp()) + 10**6}
    done = Done("pass", number, {**facts, **when}, leaf=Leaf(leaf, salt, at.replace(tzinfo=UTC)))
    assert drawn(Signer(SEED, issuer).receipt(done)) <= 13


@pytest.mark.parametrize(("kind", "facts"), [("requested", {"ports": 25}), ("cancelled", {"why": 60})])
def test_the_longest_lists_and_reasons_that_fit_are_as_the_page_says(kind: str, facts: dict[str, int]):
    [(name, most)] = facts.items()
    for size, fits in ((most, True), (most + 1, False)):
        value = "a" * size if name == "why" else [f"{i:03}" for i in range(size)]
        assert (len(largest(kind, **{name: value})) <= qr_capacity(15)) == fits
    assert f"up to {most} {'ports' if name == 'ports' else 'bytes'}" in page().replace("\n", " ")


def page() -> str:
    return (ROOT / "docs" / "rules" / "receipts-and-ledger.md").read_text(encoding="utf-8")


def test_the_receipt_on_the_page_is_that_of_the_statement_on_the_page():
    assert f"    {TEXT}\n" in page()
    assert f"    {read(TEXT).statement()}\n" in page()
    assert f"`{SEED.hex()}`" in page()
    assert f"`{SIGNER.kid.hex()}`" in page()
    assert f"has {len(TEXT)} characters" in page()
    for most in PROGRAM_AND_ISSUER_MOST.values():
        assert f"{most} characters together" in page().replace("\n", " ")


def test_an_everyday_receipt_fits_a_smaller_code():
    assert len(TEXT) <= qr_capacity(13)


def test_every_kind_of_act_about_a_registration_is_in_the_table():
    sources = (path.read_text(encoding="utf-8") for path in Path(ROOT / "src" / "fairgate").rglob("*.py"))
    kinds = {kind for text in sources for kind in re.findall(r'Done\(\s*"([a-z ]+)", (?!None)', text)}
    assert kinds - {"attempted"} <= LARGEST.keys()  # a recorded attempt is no leaf
    assert LARGEST.keys() >= TOLD
