"""The random value of a draw: who makes it, and how anyone checks it.

A draw is fair if nobody could know its random value while the entries could still be changed, and if nobody
could choose it afterwards. Two sources are admitted (docs/rules/draw.md, "The random value").

*drand* is a league of independent organizations that publish a random value every three seconds. Each
value is the group's BLS signature on the number of its round. No minority of members can foresee it
or bend it, and there is exactly one right signature for each round, so that whoever operates the
draw has nothing to choose: the round is laid down in the sealed manifest by the time `seed_at`. The
signature is checked here against the league's public key; who delivered it does not matter.

    quicknet, round 1000:  1692803367 + 999 * 3 s  =  23 August 2023, 15:59:24 UTC
    seed_at 15:59:22, 15:59:23 and 15:59:24 all lead to round 1000; 15:59:25 leads to 1001

*Commit and reveal* needs no network. Several observers each choose 32 or more random bytes, publish their SHA-256
before the sealing and the bytes after it. The value is the SHA-256 of all reveals in the order
of the observers' names: as long as one of them chose by chance and told nobody, no one knows it before. Its weakness
is that the last to reveal may refuse; then the round is void and stays visible, with the name.
"""

import hashlib
import math
import re
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fairgate.core.errors import BadInput, shown

# quicknet, scheme bls-unchained-g1-rfc9380: signatures on G1, public key on G2
QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
GENESIS = 1692803367  # seconds since the epoch: when round 1 was made
PERIOD = 3
PUBLIC_KEY = bytes.fromhex(
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
    "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
)
SIGNATURE_BYTES = 48
REVEAL_BYTES = 32  # at least
_HASH = re.compile(r"[0-9a-f]{64}")
_DOMAIN = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"


@dataclass(frozen=True, slots=True)
class Drand:
    """Which signature seeds the draw: `chain` is the chain's hash in hex."""

    chain: str
    round: int


@dataclass(frozen=True, slots=True)
class Commitment:
    """An observer's promise: `commitment` is the SHA-256, in hex, of what `by` will reveal."""

    by: str
    commitment: str


@dataclass(frozen=True, slots=True)
class CommitReveal:
    commitments: tuple[Commitment, ...]


@dataclass(frozen=True, slots=True)
class DrandProof:
    """`signature` is the compressed point of 48 bytes that the chain published for the round."""

    round: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Reveals:
    """Pairs of an observer's name and the bytes revealed, in any order."""

    reveals: tuple[tuple[str, bytes], ...]


Beacon = Drand | CommitReveal
Proof = DrandProof | Reveals


class Announces(Protocol):
    """All that the random value depends on in a manifest."""

    @property
    def beacon(self) -> Beacon: ...


def drand_round_at(seed_at: datetime) -> int:
    """The first quicknet round at or after `seed_at`; below 1 for times before the chain began."""
    return (math.ceil(seed_at.timestamp()) - GENESIS + PERIOD - 1) // PERIOD + 1


def drand_proof(round: int, signature: bytes) -> DrandProof:
    """The proof for this round, verified; raises BadInput if the chain did not sign it so.

    For those who fetch signatures and want to know at once whether they were told the truth.
    """
    if not _signed_by_quicknet(round, signature):
        problem = f"{shown(signature.hex())} is not quicknet's signature of round {round}"
        raise BadInput("beacon.json key signature", problem, "fetch it again from another drand server")
    return DrandProof(round, signature)


def refuse_unsound(beacon: Beacon, seed_at: datetime) -> None:
    """Raise BadInput for a beacon that no manifest may announce.

    A drand round that is not the first at or after `seed_at` could have been chosen because its value was known.
    """
    key = "manifest.json key beacon"
    if isinstance(beacon, CommitReveal):
        _refuse_commitments(beacon.commitments, f"{key}.commitments")
        return
    if beacon.chain != QUICKNET:
        problem = f"chain {shown(beacon.chain)} is unknown"
        raise BadInput(f"{key}.chain", problem, f"use quicknet, {QUICKNET}")
    due = drand_round_at(seed_at)
    if due < 1:
        raise BadInput("manifest.json key seed_at", "quicknet did not exist then", "take a later time")
    if beacon.round != due:
        problem = f"{shown(str(beacon.round))} is not the first round at or after seed_at"
        raise BadInput(f"{key}.round", problem, f"it must be {due}")


def _refuse_commitments(commitments: tuple[Commitment, ...], key: str) -> None:
    if not commitments:
        raise BadInput(key, "nobody commits to anything", "add a commitment; without one the seed is known")
    seen: set[str] = set()
    for i, each in enumerate(commitments):
        if not each.by.strip() or not each.by.isprintable():
            raise BadInput(f"{key}[{i}].by", f"{shown(each.by)} is no name", "write a name")
        if each.by in seen:
            raise BadInput(f"{key}[{i}].by", f"{shown(each.by)} stands twice", "take one commitment from each")
        seen.add(each.by)
        if not _HASH.fullmatch(each.commitment):
            problem = f"{shown(each.commitment)} is no SHA-256"
            raise BadInput(f"{key}[{i}].commitment", problem, "write 64 digits of lower-case hex")


def randomness(manifest: Announces, proof: Proof) -> bytes:
    """The 32 random bytes that `proof` gives to the draw that `manifest` announced.

    Raises BadInput unless the proof is of the kind, chain and round announced and the signature verifies, or
    every commitment is met by its reveal and nothing else was revealed.
    """
    match manifest.beacon, proof:
        case Drand() as announced, DrandProof():
            return _from_drand(announced, proof)
        case CommitReveal() as announced, Reveals():
            return _from_reveals(announced, proof)
    raise BadInput("beacon.json key kind", "not the kind that the manifest announces", "use the round's own beacon")


def _from_drand(announced: Drand, proof: DrandProof) -> bytes:
    if proof.round != announced.round:
        problem = f"{proof.round} is another round than the manifest's {announced.round}"
        raise BadInput("beacon.json key round", problem, f"fetch the signature of round {announced.round}")
    drand_proof(proof.round, proof.signature)
    return hashlib.sha256(proof.signature).digest()


def _from_reveals(announced: CommitReveal, proof: Reveals) -> bytes:
    commitments = {each.by: each.commitment for each in announced.commitments}
    reveals = dict(proof.reveals)
    if len(reveals) < len(proof.reveals):
        raise BadInput("beacon.json key reveals", "somebody stands twice", "leave one reveal for each name")
    for by in sorted(commitments.keys() - reveals.keys()):
        problem = f"the reveal of {shown(by)} is missing"
        raise BadInput("beacon.json key reveals", problem, "add it; without it the round can only be voided")
    for by, reveal in sorted(reveals.items()):
        place = f"beacon.json reveal of {shown(by)}"
        if by not in commitments:
            raise BadInput(place, "the manifest has no commitment by that name", "take it out")
        if len(reveal) < REVEAL_BYTES:
            problem = f"{len(reveal)} bytes are fewer than {REVEAL_BYTES}"
            raise BadInput(place, problem, "the value must have been chosen from more chance; void the round")
        if hashlib.sha256(reveal).hexdigest() != commitments[by]:
            problem = "its SHA-256 is not the commitment in the manifest"
            raise BadInput(place, problem, "ask for the bytes that were committed to")
    return hashlib.sha256(b"".join(reveals[by] for by in sorted(reveals))).digest()


def _signed_by_quicknet(round: int, signature: bytes) -> bool:
    """Whether `signature` is the BLS signature of quicknet on `round` (1 or more).

    e(signature, G2 generator) = e(hash of the message to G1, public key), moved to one side so that the
    costly last step of the pairing is done once.
    """
    # Imported here: py_ecc takes a third of a second to load and most commands never need it. It raises the
    # recursion limit of the whole process to 100,000, at which deeply nested JSON ends the process, so the
    # limit is put back; the pairing needs no more than some 350 levels.
    limit = sys.getrecursionlimit()
    from py_ecc.bls import hash_to_curve  # noqa: PLC0415
    from py_ecc.bls.g2_primitives import signature_to_G2, subgroup_check  # noqa: PLC0415
    from py_ecc.bls.point_compression import decompress_G1  # noqa: PLC0415
    from py_ecc.optimized_bls12_381 import FQ12, G2, final_exponentiate, is_inf, neg, pairing  # noqa: PLC0415

    sys.setrecursionlimit(limit)
    if len(signature) != SIGNATURE_BYTES or not 1 <= round < 1 << 64:
        return False
    try:
        point = decompress_G1(int.from_bytes(signature, "big"))  # refuses what is not on the curve
    except ValueError:
        return False
    # The point at infinity would "verify" under a key at infinity, a point outside the subgroup makes the
    # pairing meaningless.
    if is_inf(point) or not subgroup_check(point):
        return False
    message = hashlib.sha256(round.to_bytes(8, "big")).digest()
    hashed = hash_to_curve.hash_to_G1(message, _DOMAIN, hashlib.sha256)
    left = pairing(G2, point, final_exponentiate=False)
    right = pairing(signature_to_G2(PUBLIC_KEY), neg(hashed), final_exponentiate=False)
    return bool(final_exponentiate(left * right) == FQ12.one())
