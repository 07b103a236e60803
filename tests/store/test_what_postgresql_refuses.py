"""Whatever a program does, PostgreSQL itself keeps what must never be: shown with plain SQL, past every command."""

from datetime import timedelta

import psycopg
import pytest

from fairgate.core.lifecycle import EDGES, NONE, STATES, Subject, moves
from fairgate.store import ledger
from missing import done, honoured_now, missing_from_draw
from world import DAY, World

TABLES = {
    Subject.REGISTRATION: "registration",
    Subject.REQUEST: "request",
    Subject.ROUND: "round",
    Subject.OFFER: "offer",
}
NOT_MOVES = [
    (subject, source, target)
    for subject in (Subject.REQUEST, Subject.ROUND, Subject.OFFER)
    for source in STATES[subject]
    for target in STATES[subject]
    if source != target and (source, target) not in moves(subject)
]


def test_the_edges_of_the_database_are_the_edges_of_core(conn: psycopg.Connection) -> None:
    rows = conn.execute("SELECT subject, act, from_state, to_state FROM edge").fetchall()
    assert sorted(rows) == sorted((e.subject.value, e.act, e.source, e.target) for e in EDGES)
    assert len(rows) == len(EDGES)


def refused(conn: psycopg.Connection, query: str, *args: object, match: str | None = None) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=match), conn.transaction():
        conn.execute(query.encode(), args)


def setting(table: str, state: str) -> str:
    """What an UPDATE to `state` has to set so that no other constraint is hurt."""
    match table, state:
        case "request", _:
            return f"state = '{state}', withdrawn_at = {'now()' if state == 'withdrawn' else 'NULL'}"
        case "round", _:
            return f"state = '{state}', void_reason = CASE WHEN '{state}' = 'void' THEN 'x' END"
        case _:
            return f"state = '{state}', decided_at = {'NULL' if state == 'offered' else 'now()'}"


def bare_state(conn: psycopg.Connection, table: str, state: str) -> None:
    """Put the only row of `table` into `state` behind the guards' back."""
    with conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")  # no trigger fires
        conn.execute(f"UPDATE {table} SET {setting(table, state)}".encode())


@pytest.fixture
def world(conn: psycopg.Connection) -> World:
    world = World(conn)
    world.confirmed()
    return world


@pytest.mark.parametrize("subject", [Subject.REQUEST, Subject.ROUND, Subject.OFFER])
def test_a_state_changes_only_along_an_edge(world: World, subject: Subject) -> None:
    table = TABLES[subject]
    tried = [(source, target) for kind, source, target in NOT_MOVES if kind is subject]
    assert tried
    for source, target in tried:
        bare_state(world.conn, table, source)
        query = f"UPDATE {table} SET {setting(table, target)}"
        refused(world.conn, query, match=f"cannot go from {source} to {target}|cannot be rewritten")


@pytest.mark.parametrize("subject", list(Subject))
def test_no_row_begins_in_a_state_that_is_no_beginning(world: World, subject: Subject) -> None:
    inserts = {
        Subject.REGISTRATION: "INSERT INTO registration (number, code_hash, state, language, size, registered_at)"
        " SELECT 'N', code_hash, %s, language, size, registered_at FROM registration",
        Subject.REQUEST: "INSERT INTO request (registration_id, program, state, ports, asked_at, withdrawn_at)"
        " SELECT registration_id, 'tour', s, ports, asked_at, CASE WHEN s = 'withdrawn' THEN now() END"
        " FROM request, (VALUES (%s)) v (s)",
        Subject.ROUND: "INSERT INTO round (program, date, state, opens_at, closes_at, seed_at, draw_at, manifest, root,"
        " wrapped_key, sealed_at, proof, seed, results_hash, drawn_at, void_reason)"
        " SELECT 'tour', date + 1, s, opens_at, closes_at, seed_at, draw_at, manifest, root, wrapped_key, sealed_at,"
        " proof, seed, results_hash, drawn_at, CASE WHEN s = 'void' THEN 'x' END FROM round, (VALUES (%s)) v (s)"
        " WHERE program = 'arrival'",
        Subject.OFFER: "INSERT INTO offer (registration_id, program, round_id, port, slot_id, window_id, size, ord,"
        " phase, state, offered_at, decided_at) SELECT o.registration_id, 'tour', p.round_id, o.port, slot_id,"
        " window_id, size, 1, phase, %s, offered_at, decided_at FROM offer o JOIN round_port p"
        " ON p.port = o.port AND p.round_id <> o.round_id",
    }
    world.sealed(program="tour")
    for state in [s for s in (*STATES[subject], "nonsense") if (NONE, s) not in moves(subject)]:
        refused(world.conn, inserts[subject], state, match=f"{subject} cannot begin as {state}")


def test_a_row_cannot_take_another_id_to_get_round_the_edges(world: World) -> None:
    refused(world.conn, "UPDATE request SET id = id + 1000, state = 'fulfilled'", match="another row")
    world.opened(DAY + timedelta(days=1))
    refused(world.conn, "UPDATE round SET id = DEFAULT, state = 'void', void_reason = 'x' WHERE state = 'open'")
    refused(world.conn, "UPDATE offer SET id = DEFAULT, state = 'lapsed'")


def test_a_registration_has_one_live_offer_a_program(world: World) -> None:
    other = world.drawn(DAY + timedelta(days=1))
    with pytest.raises(psycopg.errors.UniqueViolation, match="offer_one_live"):
        world.conn.execute(
            "INSERT INTO offer (registration_id, program, round_id, port, slot_id, window_id, size, ord, phase, state,"
            " offered_at) SELECT registration_id, program, %s, port, slot_id, window_id, size, 1, phase, 'offered',"
            " offered_at FROM offer",
            [other.id],
        )


def test_a_slot_is_never_oversold(world: World) -> None:
    capacity, overshoot = world.conn.execute(
        "SELECT capacity, overshoot FROM slot WHERE taken > 0"
    ).fetchone() or pytest.fail("no slot is taken")
    refused(world.conn, "UPDATE slot SET taken = %s", capacity + overshoot + 1, match="slot_never_oversold")
    refused(world.conn, "UPDATE slot SET taken = -1", match="slot_never_oversold")
    refused(world.conn, "UPDATE slot SET capacity = 0, overshoot = 0 WHERE taken > 0", match="slot_never_oversold")
    refused(world.conn, "UPDATE round_port SET used = 100", match="round_port_never_oversold")


def test_what_is_public_record_is_only_added_to(world: World) -> None:
    for table, column in (("leaf", "at"), ("entry", "size"), ("result", "ord"), ("edge", "to_state")):
        refused(world.conn, f"UPDATE {table} SET {column} = {column}", match=f"{table} is append-only: UPDATE")
        refused(world.conn, f"DELETE FROM {table}", match=f"{table} is append-only: DELETE")
        refused(world.conn, f"TRUNCATE {table} CASCADE", match="append-only: TRUNCATE")


def test_rounds_ports_offers_and_the_ledgers_count_are_never_taken_away(world: World) -> None:
    for table in ("round", "round_port", "offer", "ledger"):
        refused(world.conn, f"DELETE FROM {table}", match="append-only: DELETE")
        refused(world.conn, f"TRUNCATE {table} CASCADE", match="append-only: TRUNCATE")


def test_the_ledger_never_counts_down_and_no_statement_is_rewritten(world: World) -> None:
    refused(world.conn, "UPDATE ledger SET size = size - 1", match="append-only")
    refused(world.conn, "UPDATE statement SET body = '{}'", match="append-only")
    world.conn.execute("DELETE FROM statement")  # unlinks people; the leaves stay


OF_A_DRAWN_ROUND = (
    "date = date + 1",
    "program = 'tour'",
    "manifest = manifest || ' '",
    "root = sha256(root)",
    "entry_count = 0",
    "wrapped_key = sha256(wrapped_key)",
    "sealed_at = sealed_at - interval '1 day'",
    "closes_at = closes_at - interval '1 second'",
    "seed_at = seed_at + interval '1 second'",
    "draw_at = draw_at + interval '1 second'",
    "proof = '{}'",
    "seeded_at = seeded_at + interval '1 second'",
    "seed = sha256(seed)",
    "results_hash = sha256(results_hash)",
    "drawn_at = now()",
    "state = 'sealed'",
    "state = 'void', void_reason = 'we did not like it'",
)


def test_a_drawn_round_cannot_be_changed(world: World) -> None:
    for change in OF_A_DRAWN_ROUND:
        refused(world.conn, f"UPDATE round SET {change}", match="cannot be rewritten|cannot go from")
    for change in ("capacity = 1000", "carry = 0", "places = 1000", "overshoot = 9", "carry_out = 99"):
        refused(world.conn, f"UPDATE round_port SET {change}", match="append-only")


def test_a_sealed_list_takes_no_more_entries_and_a_drawn_round_no_more_results(world: World) -> None:
    refused(
        world.conn,
        "INSERT INTO entry SELECT round_id, 'late', registration_id, size, weeks, ports FROM entry",
        match="nothing is added to its entry",
    )
    refused(
        world.conn,
        "INSERT INTO result SELECT round_id, 'late', 'reserve', NULL, 99, NULL FROM result",
        match="nothing is added to its result",
    )
    world.conn.execute("INSERT INTO port VALUES ('CCC', 'UTC')")
    late_port = (
        "INSERT INTO round_port (round_id, port, capacity, carry, places, overshoot) SELECT id, 'CCC', 9, 0, 9, 0"
    )
    refused(world.conn, f"{late_port} FROM round", match="nothing is added to its round_port")


def test_what_was_offered_cannot_be_changed(world: World) -> None:
    for change in ("size = 1", "port = 'BBB'", "registration_id = registration_id", "ord = 7", "offered_at = now()"):
        refused(world.conn, f"UPDATE offer SET {change}", match="append-only")


def test_leaves_have_no_holes_and_stand_for_their_statements(world: World) -> None:
    rows = world.conn.execute(
        "SELECT l.index, l.data, s.salt, s.body FROM leaf l JOIN statement s ON s.leaf = l.index ORDER BY l.index"
    ).fetchall()
    assert [index for index, *_ in rows] == list(range(world.one("SELECT size FROM ledger")))
    assert all(data == ledger.leaf_data(salt, body) for _, data, salt, body in rows)


# -- who was missing from a list ----------------------------------------------------------------


@pytest.fixture
def honoured(conn: psycopg.Connection) -> World:
    """A drawn round with somebody in it, and somebody who was missing and has a place over capacity."""
    world = World(conn)
    world.asking()
    done(honoured_now(world, missing_from_draw(world, 2)))
    return world


INSERT_HONOURED = """
    INSERT INTO honoured (round_id, ticket, registration_id, size, weeks, ports, outcome, ord, request_leaf, on_record,
                          honoured_at)
    SELECT round_id, {ticket}, {owner}, 1, 0, ports, 'reserve', 1, 0, true, now() FROM entry
"""


@pytest.mark.parametrize(
    "rewriting",
    ["UPDATE honoured SET ord = ord + 1", "DELETE FROM honoured", "TRUNCATE honoured"],
)
def test_who_was_honoured_stays_on_record_as_it_was(honoured: World, rewriting: str) -> None:
    refused(honoured.conn, rewriting, match="honoured is append-only")


def test_over_capacity_is_who_was_honoured_and_not_one_person_more(honoured: World) -> None:
    conn = honoured.conn
    full = "UPDATE slot SET taken = capacity + overshoot + honoured"
    conn.execute(full)
    refused(conn, full + " + 1", match="slot_never_oversold")
    refused(conn, "UPDATE slot SET honoured = taken + 1", match="slot_never_oversold")
    refused(conn, "UPDATE slot SET honoured = -1", match="slot_never_oversold")


def test_nobody_has_a_place_over_capacity_who_was_not_honoured(honoured: World) -> None:
    conn = honoured.conn
    columns = "program, round_id, port, slot_id, window_id, size, state, offered_at"
    query = f"""
        INSERT INTO offer (registration_id, {columns}, ord, phase)
        SELECT (SELECT max(id) FROM registration), {columns}, ord + 100, 'honoured' FROM offer LIMIT 1
    """
    honoured.registered()
    refused(conn, query, match="is for who was honoured")


def test_nobody_is_honoured_who_is_in_the_list(honoured: World) -> None:
    for ticket, owner in (("ticket", "9000"), ("repeat('0', 32)", "registration_id")):
        query = INSERT_HONOURED.format(ticket=ticket, owner=owner)
        refused(honoured.conn, query, match="not missing from it")


def test_nobody_is_honoured_in_a_round_that_is_not_drawn(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.asking()
    world.sealed()
    query = INSERT_HONOURED.format(ticket="repeat('0', 32)", owner="9000")
    refused(conn, query, match="is sealed: nothing is added to its honoured")
