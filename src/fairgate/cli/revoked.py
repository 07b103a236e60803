"""The list of revoked passes that `fairgate verify` holds a pass against: which one, of when, and who says so."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fairgate.cli import place
from fairgate.cli.faults import CheckedAndFalse
from fairgate.cli.reading import whole
from fairgate.core import passes, revoked_note
from fairgate.core.errors import shown
from fairgate.core.note import verified
from fairgate.core.passes import Revoked
from fairgate.core.places import moment
from fairgate.core.policy import Policy
from fairgate.store.passes import revoked_path


class NotSigned(CheckedAndFalse):
    """No log of the policy signed the list: somebody may have left lines out of it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list. `is_note`: it came signed; `signed_by`: the key of the policy that signed it, None where none was asked.

    `own`: it is this home's, which nobody else has handed on.
    """

    revoked: Revoked
    is_note: bool = False
    signed_by: str | None = None
    own: bool = False


def load(file: Path | None, issuer: str, policy: Policy | None) -> Listed | None:
    """The list in `file`, or else in this home where it is of this ledger; None without one.

    A signed one is held against `policy`, if there is one: raises NotSigned.
    """
    if file is None:
        own = revoked_path(place.home())
        found = passes.parse_revoked(str(own), whole(own, passes.REVOKED_BYTES_MOST)) if own.exists() else None
        return Listed(found, own=True) if found is not None and found.issuer == issuer else None
    data = whole(file, passes.REVOKED_BYTES_MOST)
    if not revoked_note.is_note(data):
        return Listed(passes.parse_revoked(str(file), data))
    found, note = revoked_note.parse(str(file), data)
    if policy is None:
        return Listed(found, is_note=True)
    signed = verified(note, policy.log_keys(found.issuer))
    if not signed:
        raise NotSigned(f"{file}: no log of the policy signed this list of revoked passes")
    return Listed(found, is_note=True, signed_by=next(iter(signed)).vkey)


def findings(listed: Listed | None) -> dict[str, object] | None:
    if listed is None:
        return None
    said: dict[str, object] = {"issuer": listed.revoked.issuer, "at": moment(listed.revoked.at)}
    return said | ({"signed_by": listed.signed_by} if listed.is_note else {})


def lines(listed: Listed | None, issuer: str, now: datetime) -> list[str]:
    """What is said of a list on which the pass is not; `issuer` is the ledger that the pass names."""
    if listed is None:
        return ["  revoked not checked: give the list that the service publishes as /revoked.json (--revoked)"]
    found = listed.revoked
    name = found.issuer if found.issuer.isascii() and found.issuer.isprintable() else shown(found.issuer, 200)
    age = int((now - found.at).total_seconds())
    how_old = f"{_age(age)} old" if age >= 0 else "later than the time that was asked about"
    said = [f"  revoked no, says the list of {name} of {moment(found.at)}, {how_old}"]
    if found.issuer != issuer:
        said.append("  list    of another ledger than the pass names: it counts only where that one took its place")
    return said if listed.own else [*said, f"  list    {_who(listed)}"]


def _who(listed: Listed) -> str:
    if listed.signed_by is not None:
        return "signed, as it is, by a log of your policy"
    if listed.is_note:
        return "signed, by whom was not checked: give a policy with the ledger's key (--policy)"
    return "not signed: whoever served it may have left lines out; /revoked.note of the service is signed"


def _age(seconds: int) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
