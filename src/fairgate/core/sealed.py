"""What the files `checkpoint` and `sealing.tlog-proof` of a bundle show (docs/rules/draw.md, "The bundle").

The proof's extra data are the salt and the statement of an act: that a round was sealed with this manifest and these
entries, or that its random value was put off, which gave it another manifest. Together they make the ledger's leaf
again; the proof leads from the leaf to the root of a checkpoint. What that is worth depends on who signed the
checkpoint, and when: a policy says whom the reader believes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from fairgate.core.canonical import canonical, read_json
from fairgate.core.checkpoint import Checkpoint, parse_checkpoint
from fairgate.core.errors import BadInput, shown
from fairgate.core.manifest import Manifest
from fairgate.core.note import falsely_signed, note_text
from fairgate.core.places import moment
from fairgate.core.policy import NONE, Policy, log_signed, witnessed_at
from fairgate.core.tlog_proof import Proof, parse_proof
from fairgate.core.tree import leaf_hash

CHECKPOINT, PROOF = "checkpoint", "sealing.tlog-proof"
SALT_BYTES = 16
SEALED, POSTPONED = "sealed", "postponed"
KINDS = (SEALED, POSTPONED)
NUMBER_END = 10**15
_WAY_OUT = "fetch the proof again, whole and unchanged"
_KEY = re.compile("[a-z_]+")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class Contradiction(Exception):  # noqa: N818  a finding, not a defect
    """Files that could each be right do not fit together; `str()` names the file and what is wrong."""


class Unwitnessed(Contradiction):
    """The witnesses of a policy did not cosign in time; the files themselves fit together."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """An act as its proof tells it: `at` is the time that it says, `facts` all that it says, nothing checked yet."""

    at: datetime
    facts: Mapping[str, object]
    proof: Proof
    checkpoint: Checkpoint

    @property
    def leaf(self) -> bytes:
        """The hash under which the act stands in the ledger."""
        assert self.proof.extra is not None, "what was read has extra data"
        return leaf_hash(sha256(self.proof.extra).digest())


def parse_sealing(data: bytes) -> Sealing:
    """The act and proof in the bytes of sealing.tlog-proof; raises BadInput for what cannot be one."""
    proof = parse_proof(data, PROOF)
    if proof.extra is None:
        raise BadInput(PROOF, "has no extra data", "fetch it again; they are the salt and the statement of the sealing")
    place = f"{PROOF} extra"
    said = read_json(place, proof.extra[SALT_BYTES:])
    if not isinstance(said, dict) or not all(_is_fact(key, value) for key, value in said.items()):
        raise BadInput(place, "is no statement of a sealing", _WAY_OUT)
    at = _time(said.get("at"), place)
    if min(said) != "at" or canonical(said).encode("utf-8", "surrogatepass") != proof.extra[SALT_BYTES:]:
        # the ledger holds a hash of these bytes, and there is one way to write an act
        raise BadInput(place, "is no statement as the ledger writes them (canonical JSON)", _WAY_OUT)
    return Sealing(at, said, proof, parse_checkpoint(proof.note, PROOF))


def _is_fact(key: str, value: object) -> bool:
    """Whether an act of a round may say this: a text, or a number that is not negative."""
    sound = value != "" if isinstance(value, str) else type(value) is int and 0 <= value < NUMBER_END
    return sound and bool(_KEY.fullmatch(key))


def _time(value: object, place: str) -> datetime:
    try:
        if isinstance(value, str) and _TIME.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass  # 31 February: told below
    raise BadInput(f"{place} key at", "is no time in UTC", _WAY_OUT)


def refuse_contradiction(sealing: Sealing, checkpoint: bytes, manifest: Manifest, root: bytes) -> None:
    """Raise Contradiction unless the act seals this manifest and the entries of this root, and is in the tree.

    `checkpoint` are the bytes of that file.
    """
    said = sealing.facts
    if sealing.at >= manifest.seed_at:
        late = f"the act is of {moment(sealing.at)}, not before seed_at, {moment(manifest.seed_at)}"
        raise Contradiction(f"{PROOF}: {late}")
    if said.get("kind") not in KINDS:
        raise Contradiction(f"{PROOF}: the act {shown(str(said.get('kind')))} is no sealing")
    of_bundle = {"manifest": manifest.hash().hex(), "root": root.hex()}
    for key, value in {**of_bundle, "program": manifest.program, "round": manifest.round}.items():
        if said.get(key) != value:
            raise Contradiction(f"{PROOF}: sealed was {key} {shown(str(said.get(key)), 70)}, the bundle has {value}")
    if not sealing.proof.includes(sealing.leaf):
        raise Contradiction(f"{PROOF}: the act is not in the tree of its checkpoint")
    if note_text(sealing.proof.note).encode() != checkpoint:
        raise Contradiction(f"{CHECKPOINT}: is not the checkpoint of {PROOF}")


def trusted_at(sealing: Sealing, policy: Policy, seed_at: datetime) -> datetime | None:
    """When enough witnesses of the policy had cosigned the checkpoint; None where it asks for no witness.

    Raises Contradiction unless a log of the policy signed it and that was before `seed_at`, and for a signature that is
    not that of the key of the policy which it names: no age of the policy explains that.
    """
    origin, note = sealing.checkpoint.origin, sealing.proof.note
    forger = falsely_signed(note, [*policy.log_keys(origin), *(witness.key for witness in policy.witnesses)])
    if forger is not None:
        raise Contradiction(f"{CHECKPOINT}: the signature of {shown(forger.name)} is wrong")
    if not policy.log_keys(origin):
        raise Contradiction(f"{CHECKPOINT}: the policy has no key of the ledger {shown(origin)}")
    if not log_signed(note, policy, CHECKPOINT):
        raise Contradiction(f"{CHECKPOINT}: is not signed by the key that the policy has of {shown(origin)}")
    if policy.quorum == NONE:
        return None
    at = witnessed_at(note, policy)
    if at is None:
        raise Unwitnessed(f"{CHECKPOINT}: is not cosigned by enough witnesses of the policy")
    if at >= seed_at.timestamp():
        since = moment(datetime.fromtimestamp(at, UTC))
        late = f"enough witnesses had cosigned only {since}, not before seed_at, {moment(seed_at)}"
        raise Unwitnessed(f"{CHECKPOINT}: {late}")
    return datetime.fromtimestamp(at, UTC)
