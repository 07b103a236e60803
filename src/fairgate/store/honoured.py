"""Who was missing from a sealed list, and what the draw would have given them."""

import psycopg

from fairgate.core.draw import Entry
from fairgate.core.honoured import Honoured, Share
from fairgate.store import bulk
from fairgate.store.lists import Waiting

_COLUMNS = "ticket, size, weeks, ports, outcome, port, ord, phase, request_leaf, on_record, honoured_at"
OF_ROUND = f"SELECT {_COLUMNS} FROM honoured WHERE round_id = %s ORDER BY honoured_at, ticket"
FIND = f"SELECT {_COLUMNS} FROM honoured WHERE round_id = %s AND registration_id = %s"
# Those on the reserve who would take a place at the port and were offered none in this round.
WAITING = """
    SELECT h.registration_id, h.ticket, h.size, h.weeks, h.ports, h.ord FROM honoured h
     WHERE h.round_id = %(round)s AND h.outcome = 'reserve' AND %(port)s = ANY(h.ports)
       AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.round_id = h.round_id AND o.registration_id = h.registration_id)
     ORDER BY h.ord, h.ticket
"""
# The first place that went, down the reserve, past somebody who stands there before the one with this order.
PASSED = """
    SELECT o.port FROM offer o JOIN entry e USING (round_id, registration_id) JOIN result t USING (round_id, ticket)
     WHERE o.round_id = %(round)s AND o.phase = 'reserve' AND o.port = ANY(%(ports)s)
       AND t.outcome = 'reserve' AND t.ord >= %(order)s
     ORDER BY o.ord LIMIT 1
"""


def _line(row: tuple[object, ...]) -> Honoured:
    ticket, size, weeks, ports, outcome, port, order, phase, leaf, on_record, at = row
    entry = Entry(ticket, size, weeks, tuple(ports))  # type: ignore[arg-type]  # as the columns are declared
    return Honoured(entry, Share(outcome, port, order, phase), leaf, on_record, at)  # type: ignore[arg-type]


def of_round(conn: psycopg.Connection, round_id: int) -> list[Honoured]:
    """All of a round, in the order in which they came."""
    return [_line(row) for row in conn.execute(OF_ROUND, [round_id])]


def find(conn: psycopg.Connection, round_id: int, registration_id: int) -> Honoured | None:
    row = conn.execute(FIND, [round_id, registration_id]).fetchone()
    return _line(row) if row else None


def shares(conn: psycopg.Connection, registration_id: int) -> dict[int, Share]:
    """What a registration would have got in the rounds from which it was missing, by their ids."""
    rows = conn.execute(
        "SELECT round_id, outcome, port, ord, phase FROM honoured WHERE registration_id = %s", [registration_id]
    )
    return {row[0]: Share(*row[1:]) for row in rows}


def insert(conn: psycopg.Connection, round_id: int, registration_id: int, line: Honoured) -> None:
    columns = ("round_id", "registration_id", *_COLUMNS.split(", "))
    entry, share = line.entry, line.share
    found = (*entry[:3], list(entry.ports), *share, line.request_leaf, line.on_record, line.honoured_at)
    bulk.insert(conn, "honoured", columns, [(round_id, registration_id, *found)])


def waiting(conn: psycopg.Connection, round_id: int, port: str) -> list[Waiting]:
    """Those on the reserve who would take a place at `port`, in the order of their turn."""
    rows = conn.execute(WAITING, {"round": round_id, "port": port})
    return [
        Waiting(owner, Entry(ticket, size, weeks, tuple(names)), order)
        for owner, ticket, size, weeks, names, order in rows
    ]


def passed_at(conn: psycopg.Connection, round_id: int, entry: Entry, order: int) -> str | None:
    """The port at which the reserve was read past an entry that would have stood before `order`; None if at none yet.

    The first of them, where there were several: there it would have been offered a place.
    """
    values = {"round": round_id, "ports": list(entry.ports), "order": order}
    row = conn.execute(PASSED, values).fetchone()
    return row[0] if row else None
