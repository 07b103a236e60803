"""What a witness answers to a ledger, request by request."""

import pytest

from fairgate.core.errors import BadInput
from fairgate.core.note import NoteSigner
from fairgate.core.tree import consistency_proof
from fairgate.core.witnessing import Answer, Request, Verdict, decide, parse_request, request_bytes
from ledgers import LOG, ORIGIN, Published

LEDGER = Published(12)
FORK = Published(5)
FORK.grow(7, "another story")  # the same first five leaves
KEYS = {ORIGIN: [LOG.key]}


def request(old: int, new: int, of: Published = LEDGER, signer: NoteSigner = LOG, proof: int | None = None) -> Request:
    hashes = consistency_proof(of.hashes[:new], min(old if proof is None else proof, new))
    return parse_request(request_bytes(old, hashes, of.signed(new, signer)))


@pytest.mark.parametrize(
    ("seen", "asked", "verdict"),
    [
        (None, request(0, 5), Verdict(Answer.COSIGNED)),
        (None, request(0, 0), Verdict(Answer.COSIGNED)),
        (5, request(5, 12), Verdict(Answer.COSIGNED)),
        (5, request(5, 5), Verdict(Answer.COSIGNED)),
        (0, request(0, 12), Verdict(Answer.COSIGNED)),
        # another old size than the one seen: told which it is
        (5, request(0, 12), Verdict(Answer.CONFLICT, 5)),
        (5, request(7, 12), Verdict(Answer.CONFLICT, 5)),
        (None, request(3, 12), Verdict(Answer.CONFLICT, 0)),
        # a ledger that went back, as a restored backup does
        (12, request(5, 7), Verdict(Answer.CONFLICT, 12)),
        # no such request
        (12, request(12, 7), Verdict(Answer.BAD)),
        # nobody's and unknown ledgers
        (5, request(5, 12, signer=NoteSigner(b"x" * 32, ORIGIN)), Verdict(Answer.SIGNED_BY_NOBODY)),
        # two faces
        (12, request(12, 12, FORK), Verdict(Answer.CONFLICT, 12, contradicts=True)),
        (12, request(5, 12, FORK), Verdict(Answer.CONFLICT, 12, contradicts=True)),
        (7, request(7, 12, FORK), Verdict(Answer.INCONSISTENT, contradicts=True)),
        # a proof of something else
        (5, request(5, 12, proof=7), Verdict(Answer.INCONSISTENT, contradicts=True)),
        (None, request(0, 12, proof=5), Verdict(Answer.INCONSISTENT)),
        (5, request(5, 5, LEDGER), Verdict(Answer.COSIGNED)),
    ],
)
def test_the_answer(seen: int | None, asked: Request, verdict: Verdict) -> None:
    before = None if seen is None else LEDGER.checkpoint(seen)
    assert decide(asked, before, KEYS) == verdict


def test_a_ledger_that_is_not_on_the_list_is_unknown_whoever_signed() -> None:
    assert decide(request(0, 5), None, {"other.example.org": [LOG.key]}) == Verdict(Answer.UNKNOWN)


def test_a_proof_where_none_belongs_is_inconsistent() -> None:
    hashes = [LEDGER.hashes[0]]
    same = parse_request(request_bytes(5, hashes, LEDGER.signed(5)))
    assert decide(same, LEDGER.checkpoint(5), KEYS).answer == Answer.INCONSISTENT


def test_an_empty_ledger_has_one_root_only() -> None:
    text = f"{ORIGIN}\n0\n{'A' * 43}=\n"
    note = f"{text}\n{LOG.sign(text)}".encode()
    assert decide(parse_request(request_bytes(0, [], note)), None, KEYS).answer == Answer.INCONSISTENT


def test_the_request_of_the_specification_is_read() -> None:
    body = b"""old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\xe2\x80\x94 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\xe2\x80\x94 example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
"""  # noqa: E501
    read = parse_request(body)
    assert (read.old_size, read.checkpoint.size, len(read.proof), len(read.note.signatures)) == (
        20_852_014,
        20_852_163,
        4,
        2,
    )
    note = body.split(b"\n\n", 1)[1]
    assert request_bytes(read.old_size, read.proof, note) == body


GOOD = request_bytes(5, consistency_proof(LEDGER.hashes, 5), LEDGER.signed())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 5\n",
        GOOD.replace(b"old 5", b"old 05"),
        GOOD.replace(b"old 5", b"old -5"),
        GOOD.replace(b"old 5", b"new 5"),
        GOOD.replace(b"old 5", b"old  5"),
        GOOD.replace(b"old 5\n", b"old 5\nnot a hash\n"),
        GOOD.replace(b"old 5\n", b"old 5\n" + (b"A" * 43 + b"=\n") * 64),
        GOOD.replace(b"\n12\n", b"\ntwelve\n"),
        GOOD[:-1],
        GOOD.replace(b"\n\n", b"\n"),
        b"old 5\n\n" + b"x" * 300_000,
    ],
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput, match=r"^request: "):
        parse_request(body)
