"""Missing from the list with a receipt in hand: what the draw would have given (docs/rules/draw.md).

The idea. A receipt of a request is the service's promise to be in the draws from then on. Where somebody's line is
missing from a sealed list although the promise held when it closed, the line is added now, and the draw is gone
through again.

The seed stays as it was drawn. It is a hash over the sealed list's root, so a list with one line more would have had
another one; but nobody can be given the lot that they would have had in a draw that was never held, and a new seed,
chosen after everybody's tickets are known, is exactly what sealing exists to prevent. With the seed as it is, nothing
is left to choose: rank and tie of a ticket are hashes of the published seed and the ticket alone, the ticket follows
from a key whose hash was sealed, and so the lot of the missing line was fixed when the seed was, whoever wrote the
list.

What it guarantees.
- *The same lot as everybody else.* What the missing line gets is what `draw` gives it among the sealed entries, no
  more and no less; its size changes nothing about that, for a group goes in as long as there is room for one.
- *Nobody else is touched.* List and results stay. If the missing line gets a place, it is given over capacity. If it
  does not, it took nothing from anyone in the draw either: the others' results with it are the published ones, and it
  stands on the reserve between two who stand there already.
- *Several are each taken alone.* Two who were missing are not set against each other: each gets what is theirs beside
  the sealed list, whoever else comes with a receipt, and whenever.

Example, from the essay in draw.py. E was missing: one person, 0 weeks, and the seed gives its ticket the lot 25. By
lot D (20) comes first and fills the port, so E gets nothing there; C (30) was first on the reserve. E stands before
C: order 1. Had its lot been 15, E would have come before D, at used 4 < 5: offered, lottery. D keeps its place, and E
gets one more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from fairgate.core.honoured import Honoured
from fairgate.core.lifecycle import Fact, Reason, Refused
from fairgate.core.places import moment
from fairgate.core.receipts import Receipt

PROMISES: Final = ("requested", "restored")  # the kinds of receipts that say that a request stands
ENDS: Final = ("withdrawn", "checked in")  # the acts after which it does not


class Said(NamedTuple):
    """An act about a registration, as it is on record."""

    leaf: int
    kind: str
    at: datetime
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Claim:
    """A receipt that our key signed, held against the round of a program that closed at `closes_at`.

    `on_record`: our ledger has at the receipt's leaf what the receipt says. It may not, after a backup was restored;
    then the receipt counts alone, for the signature is the promise. `recorded_at` is the time of that leaf, to the
    millionth of a second: a receipt tells whole seconds, and a list closes in the middle of none.
    """

    receipt: Receipt
    on_record: bool
    program: str
    closes_at: datetime
    recorded_at: datetime | None = None

    @property
    def asked_at(self) -> datetime:
        return self.recorded_at or datetime.fromtimestamp(self.receipt.at, UTC)

    @property
    def ports(self) -> tuple[str, ...]:
        """The ports that were asked for, in order of preference; none where the receipt names none."""
        ports = self.receipt.facts.get("ports")
        return tuple(port for port in ports if isinstance(port, str)) if isinstance(ports, list) else ()


def refuse_receipt(claim: Claim, issuer: str) -> Refused | None:
    """Why a receipt is no promise to be in this round.

    A service that has moved to another address has another `issuer` today; what stands in our ledger is ours
    all the same.
    """
    receipt = claim.receipt
    if receipt.issuer != issuer and not claim.on_record:
        return Refused(Reason.OTHER_LEDGER, {"ledger": receipt.issuer})
    if receipt.kind not in PROMISES:
        return Refused(Reason.NO_PROMISE, {"kind": receipt.kind})
    if receipt.facts.get("program") != claim.program:
        return Refused(Reason.OTHER_PROGRAM, {"asked_for": str(receipt.facts.get("program"))})
    if claim.asked_at > claim.closes_at:
        return Refused(
            Reason.ASKED_TOO_LATE, {"asked_at": moment(claim.asked_at), "closed_at": moment(claim.closes_at)}
        )
    return None


def refuse_later_acts(claim: Claim, acts: Sequence[Said]) -> Refused | None:
    """Whether `acts`, oldest first, ended the request or changed its ports between the receipt and the closing."""
    ports: tuple[str, ...] | None = claim.ports
    end = ""
    for said in acts:
        if not _counts(claim, said):
            continue
        if said.kind in ENDS:
            ports, end = None, said.kind
        elif said.kind in PROMISES:
            listed = said.facts["ports"]
            assert isinstance(listed, list), "a request names its ports"
            ports = tuple(listed)
    if ports is None:
        return Refused(Reason.REQUEST_ENDED, {"act": end})
    return Refused(Reason.REQUEST_CHANGED, {"ports": list(ports)}) if ports != claim.ports else None


def _counts(claim: Claim, said: Said) -> bool:
    """Whether an act on the same request came after the receipt and before the closing.

    Later is what has a later leaf; where the receipt's leaf is not what our ledger has there, what has a later time.
    """
    receipt = claim.receipt
    later = said.leaf > receipt.leaf if claim.on_record else int(said.at.timestamp()) > receipt.at
    return later and said.at <= claim.closes_at and said.facts.get("program") == claim.program


def size_at(acts: Iterable[Said], at: datetime, otherwise: int) -> int:
    """The persons of a group at a time, from what is on record of registering and amending, oldest first."""
    sizes = [said.facts.get("size") for said in acts if said.kind in ("registered", "amended") and said.at <= at]
    return next((size for size in reversed(sizes) if isinstance(size, int)), otherwise)


def facts(line: Honoured) -> dict[str, Fact]:
    """What the statement of honouring says beside round and number."""
    share = line.share
    got: dict[str, Fact] = {"outcome": share.outcome, "order": share.order}
    if share.port is not None:
        got |= {"port": share.port, "phase": share.phase}
    return {"ticket": line.entry.ticket, **got, "request_leaf": line.request_leaf, "on_record": line.on_record}
