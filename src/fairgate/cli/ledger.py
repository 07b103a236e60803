"""`fairgate ledger check`: tree, leaves, tiles and database agree."""

import json
from dataclasses import dataclass
from typing import Annotated

import psycopg
import typer

from fairgate.cli import ledger_keeping, mirror, place
from fairgate.cli.faults import CheckedAndFalse
from fairgate.cli.progress import bar
from fairgate.core.errors import BadInput
from fairgate.core.tree import Frontier
from fairgate.store import audit, shown
from fairgate.store.ledger import leaf_data
from fairgate.store.shown import Comparison

app = typer.Typer()
ledger = typer.Typer()
app.add_typer(ledger, name="ledger", short_help="Check, sign, recover, mirror or compare the record.")
ledger.command(short_help="Sign its checkpoints, and have them witnessed.")(ledger_keeping.sign)
ledger.command(short_help="Bring a restored database up to what is public.")(ledger_keeping.recover)
ledger.command(short_help="Copy a ledger, and check all of it.")(mirror.mirror)
ledger.command(short_help="Compare what others were shown with a copy.")(mirror.compare)


@dataclass(slots=True)
class Found:
    """What a check came to; `difference` is the first thing that does not agree."""

    size: int
    root: str | None = None
    statements: int = 0
    tiles: int = 0
    difference: str | None = None


@ledger.callback()
def the_ledger() -> None:
    """Look into the append-only record, and keep it.

    \b
    fairgate ledger check
    fairgate ledger sign
    fairgate ledger mirror https://places.example.org/ledger copy
    """


@ledger.command(short_help="Check that leaves, statements and counters agree.")
def check(as_json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON")] = False) -> None:
    """Check that the ledger's leaves are all there, that what is kept of them hashes to them, and that counters agree.

    Every leaf is read: indexes follow each other from 0 to the ledger's size; each statement that was not
    destroyed hashes, with its salt, to its leaf. Persons counted at slots and ports are the sum over their offers.
    The tree is held against what others were shown of it: every checkpoint on record, and in this home the signed
    head, the public checkpoint, every tile and every bundle of entries. `tiles` says how many leaves are in these.
    Exit code 1 where something does not agree; the first such thing is named.

    \b
    fairgate ledger check --json
        {"difference": null, "ok": true, "root": "9f86…", "size": 48211, "statements": 48211, "tiles": 48209}
    """
    with place.database(any_ledger=True) as conn:
        found = _check(conn)
    if as_json:
        findings = {"ok": found.difference is None, "size": found.size, "root": found.root, "tiles": found.tiles}
        more = {"statements": found.statements, "difference": found.difference}
        typer.echo(json.dumps({**findings, **more}, sort_keys=True))
    elif found.difference is None:
        typer.echo(f"right: {found.size} leaves, {found.statements} of them with their statement; counters agree")
        typer.echo(f"root {found.root}")
        typer.echo(f"{found.tiles} leaves in the tiles of this home, and all that was signed, agree with it")
    if found.difference is not None:
        raise CheckedAndFalse(found.difference)


def _check(conn: psycopg.Connection) -> Found:
    try:
        there = shown.elsewhere(place.home())
    except BadInput as fault:
        return Found(audit.size(conn), difference=f"{fault.place} {fault.problem}")
    with audit.one_moment(conn):
        compared = Comparison(there, shown.on_record(conn))
        found = Found(audit.size(conn))
        found.difference = compared.begin() or _leaves(conn, found, compared)
    found.tiles = compared.tiles
    return found


def _leaves(conn: psycopg.Connection, found: Found, compared: Comparison) -> str | None:
    """Read every leaf; the first thing that does not agree."""
    tree = Frontier()
    with bar("reading leaves", found.size) as advance:
        for expected, leaf in enumerate(audit.leaves(conn)):
            if leaf.place != expected:
                return f"leaf {expected} is missing; the next one is {leaf.place}"
            if leaf.salt is not None and leaf.body is not None:
                if leaf_data(leaf.salt, leaf.body) != leaf.data:
                    return f"leaf {leaf.place}: its statement does not hash to it"
                found.statements += 1
            tree.append(leaf.data)
            different = compared.add(leaf.data, tree)
            if different is not None:
                return different
            advance(1)
    found.root = tree.root().hex()
    return _other_difference(conn, tree.size, found.size) or compared.end(tree.size)


def _other_difference(conn: psycopg.Connection, leaves: int, size: int) -> str | None:
    if leaves != size:
        return f"the ledger counts {size} leaves and has {leaves}"
    orphan = audit.orphan(conn)
    if orphan is not None:
        return f"statement {orphan} has no leaf"
    wrong = audit.wrong_counter(conn)
    return None if wrong is None else f"{wrong.what} counts {wrong.counted} persons, its offers hold {wrong.held}"
