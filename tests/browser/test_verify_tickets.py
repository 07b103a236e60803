"""A ticket, typed or in a receipt, is found on the page of a draw: by the thread, which asks nobody."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from checking import EXAMPLE, Checker
from fairgate.core import base45
from fairgate.core import bundle as files
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Fact, Leaf
from fairgate.core.receipts import Signer, read
from signed_notes import b64

TICKETS = [
    ("f41a1074fc14e0595f077bb6c04a0eaa", 6, "seniority", "SYS", 1, 0),
    ("ad5b4cf75817d3c87fded6dcea0cc5f6", 5, "lottery", "SYS", 3, 1),
    ("145f14ada53f9386398120f31a111b6e", 2, "lottery", "NOG", 4, 3),
    ("74757e2fe43ef2300587993f2fcb2d51", 3, "reserve", "", 1, 2),
]


@pytest.mark.parametrize(("ticket", "line", "outcome", "port", "order", "lot"), TICKETS)
def test_a_ticket_stands_where_the_rules_example_has_it(
    checker: Checker,
    copied: Callable[[Path], Path],
    ticket: str,
    line: int,
    outcome: str,
    port: str,
    order: int,
    lot: int,
) -> None:
    found = checker.check(copied(EXAMPLE), ticket)["standing"]
    said = tuple(found[key] for key in ("line", "outcome", "port", "order", "lot", "lots"))
    assert said == (line, outcome, port, order, lot, 3)
    assert [each["ticket"] for each in found["neighbours"] if each["mine"]] == [ticket]
    lines = (EXAMPLE / "results.csv").read_text().splitlines()
    for each in found["neighbours"]:
        assert lines[each["line"] - 1].startswith(f"{each['ticket']},{each['outcome']},{each['port']},{each['order']},")


@pytest.mark.parametrize(
    ("asked", "readable", "ticket"),
    [
        (" F41A1074fc14e059 5f077bb6c04a0eaa\n", True, "f41a1074fc14e0595f077bb6c04a0eaa"),
        ("f41a1074", False, ""),
        ("FG1:", False, ""),
        ("FG1:BB8", False, ""),
        ("FG1:" + "0" * 5000, False, ""),
        ("K48J-2J9P", False, ""),
        ("", False, ""),
    ],
)
def test_what_is_typed_is_a_ticket_or_it_is_said_not_to_be(
    checker: Checker, copied: Callable[[Path], Path], asked: str, readable: bool, ticket: str
) -> None:
    found = checker.check(copied(EXAMPLE), asked)
    assert (found["asked"]["readable"], found["asked"]["ticket"]) == (readable, ticket)
    assert (found["standing"] is not None) == readable


@pytest.mark.parametrize("change_at", [None, 40, -3])
def test_the_ticket_of_a_receipt_is_read_and_its_signature_checked(
    checker: Checker, copied: Callable[[Path], Path], change_at: int | None
) -> None:
    signer = Signer(b"k" * 32, "places.example.org/ledger")
    round_ = files.parse_manifest((EXAMPLE / "manifest.json").read_bytes()).round
    facts = {"round": round_, "ticket": TICKETS[0][0], "port": "SYS", "size": 2, "ports": ["SYS", "NOG"], "why": None}
    text = signer.receipt(
        Done("offered", "K48J-2J9P", facts, leaf=Leaf(7, b"s" * 16, datetime.fromisoformat("2026-11-26T05:00:00Z")))
    )
    folder = copied(EXAMPLE)
    assert checker.check(folder, text)["asked"]["signature"] == "unknown"
    listed = {"issuer": signer.issuer, "keys": [{"kid": signer.kid.hex(), "public": b64(signer.public), "since": ""}]}
    (folder / "keys.json").write_text(json.dumps(listed))
    if change_at is not None:
        text = f"{text[:change_at]}{'0' if text[change_at] != '0' else '1'}{text[change_at:][1:]}"
    found = checker.check(folder, text)
    if change_at is None:
        assert found["asked"] == {"ticket": TICKETS[0][0], "round": round_, "signature": "right", "readable": True}
        assert found["standing"]["line"] == 6
    else:
        assert found["asked"]["signature"] != "right"


def test_a_receipt_about_another_draw_is_not_looked_for(checker: Checker, copied: Callable[[Path], Path]) -> None:
    signer = Signer(b"k" * 32, "places.example.org/ledger")
    leaf = Leaf(7, b"s" * 16, datetime.fromisoformat("2026-11-26T05:00:00Z"))
    facts = {"round": "2025-01-01", "ticket": TICKETS[0][0]}
    found = checker.check(copied(EXAMPLE), signer.receipt(Done("offered", "K48J-2J9P", facts, leaf=leaf)))
    assert (found["asked"]["round"], found["standing"]) == ("2025-01-01", None)


@pytest.mark.parametrize(
    "facts", [{"ticket": "a" * 31}, {"ticket": "<b>\u202e"}, {"round": "soon"}, {"round": "\u202e"}]
)
def test_a_receipt_whose_ticket_or_round_is_none_is_not_repeated(
    checker: Checker, copied: Callable[[Path], Path], facts: dict[str, str]
) -> None:
    """Anybody can write something into a receipt's form and have it pasted here."""
    signer = Signer(b"k" * 32, "places.example.org/ledger")
    leaf = Leaf(7, b"s" * 16, datetime.fromisoformat("2026-11-26T05:00:00Z"))
    said: dict[str, Fact] = {"round": "2025-01-01", "ticket": TICKETS[0][0], **facts}
    found = checker.check(copied(EXAMPLE), signer.receipt(Done("offered", "K48J-2J9P", said, leaf=leaf)))
    assert found["asked"] == {"ticket": "", "round": "", "signature": "none", "readable": False}
    assert found["standing"] is None


@pytest.mark.parametrize(
    ("at", "old", "new"),
    [(16, b"\xa0", b"\xa1\x01\x00"), (2, b"\x4d", b"\x58\x0d"), (0, b"\xd2", b"\xd8\x12"), (5, b"\x27", b"\x26")],
    ids=["something unsigned", "a length written longer", "a tag written longer", "another algorithm"],
)
def test_a_receipt_changed_outside_what_is_signed_is_none(
    checker: Checker, copied: Callable[[Path], Path], at: int, old: bytes, new: bytes
) -> None:
    """There is one text for a receipt, here as in `fairgate verify`."""
    signer = Signer(b"k" * 32, "places.example.org/ledger")
    leaf = Leaf(7, b"s" * 16, datetime.fromisoformat("2026-11-26T05:00:00Z"))
    facts: dict[str, Fact] = {"round": "2025-01-01", "ticket": TICKETS[0][0]}
    data = base45.decode(signer.receipt(Done("offered", "K48J-2J9P", facts, leaf=leaf)).removeprefix("FG1:"))
    assert data[at : at + len(old)] == old
    text = "FG1:" + base45.encode(data[:at] + new + data[at + len(old) :])
    with pytest.raises(BadInput):
        read(text)
    assert not checker.check(copied(EXAMPLE), text)["asked"]["readable"]
