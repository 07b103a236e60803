"""Signed notes, checkpoints and proofs as files: against a published example, and against a second computation."""

import base64
import hashlib
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fairgate.core.checkpoint import Checkpoint, parse_checkpoint
from fairgate.core.errors import BadInput
from fairgate.core.note import (
    COSIGNATURE,
    ED25519,
    Key,
    Note,
    NoteSigner,
    note_text,
    parse_key,
    parse_note,
    verified,
    with_signature,
)
from fairgate.core.tlog_proof import Proof, parse_proof, proof_text
from fairgate.core.tree import inclusion_proof, leaf_hash, root_of_hashes
from ledgers import AT, LOG, ORIGIN, WITNESSES, Published

# the example that the authors of the format publish with their own implementation
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
NEUMANN_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NEUMANN_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NEUMANN_NOTE = f"{NEUMANN_TEXT}\n{NEUMANN_LINE}".encode()

EXAMPLE = b"""example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\xe2\x80\x94 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\xe2\x80\x94 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501  of the specification


def test_the_published_note_is_read_verified_and_signed_again_to_the_byte() -> None:
    key = parse_key(NEUMANN, "here")
    assert (key.name, key.kind, key.id.hex(), key.vkey) == ("PeterNeumann", ED25519, "c74f20a3", NEUMANN)
    note = parse_note(NEUMANN_NOTE, "here")
    assert note.text == NEUMANN_TEXT
    assert verified(note, [key]) == {key: None}
    signer = NoteSigner(NEUMANN_SEED, "PeterNeumann")
    assert (signer.key, signer.sign(NEUMANN_TEXT)) == (key, NEUMANN_LINE)
    assert note_text(with_signature(Note(NEUMANN_TEXT), NEUMANN_LINE)).encode() == NEUMANN_NOTE


def test_the_checkpoint_of_the_specification_is_read_and_written_again_to_the_byte() -> None:
    note = parse_note(EXAMPLE, "here")
    head = parse_checkpoint(note, "here")
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert head.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert head.text() == note.text
    assert note_text(note).encode() == EXAMPLE
    assert [signature.name for signature in note.signatures] == [head.origin, "witness.example.com/w1"]
    assert struct.unpack(">Q", note.signatures[1].data[:8]) == (1_679_315_147,)  # the time that it gives in words


def test_a_cosignature_is_over_the_time_and_the_whole_text_as_a_second_computation_has_it() -> None:
    text = Checkpoint(ORIGIN, 5, b"r" * 32).text()
    line = WITNESSES[0].sign(text, AT)
    private = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
    public = private.public_key().public_bytes_raw()
    name = "witness.example.org/w1"
    key_id = hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:4]
    signature = private.sign(b"cosignature/v1\ntime 1800000000\n" + text.encode())
    expected = base64.b64encode(key_id + struct.pack(">Q", AT) + signature).decode()
    assert line == f"— {name} {expected}\n"
    key = parse_key(f"{name}+{key_id.hex()}+{base64.b64encode(bytes([4]) + public).decode()}", "here")
    assert verified(with_signature(Note(text), line), [key]) == {key: AT}


def test_a_second_library_believes_what_the_ledger_signs() -> None:
    note = Published(3).note()
    public = Ed25519PublicKey.from_public_bytes(LOG.key.public)
    public.verify(note.signatures[0].data, note.text.encode())


def test_signatures_of_other_keys_are_left_out_of_account() -> None:
    note = Published(3).note()
    same_id = NoteSigner(b"x" * 32, "somebody.else").key
    assert verified(note, []) == {}
    assert verified(note, [same_id, LOG.key]) == {LOG.key: None}
    of_unknown_kind = with_signature(note, f"— some.body {base64.b64encode(bytes(2424)).decode()}\n")
    assert verified(of_unknown_kind, [LOG.key]) == {LOG.key: None}


def test_the_same_seed_under_another_name_or_kind_is_another_key() -> None:
    keys = {
        NoteSigner(b"s" * 32, "a").key,
        NoteSigner(b"s" * 32, "b").key,
        NoteSigner(b"s" * 32, "a", COSIGNATURE).key,
    }
    assert len({key.id for key in keys}) == 3


def test_a_wrong_signature_of_a_known_key_spoils_the_whole_note() -> None:
    """As the specification asks: somebody tampered with it."""
    note = Published(3).note()
    elsewhere = WITNESSES[0].sign(Published(2).checkpoint().text(), AT)
    spoiled = with_signature(note, elsewhere)
    assert verified(spoiled, [LOG.key]) == {LOG.key: None}  # to whom the witness is unknown
    assert verified(spoiled, [LOG.key, WITNESSES[0].key]) == {}


def test_of_two_cosignatures_by_one_witness_the_earlier_counts() -> None:
    text = Published(3).checkpoint().text()
    note = with_signature(Note(text), WITNESSES[0].sign(text, AT + 9) + WITNESSES[0].sign(text, AT))
    assert len(note.signatures) == 2
    assert verified(note, [WITNESSES[0].key]) == {WITNESSES[0].key: AT}


def test_a_cosignature_beyond_all_time_is_refused() -> None:
    text = Published(3).checkpoint().text()
    assert verified(with_signature(Note(text), WITNESSES[0].sign(text, 1 << 63)), [WITNESSES[0].key]) == {}


def test_a_line_is_added_once() -> None:
    note = Published(3).note()
    line = WITNESSES[0].sign(note.text, AT)
    assert with_signature(with_signature(note, line), line) == with_signature(note, line + line)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no signature"),
        (NEUMANN_TEXT.encode(), "no signature"),
        (NEUMANN_NOTE + b"\n", "no signature"),
        (NEUMANN_NOTE[:-1], "whole signature lines"),
        (NEUMANN_NOTE.replace(b"\n\n", b"\n"), "no signature"),
        (NEUMANN_NOTE.replace(b"\n\n", b"\r\n\r\n"), "control character"),
        (NEUMANN_NOTE.replace(b"\xe2\x80\x94", b"-"), "no signature line"),
        (NEUMANN_NOTE.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94"), "no signature line"),
        (NEUMANN_NOTE.replace(b"x08go", b" x08go"), "no signature line"),
        (NEUMANN_NOTE.replace(b"nAM=", b"nAM"), "no signature line"),
        (NEUMANN_NOTE.replace(b"nAM=", b"nAN="), "no signature line"),  # the same bytes, written in another way
        (NEUMANN_NOTE.replace(b"Neumann x", b"+Neumann x"), "no signature line"),
        (NEUMANN_NOTE.replace(b"If", b"\xff"), "not UTF-8"),
        (NEUMANN_NOTE.replace(b"If", b"\x00"), "control character"),
        (NEUMANN_NOTE.replace(b"If", b"\t"), "control character"),
        ("text\n\n— a eA==\n".encode(), "no signature line"),  # shorter than a key's id
        (NEUMANN_TEXT.encode() + b"\n" + NEUMANN_LINE.encode() * 65, "more than 64 signatures"),
        (b"x" * (256 * 1024) + NEUMANN_NOTE, "more than 262144 bytes"),
    ],
)
def test_what_is_not_exactly_a_note_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(BadInput, match=f"^file: .*{problem}"):
        parse_note(data, "file")


def test_sixteen_signatures_and_more_are_read() -> None:
    text = Published(3).checkpoint().text()
    lines = "".join(NoteSigner(bytes([n]) * 32, f"w{n}", COSIGNATURE).sign(text, AT) for n in range(40))
    assert len(parse_note(note_text(with_signature(Note(text), lines)).encode(), "here").signatures) == 40


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("c74f20a3", "C74F20A3"),
        NEUMANN.replace("Peter", "Pater"),
        NEUMANN.replace("Peter", "Peter "),
        NEUMANN.replace("+ARpc", "+ZRpc"),  # another kind
        NEUMANN + "BADKEY==",
        NEUMANN[1:].replace("eterNeumann", ""),
        "\ud800" + NEUMANN,
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # an unknown kind with the right id
    ],
)
def test_what_is_not_a_key_is_refused(vkey: str) -> None:
    with pytest.raises(BadInput, match=r"^policy: "):
        parse_key(vkey, "policy")


def test_every_changed_or_cut_letter_of_a_key_is_noticed() -> None:
    for at in range(len(NEUMANN)):
        for other in (NEUMANN[:at] + NEUMANN[at + 1 :], NEUMANN[:at] + chr(ord(NEUMANN[at]) + 1) + NEUMANN[at + 1 :]):
            with pytest.raises(BadInput):
                parse_key(other, "here")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("places\n5\n", "three lines"),
        ("\n5\nTjuuG39Ijc/nHwYxYxUZo7ynLJyu/KEWErvKzhOoYmQ=\n", "three lines"),
        ("places\n05\nTjuuG39Ijc/nHwYxYxUZo7ynLJyu/KEWErvKzhOoYmQ=\n", "size"),
        ("places\n-5\nTjuuG39Ijc/nHwYxYxUZo7ynLJyu/KEWErvKzhOoYmQ=\n", "size"),
        ("places\n٥\nTjuuG39Ijc/nHwYxYxUZo7ynLJyu/KEWErvKzhOoYmQ=\n", "size"),
        ("places\n9223372036854775808\nTjuuG39Ijc/nHwYxYxUZo7ynLJyu/KEWErvKzhOoYmQ=\n", "size"),
        ("places\n5\nTjuuG39Ijc/nHwYxYxUZo7ynLJyu/KEWErvKzhOoYg==\n", "root"),
        ("places\n5\n4e3bbb1f7b488dcfe71f0631631519a3bca72c9caefca11612bbcace13a86264\n", "root"),
        ("places\n5\nTjuuG39Ijc/nHwYxYxUZo7ynLJyu/KEWErvKzhOoYmQ=\n\nmore\n", "three lines"),
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str, problem: str) -> None:
    with pytest.raises(BadInput, match=f"^ledger: .*{problem}"):
        parse_checkpoint(Note(text), "ledger")


def test_lines_below_the_root_are_read_over() -> None:
    head = Checkpoint(ORIGIN, 0, b"r" * 32)
    assert parse_checkpoint(Note(head.text() + "more\nand more\n"), "here") == head


def proof_of(index: int, extra: bytes | None = None, size: int = 7) -> tuple[Proof, bytes]:
    ledger = Published(size)
    return Proof(index, tuple(inclusion_proof(ledger.hashes, index)), ledger.note(), extra), ledger.entries[index]


@pytest.mark.parametrize("extra", [None, b"", b"salt and statement"])
def test_a_proof_is_written_and_read_to_the_byte_and_shows_its_leaf(extra: bytes | None) -> None:
    proof, data = proof_of(4, extra)
    text = proof_text(proof)
    again = parse_proof(text.encode(), "here")
    assert again == proof
    assert proof_text(again) == text
    assert text.startswith("c2sp.org/tlog-proof@v1\n" + ("" if extra is None else "extra ") * (extra is not None))
    assert again.includes(leaf_hash(data))
    assert not again.includes(leaf_hash(b"another"))
    assert verified(again.note, [LOG.key])


def test_the_lines_of_a_proof_are_those_of_the_specification() -> None:
    proof, _ = proof_of(0, b"\x00\x01", size=2)
    sibling = base64.b64encode(Published(2).hashes[1]).decode()
    expected = f"c2sp.org/tlog-proof@v1\nextra AAE=\nindex 0\n{sibling}\n\n{note_text(proof.note)}"
    assert proof_text(proof) == expected


def test_a_proof_of_the_only_leaf_has_no_hashes() -> None:
    proof, data = proof_of(0, size=1)
    assert parse_proof(proof_text(proof).encode(), "here").includes(leaf_hash(data))
    assert root_of_hashes([leaf_hash(data)]) == proof.checkpoint().root


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("tlog-proof@v1", "tlog-proof@v2", "is not c2sp"),
        ("extra eA==", "extra eA", "base64"),
        ("extra eA==\n", "extra eA==\nextra eA==\n", "index"),
        ("index 4", "index 04", "index"),
        ("index 4", "index 7", "outside"),
        ("index 4\n", "", "index"),
        ("index 4\n", "index 4\nnot a hash\n", "not a hash"),
        ("\n\n", "\n", "no signature"),
        (f"\n\n{ORIGIN}", f"\n{ORIGIN}", "not a hash|no signature|is not"),
        ("\n7\n", "\nseven\n", "size"),
    ],
)
def test_what_is_not_exactly_a_proof_is_refused(old: str, new: str, problem: str) -> None:
    text = proof_text(proof_of(4, b"x")[0])
    assert old in text
    with pytest.raises(BadInput, match=f"^proof: .*({problem})"):
        parse_proof(text.replace(old, new, 1).encode(), "proof")


def test_a_proof_with_more_hashes_than_any_tree_is_refused() -> None:
    proof, _ = proof_of(4)
    many = Proof(proof.index, (b"h" * 32,) * 64, proof.note)
    with pytest.raises(BadInput, match="more than 63 hashes"):
        parse_proof(proof_text(many).encode(), "proof")


def test_a_key_is_known_by_its_parts() -> None:
    assert Key("PeterNeumann", ED25519, parse_key(NEUMANN, "here").public).vkey == NEUMANN
