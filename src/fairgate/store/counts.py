"""How much of everything there is."""

import psycopg

# What belongs to the watchers' hidden program does not count.
OFFERS = """
    SELECT o.state, count(*) FROM offer o JOIN program p ON p.program = o.program WHERE NOT p.hidden
     GROUP BY o.state ORDER BY o.state
"""
OFFERS_OF_ROUND = "SELECT state, count(*) FROM offer WHERE round_id = %s GROUP BY state ORDER BY state"
ROUNDS = """
    SELECT r.state, count(*) FROM round r JOIN program p ON p.program = r.program WHERE NOT p.hidden
     GROUP BY r.state ORDER BY r.state
"""
USED = """
    SELECT EXISTS (SELECT 1 FROM person)
        OR EXISTS (SELECT 1 FROM round r JOIN program p ON p.program = r.program WHERE NOT p.hidden)
"""


def offers(conn: psycopg.Connection) -> dict[str, int]:
    """Offers by state."""
    return dict(conn.execute(OFFERS).fetchall())


def offers_of_round(conn: psycopg.Connection, round_id: int) -> dict[str, int]:
    """A round's offers by state."""
    return dict(conn.execute(OFFERS_OF_ROUND, [round_id]).fetchall())


def rounds(conn: psycopg.Connection) -> dict[str, int]:
    """Rounds by state."""
    return dict(conn.execute(ROUNDS).fetchall())


def used(conn: psycopg.Connection) -> bool:
    """Whether somebody is registered or a round was opened."""
    row = conn.execute(USED).fetchone()
    return bool(row and row[0])
