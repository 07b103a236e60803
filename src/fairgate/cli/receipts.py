"""The part of `fairgate verify` that is about receipts: who signed one, what it says and what that proves."""

import json
from datetime import UTC, datetime
from pathlib import Path

import typer

from fairgate.cli import place
from fairgate.cli.faults import CheckedAndFalse
from fairgate.cli.reading import whole
from fairgate.core import receipts
from fairgate.core.errors import BadInput, shown
from fairgate.core.key_list import KeyList, parse_keys
from fairgate.core.lifecycle import Fact
from fairgate.core.places import moment
from fairgate.core.receipts import KeyUnknown, Receipt, SignatureWrong
from fairgate.core.tree import leaf_hash
from fairgate.store.keys import list_path


def check(text: str, keys_file: Path | None, *, as_json: bool) -> None:
    """Say what is in the receipt `text`, if a key of the list signed it; raises CheckedAndFalse if none did."""
    receipt = receipts.read(text)  # what is no receipt needs no keys to be refused
    listed = _list(keys_file)
    try:
        receipts.verify(text, listed.by_kid())
    except (KeyUnknown, SignatureWrong) as fault:
        if as_json:
            problem = "key unknown" if isinstance(fault, KeyUnknown) else "signature wrong"
            typer.echo(json.dumps({"ok": False, "problem": problem, "kid": receipt.kid.hex()}, sort_keys=True))
        raise CheckedAndFalse(f"receipt: {fault}") from None
    typer.echo(json.dumps(_findings(receipt, listed), sort_keys=True) if as_json else _in_words(receipt, listed))


def _list(file: Path | None) -> KeyList:
    """The public keys: those of `file`, or else of this home."""
    path = file or list_path(place.home())
    if file is None and not path.exists():
        problem = f"there is no list of keys in this home ({path})"
        raise BadInput("--keys", problem, "name the list that the service publishes as /keys.json")
    return parse_keys(str(path), whole(path))


def _findings(receipt: Receipt, listed: KeyList) -> dict[str, object]:
    data = receipt.leaf_data()
    return {
        "ok": True,
        "issuer": receipt.issuer,
        "keys_of": listed.issuer,
        "kid": receipt.kid.hex(),
        "kind": receipt.kind,
        "number": receipt.number,
        "at": _when(receipt),
        "facts": dict(receipt.facts),
        "statement": receipt.statement(),
        "salt": receipt.salt.hex(),
        "leaf": {"index": receipt.leaf, "data": data.hex(), "hash": leaf_hash(data).hex()},
        "inclusion_shown": False,
    }


def _in_words(receipt: Receipt, listed: KeyList) -> str:
    data = receipt.leaf_data()
    facts = ", ".join(f"{name} {_word(value)}" for name, value in sorted(receipt.facts.items()))
    lines = [
        f"right: a key of {_word(listed.issuer)} signed this receipt.",
        f"  what    {_word(receipt.kind)}",
        f"  who     registration {_word(receipt.number)}",
        f"  when    {_when(receipt)}",
        f"  with    {facts or 'nothing more'}",
        f"  ledger  {_word(receipt.issuer)}, leaf {receipt.leaf}",
        f"  data    {data.hex()}",
        f"  hash    {leaf_hash(data).hex()}",
        f"  key     {receipt.kid.hex()}",
        "This proves that the holder of the key said that this act was done then, and stands in the ledger at this",
        "leaf with this data. It does not prove that the ledger has it there: that takes a proof of inclusion, and",
        "none is checked here. Nor does it say what was done afterwards, or whether this is the right list of keys.",
    ]
    if listed.issuer != receipt.issuer:
        lines.append(
            "The receipt and the list name different ledgers: one key signed for both, perhaps one after the other."
        )
    return "\n".join(lines)


def _when(receipt: Receipt) -> str:
    return moment(datetime.fromtimestamp(receipt.at, UTC))


def _word(value: Fact) -> str:
    """A fact as a line may show it: as it is, or quoted and escaped where it could deceive."""
    if isinstance(value, list):
        return " ".join(_word(item) for item in value if isinstance(item, str))
    text = value if isinstance(value, str) else json.dumps(value)
    return text if text.isascii() and text.isprintable() else shown(text, 200)
