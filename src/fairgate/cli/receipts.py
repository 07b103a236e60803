"""The part of `fairgate verify` that is about receipts and passes: who signed one, what it says, what that proves."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import typer

from fairgate.cli import inclusion, place
from fairgate.cli import revoked as revoking
from fairgate.cli.faults import CheckedAndFalse
from fairgate.cli.given import PROOF
from fairgate.cli.inclusion import Inclusion, NotIncluded
from fairgate.cli.reading import whole
from fairgate.cli.revoked import Listed, NotSigned
from fairgate.core import passes, receipts
from fairgate.core.canonical import BYTES_MOST as KEYS_MOST
from fairgate.core.checkpoint import parse_checkpoint
from fairgate.core.clocks import read_moment
from fairgate.core.errors import BadInput, shown
from fairgate.core.key_list import KeyList, parse_keys
from fairgate.core.lifecycle import Fact
from fairgate.core.note import NOTE_MOST, parse_note
from fairgate.core.passes import Pass, Validity
from fairgate.core.places import moment
from fairgate.core.policy import Policy
from fairgate.core.receipts import KeyUnknown, Receipt, SignatureWrong
from fairgate.core.tlog_proof import Proof, proof_text
from fairgate.core.tree import leaf_hash
from fairgate.store.keys import list_path

BEHIND: Final = timedelta(minutes=10)  # a ledger that has not covered a receipt for so long is behind
AHEAD: Final = timedelta(minutes=5)  # by which clocks differ
FOR_YOU_TO_SEE: Final = (
    "Whether this is its port and its day, and whether these are its people, is for you to see: it holds no name.",
)
SIGNATURE_ALONE: Final = (
    "This proves that the holder of the key said that this act was done then, and that it stands in the ledger at",
    "this leaf with this data. It does not prove that the ledger has it there: that takes a proof of inclusion, and",
    "none is checked here. Nor does it say what was done afterwards, or whether this is the right list of keys.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a receipt is to be held against: files, addresses and a time, each where one was given."""

    keys: Path | None = None
    ledger: str | None = None
    proof: Path | None = None
    policy: Path | None = None
    save_proof: Path | None = None
    revoked: Path | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A receipt that a listed key signed, and what else was found. `pass_`: what it says as a pass, if it is one."""

    receipt: Receipt
    listed: KeyList
    now: datetime
    pass_: Pass | None
    revoked: Listed | None
    found: Inclusion | None


def check(text: str, asked: Asked, *, as_json: bool) -> None:
    """Say what is in the receipt or pass `text`; raises CheckedAndFalse where it may not be believed."""
    receipt = receipts.read(text)  # what is no receipt needs no keys to be refused
    pass_ = passes.read_pass(receipt) if receipt.kind == passes.KIND else None
    if pass_ is None and asked.revoked is not None:
        problem = f"says nothing about a receipt ({_word(receipt.kind)}): it is no pass, and admits nobody"
        raise BadInput("--revoked", problem, "leave it out, or give the pass")
    now = datetime.now(UTC) if asked.at is None else read_moment(asked.at, "--at")
    listed = _list(asked.keys)
    try:
        receipts.verify(text, listed.by_kid())
    except (KeyUnknown, SignatureWrong) as fault:
        problem = "key unknown" if isinstance(fault, KeyUnknown) else "signature wrong"
        raise _false(receipt, problem, f"receipt: {fault}", as_json=as_json) from None
    policy = inclusion.load_policy(asked.policy)
    revoked = None
    if pass_ is not None:
        try:
            revoked = revoking.load(asked.revoked, receipt.issuer, policy)
        except NotSigned as fault:
            raise _false(receipt, "revoked list not signed", str(fault), as_json=as_json) from None
        _refuse_void(receipt, pass_, revoked, now, as_json=as_json)
    try:
        found = _included(receipt, asked, policy, is_used=revoked is not None and revoked.signed_by is not None)
    except NotIncluded as fault:
        raise _false(receipt, "not in the ledger", f"receipt: {fault}", as_json=as_json) from None
    if asked.save_proof is not None:
        _save(asked.save_proof, receipt, found)
    checked = Checked(receipt, listed, now, pass_, revoked, found)
    typer.echo(json.dumps(_findings(checked), sort_keys=True) if as_json else "\n".join(_in_words(checked)))


def _false(receipt: Receipt, problem: str, said: str, *, as_json: bool) -> CheckedAndFalse:
    if as_json:
        typer.echo(json.dumps({"ok": False, "problem": problem, "kid": receipt.kid.hex()}, sort_keys=True))
    return CheckedAndFalse(said)


def _list(file: Path | None) -> KeyList:
    """The public keys: those of `file`, or else of this home."""
    path = file or list_path(place.home())
    if file is None and not path.exists():
        problem = f"there is no list of keys in this home ({path})"
        raise BadInput("--keys", problem, "name the list that the service publishes as /keys.json")
    return parse_keys(str(path), whole(path, KEYS_MOST))


# -- passes -------------------------------------------------------------------------------------


def _refuse_void(receipt: Receipt, pass_: Pass, listed: Listed | None, now: datetime, *, as_json: bool) -> None:
    """Raise CheckedAndFalse where a pass counts no more."""
    match passes.validity(pass_, now, listed.revoked.appointments if listed else ()):
        case Validity.EXPIRED:
            said = f"pass: it counted until {moment(pass_.expires_at)}, and it is {moment(now)}"
            raise _false(receipt, "expired", said, as_json=as_json)
        case Validity.REVOKED:
            assert listed is not None
            said = (
                f"pass: its appointment {pass_.appointment} was revoked, says the list of {moment(listed.revoked.at)}"
            )
            raise _false(receipt, "revoked", said, as_json=as_json)
        case Validity.VALID:
            pass


# -- the ledger ---------------------------------------------------------------------------------


def _included(receipt: Receipt, asked: Asked, policy: Policy | None, *, is_used: bool) -> Inclusion | None:
    """What the ledger has at the receipt's leaf; None where there was nothing to look at.

    `is_used`: the policy was given for something else, and need not find a ledger here.
    """
    leaf = leaf_hash(receipt.leaf_data())
    if asked.proof is not None:
        if asked.ledger is not None:
            raise BadInput("--proof and --ledger", "both are given", "give one of them")
        proof = inclusion.load_proof(asked.proof)
        return inclusion.look_at(proof, str(asked.proof), receipt.issuer, receipt.leaf, leaf, policy)
    where = _own_ledger(receipt.issuer) if asked.ledger is None else asked.ledger
    if where is None:
        if (policy is not None and not is_used) or asked.save_proof is not None:
            way_out = "name its folder or address with --ledger"
            raise BadInput("--ledger", "there is no ledger to look at in this home", way_out)
        return None
    return inclusion.look_up(where, receipt.issuer, receipt.leaf, leaf, policy)


def _own_ledger(issuer: str) -> str | None:
    """The ledger in this home, if it is the one of this name."""
    folder = place.home() / "public" / "ledger"
    file = folder / "checkpoint"
    if not file.is_file():
        return None
    head = parse_checkpoint(parse_note(whole(file, NOTE_MOST), str(file)), str(file))
    return str(folder) if head.origin == issuer else None


def _save(file: Path, receipt: Receipt, found: Inclusion | None) -> None:
    """Write the proof with all that is needed to make the leaf again, so that it can be checked by itself.

    An older proof is written over, and nothing else: least of all the receipt.
    """
    if found is None or found.proof is None:
        raise BadInput("--save-proof", "the ledger does not cover this receipt yet", "try again in a minute")
    if file.is_file() and not (there := whole(file, len(PROOF))).startswith(PROOF) and there:
        raise BadInput(str(file), "is there already, and is no proof", "name another file: it is not written over")
    extra = receipt.salt + receipt.statement().encode()
    whole_proof = Proof(found.proof.index, found.proof.hashes, found.proof.note, extra)
    file.write_bytes(proof_text(whole_proof).encode())


# -- what is said of it -------------------------------------------------------------------------


def _findings(checked: Checked) -> dict[str, object]:
    receipt, found = checked.receipt, checked.found
    data = receipt.leaf_data()
    return {
        "ok": True,
        "issuer": receipt.issuer,
        "keys_of": checked.listed.issuer,
        "kid": receipt.kid.hex(),
        "kind": receipt.kind,
        "number": receipt.number,
        "at": _when(receipt),
        "facts": dict(receipt.facts),
        "statement": receipt.statement(),
        "salt": receipt.salt.hex(),
        "leaf": {"index": receipt.leaf, "data": data.hex(), "hash": leaf_hash(data).hex()},
        "inclusion_shown": found is not None and found.proof is not None,
        **({} if found is None else {"inclusion": inclusion.findings(found)}),
        **({} if checked.pass_ is None else {"pass": _pass_findings(checked.pass_, checked.revoked)}),
    }


def _pass_findings(pass_: Pass, listed: Listed | None) -> dict[str, object]:
    return {"valid": True, "expires": moment(pass_.expires_at), "revoked_list": revoking.findings(listed)}


def _in_words(checked: Checked) -> list[str]:
    receipt, listed, found = checked.receipt, checked.listed, checked.found
    data = receipt.leaf_data()
    facts = ", ".join(f"{name} {_word(value)}" for name, value in sorted(receipt.facts.items()))
    what = "receipt" if checked.pass_ is None else "pass"
    return [
        f"right: a key of {_word(listed.issuer)} signed this {what}.",
        f"  what    {_word(receipt.kind)}",
        f"  who     registration {_word(receipt.number)}",
        f"  when    {_when(receipt)}",
        f"  with    {facts or 'nothing more'}",
        *([] if checked.pass_ is None else [f"  counts  until {moment(checked.pass_.expires_at)}"]),
        *([] if checked.pass_ is None else revoking.lines(checked.revoked, receipt.issuer, checked.now)),
        f"  ledger  {_word(receipt.issuer)}, leaf {receipt.leaf}",
        f"  data    {data.hex()}",
        f"  hash    {leaf_hash(data).hex()}",
        *([] if found is None else [f"  proof   {inclusion.line(found)}"]),
        f"  key     {receipt.kid.hex()}",
        *_what_it_proves(checked, what),
        *([] if checked.pass_ is None else FOR_YOU_TO_SEE),
        *_what_is_odd(checked, what),
    ]


def _what_is_odd(checked: Checked, what: str) -> list[str]:
    """Sentences about what need not be wrong, and should not go unseen."""
    receipt, odd = checked.receipt, []
    if checked.listed.issuer != receipt.issuer:
        odd += [
            f"The {what} and the list name different ledgers: one key signed for both, perhaps one after",
            "the other.",
        ]
    if _at(receipt) > checked.now + AHEAD:
        odd += [
            f"It names a time later than {moment(checked.now)}, the time asked about: a clock was wrong, or it was",
            "signed ahead of its time.",
        ]
    return odd


def _what_it_proves(checked: Checked, what: str) -> list[str]:
    if checked.found is None:
        return list(SIGNATURE_ALONE)
    return [
        "This proves that the holder of the key said that this act was done then, and that it stands in the ledger at",
        "this leaf with this data.",
        *inclusion.words(checked.found, what),
        *_behind(checked),
        "It does not say what was done afterwards, or whether this is the right list of keys.",
    ]


def _behind(checked: Checked) -> list[str]:
    """A sentence where a ledger should have covered the act long ago."""
    assert checked.found is not None
    if checked.found.proof is not None or checked.now - _at(checked.receipt) < BEHIND:
        return []
    return ["It was signed more than ten minutes ago: the ledger stands still, or an old state of it is shown here."]


def _when(receipt: Receipt) -> str:
    return moment(_at(receipt))


def _at(receipt: Receipt) -> datetime:
    return datetime.fromtimestamp(receipt.at, UTC)


def _word(value: Fact) -> str:
    """A fact as a line may show it: as it is, or quoted and escaped where it could deceive."""
    if isinstance(value, list):
        return " ".join(_word(item) for item in value if isinstance(item, str))
    text = value if isinstance(value, str) else json.dumps(value)
    return text if text.isascii() and text.isprintable() else shown(text, 200)
