"""Honour the request of somebody who was missing from a sealed list: what the draw would have given, over capacity.

What it decides by is in core/honour.py. Nothing that was sealed or drawn changes. Who would have been offered a place
is offered one now, like everybody else with a window, a notice and a receipt, and takes it from nobody: it is counted
at its slot over capacity, and not at all among the places that the round gives out. Who would have stood on the
reserve is offered a place, over capacity too, when the reserve is read past that position: now, if that has happened,
else by `backfill`. The line, what it would have got and the leaf of the receipt are on record and in the round's
public files.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import psycopg

from fairgate.commands.offering import HONOURED, Pick, offer_places
from fairgate.commands.record import record
from fairgate.commands.rounds import about
from fairgate.core import collector, receipts
from fairgate.core import honour as honouring
from fairgate.core.beacon import randomness
from fairgate.core.bundle import Manifest, entries_root, parse_beacon, parse_manifest
from fairgate.core.draw import Entry, ticket
from fairgate.core.honour import Claim, Said
from fairgate.core.honoured import Honoured, Share, draw_with, share_of
from fairgate.core.key_list import KeyList
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.places import moment
from fairgate.core.receipts import Receipt
from fairgate.core.sealing import Chance, Keys, unwrap
from fairgate.store import honoured, ledger, lists, offers, profiles, registrations, requests, rounds
from fairgate.store.registrations import Registration
from fairgate.store.requests import Request
from fairgate.store.rounds import Round

_ABOUT_A_REQUEST: Final = ("registered", "amended", *honouring.PROMISES, *honouring.ENDS)


@dataclass(frozen=True, slots=True)
class Honour:
    """`receipt`: the text of the receipt of a request, as its holder has it."""

    program: str
    date: date
    receipt: str


@dataclass(frozen=True, slots=True)
class _Case:
    """A claim, with the locked rows that it is decided by."""

    claim: Claim
    round: Round
    manifest: Manifest
    owner: Registration
    acts: Sequence[Said]


def honour(
    conn: psycopg.Connection, acts: Sequence[Honour], *, keys: Keys, listed: KeyList, now: datetime, chance: Chance
) -> list[Outcome]:
    """Honour receipts that a key of `listed` signed; who was honoured before gets the same answer again.

    Raises BadInput for a text that is no receipt, KeyUnknown or SignatureWrong for one that is not signed by us.
    """
    outcomes: list[Outcome] = []
    for act in acts:
        receipt = receipts.verify(act.receipt, listed.by_kid())
        with conn.transaction(), collector.paused():
            outcomes.append(_honour(conn, act, receipt, keys, listed.issuer, now, chance))
    return outcomes


def _honour(
    conn: psycopg.Connection, act: Honour, receipt: Receipt, keys: Keys, issuer: str, now: datetime, chance: Chance
) -> Outcome:
    """Lock round and registration, decide, compute, then write what follows; the ledger last."""
    found = rounds.lock(conn, act.program, act.date)
    if found is None:
        return Refused(Reason.UNKNOWN_ROUND, about(act.program, act.date))
    owner = registrations.lock(conn, [receipt.number]).get(receipt.number)
    if owner is None:
        return Refused(Reason.UNKNOWN_NUMBER, {"number": receipt.number})
    before = honoured.find(conn, found.id, owner.id)
    if before is not None:
        return record(conn, [(owner.id, _done(found, owner, before, repeated=True))], now=now, chance=chance)[0]
    if found.state != "drawn":
        reason = Reason.NOT_DUE if found.state in ("open", "sealed") else Reason.WRONG_STATE
        return Refused(reason, {**about(act.program, act.date), "state": found.state})
    case = _case(conn, receipt, found, owner)
    refusal = _refuse(conn, case, issuer) or _refuse_as_it_is_now(conn, case, now)
    if refusal is not None:
        return refusal
    line = _line(conn, case, keys, now)
    lost = _ask_again(conn, case)
    honoured.insert(conn, found.id, owner.id, line)
    rounds.honoured(conn, found.id)
    _give(conn, case, line, now, chance)
    said = [*lost, _done(found, owner, line)]
    return record(conn, [(owner.id, done) for done in said], now=now, chance=chance)[-1]


def _case(conn: psycopg.Connection, receipt: Receipt, found: Round, owner: Registration) -> _Case:
    assert found.manifest is not None, "a drawn round has its manifest"
    on_record = ledger.data_at(conn, receipt.leaf) == receipt.leaf_data()
    rows = ledger.of_registration(conn, owner.id, _ABOUT_A_REQUEST)
    recorded_at = ledger.at(conn, receipt.leaf) if on_record else None
    return _Case(
        claim=Claim(receipt, on_record, found.program, found.closes_at, recorded_at),
        round=found,
        manifest=parse_manifest(found.manifest.encode()),
        owner=owner,
        acts=[Said(leaf, kind, at, json.loads(body)) for leaf, kind, at, body in rows],
    )


def _ports(case: _Case) -> tuple[str, ...]:
    """The ports of the request that are in the round, as sealing lists them."""
    offered = {place.port for place in case.manifest.ports}
    return tuple(port for port in case.claim.ports if port in offered)


def _refuse(conn: psycopg.Connection, case: _Case, issuer: str) -> Refused | None:
    """Why the receipt is not that of somebody who should have been in the list, and was not."""
    found, owner, claim = case.round, case.owner, case.claim
    in_list = lists.is_in(conn, found.id, owner.id)
    if in_list is not None:
        return Refused(Reason.IN_THE_LIST, {"ticket": in_list})
    refusal = honouring.refuse_receipt(claim, issuer) or honouring.refuse_later_acts(claim, case.acts)
    if refusal is not None:
        return refusal
    if not _ports(case):
        return Refused(Reason.PORTS_NOT_IN_ROUND, {"ports": list(claim.ports)})
    if offers.held_place_at(conn, found.program, owner.id, found.closes_at):
        return Refused(Reason.HAD_PLACE, {"closed_at": moment(found.closes_at)})
    size, group_max = _size(case), case.manifest.group_max
    return Refused(Reason.GROUP_TOO_LARGE, {"size": size, "group_max": group_max}) if size > group_max else None


def _size(case: _Case) -> int:
    """Persons of the group when the round closed."""
    return honouring.size_at(case.acts, case.round.closes_at, case.owner.size)


def _refuse_as_it_is_now(conn: psycopg.Connection, case: _Case, now: datetime) -> Refused | None:
    """Why nothing can be offered to the group as it is now."""
    found, owner, group_max = case.round, case.owner, case.manifest.group_max
    wish = requests.of(conn, [owner.id]).get((owner.id, found.program))
    if wish is not None and wish.state != "standing":
        return Refused(Reason.NOT_STANDING, {"state": wish.state})
    if offers.live(conn, found.program, [owner.id]):
        return Refused(Reason.HAS_PLACE)
    if owner.size > group_max:
        return Refused(Reason.GROUP_TOO_LARGE, {"size": owner.size, "group_max": group_max})
    profile = profiles.current(conn)
    begins = min(_begins(found.date, profile.port(port).zone) for port in _ports(case))
    ends = now + profile.program(found.program).policy.window  # a place that could not be confirmed in time is none
    return Refused(Reason.TOO_NEAR, {"begins": moment(begins)}) if ends >= begins else None


def _begins(day: date, zone: str) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=ZoneInfo(zone))


def _line(conn: psycopg.Connection, case: _Case, keys: Keys, now: datetime) -> Honoured:
    """The missing line and what the draw gives it."""
    found, owner = case.round, case.owner
    assert found.wrapped_key is not None, "a sealed round has its ticket key"
    mine = ticket(unwrap(keys, found.wrapped_key, found.about), owner.number)
    entry = Entry(mine, _size(case), lists.weeks(conn, owner.id, found.closes_at), _ports(case))
    share = _share(conn, found, case.manifest, entry)
    return Honoured(entry, share, case.claim.receipt.leaf, case.claim.on_record, now)


def _share(conn: psycopg.Connection, found: Round, manifest: Manifest, entry: Entry) -> Share:
    """Draw again with the line added; root and seed are those that were sealed and drawn."""
    entries = [listed for _, listed in lists.entries(conn, found.id)]
    root = entries_root(entries)
    assert root == found.root, "the list of a sealed round is the one that was sealed"
    assert found.proof is not None, "a drawn round has its random value"
    chance = randomness(manifest, parse_beacon(found.proof.encode()))
    drawn = draw_with(manifest, root, entries, entry, chance)
    assert drawn.seed == found.seed, "the seed is the one that was drawn with"
    return share_of(entry.ticket, drawn)


def _ask_again(conn: psycopg.Connection, case: _Case) -> list[Done]:
    """Where even the request is not there any more, let it stand as the receipt says; what is then said of that."""
    found, owner, claim = case.round, case.owner, case.claim
    if (owner.id, found.program) in requests.of(conn, [owner.id]):
        return []
    ports = list(claim.ports)
    requests.insert(conn, [Request(owner.id, found.program, "standing", ports, claim.asked_at, None)])
    return [Done("requested", owner.number, {"program": found.program, "ports": ports})]


def _give(conn: psycopg.Connection, case: _Case, line: Honoured, now: datetime, chance: Chance) -> None:
    """Offer what is due by now; else let the reserve be looked at, where a place may be free already."""
    found, owner, entry = case.round, case.owner, line.entry
    port = line.share.port or honoured.passed_at(conn, found.id, entry, line.share.order)
    if port is not None:
        pick = Pick(owner.id, entry.ticket, owner.size, port, HONOURED)
        offer_places(conn, found, [pick], now=now, chance=chance)
    else:
        offers.mark_freed(conn, [(found.id, each) for each in sorted(entry.ports)], now)


def _done(found: Round, owner: Registration, line: Honoured, *, repeated: bool = False) -> Done:
    facts = {**about(found.program, found.date), **honouring.facts(line)}
    return Done("honoured", owner.number, facts, repeated=repeated)
