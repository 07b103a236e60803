"""Missing from the list with a request receipt in hand: what the service does by rule."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from fairgate.commands.backfill import Backfill, backfill
from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.lapse import Lapse, lapse
from fairgate.commands.request import Withdraw, withdraw
from fairgate.core.honoured import HEADER
from fairgate.core.lifecycle import Done
from fairgate.store import publication, published
from fairgate.store.ledger_files import LedgerFiles
from invariants import Watch
from missing import Crowd, done, honoured_now, line_of
from world import World

# Who of the reserve list was offered something, with their results.
SERVED = """
    FROM offer o JOIN entry e USING (round_id, registration_id) JOIN result t USING (round_id, ticket)
   WHERE o.phase = 'reserve'
"""


@pytest.fixture
def crowd(conn: psycopg.Connection) -> Crowd:
    return Crowd(conn)


# -- who would have been offered a place --------------------------------------------------------


def test_who_would_have_been_offered_a_place_is_offered_one_over_capacity(crowd: Crowd) -> None:
    world, who = crowd.world, crowd.first("offered")
    sealed, used, (taken, _) = crowd.sealed_and_drawn(), crowd.used(), crowd.persons()
    others = crowd.offers_of_others(who)
    share = crowd.share(who)

    outcome = done(honoured_now(world, who))

    assert (outcome.kind, outcome.number, outcome.repeated) == ("honoured", who.number, False)
    assert outcome.facts["port"] == share.port
    assert outcome.facts["on_record"] is True
    offer = world.offer(who.number)
    assert offer is not None
    assert (offer.state, offer.port, offer.phase) == ("offered", share.port, "honoured")
    assert offer.deadline is not None
    assert line_of(world, who).share == share
    assert crowd.sealed_and_drawn() == sealed
    assert crowd.used() == used
    assert crowd.persons() == (taken + 1, 1)
    assert crowd.offers_of_others(who) == others
    Watch(world.conn).look(world.now)


def test_public_tables_count_what_the_list_gave_out_and_agree_with_the_bundle(crowd: Crowd) -> None:
    rounds = [crowd.world.round().id]
    offered, waited = published.offered(crowd.world.conn, rounds), published.waited(crowd.world.conn, rounds[0])
    done(honoured_now(crowd.world, crowd.first("offered")))
    assert published.offered(crowd.world.conn, rounds) == offered
    assert published.waited(crowd.world.conn, rounds[0]) == waited
    assert offered


def test_the_offer_is_told_and_can_be_confirmed_like_any_other(crowd: Crowd) -> None:
    world, who = crowd.world, crowd.first("offered")
    honoured_now(world, who)
    told = "SELECT count(*) FROM notice WHERE registration_id = %s AND kind = 'offered'"
    assert world.one(told, crowd.owner(who)) == 1
    assert world.one("SELECT count(*) FROM notice WHERE facts ->> 'over_capacity' = 'true'") == 1
    [confirmed] = confirm(world.conn, [Confirm(who.number, world.program)], **world.clock)
    assert done(confirmed).kind == "confirmed"
    Watch(world.conn).look(world.now)


def test_everybody_who_was_missing_is_honoured_whatever_their_number(crowd: Crowd) -> None:
    shares = {who: crowd.share(who) for who in crowd.missing}
    sealed, used = crowd.sealed_and_drawn(), crowd.used()
    for who in crowd.missing:
        done(honoured_now(crowd.world, who))
    assert {who: line_of(crowd.world, who).share for who in crowd.missing} == shares
    assert (crowd.sealed_and_drawn(), crowd.used()) == (sealed, used)
    offered = [who for who in crowd.missing if shares[who].outcome == "offered"]
    assert len(offered) > 1
    assert crowd.persons()[1] == len(offered)
    Watch(crowd.world.conn).look(crowd.world.now)


def test_the_same_receipt_gets_the_same_answer_again(crowd: Crowd) -> None:
    world, who = crowd.world, crowd.first("offered")
    first = done(honoured_now(world, who))
    counts = "SELECT (SELECT count(*) FROM offer), (SELECT size FROM ledger)"
    before = world.conn.execute(counts).fetchone()
    world.now += timedelta(days=30)  # also when the day is over
    again = done(honoured_now(world, who))
    assert again == replace(first, repeated=True)
    assert again.leaf == first.leaf
    assert world.conn.execute(counts).fetchone() == before


def test_who_did_not_confirm_is_not_told_that_the_place_goes_to_somebody_else(crowd: Crowd) -> None:
    world, who = crowd.world, crowd.first("offered")
    honoured_now(world, who)
    offer = world.offer(who.number)
    assert offer is not None
    assert offer.deadline is not None
    over = offer.deadline + timedelta(hours=1)
    world.samples(offer.opened_at - timedelta(minutes=10), over)
    world.now = over
    said = {o.number: o for o in lapse(world.conn, [Lapse(offer.window_id)], **world.clock) if isinstance(o, Done)}
    assert said[who.number].facts["over_capacity"] is True
    assert crowd.persons()[1] == 0
    world.backfilled()
    Watch(world.conn).look(world.now)


@pytest.mark.parametrize("end", ["decline", "cancel"])
def test_a_place_over_capacity_that_is_given_back_goes_to_nobody(crowd: Crowd, end: str) -> None:
    world, who = crowd.world, crowd.first("offered")
    honoured_now(world, who)
    others = crowd.offers_of_others(who)
    if end == "decline":
        decline(world.conn, [Decline(who.number, world.program)], **world.clock)
    else:
        confirm(world.conn, [Confirm(who.number, world.program)], **world.clock)
        cancel(world.conn, [Cancel(who.number, world.program, "by holder")], **world.clock)
    world.backfilled()
    assert crowd.offers_of_others(who) == others
    assert crowd.persons()[1] == 0
    Watch(world.conn).look(world.now)


def test_places_that_come_free_go_down_the_reserve_as_if_nobody_had_been_honoured(conn: psycopg.Connection) -> None:
    """The same draw twice: the second time three are honoured first, and the others are offered the same places."""

    def served(honoured: int) -> list[tuple[object, ...]]:
        crowd = Crowd(conn, left=16)
        offered = [who for who in crowd.missing if crowd.share(who).outcome == "offered"][:honoured]
        for who in offered:
            done(honoured_now(crowd.world, who))
        for number in crowd.listed:
            if crowd.world.state(number) == "offered":
                decline(conn, [Decline(number, crowd.world.program)], **crowd.world.clock)
        crowd.world.backfilled()
        Watch(conn).look(crowd.world.now)
        query = (
            "SELECT r.number, o.port, s.time, o.state FROM offer o JOIN registration r ON r.id = o.registration_id"
            " JOIN slot s ON s.id = o.slot_id"
            " WHERE o.phase <> 'honoured' ORDER BY o.ord"
        )
        return conn.execute(query).fetchall()

    answers = []
    for honoured in (0, 3):
        with conn.transaction():
            answers.append(served(honoured))
            raise psycopg.Rollback
    without, with_three = answers
    assert len(without) > 10
    assert with_three == without


# -- who would have stood on the reserve --------------------------------------------------------


def fill(world: World) -> None:
    """Fill every port that is due."""
    world.backfilled()


def give_back(crowd: Crowd, count: int) -> None:
    """So many of those with a place decline it, in the order of their registrations, and the places are filled."""
    holders = [number for number in crowd.listed if crowd.world.state(number) == "offered"]
    for number in holders[:count]:
        decline(crowd.world.conn, [Decline(number, crowd.world.program)], **crowd.world.clock)
    fill(crowd.world)


def test_who_would_be_on_the_reserve_waits_there_and_is_offered_a_place_at_their_turn(crowd: Crowd) -> None:
    world = crowd.world
    reserve = [who for who in crowd.missing if crowd.share(who).outcome == "reserve"]
    who = min(reserve, key=lambda each: crowd.share(each).order)
    order = crowd.share(who).order
    done(honoured_now(world, who))
    fill(world)
    assert world.state(who.number) == "none"
    others = crowd.used()
    while world.state(who.number) == "none":
        give_back(crowd, 1)
        Watch(world.conn).look(world.now)
    offer = world.offer(who.number)
    assert offer is not None
    assert offer.phase == "honoured"
    passed = world.one(
        f"SELECT count(*) {SERVED} AND t.ord < %s",
        order,
    )
    assert passed == order - 1  # everyone before has been offered something
    assert (
        sum(crowd.used().values()) >= sum(others.values()) - 1
    )  # and the place that came free went to one of the list
    assert crowd.persons()[1] == 1


def test_who_would_have_been_served_already_is_offered_a_place_now_at_that_port(crowd: Crowd) -> None:
    world = crowd.world
    who = min((w for w in crowd.missing if crowd.share(w).outcome == "reserve"), key=lambda w: crowd.share(w).order)
    give_back(crowd, 6)
    port = world.one(f"SELECT o.port {SERVED} AND t.ord >= %s ORDER BY o.ord LIMIT 1", crowd.share(who).order)
    used = crowd.used()
    done(honoured_now(world, who))
    offer = world.offer(who.number)
    assert offer is not None
    assert (offer.state, offer.phase, offer.port) == ("offered", "honoured", port)
    assert crowd.used() == used
    Watch(world.conn).look(world.now)


def test_where_a_place_is_free_and_nobody_waits_the_next_look_at_the_reserve_finds_who_was_missing(
    conn: psycopg.Connection,
) -> None:
    crowd = Crowd(conn, listed=11, left=12)
    who = crowd.first("reserve")
    give_back(crowd, 8)  # the reserve is empty now, and places are left
    places = sum(row[0] for row in conn.execute("SELECT places FROM round_port").fetchall())
    assert sum(crowd.used().values()) < places
    done(honoured_now(crowd.world, who))
    fill(crowd.world)
    assert crowd.world.state(who.number) == "offered"
    Watch(conn).look(crowd.world.now)


def test_who_withdraws_while_waiting_on_the_reserve_is_passed_over_on_the_record(crowd: Crowd) -> None:
    world = crowd.world
    who = min((w for w in crowd.missing if crowd.share(w).outcome == "reserve"), key=lambda w: crowd.share(w).order)
    honoured_now(world, who)
    withdraw(world.conn, [Withdraw(who.number, world.program)], **world.clock)
    give_back(crowd, 6)
    assert world.one("SELECT why FROM offer WHERE registration_id = %s", crowd.owner(who)) == "withdrawn"
    Watch(world.conn).look(world.now)


# -- what the public sees -----------------------------------------------------------------------


def test_the_public_files_grow_by_a_list_of_who_was_missing(crowd: Crowd, tmp_path: Path) -> None:
    world, who, ledger = crowd.world, crowd.first("reserve"), LedgerFiles(tmp_path)
    before = publication.files(world.conn, world.round(), ledger)
    assert "honoured.csv" not in before
    done(honoured_now(world, who))
    made = publication.files(world.conn, world.round(), ledger)
    header, line = made.pop("honoured.csv").decode().splitlines()
    assert header == HEADER
    assert made == before
    share = crowd.share(who)
    fields = line.split(",")
    assert fields[4:8] == ["reserve", "", str(share.order), ""]
    assert who.number not in line
    assert world.round().published_at is None


def test_a_backfill_that_goes_on_is_not_disturbed_by_a_port_of_which_nothing_is_free(crowd: Crowd) -> None:
    world, who = crowd.world, crowd.first("reserve")
    honoured_now(world, who)
    [outcome] = backfill(world.conn, [Backfill(world.round().id, "AAA")], **world.clock)
    assert done(outcome).repeated
    assert world.one("SELECT count(*) FROM round_port WHERE port = 'AAA' AND backfill_due_at IS NOT NULL") == 0
