"""`fairgate round honour`: somebody was missing from a sealed list, and shows the receipt of their request."""

import json
import os
from pathlib import Path
from typing import Annotated, Final

import psycopg
import typer

from fairgate.cli import place
from fairgate.cli.faults import CheckedAndFalse
from fairgate.cli.naming import AsJson, Date, date_of
from fairgate.cli.progress import bar
from fairgate.commands.honour import Honour
from fairgate.commands.honour import honour as honour_receipts
from fairgate.core import receipts
from fairgate.core.errors import BadInput, shown
from fairgate.core.key_list import KeyList
from fairgate.core.lifecycle import Done, Reason, Refused
from fairgate.core.places import moment
from fairgate.core.profile import Program
from fairgate.core.receipts import KeyUnknown, Receipt, SignatureWrong
from fairgate.store import clock, offers, profiles, registrations, rounds
from fairgate.store.keys import list_path, load_list
from fairgate.store.offers import Offer

FILE_MOST: Final = 1 << 14  # bytes; a receipt has about 400

# Refusals in words: the problem, and the way out.
_WORDS: Final = {
    Reason.UNKNOWN_ROUND: ("there is no such round", "see the dates on /draws/"),
    Reason.NOT_DUE: (
        "it is not drawn yet, and what a ticket gets is not known before",
        "keep the receipt and come again after the draw",
    ),
    Reason.WRONG_STATE: ("its day is over, or it is void, and no place of it can be given", "see docs: honour.md"),
    Reason.UNKNOWN_NUMBER: (
        "nobody is registered under the number of the receipt",
        "restore the registration from a backup first",
    ),
    Reason.IN_THE_LIST: ("this registration is in the list", "look its ticket up in results.csv"),
    Reason.OTHER_LEDGER: (
        "the receipt names another ledger, and ours does not hold what it says",
        "show it to the service that gave it out",
    ),
    Reason.NO_PROMISE: (
        "the receipt is not that of a request",
        'bring the receipt that says "requested" or "restored"',
    ),
    Reason.OTHER_PROGRAM: ("the receipt is of a request for another program", "name that one with --program"),
    Reason.ASKED_TOO_LATE: (
        "the request was made after the list was closed",
        "it is in the rounds that closed later",
    ),
    Reason.REQUEST_ENDED: ("the request was ended again before the list was closed", "nothing was missing"),
    Reason.REQUEST_CHANGED: (
        "the request was changed again before the list was closed",
        "bring the receipt of the last change",
    ),
    Reason.PORTS_NOT_IN_ROUND: ("none of the ports of the request is in this round", "nothing was missing"),
    Reason.HAD_PLACE: ("the group held a place when the list was closed", "nothing was missing"),
    Reason.HAS_PLACE: (
        "the group holds a place now, and nobody holds two",
        "show the receipt again if that one is given up",
    ),
    Reason.NOT_STANDING: (
        "the request does not stand any more, so nothing can be offered",
        "ask again first if the group still wants a place",
    ),
    Reason.GROUP_TOO_LARGE: ("the group is larger than the round admits", "see docs: honour.md"),
    Reason.TOO_NEAR: (
        "the day begins before a place could be confirmed",
        "the office owes this group another way; see docs: honour.md",
    ),
}


def honour(
    day: Date,
    given: Annotated[str, typer.Argument(metavar="RECEIPT_OR_FILE", help="A text that begins with FG1:, or its file")],
    program: Annotated[str | None, typer.Option("--program", help="Else the one that the receipt names")] = None,
    as_json: AsJson = False,
) -> None:
    """Offer somebody who was missing from a drawn round what its draw would have given, over capacity, on the record.

    The receipt of the request has to be signed by a key of this home. Its ticket is put among the sealed entries, and
    the draw is gone through again with the seed as it was drawn. List, results and everybody else's places stay.
    Given twice, the answer is the same. Exit code 1: the signature is wrong. 2: refused, and why.

    \b
    fairgate round honour 2026-12-01 receipt.txt
    fairgate round honour 2026-12-01 "FG1:6BF…" --json
    """
    text = _text(given)
    receipt = receipts.read(text)
    listed = _key_list()
    with place.database() as conn, bar("drawing"):
        wanted = _program(conn, program, receipt)
        act = Honour(wanted.program, date_of(day), text)
        keys = place.deployment_keys()
        try:
            [outcome] = honour_receipts(conn, [act], keys=keys, listed=listed, now=clock.now(conn), chance=os.urandom)
        except (KeyUnknown, SignatureWrong) as fault:
            raise CheckedAndFalse(f"receipt: {fault}") from None
        if isinstance(outcome, Refused):
            raise _refusal(outcome, act, wanted)
        now = _offer(conn, act, receipt)
    typer.echo(json.dumps(_findings(outcome, now), sort_keys=True) if as_json else _in_words(outcome, now))


def _program(conn: psycopg.Connection, named: str | None, receipt: Receipt) -> Program:
    """The program that was named, else the one of the receipt; what that names is not to be trusted yet."""
    said = receipt.facts.get("program")
    found = profiles.current(conn).find_program(said) if isinstance(said, str) else None
    return found if named is None and found is not None else place.program_of(conn, named)


def _text(given: str) -> str:
    """The receipt that was given as a text or as the name of its file."""
    if given.startswith(receipts.PREFIX):
        return given
    path = Path(given)
    if not path.is_file():
        problem = f"{shown(given)} is neither a receipt nor a file that is there"
        raise BadInput("RECEIPT_OR_FILE", problem, f"give a text that begins with {receipts.PREFIX}, or its file")
    with path.open("rb") as file:
        return file.read(FILE_MOST).decode("utf-8-sig", "backslashreplace").strip()


def _key_list() -> KeyList:
    path = list_path(place.home())
    if not path.exists():
        problem = f"there is no list of receipt keys in this home ({path})"
        raise BadInput("FAIRGATE_HOME", problem, "name the home of the service that gave the receipt out")
    return load_list(path)


def _refusal(refused: Refused, act: Honour, program: Program) -> BadInput:
    problem, way_out = _WORDS.get(refused.reason, (f"refused: {refused.reason}", "see `fairgate round show`"))
    facts = {key: value for key, value in refused.facts.items() if key not in ("program", "round")}
    known = ", ".join(f"{key.replace('_', ' ')} {_word(value)}" for key, value in facts.items())
    return BadInput(f"round {act.date} of {program.program}", f"{problem}{f' ({known})' if known else ''}", way_out)


def _word(value: object) -> str:
    """A fact as a line may show it; one that came with the receipt could hold anything."""
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if text.isascii() and text.isprintable() else shown(text, 200)


def _offer(conn: psycopg.Connection, act: Honour, receipt: Receipt) -> Offer | None:
    """What was offered to the registration in the round, as it is now."""
    owner = registrations.find(conn, receipt.number)
    found = rounds.find(conn, act.program, act.date)
    assert owner is not None, "who was honoured is registered"
    assert found is not None, "in a round that is there"
    return next((offer for offer in offers.history(conn, owner.id) if offer.round_id == found.id), None)


def _findings(done: Done, now: Offer | None) -> dict[str, object]:
    offer = None
    if now is not None:
        deadline = None if now.deadline is None else moment(now.deadline)
        time = now.time.strftime("%H:%M")
        offer = {"state": now.state, "why": now.why, "port": now.port, "time": time, "deadline": deadline}
    leaf = None if done.leaf is None else done.leaf.index
    more = {"kind": done.kind, "number": done.number, "leaf": leaf, "before": done.repeated, "offer": offer}
    return {**done.facts, **more}


def _in_words(done: Done, now: Offer | None) -> str:
    facts = done.facts
    there = (
        "where the ledger holds what it says"
        if facts["on_record"]
        else "where our ledger does not hold what it says: the receipt counts alone, for the signature is the promise"
    )
    lines = [
        f"honoured: registration {done.number} was missing from the draw of {facts['program']} for {facts['round']}.",
        f"  receipt  leaf {facts['request_leaf']}, {there}",
        f"  ticket   {facts['ticket']}",
        f"  draw     {_would_have(done)}",
        f"  now      {_now(now)}",
        "The list, the results and everybody else's places are as they were. The line is in honoured.csv of the draw.",
    ]
    if done.repeated:
        lines.append("This receipt was honoured before; it is the same answer again.")
    return "\n".join(lines)


def _would_have(done: Done) -> str:
    facts = done.facts
    if facts["outcome"] == "offered":
        return f"would have offered a place at {facts['port']} (order {facts['order']}, {facts['phase']})"
    return f"would have put it on the reserve, before the one who is number {facts['order']} there"


def _now(offer: Offer | None) -> str:
    if offer is None:
        return "waits; a place is offered, over capacity, when the reserve is read past it"
    until = "deadline paused" if offer.deadline is None else f"deadline {moment(offer.deadline)}"
    why = "" if offer.why is None else f" ({offer.why})"
    return f"place over capacity at {offer.port}, {offer.date} {offer.time:%H:%M}: {offer.state}{why}, {until}"
