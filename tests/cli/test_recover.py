"""`fairgate ledger recover` in the home of a `fairgate up` that refuses to start on a database from a backup."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg

from fairgate.core.tree import Frontier, leaf_hash
from fairgate.store import audit, embedded, heads
from fairgate.store.heads import Head
from fairgate.store.ledger_files import LedgerFiles
from fairgate.store.migrate import migrate

Run = Callable[..., subprocess.CompletedProcess[bytes]]
PUBLIC = [bytes([n]) * 32 for n in range(7)]


def test_the_homes_own_database_is_started_for_it_and_goes_on(
    fairgate: Callable[..., subprocess.CompletedProcess[bytes]], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    tree = Frontier()
    for data in PUBLIC:
        tree.append(data)
    LedgerFiles(home).append(PUBLIC, 0)
    heads.save(heads.path(home), Head(tree.size, tuple(tree.edge), leaf_hash(PUBLIC[-1])))
    heads.hold(home, "7 leaves were signed, the database has 0")
    with embedded.server(home / "postgres", durable=False) as url, psycopg.connect(url, autocommit=True) as conn:
        migrate(conn)
        refused = fairgate("migrate", env={"DATABASE_URL": url})
        assert refused.returncode == 2
        assert b"7 leaves were signed, the database has 0; `fairgate ledger recover`" in refused.stderr

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
