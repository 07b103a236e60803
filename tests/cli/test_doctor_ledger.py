"""`fairgate doctor` about the ledger: where nobody signs, or no witness sees it, draws are put off without a word."""

import json
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from fairgate.store import clock, keys, ledger
from fairgate.store.ledger_files import LedgerFiles
from fairgate.worker import signing
from fairgate.worker.signing import Signing
from fairgate.worker.witnesses import Witnesses
from ledgers import WITNESSES


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def told(fairgate, on_database):
    """What it says of the ledger, and what to do."""

    def run(**more: str) -> tuple[str, str | None]:
        ended = fairgate("doctor", "--json", env=on_database | more)
        [found] = [each for each in json.loads(ended.stdout)["findings"] if each["what"] == "ledger"]
        return found["said"], found["way_out"]

    return run


def grown(conn: psycopg.Connection, age: timedelta) -> None:
    ledger.append(conn, [ledger.Statement(None, "confirmed", "{}")], bytes(16), clock.now(conn) - age)


def signed(conn: psycopg.Connection, home: Path, policy: str = "quorum none\n") -> None:
    """Tiles and checkpoint over all leaves, as worker and signing process leave them."""
    files = LedgerFiles(home)
    start = files.size()
    rows = conn.execute("SELECT data FROM leaf WHERE index >= %s ORDER BY index", [start]).fetchall()
    files.append([bytes(row[0]) for row in rows], start)
    place = home / "ledger" / "policy"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(policy)
    signer = keys.load_ledger(home, keys.LOCAL)
    made = signing.policy_of(home, signer, "http://127.0.0.1")
    asked = Witnesses(made, 0.5)
    Signing(home, signer, lambda: nullcontext(conn), made, asked, 0.0).look()
    asked.close()


def test_a_ledger_that_is_signed_is_well_and_one_that_waits_is_not(
    told, conn: psycopg.Connection, world, home: Path
) -> None:
    grown(conn, timedelta(minutes=1))
    size = conn.execute("SELECT size FROM ledger").fetchone()[0]
    signed(conn, home)
    assert told() == (f"{size} leaves signed; no witness is asked", None)
    grown(conn, timedelta(seconds=20))
    assert told()[1] is None, "it is a moment old"
    grown(conn, timedelta(minutes=9))  # as a leaf of nine minutes ago, and nobody has signed since
    conn.execute("ALTER TABLE leaf DISABLE TRIGGER leaf_append_only")
    conn.execute("UPDATE leaf SET at = at - interval '9 minutes' WHERE index = %s", [size])
    said, way_out = told()
    assert said == f"leaf {size} waits to be signed for 9 min"
    assert "fairgate ledger sign" in (way_out or "")
    signed(conn, home)
    assert told()[1] is None


def test_a_ledger_that_no_witness_sees_is_not_well(told, conn: psycopg.Connection, world, home: Path) -> None:
    grown(conn, timedelta(seconds=20))
    signed(conn, home, f"witness w1 {WITNESSES[0].key.vkey} http://127.0.0.1:9\nquorum w1\n")
    said, way_out = told()
    assert said == "the public checkpoint has no quorum of witnesses"
    assert "fairgate ledger sign" in (way_out or "")


def test_a_host_without_its_files_says_what_is_on_record(told, conn: psycopg.Connection, world, tmp_path, home) -> None:
    grown(conn, timedelta(minutes=9))
    signed(conn, home)
    said, way_out = told(FAIRGATE_HOME=str(tmp_path / "elsewhere"))
    assert said.startswith("it is not signed on this host; the newest checkpoint is of 20")
    assert way_out is None
