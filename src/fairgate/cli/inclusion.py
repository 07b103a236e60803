"""Whether a ledger holds a leaf: looked up in its files, or shown by a proof that somebody was given.

Three things are told apart. The hashes lead from the leaf to the root of a checkpoint, or they do not. The checkpoint
is signed by keys that the reader had from elsewhere (a policy), or this was not asked. And the leaf may be younger than
the newest checkpoint, which shows nothing yet, neither good nor bad.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fairgate.cli import fetching
from fairgate.cli.faults import CheckedAndFalse
from fairgate.cli.fetching import Files
from fairgate.cli.reading import whole
from fairgate.core import policy as trusting
from fairgate.core import tiles
from fairgate.core.checkpoint import Checkpoint, parse_checkpoint
from fairgate.core.errors import BadInput, shown
from fairgate.core.note import Note
from fairgate.core.places import moment
from fairgate.core.policy import Policy
from fairgate.core.tlog_proof import PROOF_MOST, Proof, parse_proof


class NotIncluded(CheckedAndFalse):
    """The ledger has something else at this place, or its checkpoint may not be believed."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Who signed a checkpoint, of those whom a policy names. `at`: when its quorum was complete; None: it asks none."""

    witnesses: Mapping[str, datetime]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Inclusion:
    """What was found about a leaf. No `proof`: the checkpoint does not cover it yet; no `trust`: there is no policy."""

    head: Checkpoint
    proof: Proof | None
    trust: Trust | None


def policy_in(file: Path) -> Policy:
    return trusting.parse_policy(whole(file, trusting.POLICY_MOST), str(file))


def load_policy(file: Path | None) -> Policy | None:
    return None if file is None else policy_in(file)


def look_up(where: str, origin: str, index: int, leaf: bytes, policy: Policy | None) -> Inclusion:
    """Look a leaf up in the ledger at `where`, of which only the tiles on its way to the root are read.

    Raises NotIncluded where something else stands there, BadInput for a ledger of another name or with broken files.
    """
    with fetching.files(where) as files:
        return _looked_up(files, where, origin, index, leaf, policy)


def _looked_up(files: Files, where: str, origin: str, index: int, leaf: bytes, policy: Policy | None) -> Inclusion:
    note = fetching.checkpoint(files, where)
    head = _of(note, origin, where)
    trust = _trusted(note, policy, f"the checkpoint of {where}")
    if index >= head.size:
        return Inclusion(head, None, trust)
    read = fetching.reader(files)
    proof = Proof(index, tuple(tiles.inclusion(index, head.size, read)), note)
    there = tiles.leaf(index, head.size, read)
    if not proof.includes(there):
        raise NotIncluded(f"{where}: its tiles do not come to the root of its own checkpoint")
    if there != leaf:
        raise NotIncluded(_differs(head, index, there, leaf))
    return Inclusion(head, proof, trust)


def look_at(proof: Proof, place: str, origin: str, index: int, leaf: bytes, policy: Policy | None) -> Inclusion:
    """Hold a leaf against a proof; raises NotIncluded where it shows another one or none."""
    head = _of(proof.note, origin, place)
    trust = _trusted(proof.note, policy, f"the checkpoint in {place}")
    if proof.index != index:
        raise NotIncluded(f"{place}: proves leaf {proof.index}, and this is leaf {index}")
    if not proof.includes(leaf):
        raise NotIncluded(f"{place}: does not lead from this leaf to the root of its checkpoint")
    return Inclusion(head, proof, trust)


def load_proof(file: Path) -> Proof:
    return parse_proof(whole(file, PROOF_MOST), str(file))


def _of(note: Note, origin: str, place: str) -> Checkpoint:
    head = parse_checkpoint(note, place)
    if head.origin != origin:
        problem = f"is about the ledger {shown(head.origin)}, and this is of {shown(origin)}"
        raise BadInput(place, problem, "name that one's ledger or proof")
    return head


def _trusted(note: Note, policy: Policy | None, place: str) -> Trust | None:
    if policy is None:
        return None
    if not trusting.log_signed(note, policy, place):
        raise NotIncluded(f"{place}: no log of the policy signed it")
    at = trusting.witnessed_at(note, policy)
    cosigned = trusting.cosigned_at(note, policy)
    if at is None:
        names = ", ".join(sorted(cosigned)) or "no witness"
        raise NotIncluded(f"{place}: the quorum of the policy is not there; it was cosigned by {names}")
    witnesses = {name: datetime.fromtimestamp(seconds, UTC) for name, seconds in sorted(cosigned.items())}
    return Trust(witnesses, datetime.fromtimestamp(at, UTC) if policy.quorum != trusting.NONE else None)


def _differs(head: Checkpoint, index: int, there: bytes, leaf: bytes) -> str:
    return (
        f"the ledger has something else at leaf {index}: the hash {there.hex()}, not {leaf.hex()}, "
        f"under its checkpoint over {head.size} leaves; keep both, and show them to others"
    )


# -- in words and for programs ------------------------------------------------------------------


def findings(found: Inclusion) -> dict[str, object]:
    trust = found.trust
    return {
        "covered": found.proof is not None,
        "origin": found.head.origin,
        "size": found.head.size,
        "root": found.head.root.hex(),
        "log_signature_checked": trust is not None,
        "witnesses": {} if trust is None else {name: moment(at) for name, at in trust.witnesses.items()},
        "witnessed_at": None if trust is None or trust.at is None else moment(trust.at),
    }


def line(found: Inclusion) -> str:
    """The line about it among what is known."""
    if found.proof is None:
        return f"not covered yet: the newest checkpoint is over {found.head.size} leaves"
    return f"shown: in the checkpoint over {found.head.size} leaves, root {found.head.root.hex()}"


def words(found: Inclusion, what: str) -> list[str]:
    """What it proves and what it does not; `what` is "receipt" or "pass"."""
    if found.proof is None:
        return [
            f"The ledger does not cover this {what} yet. While it grows a new checkpoint is published at least once a",
            "minute: check it again then. Until that is so, nothing shows that the ledger has it.",
        ]
    return [
        *(
            ["It also proves that the ledger, as its checkpoint has it, holds exactly this at this leaf."]
            if found.trust
            else ["The checkpoint that was given, in the name of this ledger, holds exactly this at this leaf."]
        ),
        *trust_words(found.trust),
    ]


def trust_words(trust: Trust | None) -> list[str]:
    if trust is None:
        return [
            "Who signed that checkpoint was not checked: anybody can make up one, and whether others were shown the",
            "same ledger is open. Give a policy with the keys of log and witnesses that you trust (--policy FILE).",
        ]
    if trust.at is None:
        return [
            "A log of your policy signed this checkpoint. The policy asks no witness, so the operator alone vouches",
            "that others are shown the same ledger.",
        ]
    seen = [name for name, at in trust.witnesses.items() if at <= trust.at]
    names = ", ".join(shown(name) if not name.isprintable() else name for name in seen)
    return [
        "A log of your policy signed this checkpoint, and enough of its witnesses had seen it by",
        f"{moment(trust.at)} ({names}): whoever relies on them is shown the same ledger.",
    ]
