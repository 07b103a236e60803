"""`fairgate ledger recover` in the home of a `fairgate up` that refuses to start on a database from a backup."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from fairgate.core.tree import Frontier, leaf_hash
from fairgate.store import audit, embedded, heads
from fairgate.store.files import only_one
from fairgate.store.heads import Head
from fairgate.store.ledger_files import DATA, LedgerFiles
from fairgate.store.migrate import migrate

Run = Callable[..., subprocess.CompletedProcess[bytes]]
PUBLIC = [bytes([n]) * 32 for n in range(7)]


def signed_home(home: Path, signed: int) -> LedgerFiles:
    """A home in which all leaves are public, and a head over the first so many."""
    tree = Frontier()
    for data in PUBLIC[:signed]:
        tree.append(data)
    files = LedgerFiles(home)
    files.append(PUBLIC, 0)
    heads.save(heads.path(home), Head(tree.size, tuple(tree.edge), leaf_hash(PUBLIC[signed - 1])))
    return files


@pytest.mark.parametrize("leaf", [3, 5], ids=["signed", "not signed yet"])
@pytest.mark.parametrize("kind", ["entries", "0"])
def test_nothing_is_put_back_from_files_that_were_changed(
    fairgate: Callable[..., subprocess.CompletedProcess[bytes]], tmp_path: Path, kind: str, leaf: int
) -> None:
    """Also where only the data of a leaf differ, which no tile above shows."""
    files = signed_home(tmp_path / "home", 5)
    file = files.folder / "tile" / kind / "000.p" / "7"
    changed = bytearray(file.read_bytes())
    changed[(DATA if kind == "entries" else 32) * leaf + 10] ^= 1
    file.write_bytes(changed)
    ended = fairgate("ledger", "recover")
    assert ended.returncode == 2
    said = b"entries are not those of what was signed" if (kind, leaf) == ("entries", 3) else b"tiles are not those of"
    assert said in ended.stderr


def test_the_homes_own_database_is_started_for_it_and_goes_on(
    fairgate: Callable[..., subprocess.CompletedProcess[bytes]], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    signed_home(home, 7)
    heads.hold(home, "7 leaves were signed, the database has 0")
    with embedded.server(home / "postgres", durable=False) as url, psycopg.connect(url, autocommit=True) as conn:
        migrate(conn)
        refused = fairgate("migrate", env={"DATABASE_URL": url})
        assert refused.returncode == 2
        assert b"7 leaves were signed, the database has 0; `fairgate ledger recover`" in refused.stderr

    with only_one(heads.path(home).parent, "another process signs this ledger", "let one run only"):
        ended = fairgate("ledger", "recover")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"another process signs this ledger; stop that one first, and all other parts" in ended.stderr

    ended = fairgate("ledger", "recover", "--skip", 3)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == b"leaves from 0: 7 put back without what they stood for, 3 left out\n"
    assert heads.held(home) is None
    with embedded.server(home / "postgres", durable=False) as url, psycopg.connect(url, autocommit=True) as conn:
        heads.refuse_older(conn, home)
        with audit.one_moment(conn):
            data = [leaf.data for leaf in audit.leaves(conn)]
    assert data[:7] == PUBLIC
    assert len(data) == 7 + 3 + 1
