"""A mirror: what it fetches, what it says, and that nothing is kept before it was found right."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairgate.core.note import NoteSigner
from ledgers import AT, LOG, WITNESSES, Published
from mirror_copy import Mirror
from served_files import Served

POLICY = f"log {LOG.key.vkey}\nquorum none\n"


@pytest.fixture
def served() -> Iterator[Served]:
    with Served({}).serving() as running:
        yield running


@pytest.fixture
def mirror(tmp_path: Path, served: Served) -> Mirror:
    return Mirror(tmp_path / "copy", served.url)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "policy").write_text(POLICY)
    return tmp_path / "policy"


def test_a_copy_is_what_the_ledger_has_at_every_step(served: Served, mirror: Mirror, policy: Path) -> None:
    ledger = Published()
    for step in (1, 254, 1, 1, 300, 0, 65_500):
        ledger.grow(step)
        served.show(ledger)
        assert mirror.run("--policy", str(policy)) == 0, mirror.err
        assert mirror.files() == {**Published(ledger.size).files, "checkpoint": ledger.signed()}
        assert f"{ledger.size} leaves" in mirror.out
        assert "signed by the ledger" in mirror.out


def test_only_what_is_new_is_fetched(served: Served, mirror: Mirror) -> None:
    ledger = Published(600)
    served.show(ledger)
    mirror.run()
    served.asked.clear()
    assert mirror.run() == 0
    assert served.asked == ["checkpoint"]
    ledger.grow(10)
    served.show(ledger)
    served.asked.clear()
    assert mirror.run("--json") == 0
    assert sorted(served.asked) == ["checkpoint", "tile/0/002.p/98", "tile/entries/002.p/98"]
    said = json.loads(mirror.out)
    assert (said["ok"], said["size"], said["new"], said["behind"]) == (True, 610, 10, False)


def test_a_partial_tile_that_is_gone_is_taken_from_the_full_one(served: Served, mirror: Mirror) -> None:
    ledger, later = Published(300), Published(600)
    served.show(ledger)
    full = {path: data for path, data in later.files.items() if ".p/" not in path}
    edge = {"tile/1/000.p/1": ledger.files["tile/1/000.p/1"]}
    served.files = {**full, **edge, "checkpoint": ledger.signed()}
    assert mirror.run() == 0, mirror.err
    assert mirror.files() == {**ledger.files, "checkpoint": ledger.signed()}


def test_what_is_believed_is_said(served: Served, mirror: Mirror, tmp_path: Path) -> None:
    ledger = Published(5)
    text = ledger.checkpoint().text()
    served.show(ledger, WITNESSES[0].sign(text, AT), WITNESSES[1].sign(text, AT + 60))
    assert mirror.run() == 0
    assert "nobody's signature was checked" in mirror.out
    names = [f"witness w{n} {signer.key.vkey}\n" for n, signer in enumerate(WITNESSES)]
    (tmp_path / "two").write_text(f"log {LOG.key.vkey}\n{''.join(names)}group g 2 w0 w1 w2\nquorum g\n")
    assert mirror.run("--policy", str(tmp_path / "two")) == 0
    assert "cosigned by w0, w1, enough since 2027-01-15T08:01:00Z" in mirror.out
    (tmp_path / "three").write_text(f"log {LOG.key.vkey}\n{''.join(names)}group g all w0 w1 w2\nquorum g\n")
    assert mirror.run("--policy", str(tmp_path / "three")) == 1
    assert "the policy wants more witnesses than cosigned it (w0, w1)" in mirror.err
    (tmp_path / "other").write_text(POLICY.replace(LOG.key.vkey, NoteSigner(b"o" * 32, LOG.key.name).key.vkey))
    assert mirror.run("--policy", str(tmp_path / "other"), "--json") == 1
    assert json.loads(mirror.out)["ok"] is False
    assert "no key that the policy has" in mirror.err


def test_an_older_checkpoint_is_no_contradiction_and_changes_nothing(served: Served, mirror: Mirror) -> None:
    served.show(Published(600))
    mirror.run()
    before = mirror.files()
    served.show(Published(300))
    assert mirror.run() == 0
    assert mirror.out.startswith("behind: ")
    assert mirror.files() == before
    assert mirror.run("--json") == 0
    assert json.loads(mirror.out)["behind"] is True


def test_another_ledger_does_not_come_into_the_same_folder(served: Served, mirror: Mirror) -> None:
    served.show(Published(3))
    mirror.run()
    served.files["checkpoint"] = served.files["checkpoint"].replace(b"places.", b"other.")
    assert mirror.run() == 2
    assert "give each ledger a folder of its own" in mirror.err


def test_a_service_that_is_away_is_said_in_one_line(mirror: Mirror, tmp_path: Path) -> None:
    assert mirror.run() == 2
    assert "checkpoint: is not there" in mirror.err
    away = Mirror(tmp_path / "away", "http://127.0.0.1:9/ledger")
    assert away.run() == 2
    assert "does not answer" in away.err


def test_a_run_that_was_killed_goes_on_where_it_was(served: Served, mirror: Mirror) -> None:
    served.show(Published(20_000))
    command = [sys.executable, "-m", "fairgate.cli.main", "ledger", "mirror", served.url, str(mirror.folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while len(served.asked) < 100 and process.poll() is None:
        pass
    process.kill()
    process.wait()
    assert not (mirror.folder / "checkpoint").exists()
    came = sum(path.is_file() for path in (mirror.folder / "incoming").rglob("[!.]*"))
    assert came > 0
    served.asked.clear()
    assert mirror.run() == 0
    assert len(served.asked) < 160 - came + 10
    assert mirror.files() == {**Published(20_000).files, "checkpoint": Published(20_000).signed()}


def test_a_copy_that_was_changed_accuses_nobody(served: Served, mirror: Mirror, tmp_path: Path) -> None:
    served.show(Published(300))
    mirror.run()
    tile = mirror.folder / "tile" / "0" / "001.p" / "44"
    tile.write_bytes(b"x" + tile.read_bytes()[1:])
    (tmp_path / "theirs").write_bytes(Published(300).signed())
    for code in (mirror.compare(tmp_path / "theirs"), mirror.run()):
        assert code == 2
        assert "was changed since it was mirrored" in mirror.err
    assert not (mirror.folder / "forks").exists()


@pytest.mark.parametrize(
    ("size", "code", "words"),
    [(0, 0, "right"), (5, 0, "right"), (300, 0, "right"), (301, 2, "nothing can be said yet")],
)
def test_a_checkpoint_of_somebody_else_is_compared(
    served: Served, mirror: Mirror, tmp_path: Path, policy: Path, size: int, code: int, words: str
) -> None:
    served.show(Published(300))
    mirror.run()
    (tmp_path / "theirs").write_bytes(Published(size).signed())
    assert mirror.compare(tmp_path / "theirs", "--policy", str(policy)) == code
    assert words in mirror.out + mirror.err


def test_there_must_be_a_copy_to_compare_with(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(Published(3).signed())
    assert mirror.compare(tmp_path / "theirs") == 2
    assert "holds no copy of a ledger" in mirror.err
