"""What an act is answered with: its leaf in the ledger, and the same answer under the same key."""

from datetime import timedelta

import psycopg
import pytest

from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.request import Ask, Withdraw, request, withdraw
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.statements import statement
from fairgate.store.ledger import leaf_data
from world import World


def asking(world: World, number: str, ports: list[str], key: str | None) -> Outcome:
    [outcome] = request(world.conn, [Ask(number, world.program, ports, key)], **world.clock)
    return outcome


def confirming(world: World, number: str, key: str | None = None) -> Done:
    [outcome] = confirm(world.conn, [Confirm(number, world.program, key=key)], **world.clock)
    assert isinstance(outcome, Done)
    return outcome


def test_the_answer_names_the_leaf_that_the_ledger_has(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    done = confirming(world, number)
    assert done.leaf is not None
    body = statement(done.kind, number, done.facts, done.leaf.at)
    assert leaf_data(done.leaf.salt, body) == bytes(
        world.one("SELECT data FROM leaf WHERE index = %s", done.leaf.index)
    )


def test_a_repeated_act_is_answered_with_the_leaf_of_the_act_itself(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    first = confirming(world, number, "once")
    world.now += timedelta(minutes=3)
    for key in ("once", "another", "another", None):
        again = confirming(world, number, key)
        assert (again.repeated, again.leaf) == (True, first.leaf)


def test_every_act_of_a_batch_has_a_leaf_of_its_own(conn: psycopg.Connection) -> None:
    world = World(conn)
    numbers = [world.registered() for _ in range(3)]
    acts = [Ask(number, world.program, ["AAA"]) for number in [*numbers, numbers[0], "0000-0000"]]
    *done, repeated, refused = request(world.conn, acts, **world.clock)
    leaves = [outcome.leaf for outcome in done if isinstance(outcome, Done)]
    assert len({leaf.index for leaf in leaves if leaf}) == 3
    assert isinstance(repeated, Done)
    assert (repeated.repeated, repeated.leaf) == (True, leaves[0])
    assert refused == Refused(Reason.UNKNOWN_NUMBER)


def test_the_same_key_changes_a_request_once(conn: psycopg.Connection) -> None:
    """A phone sends its old request again after the ports were changed: the change stands."""
    world = World(conn)
    number = world.registered()
    first = asking(world, number, ["AAA"], "first")
    assert isinstance(first, Done)
    assert isinstance(asking(world, number, ["BBB"], "second"), Done)
    again = asking(world, number, ["AAA"], "first")
    assert isinstance(again, Done)
    assert (again.repeated, again.facts["ports"], again.leaf) == (True, ["AAA"], first.leaf)
    wish = world.wish(number)
    assert wish is not None
    assert wish.ports == ["BBB"]


def test_an_act_repeated_after_another_one_like_it_keeps_its_own_leaf(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered()
    said: list[Done] = []
    for key, ports in (("first", ["AAA"]), ("second", ["BBB"]), ("third", ["AAA"])):
        world.now += timedelta(seconds=1)
        outcome = asking(world, number, ports, key)
        assert isinstance(outcome, Done)
        said.append(outcome)
    world.now += timedelta(minutes=1)
    again = [asking(world, number, ["AAA"], key) for key in ("first", "third")]
    assert [done.leaf for done in again if isinstance(done, Done)] == [said[0].leaf, said[2].leaf]


def test_an_answer_whose_transaction_began_before_the_act_keeps_its_leaf_too(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    began = world.now
    world.now += timedelta(seconds=1)
    first = confirming(world, number, "first")
    world.now = began
    assert confirming(world, number, "second").leaf == first.leaf
    assert confirming(world, number, "second").leaf == first.leaf


@pytest.mark.parametrize("ports", [["BBB"], ["AAA", "BBB"], []])
def test_a_key_that_was_used_for_other_ports_is_refused(conn: psycopg.Connection, ports: list[str]) -> None:
    world = World(conn)
    number = world.registered()
    assert isinstance(asking(world, number, ["AAA"], "key"), Done)
    assert asking(world, number, ports, "key") == Refused(Reason.KEY_REUSED)


def test_a_key_that_was_used_for_another_act_is_refused(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered()
    assert isinstance(asking(world, number, ["AAA"], "key"), Done)
    [outcome] = withdraw(world.conn, [Withdraw(number, world.program, "key")], **world.clock)
    assert outcome == Refused(Reason.KEY_REUSED)
    wish = world.wish(number)
    assert wish is not None
    assert wish.state == "standing"
