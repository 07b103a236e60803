"""What the ledger keeps of an act: canonical JSON, of which a leaf is the salted hash."""

from collections.abc import Mapping
from datetime import datetime

from fairgate.core.canonical import canonical
from fairgate.core.lifecycle import Fact
from fairgate.core.places import moment


def statement(kind: str, number: str | None, facts: Mapping[str, Fact], at: datetime) -> str:
    """The canonical JSON (RFC 8785) of an act: its kind, time, registration (if it is about one) and facts."""
    return canonical({"kind": kind, "at": moment(at), **({"number": number} if number else {}), **facts})
