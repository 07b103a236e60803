"""What clients were told, compared with what is in the database and in the ledger.

Every difference is a line of text; no line, no difference.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

import psycopg

from crash.book import REFUSED, Act, Book
from fairgate.core.receipts import Receipt, verify

KEPT = {"confirmed": "confirmed", "declined": "declined", "checked in": "checked_in"}  # state of the offer
TOLD = ("confirmed", "declined")  # what a notice is due for


class Leaf(NamedTuple):
    """A leaf with its statement, as they are in the database."""

    number: str
    kind: str
    data: bytes
    salt: bytes
    body: str


@dataclass(slots=True)
class Stored:
    """What the database holds. `since`: how many leaves there were when the clients came."""

    since: int
    leaves: dict[int, Leaf]
    answers: set[tuple[str, str]]  # number, key
    offers: dict[str, str]  # states
    ports: dict[str, list[str]]  # of requests
    notices: Counter[tuple[str, str]] = field(default_factory=Counter)  # number, kind


def stored(conn: psycopg.Connection, since: int | None = None) -> Stored:
    """What is there now; `since` is everything if it is not given."""
    leaves = """
        SELECT l.index, r.number, s.kind, l.data, s.salt, s.body
          FROM leaf l JOIN statement s ON s.leaf = l.index LEFT JOIN registration r ON r.id = s.registration_id
    """
    answers = "SELECT r.number, a.key FROM answer a JOIN registration r ON r.id = a.registration_id"
    offers = "SELECT r.number, o.state FROM offer o JOIN registration r ON r.id = o.registration_id"
    ports = "SELECT r.number, q.ports FROM request q JOIN registration r ON r.id = q.registration_id"
    notices = """
        SELECT r.number, n.kind FROM notice n JOIN registration r ON r.id = n.registration_id WHERE n.kind = ANY(%s)
    """
    found = {index: Leaf(*row) for index, *row in conn.execute(leaves)}
    return Stored(
        len(found) if since is None else since,
        found,
        {(number, key) for number, key in conn.execute(answers)},
        dict(conn.execute(offers).fetchall()),
        dict(conn.execute(ports).fetchall()),
        Counter((number, kind) for number, kind in conn.execute(notices, [list(TOLD)])),
    )


def differences(book: Book, found: Stored, keys: Mapping[bytes, bytes], before: Stored) -> Iterator[str]:
    """Between a book in which every act is settled and the database. `before`: what was there when the clients came;
    `keys`: public keys of receipts."""
    yield from book.wrong
    made: dict[int, set[str]] = {}
    for act in book.acts:
        yield from _of_an_act(act, found)
        for text in act.receipts:
            receipt = verify(text, keys)
            yield from _of_a_receipt(act, receipt, found)
            made.setdefault(receipt.leaf, set()).add(act.number)
    yield from _of_the_ledger(made, found)
    yield from _of_the_states(book, found, before)


def _of_an_act(act: Act, found: Stored) -> Iterator[str]:
    what = f"{act.kind} of {act.number} under {act.key}"
    if not act.done and not act.refused:
        yield f"{what} was never answered"
    if act.done and act.refused:
        yield f"{what} was both done and refused"
    if len(act.receipts) > 1:
        yield f"{what} has {len(act.receipts)} receipts"
    if act.done != ((act.number, act.key) in found.answers):
        yield f"{what}: {'its answer is not' if act.done else 'an answer is'} in the database"


def _of_a_receipt(act: Act, receipt: Receipt, found: Stored) -> Iterator[str]:
    leaf = found.leaves.get(receipt.leaf)
    what = f"{act.kind} of {act.number} under {act.key}, leaf {receipt.leaf}"
    if leaf is None:
        yield f"{what}: LOST, the leaf is not there"
        return
    if (leaf.number, leaf.kind) != (act.number, act.kind) or (receipt.number, receipt.kind) != (act.number, act.kind):
        yield f"{what}: the leaf is {leaf.kind} of {leaf.number}, the receipt {receipt.kind} of {receipt.number}"
    if (leaf.salt, leaf.body) != (receipt.salt, receipt.statement()):
        yield f"{what}: the ledger says {leaf.body}, the receipt {receipt.statement()}"
    if not leaf.data == sha256(leaf.salt + leaf.body.encode()).digest() == receipt.leaf_data():
        yield f"{what}: its data is not the hash of salt and statement"


def _of_the_ledger(made: Mapping[int, set[str]], found: Stored) -> Iterator[str]:
    """Every leaf is one that somebody holds a receipt for: nothing was done twice, and nothing that was refused."""
    if sorted(found.leaves) != list(range(len(found.leaves))):
        yield "the ledger has holes"
        return
    for index in range(found.since, len(found.leaves)):
        if index in made:
            continue
        leaf = found.leaves[index]
        yield f"leaf {index}: {leaf.kind} of {leaf.number} is on record and nobody was told so"


def _of_the_states(book: Book, found: Stored, before: Stored) -> Iterator[str]:
    last: dict[tuple[str, str], Leaf] = {}  # the newest by what it is about
    times: Counter[tuple[str, str]] = Counter()
    for _, leaf in sorted(found.leaves.items())[found.since :]:
        last[leaf.number, "request" if leaf.kind == "requested" else "offer"] = leaf
        times[leaf.number, leaf.kind] += 1
    for number in book.of:
        asked, moved = last.get((number, "request")), last.get((number, "offer"))
        state = KEPT[moved.kind] if moved else before.offers.get(number)
        if found.offers.get(number) != state:
            yield f"the offer of {number} is {found.offers.get(number)}, not {state}"
        if not asked and found.ports.get(number) != before.ports.get(number):
            yield f"the ports of {number} changed and nobody was told"
        if asked and f'"ports":{_listed(found.ports[number])}' not in asked.body:
            yield f"the ports of {number} are {found.ports[number]}, the ledger says {asked.body}"
        for kind in KEPT:
            if times[number, kind] > 1:
                yield f"{number}: {kind} {times[number, kind]} times"
        for kind in TOLD:
            sent = found.notices[number, kind] - before.notices[number, kind]
            if sent != times[number, kind]:
                yield f"{number}: {sent} notices for {times[number, kind]} times {kind}"


def _listed(ports: Sequence[str]) -> str:
    return "[" + ",".join(f'"{port}"' for port in ports) + "]"


class Known(NamedTuple):
    """What the database says of an act that was not answered: is it done, and how many leaves there were then."""

    done: bool
    leaves: int


def readable(acts: Sequence[Act], found: Stored) -> dict[str, Known]:
    """Each act by its key, as done or not done."""
    return {act.key: Known((act.number, act.key) in found.answers, len(found.leaves)) for act in acts}


def contradictions(acts: Sequence[Act], known: Mapping[str, Known], keys: Mapping[bytes, bytes]) -> Iterator[str]:
    """Between what was read of unanswered acts and what they were answered when they were sent again."""
    for act in acts:
        was = known[act.key]
        what = f"{act.kind} of {act.number} under {act.key}, {'done' if was.done else 'not done'} when nobody knew"
        if was.done and (not act.done or act.with_status(*REFUSED)):
            yield f"{what}, is not answered as done"
        if was.done and any(verify(text, keys).leaf >= was.leaves for text in act.receipts):
            yield f"{what}, was done again"


def attempts_missing(conn: psycopg.Connection, book: Book) -> Iterator[str]:
    """Attempts that clients were told are on record, and are not."""
    query = "SELECT r.number, count(*) FROM attempt a JOIN registration r ON r.id = a.registration_id GROUP BY 1"
    there = dict(conn.execute(query).fetchall())
    for number, times in book.recorded().items():
        if there.get(number, 0) < times:
            yield f"{number} was told of {times} recorded attempts, {there.get(number, 0)} are there"
