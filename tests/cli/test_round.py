"""`fairgate round`: a round by hand, from opening to a bundle that anyone can verify; and `fairgate ledger check`."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from notary import show_sealing
from world import DAY, World

LATER = datetime.now(UTC).date() + timedelta(days=60)


@pytest.fixture
def by_hand(fairgate, on_database):
    """Runs `fairgate round …` on this test's database and gives its answer as JSON."""

    def run(*args):
        ended = fairgate("round", *args, "--json", env=on_database)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return run


def test_a_round_goes_from_sealing_to_a_bundle_that_verifies(fairgate, by_hand, refused, on_database, world, tmp_path):
    for _ in range(12):
        world.asking(size=1)
    world.opened()
    assert "has no bundle" in refused("round", "show", DAY, "--bundle", tmp_path / "early", env=on_database)
    [sealed] = by_hand("seal", DAY)
    assert sealed["entries"] == 12
    assert "its time has not come" in refused("round", "draw", DAY, env=on_database)
    show_sealing(world.conn, datetime.now(UTC) - timedelta(days=2))
    _without_guards(
        world, "UPDATE round SET seed_at = seed_at - interval '1 day', draw_at = seed_at - interval '1 day'"
    )
    assert [step["kind"] for step in by_hand("draw", DAY)] == ["seeded", "drawn"]
    assert "cannot be done" in refused("round", "draw", DAY, env=on_database)
    assert "cannot be done" in refused("round", "void", DAY, "--reason", "too late", env=on_database)

    shown = by_hand("show", DAY, "--bundle", tmp_path / "bundle")
    assert shown["state"] == "drawn"
    assert shown["offers"] == {"offered": 10}
    assert {port: row["used"] for port, row in shown["ports"].items()} == {"AAA": 6, "BBB": 4}
    assert shown["root"] == sealed["root"]
    verified = json.loads(fairgate("verify", tmp_path / "bundle", "--json").stdout)
    assert (verified["ok"], verified["offers"], verified["reserve"]) == (True, 10, 2)
    assert json.loads(fairgate("draw", tmp_path / "bundle", "--json").stdout)["seed"] == shown["seed"]


def test_a_round_is_opened_once(by_hand, refused, on_database, world):
    assert [step["kind"] for step in by_hand("open", LATER)] == ["opened"]
    assert "there is one already" in refused("round", "open", LATER, env=on_database)


def test_no_round_is_opened_whose_day_has_come(refused, on_database, world):
    """A mistyped date would be a void round in public, for ever."""
    today = datetime.now(ZoneInfo("America/Los_Angeles")).date()
    for day in (today, today - timedelta(days=30)):
        assert "its day has come; open the round of a later date" in refused("round", "open", day, env=on_database)
    assert world.conn.execute("SELECT count(*) FROM round").fetchone() == (0,)


def test_a_void_round_stays_visible_with_its_reason(by_hand, refused, on_database, world):
    by_hand("open", LATER)
    assert "--reason" in refused("round", "void", LATER, env=on_database)
    assert "is empty" in refused("round", "void", LATER, "--reason", " ", env=on_database)
    by_hand("void", LATER, "--reason", "an observer did not reveal")
    shown = by_hand("show", LATER)
    assert (shown["state"], shown["void_reason"]) == ("void", "an observer did not reveal")


def test_what_a_round_refuses_is_said_with_a_way_out(by_hand, refused, on_database, world):
    assert "there is no such round" in refused("round", "seal", DAY, env=on_database)
    assert '"tomorrow" is not a date' in refused("round", "open", "tomorrow", env=on_database)
    assert "there is no program nothing" in refused("round", "open", DAY, "--program", "nothing", env=on_database)
    by_hand("open", "2999-03-20")
    assert "its time has not come" in refused("round", "seal", "2999-03-20", env=on_database)


def test_a_ledger_that_is_whole_is_right(fairgate, on_database, world: World):
    world.confirmed(size=2)
    ended = fairgate("ledger", "check", "--json", env=on_database)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["ok"]
    assert found["size"] == found["statements"] > 5


def test_statements_may_be_destroyed_and_the_tree_stays_whole(fairgate, on_database, world: World):
    world.confirmed()
    before = json.loads(fairgate("ledger", "check", "--json", env=on_database).stdout)
    world.conn.execute("DELETE FROM statement WHERE registration_id IS NOT NULL")
    after = json.loads(fairgate("ledger", "check", "--json", env=on_database).stdout)
    assert after["ok"]
    assert after["root"] == before["root"]
    assert after["statements"] < before["statements"]


def _without_guards(world: World, statement: str) -> None:
    """What only somebody with the rights of the server's owner can do."""
    with world.conn.transaction():
        world.conn.execute("SET LOCAL session_replication_role = replica")
        world.conn.execute(statement)


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("UPDATE statement SET body = body || ' ' WHERE leaf = 2", "leaf 2: its statement"),
        ("UPDATE leaf SET data = sha256('x') WHERE index = 1", "leaf 1: its statement does not hash to it"),
        ("DELETE FROM leaf WHERE index = 3", "leaf 3 is missing; the next one is 4"),
        ("DELETE FROM leaf WHERE index = (SELECT max(index) FROM leaf)", "the ledger counts"),
        ("UPDATE slot SET taken = taken + 1 WHERE taken > 0", "counts 2 persons, its offers hold 1"),
        ("UPDATE round_port SET used = 0", "counts 0 persons, its offers hold 1"),
    ],
)
def test_tampering_is_found_and_the_first_of_it_named(fairgate, on_database, world: World, tampering, told):
    world.confirmed()
    _without_guards(world, tampering)
    ended = fairgate("ledger", "check", env=on_database)
    assert ended.returncode == 1
    assert ended.stdout == b""
    assert told in ended.stderr.decode()
