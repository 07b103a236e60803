"""The receipt key and the list of public keys: made once, never lost, changed at any start."""

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Leaf
from fairgate.core.receipts import KeyUnknown, verify
from fairgate.store.keys import list_path, load_list, load_signer

ISSUER = "places.example.org/ledger"
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
DONE = Done("withdrawn", "K48J-2J9P", {"program": "arrival"}, leaf=Leaf(7, bytes(16), NOW))

# A process that starts when its input ends, and says which key it signs with.
STARTING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from fairgate.store.keys import load_signer
print("ready", flush=True)
sys.stdin.read()
print(load_signer(Path(sys.argv[1]), sys.argv[2], datetime.now(UTC)).kid.hex())
"""


def key(home: Path) -> Path:
    return home / "keys" / "receipt.key"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_first_start_makes_a_key_for_its_owner_alone_and_a_list_for_everyone(tmp_path: Path):
    mask = os.umask(0o077)
    try:
        signer = load_signer(tmp_path, ISSUER, NOW)
    finally:
        os.umask(mask)
    assert (mode(key(tmp_path)), mode(key(tmp_path).parent)) == (0o600, 0o700)
    assert len(base64.b64decode(key(tmp_path).read_bytes())) == 32
    assert mode(list_path(tmp_path)) == 0o644
    public = base64.b64encode(signer.public).decode()
    assert list_path(tmp_path).read_text() == (
        f'{{"issuer":"{ISSUER}","keys":[{{"kid":"{signer.kid.hex()}","public":"{public}","since":"2026-12-01T12:00:00Z"}}]}}\n'
    )


def test_a_second_start_changes_nothing(tmp_path: Path):
    first = load_signer(tmp_path, ISSUER, NOW)
    before = list_path(tmp_path).stat()
    again = load_signer(tmp_path, ISSUER, NOW + timedelta(days=1))
    after = list_path(tmp_path).stat()
    assert again.receipt(DONE) == first.receipt(DONE)
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_old_receipts_still_verify_when_the_key_was_changed(tmp_path: Path):
    old = load_signer(tmp_path, ISSUER, NOW).receipt(DONE)
    key(tmp_path).rename(tmp_path / "old.key")
    new = load_signer(tmp_path, ISSUER, NOW + timedelta(days=1)).receipt(DONE)
    assert old != new
    listed = load_list(list_path(tmp_path))
    assert [each.since for each in listed.keys] == [NOW, NOW + timedelta(days=1)]
    for text in (old, new):
        assert verify(text, listed.by_kid()).leaf == 7
    [only] = listed.keys[1:]
    with pytest.raises(KeyUnknown):
        verify(old, {only.kid: only.public})


def test_another_address_is_another_issuer_in_the_same_list(tmp_path: Path):
    load_signer(tmp_path, "localhost/ledger", NOW)
    load_signer(tmp_path, ISSUER, NOW + timedelta(days=1))
    listed = json.loads(list_path(tmp_path).read_bytes())
    assert listed["issuer"] == ISSUER
    assert [each["since"] for each in listed["keys"]] == ["2026-12-01T12:00:00Z"]


@pytest.mark.parametrize("data", [b"", b"garbage\n", base64.b64encode(bytes(31)), bytes(32), b"\xff" * 44])
def test_a_key_that_is_none_is_refused_and_left_as_it_is(tmp_path: Path, data: bytes):
    key(tmp_path).parent.mkdir()
    key(tmp_path).write_bytes(data)
    key(tmp_path).chmod(0o600)
    with pytest.raises(BadInput, match="is not a key of 32 bytes"):
        load_signer(tmp_path, ISSUER, NOW)
    assert key(tmp_path).read_bytes() == data
    assert not list_path(tmp_path).exists()


@pytest.mark.parametrize("wrong", [0o644, 0o640, 0o604])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, wrong: int):
    load_signer(tmp_path, ISSUER, NOW)
    key(tmp_path).chmod(wrong)
    with pytest.raises(BadInput, match="may be read by others") as caught:
        load_signer(tmp_path, ISSUER, NOW)
    assert caught.value.way_out == f"run chmod 600 {key(tmp_path)}"


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"issuer":"x","keys":[{}]}'])
def test_a_list_that_is_damaged_is_refused_and_never_written_over(tmp_path: Path, data: bytes):
    load_signer(tmp_path, ISSUER, NOW)
    list_path(tmp_path).write_bytes(data)
    key(tmp_path).unlink()
    with pytest.raises(BadInput, match=r"keys\.json"):
        load_signer(tmp_path, ISSUER, NOW)
    assert list_path(tmp_path).read_bytes() == data


def start_all(homes: list[Path]) -> list[str]:
    """Start one process for each home, all at the same moment; the kids that they sign with."""
    command = [sys.executable, "-c", STARTING]
    begun = [
        subprocess.Popen([*command, str(home), ISSUER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for home in homes
    ]
    for process in begun:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in begun:
        assert process.stdin
        process.stdin.close()
        process.stdin = None
    kids = [process.communicate()[0].strip() for process in begun]
    assert [process.returncode for process in begun] == [0] * len(begun)
    return kids


def test_processes_that_start_for_the_first_time_at_once_agree_on_one_key(tmp_path: Path):
    kids = start_all([tmp_path] * 6)
    assert len(set(kids)) == 1
    assert [each.kid.hex() for each in load_list(list_path(tmp_path)).keys] == kids[:1]
    assert sorted(path.name for path in key(tmp_path).parent.iterdir()) == ["receipt.key"]


def test_no_key_is_lost_when_processes_with_different_keys_write_the_list_at_once(tmp_path: Path):
    """Homes with keys of their own and one public folder: the worst that could meet."""
    (tmp_path / "public").mkdir()
    homes = [tmp_path / f"home {i}" for i in range(6)]
    for home in homes:
        home.mkdir()
        (home / "public").symlink_to(tmp_path / "public")
    kids = start_all(homes)
    assert len(set(kids)) == 6
    assert {each.kid.hex() for each in load_list(tmp_path / "public" / "keys.json").keys} == set(kids)
