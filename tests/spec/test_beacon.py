"""The random value of a draw: which is taken, and what is refused."""

import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from py_ecc.bls.g2_primitives import signature_to_G2, subgroup_check
from py_ecc.bls.point_compression import compress_G1, decompress_G1
from py_ecc.optimized_bls12_381 import is_inf, neg

from fairgate.core.beacon import (
    GENESIS,
    PUBLIC_KEY,
    QUICKNET,
    Commitment,
    CommitReveal,
    Drand,
    DrandProof,
    Reveals,
    drand_proof,
    drand_round_at,
    randomness,
)
from fairgate.core.errors import BadInput
from sealed_rounds import COMMITMENTS, REVEALS, a_manifest

# published by the League of Entropy; also in the rules' vectors
SIGNATURE_1000 = bytes.fromhex(
    "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
)
AT_1000 = datetime(2023, 8, 23, 15, 59, 24, tzinfo=UTC)
SEALED = a_manifest(
    beacon=Drand(QUICKNET, 1000), seed_at=AT_1000, closes_at=AT_1000 - timedelta(hours=1), round="2023-09-13"
)


@pytest.mark.parametrize(
    ("seconds_after_genesis", "round"), [(-3, 0), (-2, 1), (0, 1), (1, 2), (3, 2), (4, 3), (2995, 1000), (2997, 1000)]
)
def test_the_first_round_at_or_after_seed_at_is_taken(seconds_after_genesis: int, round: int) -> None:
    assert drand_round_at(datetime.fromtimestamp(GENESIS + seconds_after_genesis, UTC)) == round


def test_a_part_of_a_second_counts_as_after() -> None:
    assert drand_round_at(AT_1000) == 1000
    assert drand_round_at(AT_1000 + timedelta(milliseconds=1)) == 1001


def test_the_randomness_is_the_hash_of_the_verified_signature() -> None:
    found = randomness(SEALED, DrandProof(1000, SIGNATURE_1000))
    assert found == hashlib.sha256(SIGNATURE_1000).digest()
    assert found.hex() == "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"


def test_the_public_key_is_a_sound_point() -> None:
    point = signature_to_G2(PUBLIC_KEY)
    assert not is_inf(point)
    assert subgroup_check(point)


def flipped(signature: bytes, bit: int) -> bytes:
    return (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(len(signature), "big")


def outside_the_subgroup() -> bytes:
    """A point on the curve that is no multiple of the generator, compressed."""
    for x in range(1, 100):
        try:
            point = decompress_G1(1 << 383 | x)
        except ValueError:
            continue
        if not subgroup_check(point):
            return compress_G1(point).to_bytes(48, "big")
    raise AssertionError("nearly every point is outside")


@pytest.mark.parametrize(
    ("why", "signature"),
    [
        ("one bit of x differs", flipped(SIGNATURE_1000, 0)),
        (
            "the other point with this x",
            compress_G1(neg(decompress_G1(int.from_bytes(SIGNATURE_1000, "big")))).to_bytes(48, "big"),
        ),
        ("the point at infinity", b"\xc0" + bytes(47)),
        ("infinity with something in it", b"\xc0" + bytes(46) + b"\x01"),
        ("not marked as compressed", flipped(SIGNATURE_1000, 383)),
        ("x beyond the field", b"\x9f" + b"\xff" * 47),
        ("on the curve, outside the subgroup", outside_the_subgroup()),
        ("too short", SIGNATURE_1000[:-1]),
        ("too long", SIGNATURE_1000 + b"\x00"),
        ("nothing", b""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_signature_is_refused(why: str, signature: bytes) -> None:
    with pytest.raises(BadInput, match=r"^beacon\.json key signature: .* is not quicknet's signature of round 1000; "):
        randomness(SEALED, DrandProof(1000, signature))


def test_the_right_signature_of_another_round_is_refused() -> None:
    with pytest.raises(BadInput, match=r"not quicknet's signature of round 1001"):
        drand_proof(1001, SIGNATURE_1000)
    with pytest.raises(BadInput, match=r"^beacon\.json key round: 999 is another round than the manifest's 1000; "):
        randomness(SEALED, DrandProof(999, SIGNATURE_1000))


@pytest.mark.parametrize("round", [0, -1, 1 << 64, 10**400])
def test_a_round_that_cannot_be_is_refused(round: int) -> None:
    with pytest.raises(BadInput):
        drand_proof(round, SIGNATURE_1000)


def test_a_proof_of_the_other_kind_is_refused() -> None:
    with pytest.raises(BadInput, match="not the kind that the manifest announces"):
        randomness(SEALED, REVEALS)
    with pytest.raises(BadInput, match="not the kind that the manifest announces"):
        randomness(a_manifest(), DrandProof(1000, SIGNATURE_1000))


def test_reveals_are_joined_in_the_order_of_the_names() -> None:
    expected = hashlib.sha256(b"n" * 32 + b"o" * 32).digest()
    assert randomness(a_manifest(), REVEALS) == expected
    assert randomness(a_manifest(), Reveals(REVEALS.reveals[::-1])) == expected
    turned = a_manifest(beacon=CommitReveal(COMMITMENTS.commitments[::-1]))
    assert randomness(turned, REVEALS) == expected


NOTARY, OMBUDSMAN = REVEALS.reveals


@pytest.mark.parametrize(
    ("reveals", "problem"),
    [
        ([NOTARY], 'the reveal of "ombudsman" is missing'),
        ([], 'the reveal of "notary" is missing'),
        ([NOTARY, OMBUDSMAN, ("passer-by", b"p" * 32)], "no commitment by that name"),
        ([NOTARY, OMBUDSMAN, OMBUDSMAN], "stands twice"),
        ([NOTARY, ("ombudsman", b"x" * 32)], "not the commitment"),
        ([("notary", OMBUDSMAN[1]), ("ombudsman", NOTARY[1])], "not the commitment"),
        ([NOTARY, ("ombudsman", b"o" * 31)], "31 bytes are fewer than 32"),
        ([NOTARY, ("ombudsman", b"")], "0 bytes are fewer than 32"),
    ],
)
def test_reveals_that_do_not_meet_the_commitments_are_refused(reveals: list[tuple[str, bytes]], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        randomness(a_manifest(), Reveals(tuple(reveals)))


def test_a_reveal_too_short_is_refused_even_if_it_was_committed_to() -> None:
    short = CommitReveal((Commitment("notary", hashlib.sha256(b"short").hexdigest()),))
    with pytest.raises(BadInput, match="5 bytes are fewer than 32"):
        randomness(a_manifest(beacon=short), Reveals((("notary", b"short"),)))


def test_the_pairing_library_is_loaded_when_needed_and_leaves_the_recursion_limit_alone() -> None:
    code = f"""
import sys
from fairgate.core import beacon, bundle
assert "py_ecc" not in sys.modules
before = sys.getrecursionlimit()
beacon.drand_proof(1000, bytes.fromhex("{SIGNATURE_1000.hex()}"))
assert "py_ecc" in sys.modules
assert sys.getrecursionlimit() == before
"""
    subprocess.run([sys.executable, "-c", code], check=True)
