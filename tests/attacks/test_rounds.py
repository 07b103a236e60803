"""Attacks on a round from inside, by whoever can call commands or write SQL: each is refused by both.

Two draws that run at the same time are in tests/race/test_rounds_race.py. That no column of a drawn round can be
changed is shown one by one in tests/store/test_what_postgresql_refuses.py; here is what a second draw would need.
"""

from collections.abc import Callable

import psycopg
import pytest

from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.rounds import Open, Void, open_rounds, void
from fairgate.commands.seal import Seal, seal
from fairgate.core.beacon import Reveals
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.store import lists
from missing import asking, honoured_now, left_out
from world import DAY, KEYS, PROMISE, REVEAL, World


@pytest.fixture
def world(conn: psycopg.Connection) -> World:
    """A drawn round for which more asked than there are places."""
    made = World(conn)
    for n in range(14):
        made.asking(size=1 + n % 2)
    made.drawn()
    return made


def everything(world: World) -> tuple[object, ...]:
    """The round, its list, its results, its offers and the ledger."""
    found = world.round()
    offers = world.conn.execute("SELECT * FROM offer ORDER BY id").fetchall()
    ports = world.conn.execute("SELECT * FROM round_port ORDER BY port").fetchall()
    sealed, results = lists.entries(world.conn, found.id), lists.results(world.conn, found.id)
    return found, sealed, results, offers, ports, world.one("SELECT size FROM ledger")


def refused(conn: psycopg.Connection, query: str, match: str) -> None:
    with pytest.raises(psycopg.IntegrityError, match=match), conn.transaction():
        conn.execute(query.encode())


# -- a draw run twice ---------------------------------------------------------------------------


def drawing(world: World) -> list[Outcome]:
    return draw(world.conn, [Draw(world.program, DAY)], **world.clock)


def seeding(world: World) -> list[Outcome]:
    return seed(world.conn, [Seed(world.program, DAY, Reveals((("observer", REVEAL),)))], **world.clock)


def sealing(world: World) -> list[Outcome]:
    return seal(world.conn, [Seal(world.program, DAY, PROMISE)], keys=KEYS, **world.clock)


def voiding(world: World) -> list[Outcome]:
    return void(world.conn, [Void(world.program, DAY, "the result does not please")], **world.clock)


def opening(world: World) -> list[Outcome]:
    return open_rounds(world.conn, [Open(world.program, DAY)], **world.clock)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (drawing, Reason.WRONG_STATE),
        (seeding, Reason.WRONG_STATE),
        (sealing, Reason.WRONG_STATE),
        (voiding, Reason.WRONG_STATE),
        (opening, Reason.ROUND_EXISTS),
    ],
)
def test_no_command_takes_a_drawn_round_back_to_any_step(
    world: World, step: Callable[[World], list[Outcome]], reason: Reason
) -> None:
    before = everything(world)
    [outcome] = step(world)
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason
    assert everything(world) == before


def test_a_draw_in_one_batch_twice_is_done_once(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.asking()
    world.now = world.seeded().draw_at
    act = Draw(world.program, DAY)
    first, second = draw(conn, [act, act], **world.clock)
    assert isinstance(first, Done)
    assert isinstance(second, Refused)
    assert world.one("SELECT count(*) FROM statement WHERE kind = 'drawn'") == 1
    assert world.one("SELECT count(*) FROM offer") == 1


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ("UPDATE round SET state = 'sealed'", "cannot go from drawn to sealed"),
        ("UPDATE round SET state = 'open'", "cannot go from drawn to open"),
        ("DELETE FROM result", "append-only"),
        ("DELETE FROM entry", "append-only"),
        ("DELETE FROM offer", "append-only"),
        ("UPDATE result SET ord = ord + 100", "append-only"),
        (
            "INSERT INTO result SELECT round_id, ticket, outcome, port, ord + 100, phase FROM result",
            "is drawn: nothing is added to its result",
        ),
        (
            "INSERT INTO entry SELECT round_id, repeat('0', 32), 9000, 1, 99, ports FROM entry LIMIT 1",
            "is drawn: nothing is added to its entry",
        ),
        ("INSERT INTO round OVERRIDING SYSTEM VALUE SELECT * FROM round", "round_pkey"),
    ],
)
def test_no_statement_makes_room_for_a_second_draw(world: World, query: str, match: str) -> None:
    before = everything(world)
    refused(world.conn, query, match)
    assert everything(world) == before


# -- a second seed ------------------------------------------------------------------------------


def test_a_seed_once_on_record_is_the_only_one(conn: psycopg.Connection) -> None:
    """Whoever knows two values cannot choose: the second is answered with the first, and SQL is refused."""
    world = World(conn)
    world.asking()
    found = world.seeded()
    other = Seed(world.program, DAY, Reveals((("observer", b"another value that is long enough to be one"),)))
    [again] = seed(conn, [other], **world.clock)
    assert isinstance(again, Done)
    assert again.repeated
    assert world.round().proof == found.proof
    refused(conn, "UPDATE round SET proof = '{}'", "cannot be rewritten")


def test_a_value_that_the_manifest_did_not_announce_seeds_nothing(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.asking()
    world.now = world.sealed().seed_at
    other = Seed(world.program, DAY, Reveals((("observer", b"another value that is long enough to be one"),)))
    with pytest.raises(BadInput):
        seed(conn, [other], **world.clock)
    assert world.round().proof is None


# -- a place without the draw -------------------------------------------------------------------


def test_a_receipt_cannot_be_used_for_a_second_place(world: World) -> None:
    """Neither by who was in the list, nor by showing it twice, nor for a round that closed before it."""
    listed = asking(world)
    later = DAY.replace(day=21)
    out = asking(world)
    with left_out(world, out):
        world.drawn(later)
    for day, who, reason in (
        (later, listed, Reason.IN_THE_LIST),
        (DAY, out, Reason.ASKED_TOO_LATE),
    ):
        outcome = honoured_now(world, who, day=day)
        assert isinstance(outcome, Refused)
        assert outcome.reason is reason
    first, second = honoured_now(world, out, day=later), honoured_now(world, out, day=later)
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert (first.repeated, second.repeated) == (False, True)
    query = "SELECT count(*) FROM offer WHERE phase = 'honoured'"
    assert world.one(query) == (1 if first.facts["outcome"] == "offered" else 0)
