"""What the ledger keeps of an act: canonical JSON, of which a leaf is the salted hash."""

import json
from collections.abc import Mapping
from datetime import datetime

from fairgate.core.canonical import canonical
from fairgate.core.lifecycle import Done, Fact, Leaf
from fairgate.core.places import moment


def statement(kind: str, number: str | None, facts: Mapping[str, Fact], at: datetime) -> str:
    """The canonical JSON (RFC 8785) of an act: its kind, time, registration (if it is about one) and facts."""
    return canonical({"kind": kind, "at": moment(at), **({"number": number} if number else {}), **facts})


def read_statement(body: str, leaf: Leaf) -> Done:
    """The act of which `body`, on record at `leaf`, is the statement: its receipt is the one that was answered."""
    facts: dict[str, Fact] = json.loads(body)
    kind, number = str(facts.pop("kind")), str(facts.pop("number"))
    del facts["at"]
    assert statement(kind, number, facts, leaf.at) == body, "a receipt holds the statement that is on record"
    return Done(kind, number, facts, leaf=leaf)
