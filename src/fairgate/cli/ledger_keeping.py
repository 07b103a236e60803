"""`fairgate ledger sign` and `ledger recover`: keeping the ledger, as against looking into it."""

import os
from pathlib import Path
from typing import Annotated

import typer

from fairgate.cli import logs, place
from fairgate.cli.faults import CheckedAndFalse
from fairgate.cli.parent import stopped_by_signals
from fairgate.cli.progress import bar
from fairgate.commands import recover as recovering
from fairgate.core import tiles
from fairgate.core.errors import BadInput
from fairgate.core.tree import EMPTY_ROOT, Frontier
from fairgate.store import clock, heads, keys
from fairgate.store.files import only_one
from fairgate.store.heads import Head
from fairgate.store.ledger_files import LedgerFiles

LOCAL = "http://127.0.0.1:8000"


def sign(
    every: Annotated[float, typer.Option("--every", min=0.5, max=45, help="Seconds between two checkpoints")] = 10.0,
    address: Annotated[str, typer.Option("--address", help="Where people use the service; else FAIRGATE_ORIGIN")] = "",
) -> None:
    """Sign the ledger's checkpoints, have them witnessed and publish them, until stopped.

    One such process runs beside the worker, which writes the tiles. Every leaf is hashed again from its statement
    before it is signed for. Who witnesses is in the home's ledger/policy (a C2SP tlog-policy file with witness and
    quorum lines).

    \b
    DATABASE_URL=postgresql://… fairgate ledger sign
    """
    from fairgate.worker import signing  # noqa: PLC0415  so that looking into the ledger loads no HTTP client

    url, home = place.database_url(), place.home()
    signer = keys.load_ledger(home, place.issuer())
    logs.configure()
    folder = heads.path(home).parent
    folder.mkdir(parents=True, exist_ok=True)
    one = only_one(folder, "another process signs this ledger", "let one run only")
    with one, stopped_by_signals() as stop:
        policy = signing.policy_of(home, signer, (address or os.environ.get("FAIRGATE_ORIGIN") or LOCAL).rstrip("/"))
        signing.run(url, home, signer, policy, stop, every_s=every)


def recover(
    skip: Annotated[
        int, typer.Option("--skip", min=0, max=1_000_000, help="Indexes to leave out after the last public leaf")
    ] = recovering.SKIP,
) -> None:
    """Bring a database that was restored from a backup up to the ledger that is public.

    Leaves that the public files have and the database has not are put back. What they stood for is lost with the
    backup, but their indexes are never given out again, nor the next ones, which may be on receipts that are not public
    yet. Refused where the database has a leaf that differs from the public one. Stop everything else meanwhile.

    \b
    fairgate ledger recover
    """
    home = place.home()
    folder = heads.path(home).parent
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder, "another process signs this ledger", "stop that one first, and all other parts"):
        done = _recovered(home, skip)
    typer.echo(f"leaves from {done.first}: {done.back} put back without what they stood for, {done.skipped} left out")


def _recovered(home: Path, skip: int) -> recovering.Recovered:
    files, head = LedgerFiles(home), heads.load(heads.path(home)) or Head()
    size = files.size()
    if size < head.size:
        way_out = "copy the ledger's public files back first, from any mirror"
        raise BadInput(str(files.folder), f"{head.size} leaves were signed and {size} are here", way_out)
    _refuse_others(files, head, size)
    with place.server_running(), place.database(any_ledger=True) as conn:
        different = recovering.first_difference(conn, files.data, size)
        if different is not None:
            raise CheckedAndFalse(
                f"leaf {different} of the database is another than the public one: it was given out twice. Restore a"
                " backup in which it is the public one, or one from before it"
            )
        done = recovering.recover(conn, files.data, size, skip=skip, now=clock.now(conn), chance=os.urandom)
    heads.release(home)
    return done


def _refuse_others(files: LedgerFiles, head: Head, size: int) -> None:
    """Raise BadInput unless the entries come to the root that was signed, and to that of the tiles.

    Tiles alone would not do: it is the entries that are put back, and a tile at the top says nothing of them.
    """
    tree, signed = Frontier(), EMPTY_ROOT
    with bar("reading leaves", size) as advance:
        for start in range(0, size, recovering.AT_ONCE):
            for data in files.data(start, min(start + recovering.AT_ONCE, size)):
                tree.append(data)
                if tree.size == head.size:
                    signed = tree.root()
                advance(1)
    if signed != head.root():
        problem = f"the entries are not those of what was signed over {head.size} leaves"
        raise BadInput(str(files.folder), problem, "copy the folder from a mirror that agrees with it")
    if tree.root() != tiles.root(size, files.read):
        raise BadInput(str(files.folder), "the tiles are not those of the entries", "copy the folder from a mirror")
