"""Attacks on receipts and passes: bytes that were changed, and a pass of an appointment that is no more."""

import json
import os
from pathlib import Path

import psycopg
import pytest

from fairgate.cli.main import run
from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.issue_passes import issue_passes
from fairgate.core import base45
from fairgate.core.errors import BadInput
from fairgate.core.key_list import KeyList
from fairgate.core.lifecycle import Done
from fairgate.core.places import moment
from fairgate.core.receipts import PREFIX, KeyUnknown, SignatureWrong, Signer, verify
from fairgate.store import passes
from signed import SIGNER, signed
from world import World

KEYS = {SIGNER.kid: SIGNER.public}


def believed(text: str) -> bool:
    try:
        verify(text, KEYS)
    except (BadInput, KeyUnknown, SignatureWrong):
        return False
    return True


@pytest.mark.parametrize("kind", ["confirmed", "pass"])
def test_a_receipt_altered_in_any_byte_to_any_other_is_refused(kind: str):
    """All 255 other values of every byte: a hundred thousand forgeries."""
    text = signed(kind)
    data = base45.decode(text.removeprefix(PREFIX))
    assert believed(PREFIX + base45.encode(data))
    for place, was in enumerate(data):
        for now in range(256):
            if now != was:
                changed = data[:place] + bytes([now]) + data[place + 1 :]
                assert not believed(PREFIX + base45.encode(changed)), (place, was, now)


@pytest.mark.parametrize("kind", ["confirmed", "pass"])
def test_a_receipt_with_any_byte_left_out_doubled_or_put_behind_it_is_refused(kind: str):
    data = base45.decode(signed(kind).removeprefix(PREFIX))
    for place in range(len(data)):
        for changed in (data[:place] + data[place + 1 :], data[: place + 1] + data[place:], data[:place]):
            assert not believed(PREFIX + base45.encode(changed)), place
    assert not believed(PREFIX + base45.encode(data + b"\x00"))


@pytest.mark.parametrize("kind", ["confirmed", "pass"])
def test_a_receipt_altered_in_any_character_is_refused(kind: str):
    text = signed(kind)
    for place in range(len(text)):
        for char in base45.ALPHABET + "a\u00a0\n":
            if char != text[place]:
                assert not believed(text[:place] + char + text[place + 1 :]), (place, char)


def test_the_signature_of_a_receipt_is_not_that_of_a_pass() -> None:
    """The signed parts of the two cannot be put together."""
    receipt, other = (base45.decode(signed(kind).removeprefix(PREFIX)) for kind in ("confirmed", "pass"))
    for head, tail in ((receipt, other), (other, receipt)):
        assert not believed(PREFIX + base45.encode(head[:-64] + tail[-64:]))


def test_the_pass_of_a_cancelled_appointment_is_refused(conn: psycopg.Connection, tmp_path: Path, capsys, monkeypatch):
    """From confirming to the door, over the real commands, the list that is published and the program."""
    monkeypatch.setenv("FAIRGATE_HOME", str(tmp_path / "nobody"))
    monkeypatch.setattr("fairgate.cli.main._quietly", lambda code: code)
    world = World(conn)
    number = world.confirmed(2, ["AAA"])
    [issued] = issue_passes(conn, keys=world.keys, **world.clock)
    assert isinstance(issued, Done)
    signer = Signer(os.urandom(32), "places.example.org/ledger")
    keys = tmp_path / "keys.json"
    keys.write_bytes(KeyList(signer.issuer).now_signing(signer.issuer, signer.public, world.now).to_bytes())
    text = signer.receipt(issued)

    def at_the_door() -> tuple[int, dict[str, object]]:
        """What an officer's device finds with the list that it fetched last."""
        passes.publish(tmp_path, passes.revoked(conn, signer.issuer, world.now))
        revoked = passes.revoked_path(tmp_path)
        asked = ["--keys", str(keys), "--revoked", str(revoked), "--at", moment(world.now), "--json"]
        code = run(["verify", text, *asked])
        return code, json.loads(capsys.readouterr().out)

    code, found = at_the_door()
    assert (code, found["ok"]) == (0, True)
    cancel(conn, [Cancel(number, world.program, "by holder")], **world.clock)
    code, found = at_the_door()
    assert (code, found["ok"], found["problem"]) == (1, False, "revoked")
