"""A round draws only where it was shown, before its random value existed, that its list was sealed."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import psycopg
import pytest

from fairgate.commands.checkpoint import Notary
from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.due import Aside, next_step
from fairgate.commands.postpone import ON_ITS_WAY, Postpone, next_seed_at, postpone
from fairgate.commands.seal import Seal, seal
from fairgate.core.beacon import QUICKNET, Drand, Reveals, drand_round_at
from fairgate.core.bundle import parse_manifest
from fairgate.core.lifecycle import Done, Reason, Refused
from fairgate.core.places import moment
from fairgate.store import rounds
from notary import SIGNER, show_sealing
from world import DAY, PROMISE, REVEAL, World

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
PROOF = Reveals((("observer", REVEAL),))


@pytest.fixture
def world(conn: psycopg.Connection) -> World:
    """A round that is sealed, and nobody outside knows it yet."""
    made = World(conn)
    made.asking()
    sealed_unseen(made)
    return made


def sealed_unseen(world: World, beacon: object = PROMISE) -> None:
    found = rounds.find(world.conn, world.program, DAY) or world.opened()
    world.now = found.closes_at
    [outcome] = seal(world.conn, [Seal(world.program, DAY, beacon)], keys=world.keys, **world.clock)
    assert isinstance(outcome, Done), outcome


def seeding(world: World) -> object:
    [outcome] = seed(world.conn, [Seed(world.program, DAY, PROOF)], **world.clock)
    return outcome.reason if isinstance(outcome, Refused) else outcome.kind


def postponing(world: World) -> object:
    [outcome] = postpone(world.conn, [Postpone(world.program, DAY)], **world.clock)
    return outcome.reason if isinstance(outcome, Refused) else outcome.kind


def act_due(world: World) -> str | None:
    step = next_step(world.conn, world.now, Aside())
    return step.act if step else None


def test_the_leaf_of_the_sealing_says_what_was_sealed(world: World) -> None:
    found = world.round()
    body = world.one("SELECT body::jsonb FROM statement WHERE leaf = %s", found.sealed_leaf)
    assert found.manifest is not None
    assert body["manifest"] == sha256(found.manifest.encode()).hexdigest()
    assert body["root"] == found.root.hex()
    assert body["kind"] == "sealed"


def test_a_round_that_nobody_saw_sealed_is_not_seeded(world: World) -> None:
    world.now = world.round().seed_at
    assert seeding(world) is Reason.SEALING_NOT_SHOWN
    assert world.round().proof is None


@pytest.mark.parametrize(("late", "then"), [(-SECOND, "seeded"), (0 * SECOND, Reason.SEALING_NOT_SHOWN)])
def test_a_checkpoint_shows_it_if_it_was_witnessed_before_the_random_value(
    world: World, late: timedelta, then: object
) -> None:
    seed_at = world.round().seed_at
    show_sealing(world.conn, seed_at + late)
    world.now = seed_at
    assert seeding(world) == then


def test_a_checkpoint_without_its_quorum_shows_nothing(world: World) -> None:
    show_sealing(world.conn, world.now)
    world.conn.execute("ALTER TABLE checkpoint DISABLE TRIGGER checkpoint_append_only")
    world.conn.execute("UPDATE checkpoint SET witnessed_at = NULL")
    world.now = world.round().seed_at
    assert seeding(world) is Reason.SEALING_NOT_SHOWN


def test_a_checkpoint_of_before_the_sealing_shows_nothing(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.asking()
    world.opened()
    show_sealing(conn, world.now)
    sealed_unseen(world)
    world.now = world.round().seed_at
    assert seeding(world) is Reason.SEALING_NOT_SHOWN


def test_what_is_due_is_to_wait_a_moment_and_then_to_postpone(world: World) -> None:
    world.now = world.round().seed_at
    assert act_due(world) == "wait"
    assert postponing(world) is Reason.NOT_DUE
    world.now += ON_ITS_WAY
    assert act_due(world) == "postpone"
    assert postponing(world) == "postponed"
    assert act_due(world) is None


def test_a_postponed_round_is_the_same_but_for_its_random_value(world: World) -> None:
    before, entries = world.round(), world.one("SELECT json_agg(e ORDER BY ticket) FROM entry e")
    world.now = before.seed_at + ON_ITS_WAY
    postponing(world)
    after = world.round()
    assert after.seed_at == before.seed_at + timedelta(minutes=15)
    assert after.draw_at == max(before.draw_at, after.seed_at)
    assert (after.root, after.postponed) == (before.root, 1)
    assert world.one("SELECT json_agg(e ORDER BY ticket) FROM entry e") == entries
    was, is_ = parse_manifest(before.manifest.encode()), parse_manifest(after.manifest.encode())
    assert is_ == replace(was, seed_at=after.seed_at)
    said = world.one("SELECT body::jsonb FROM statement WHERE leaf = %s", after.sealed_leaf)
    assert said["kind"] == "postponed"
    assert (said["was"], said["seed_at"]) == (moment(before.seed_at), moment(after.seed_at))
    assert said["manifest"] == sha256(after.manifest.encode()).hexdigest()
    assert said["root"] == before.root.hex()


def test_a_postponed_round_waits_for_the_beacon_round_of_its_new_time(conn: psycopg.Connection) -> None:
    world = World(conn)
    found = world.opened()
    sealed_unseen(world, Drand(QUICKNET, drand_round_at(found.seed_at)))
    world.now = world.round().seed_at + ON_ITS_WAY
    assert postponing(world) == "postponed"
    after = world.round()
    beacon = parse_manifest(after.manifest.encode()).beacon
    assert beacon == Drand(QUICKNET, drand_round_at(after.seed_at))
    assert beacon.round == drand_round_at(found.seed_at) + 15 * 60 // 3


def test_a_postponed_round_has_to_be_shown_again_and_then_is_drawn(world: World) -> None:
    world.now = world.round().seed_at + ON_ITS_WAY
    show_sealing(world.conn, world.now)  # too late, and of the manifest of before
    postponing(world)
    world.now = world.round().seed_at
    assert seeding(world) is Reason.SEALING_NOT_SHOWN
    world.now += ON_ITS_WAY
    postponing(world)
    show_sealing(world.conn, world.now)
    assert world.round().postponed == 2
    world.now = world.round().seed_at
    assert seeding(world) == "seeded"
    assert postponing(world) is Reason.SEALING_SHOWN
    world.now = max(world.now, world.round().draw_at)
    assert isinstance(draw(world.conn, [Draw(world.program, DAY)], **world.clock)[0], Done)


def test_a_round_that_was_shown_is_never_postponed(world: World) -> None:
    show_sealing(world.conn, world.now)
    world.now = world.round().seed_at + ON_ITS_WAY
    assert postponing(world) is Reason.SEALING_SHOWN
    assert act_due(world) == "seed"


def test_the_public_rule_names_the_later_time() -> None:
    """A quarter of an hour later, or as many as leave the witnesses five minutes."""
    seed_at = datetime.fromisoformat("2026-12-01T17:30:00+00:00")
    cases = {"17:30:30": "17:45", "17:40:00": "17:45", "17:40:01": "18:00", "18:00:00": "18:15", "23:59:00": "00:15"}
    for now, then in cases.items():
        at = datetime.fromisoformat(f"2026-12-01T{now}+00:00")
        assert next_seed_at(seed_at, at).strftime("%H:%M") == then, now


def test_the_database_lets_a_sealed_round_be_postponed_and_nothing_else_be_rewritten(world: World) -> None:
    moved = "seed_at = seed_at + interval '1 hour', draw_at = draw_at + interval '1 hour'"
    for change in (moved, "manifest = '{}'", f"{moved}, postponed = postponed + 1, root = '\\x00'", "postponed = 1"):
        with pytest.raises(psycopg.errors.CheckViolation, match="cannot be rewritten"):
            world.conn.execute(f"UPDATE round SET {change}".encode())
    show_sealing(world.conn, world.now)
    world.seeded()
    with pytest.raises(psycopg.errors.CheckViolation, match="cannot be rewritten"):
        world.conn.execute(f"UPDATE round SET {moved}, postponed = postponed + 1".encode())


def test_the_database_refuses_a_checkpoint_that_contradicts_an_earlier_one(world: World) -> None:
    show_sealing(world.conn, world.now)
    size = world.one("SELECT max(size) FROM checkpoint")
    insert = "INSERT INTO checkpoint (size, root, note, signed_at) VALUES (%s, %s, 'x', now())"
    for other in ((size, b"r" * 32), (size - 1, b"r" * 32), (size + 1, b"r" * 32)):
        with pytest.raises(psycopg.errors.CheckViolation, match="contradicts"):
            world.conn.execute(insert, other)


def test_a_leaf_that_its_statement_does_not_hash_to_is_not_signed_for(world: World) -> None:
    world.conn.execute("ALTER TABLE statement DISABLE TRIGGER statement_not_rewritten")
    world.conn.execute("UPDATE statement SET body = replace(body, 'sealed', 'opened') WHERE kind = 'sealed'")
    with pytest.raises(Exception, match="is not what its statement hashes to"):
        Notary(SIGNER).sign(world.conn, world.now)
