"""What has to hold in the database after every act, whatever happened before."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg

from fairgate.core.lifecycle import NONE, Subject, moves
from fairgate.store import ledger

# Each gives the rows that must not be there.
NEVER = {
    "a slot counts others than those who have a place in it": """
        SELECT s.id, s.taken, coalesce(sum(o.size), 0) FROM slot s
          LEFT JOIN offer o ON o.slot_id = s.id AND o.state IN ('offered', 'confirmed', 'checked_in', 'missed')
         GROUP BY s.id, s.taken HAVING s.taken <> coalesce(sum(o.size), 0)""",
    "a port counts others than those who have a place there": """
        SELECT p.round_id, p.port, p.used, coalesce(sum(o.size), 0) FROM round_port p
          LEFT JOIN offer o ON o.round_id = p.round_id AND o.port = p.port
           AND o.state IN ('offered', 'confirmed', 'checked_in', 'missed') AND o.phase <> 'honoured'
         GROUP BY p.round_id, p.port, p.used HAVING p.used <> coalesce(sum(o.size), 0)""",
    "a slot counts others over capacity than those who were honoured and have a place in it": """
        SELECT s.id, s.honoured, coalesce(sum(o.size), 0) FROM slot s
          LEFT JOIN offer o ON o.slot_id = s.id AND o.state IN ('offered', 'confirmed', 'checked_in', 'missed')
           AND o.phase = 'honoured'
         GROUP BY s.id, s.honoured HAVING s.honoured <> coalesce(sum(o.size), 0)""",
    "those of the list have more places at a slot than it has": """
        SELECT id, taken, honoured FROM slot WHERE taken - honoured > capacity + overshoot""",
    "somebody is honoured and in the list": """
        SELECT h.round_id, h.ticket FROM honoured h JOIN entry e
            ON e.round_id = h.round_id AND (e.ticket = h.ticket OR e.registration_id = h.registration_id)""",
    "somebody has a place over capacity and was not honoured, or was honoured and has another place": """
        SELECT o.id FROM offer o LEFT JOIN honoured h USING (round_id, registration_id)
         WHERE (o.phase = 'honoured') <> (h.ticket IS NOT NULL) OR NOT o.port = ANY(coalesce(h.ports, ARRAY[o.port]))
            OR (h.outcome = 'offered' AND o.port <> h.port)""",
    "a draw would have offered somebody a place, and nothing was offered": """
        SELECT h.round_id, h.ticket FROM honoured h WHERE h.outcome = 'offered'
           AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.round_id = h.round_id
                              AND o.registration_id = h.registration_id)""",
    "a round counts others than those who were honoured in it": """
        SELECT r.id, r.honoured FROM round r
         WHERE r.honoured <> (SELECT count(*) FROM honoured h WHERE h.round_id = r.id)""",
    "somebody is honoured, and the ledger does not say so": """
        SELECT h.round_id, h.ticket FROM honoured h
         WHERE NOT EXISTS (SELECT 1 FROM statement s WHERE s.registration_id = h.registration_id
                              AND s.kind = 'honoured' AND s.body::jsonb ->> 'ticket' = h.ticket)""",
    "a registration has two live offers of a program": """
        SELECT registration_id, program FROM offer WHERE state IN ('offered', 'confirmed')
         GROUP BY registration_id, program HAVING count(*) > 1""",
    "somebody has a place and does not ask for one": """
        SELECT o.id, q.state FROM offer o
          LEFT JOIN request q ON q.registration_id = o.registration_id AND q.program = o.program
         WHERE o.state IN ('offered', 'confirmed') AND q.state IS DISTINCT FROM 'standing'""",
    "a place is held for more or fewer persons than the group has": """
        SELECT o.id, o.size, r.size FROM offer o JOIN registration r ON r.id = o.registration_id
         WHERE o.state IN ('offered', 'confirmed') AND o.size <> r.size""",
    "a registration has more or fewer people than its size": """
        SELECT r.id FROM registration r LEFT JOIN person p ON p.registration_id = r.id
         GROUP BY r.id, r.size HAVING count(p.id) <> r.size""",
    "a window with open offers is settled": """
        SELECT w.id FROM "window" w JOIN offer o ON o.window_id = w.id WHERE o.state = 'offered' AND w.settled""",
    "a drawn round has other results than entries": """
        SELECT r.id FROM round r WHERE r.state IN ('drawn', 'closed')
           AND (SELECT array_agg(ticket ORDER BY ticket) FROM result t WHERE t.round_id = r.id)
               IS DISTINCT FROM (SELECT array_agg(ticket ORDER BY ticket) FROM entry e WHERE e.round_id = r.id)""",
    "a round has results and was not drawn": """
        SELECT r.id FROM round r JOIN result t ON t.round_id = r.id WHERE r.state NOT IN ('drawn', 'closed')""",
    "an offer is at a port that was not asked for in its round": """
        SELECT o.id FROM offer o
         WHERE o.phase <> 'honoured'
           AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.round_id = o.round_id
                              AND e.registration_id = o.registration_id AND o.port = ANY(e.ports))""",
    "a closed round has live offers": """
        SELECT o.id FROM offer o JOIN round r ON r.id = o.round_id
         WHERE r.state = 'closed' AND o.state IN ('offered', 'confirmed')""",
    "somebody is told what the ledger does not say": """
        SELECT n.id, n.kind FROM notice n WHERE n.outage_id IS NULL
           AND NOT EXISTS (SELECT 1 FROM statement s
                            WHERE s.registration_id = n.registration_id AND s.kind = n.kind)""",
    "an offer's state is not in the ledger": """
        SELECT o.id, o.state FROM offer o
         WHERE NOT EXISTS (SELECT 1 FROM statement s WHERE s.registration_id = o.registration_id
                              AND s.kind = CASE WHEN o.state = 'checked_in' THEN 'checked in'
                                                WHEN o.state = 'declined' AND o.why IS NOT NULL THEN 'passed over'
                                                ELSE o.state END)""",
    "a pass says something else than its appointment, or nothing that the ledger says": """
        SELECT p.offer_id FROM pass p JOIN offer o ON o.id = p.offer_id JOIN slot s ON s.id = o.slot_id
          LEFT JOIN statement t ON t.leaf = p.leaf AND t.registration_id = p.registration_id AND t.kind = 'pass'
         WHERE p.registration_id <> o.registration_id OR o.state IN ('offered', 'declined', 'lapsed')
            OR (t.body::jsonb - ARRAY['at', 'kind', 'number']) IS DISTINCT FROM jsonb_build_object(
                   'appointment', p.appointment, 'port', o.port, 'date', s.date, 'slot', to_char(s.time, 'HH24:MI'),
                   'size', o.size, 'exp', extract(epoch FROM p.expires_at)::bigint)""",
    "the ledger has holes": """
        SELECT size FROM ledger WHERE size <> (SELECT count(*) FROM leaf)
            OR size <> (SELECT coalesce(max(index), -1) + 1 FROM leaf) OR size <> (SELECT count(*) FROM statement)""",
}
ANY = f"SELECT {', '.join(f'EXISTS ({query})' for query in NEVER.values())}".encode()  # one way there and back for all
# Free places with somebody who would take them, and nobody is due to look; near the date they are left free.
FORGOTTEN = """
    SELECT p.round_id, p.port FROM round_port p JOIN round r ON r.id = p.round_id
     WHERE r.state = 'drawn' AND p.backfill_due_at IS NULL AND r.date > %(near)s::date
       AND p.used < least(p.places, (SELECT sum(s.capacity) FROM slot s
                                      WHERE s.program = r.program AND s.date = r.date AND s.port = p.port))
       AND EXISTS (SELECT 1 FROM (SELECT e.registration_id, e.ports FROM result t JOIN entry e USING (round_id, ticket)
                                   WHERE t.round_id = r.id AND t.outcome = 'reserve'
                                   UNION ALL SELECT h.registration_id, h.ports FROM honoured h
                                   WHERE h.round_id = r.id AND h.outcome = 'reserve') w
                    WHERE p.port = ANY(w.ports)
                      AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.round_id = r.id
                                         AND o.registration_id = w.registration_id))
"""
STATES = {
    Subject.REQUEST: "SELECT id, state FROM request",
    Subject.ROUND: "SELECT id, state FROM round",
    Subject.OFFER: "SELECT id, state FROM offer",
}


@dataclass
class Watch:
    """Looks at a database again and again; what it saw before tells what may have become of it."""

    conn: psycopg.Connection
    states: dict[tuple[Subject, int], str] = field(default_factory=dict)
    deadlines: dict[int, datetime] = field(default_factory=dict)
    leaves: int = 0

    def look(self, now: datetime) -> None:
        """Assert everything; `now` is the time of the last act."""
        for what, is_there in zip(NEVER, self.conn.execute(ANY).fetchone() or (), strict=True):
            assert not is_there, f"{what}: {self.conn.execute(NEVER[what].encode()).fetchall()}"
        near = (now + timedelta(days=4)).date()  # the programs' backfill hours, and a day for zones
        assert not (rows := self.conn.execute(FORGOTTEN, {"near": near}).fetchall()), f"forgotten: {rows}"
        self._states_moved_along_edges()
        self._no_deadline_moved_back()
        self._new_leaves_stand_for_their_statements()

    def _states_moved_along_edges(self) -> None:
        """What is there at the first look may have come a longer way."""
        for subject, query in STATES.items():
            for row, state in self.conn.execute(query.encode()).fetchall():
                before = self.states.get((subject, row), state if self.leaves == 0 else NONE)
                if state != before:
                    assert (before, state) in moves(subject), f"{subject} {row} went from {before} to {state}"
                self.states[subject, row] = state

    def _no_deadline_moved_back(self) -> None:
        query = 'SELECT id, deadline FROM "window" WHERE deadline IS NOT NULL'
        for window, deadline in self.conn.execute(query).fetchall():
            before = self.deadlines.get(window, deadline)
            assert deadline >= before, f"the deadline of window {window} moved back from {before} to {deadline}"
            self.deadlines[window] = deadline

    def _new_leaves_stand_for_their_statements(self) -> None:
        query = """
            SELECT l.index, l.data, s.salt, s.body FROM leaf l LEFT JOIN statement s ON s.leaf = l.index
             WHERE l.index >= %s ORDER BY l.index
        """
        for index, data, salt, body in self.conn.execute(query, [self.leaves]).fetchall():
            assert index == self.leaves
            assert data == ledger.leaf_data(salt, body)
            self.leaves += 1
