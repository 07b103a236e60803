"""The part of `fairgate verify` that is about a proof by itself: a file that shows that a ledger holds a statement."""

import json
from hashlib import sha256
from pathlib import Path

import typer

from fairgate.cli import inclusion
from fairgate.cli.inclusion import NotIncluded
from fairgate.core.errors import BadInput, shown
from fairgate.core.receipts import SALT_BYTES
from fairgate.core.tlog_proof import parse_proof
from fairgate.core.tree import leaf_hash

SHOWN_MOST = 2000  # characters of a statement; ours have about 200


def check(data: bytes, place: str, policy_file: Path | None, *, as_json: bool) -> None:
    """Say what the proof in `data` shows; raises NotIncluded where it shows nothing.

    What stands behind `extra` is the salt and the statement, as `--save-proof` writes them; a proof without it needs
    the receipt that it is of.
    """
    proof, policy = parse_proof(data, place), inclusion.load_policy(policy_file)
    if proof.extra is None or len(proof.extra) <= SALT_BYTES:
        way_out = f"give the receipt that it is of, with --proof {place}"
        raise BadInput(place, "does not say of what it is a proof (no salt and statement behind extra)", way_out)
    leaf_data = sha256(proof.extra).digest()
    origin = proof.checkpoint().origin
    try:
        found = inclusion.look_at(proof, place, origin, proof.index, leaf_hash(leaf_data), policy)
    except NotIncluded:
        if as_json:
            typer.echo(json.dumps({"ok": False, "problem": "not in the ledger"}, sort_keys=True))
        raise
    statement = proof.extra[SALT_BYTES:].decode("utf-8", "backslashreplace")
    if as_json:
        said = {"ok": True, "statement": statement, "salt": proof.extra[:SALT_BYTES].hex(), "inclusion_shown": True}
        leaf = {"index": proof.index, "data": leaf_data.hex(), "hash": leaf_hash(leaf_data).hex()}
        typer.echo(json.dumps({**said, "leaf": leaf, "inclusion": inclusion.findings(found)}, sort_keys=True))
        return
    plain = statement.isascii() and statement.isprintable() and len(statement) <= SHOWN_MOST
    holder = "the ledger" if found.trust else "a checkpoint in the name of"
    lines = [
        f"right: {holder} {shown(origin, 100)} holds this statement.",
        f"  says    {statement if plain else shown(statement, SHOWN_MOST)}",
        f"  ledger  leaf {proof.index}",
        f"  data    {leaf_data.hex()}",
        f"  proof   {inclusion.line(found)}",
        *(
            ["This proves that the ledger, as this checkpoint has it, holds exactly this statement at this leaf."]
            if found.trust
            else ["This proves that exactly this statement is at this leaf of this checkpoint, and no more."]
        ),
        *inclusion.trust_words(found.trust),
        "It does not say what was done afterwards.",
    ]
    typer.echo("\n".join(lines))
