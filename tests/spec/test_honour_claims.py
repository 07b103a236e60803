"""What the receipt of somebody who was missing from a list is held against, and what is refused in words."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from fairgate.commands.amend import Amend, amend
from fairgate.commands.decline import Decline, decline
from fairgate.commands.honour import Honour, honour
from fairgate.commands.request import Ask, Restore, Withdraw, request, restore, withdraw
from fairgate.commands.rounds import Void, void
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Leaf, Outcome, Reason, Refused
from fairgate.core.receipts import KeyUnknown, SignatureWrong, Signer
from fairgate.store import lists
from invariants import Watch
from missing import (
    ISSUER,
    LISTED,
    SIGNER,
    Crowd,
    Missing,
    asking,
    done,
    honoured_now,
    left_out,
    line_of,
    missing_from_draw,
)
from world import DAY, KEYS, World, member


@pytest.fixture
def crowd(conn: psycopg.Connection) -> Crowd:
    return Crowd(conn)


def reason(outcome: Outcome) -> Reason:
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


def test_a_receipt_alone_counts_where_the_ledger_has_lost_the_request(crowd: Crowd) -> None:
    """As after a backup that is older than the request: neither the row nor the leaf is there."""
    world, who = crowd.world, crowd.first("offered")
    lost = Done(
        "requested",
        who.number,
        {"program": world.program, "ports": list(world.ports)},
        leaf=Leaf(10_000, b"x" * 16, world.round().opens_at),
    )
    world.conn.execute("DELETE FROM request WHERE registration_id = %s", [crowd.owner(who)])
    outcome = done(honoured_now(world, Missing(who.number, SIGNER.receipt(lost))))
    assert outcome.facts["on_record"] is False
    assert world.state(who.number) == "offered"
    wish = world.wish(who.number)
    assert wish is not None
    assert (wish.state, wish.asked_at) == ("standing", world.round().opens_at)
    Watch(world.conn).look(world.now)


def test_a_receipt_says_what_counts_where_the_leaf_it_names_is_of_something_else(crowd: Crowd) -> None:
    world, who = crowd.world, crowd.first("offered")
    other = Done(
        "requested",
        who.number,
        {"program": world.program, "ports": list(world.ports)},
        leaf=Leaf(0, b"x" * 16, world.round().opens_at),
    )
    assert done(honoured_now(world, Missing(who.number, SIGNER.receipt(other)))).facts["on_record"] is False


@pytest.mark.parametrize("newest", [True, False])
def test_the_receipts_of_a_request_that_was_withdrawn_and_brought_back_count(
    conn: psycopg.Connection, newest: bool
) -> None:
    world = World(conn)
    who = asking(world)
    withdraw(conn, [Withdraw(who.number, world.program)], **world.clock)
    [back] = restore(conn, [Restore(who.number, world.program)], **world.clock)
    restored = Missing(who.number, SIGNER.receipt(done(back)))
    with left_out(world, who):
        world.drawn()
    assert done(honoured_now(world, restored if newest else who)).facts["outcome"] == "offered"


def withdrawn_before(world: World, who: Missing) -> None:
    withdraw(world.conn, [Withdraw(who.number, world.program)], **world.clock)


def changed_before(world: World, who: Missing) -> None:
    world.ask(who.number, ["BBB"])


def nothing(world: World, who: Missing) -> None:
    pass


def withdrawn_after(world: World, who: Missing) -> None:
    withdraw(world.conn, [Withdraw(who.number, world.program)], **world.clock)


Change = Callable[[World, Missing], None]


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (withdrawn_before, nothing, Reason.REQUEST_ENDED),
        (changed_before, nothing, Reason.REQUEST_CHANGED),
        (nothing, withdrawn_after, Reason.NOT_STANDING),
    ],
)
def test_a_request_that_was_ended_or_changed_before_the_closing_is_not_what_the_receipt_says(
    conn: psycopg.Connection, before: Change, after: Change, refused: Reason
) -> None:
    world = World(conn)
    who = asking(world)
    world.opened()
    before(world, who)
    with left_out(world, who):
        world.drawn()
    after(world, who)
    assert reason(honoured_now(world, who)) is refused


def test_a_change_after_the_closing_changes_nothing_about_the_sealed_day(conn: psycopg.Connection) -> None:
    world = World(conn)
    who = missing_from_draw(world, ports=["AAA"])
    world.ask(who.number, ["BBB"])
    assert done(honoured_now(world, who)).facts["port"] == "AAA"


@pytest.mark.parametrize("later", [timedelta(microseconds=1), timedelta(milliseconds=999), timedelta(seconds=1)])
def test_who_asked_after_the_closing_is_in_the_next_round(conn: psycopg.Connection, later: timedelta) -> None:
    """Also where the receipt, which tells whole seconds, names the second of the closing."""
    world = World(conn)
    world.now = world.sealed().closes_at + later
    late = asking(world)
    world.drawn()
    assert reason(honoured_now(world, late)) is Reason.ASKED_TOO_LATE


def test_who_asked_in_the_second_of_the_closing_is_not_late(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.now = world.opened().closes_at
    assert done(honoured_now(world, missing_from_draw(world))).facts["outcome"] == "offered"


def test_who_is_in_the_list_has_had_what_the_draw_gives(conn: psycopg.Connection) -> None:
    world = World(conn)
    who = asking(world)
    world.drawn()
    outcome = honoured_now(world, who)
    assert reason(outcome) is Reason.IN_THE_LIST
    assert isinstance(outcome, Refused)
    assert outcome.facts["ticket"] == world.one("SELECT ticket FROM entry")


def test_who_held_a_place_when_the_round_closed_was_rightly_not_in_it(conn: psycopg.Connection) -> None:
    world = World(conn)
    who = asking(world)
    world.drawn()
    later = DAY + timedelta(days=1)
    world.sealed(later)
    world.drawn(later)
    decline(conn, [Decline(who.number, world.program)], **world.clock)
    assert reason(honoured_now(world, who, day=later)) is Reason.HAD_PLACE


def test_who_has_a_place_now_is_not_offered_a_second_one(conn: psycopg.Connection) -> None:
    world = World(conn)
    who = missing_from_draw(world)
    world.drawn(DAY + timedelta(days=1))
    assert world.state(who.number) == "offered"
    assert reason(honoured_now(world, who)) is Reason.HAS_PLACE


def test_a_group_that_is_too_large_now_is_offered_nothing(conn: psycopg.Connection) -> None:
    world = World(conn)
    who = missing_from_draw(world)
    conn.execute("UPDATE registration SET size = 5 WHERE number = %s", [who.number])
    assert reason(honoured_now(world, who)) is Reason.GROUP_TOO_LARGE


def test_ports_that_are_not_in_the_round_get_nothing(conn: psycopg.Connection) -> None:
    world = World(conn)
    other = Done("requested", "", {"program": world.program, "ports": ["ZZZ"]})
    who = missing_from_draw(world)
    elsewhere = replace(other, number=who.number, leaf=Leaf(9_000, b"x" * 16, world.round().opens_at))
    assert reason(honoured_now(world, Missing(who.number, SIGNER.receipt(elsewhere)))) is Reason.PORTS_NOT_IN_ROUND


def test_a_receipt_of_another_act_or_program_is_no_promise(conn: psycopg.Connection) -> None:
    world = World(conn)
    who = missing_from_draw(world)
    leaf = Leaf(9_000, b"x" * 16, world.round().opens_at)
    registered = Done("registered", who.number, {"size": 1}, leaf=leaf)
    assert reason(honoured_now(world, Missing(who.number, SIGNER.receipt(registered)))) is Reason.NO_PROMISE
    tour = Done("requested", who.number, {"program": "tour", "ports": ["AAA"]}, leaf=leaf)
    assert reason(honoured_now(world, Missing(who.number, SIGNER.receipt(tour)))) is Reason.OTHER_PROGRAM


def test_a_receipt_of_another_ledger_counts_only_if_ours_says_the_same(conn: psycopg.Connection) -> None:
    """One key may sign for two addresses, one after the other; and for two deployments, by mistake."""
    world = World(conn)
    elsewhere = Signer(b"s" * 32, "other.example.org/ledger")
    number = world.registered()
    [asked] = request(conn, [Ask(number, world.program, world.ports)], **world.clock)
    moved = Missing(number, elsewhere.receipt(done(asked)))
    invented = replace(done(asked), leaf=Leaf(9_000, b"x" * 16, world.now))
    with left_out(world, moved):
        world.drawn()
    assert reason(honoured_now(world, Missing(number, elsewhere.receipt(invented)))) is Reason.OTHER_LEDGER
    assert done(honoured_now(world, moved)).facts["on_record"] is True


def test_a_receipt_that_is_not_ours_is_no_receipt(conn: psycopg.Connection) -> None:
    world = World(conn)
    who = missing_from_draw(world)
    forged = Signer(b"f" * 32, ISSUER)
    leaf = Leaf(0, b"x" * 16, world.round().opens_at)
    fake = forged.receipt(Done("requested", who.number, {"program": world.program, "ports": ["AAA"]}, leaf=leaf))

    def shown(text: str) -> None:
        honour(conn, [Honour(world.program, DAY, text)], keys=KEYS, listed=LISTED, **world.clock)

    with pytest.raises(KeyUnknown):
        shown(fake)
    with pytest.raises(BadInput):
        shown("FG1:NOTHING")
    changed = who.receipt[:-6] + ("AAAAAA" if who.receipt[-6:] != "AAAAAA" else "BBBBBB")
    with pytest.raises((SignatureWrong, BadInput)):
        shown(changed)
    assert world.one("SELECT count(*) FROM honoured") == 0


def test_nothing_is_computed_before_the_draw_and_nothing_given_after_the_round_is_void(
    conn: psycopg.Connection,
) -> None:
    world = World(conn)
    who = asking(world)
    assert reason(honoured_now(world, who)) is Reason.UNKNOWN_ROUND
    with left_out(world, who):
        world.seeded()
    assert reason(honoured_now(world, who)) is Reason.NOT_DUE
    void(conn, [Void(world.program, DAY, "a test")], **world.clock)
    assert reason(honoured_now(world, who)) is Reason.WRONG_STATE


def test_a_number_that_nobody_has_is_refused(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.drawn()
    leaf = Leaf(9_000, b"x" * 16, world.round().opens_at)
    text = SIGNER.receipt(Done("requested", "AAAA-BBBB", {"program": world.program, "ports": ["AAA"]}, leaf=leaf))
    assert reason(honoured_now(world, Missing("AAAA-BBBB", text))) is Reason.UNKNOWN_NUMBER


def test_what_could_not_be_confirmed_before_the_day_is_not_offered(conn: psycopg.Connection) -> None:
    """The day begins at midnight in Tijuana and an hour or two earlier in Matamoros; the window is 23 hours."""
    world = World(conn)
    who = missing_from_draw(world, ports=["AAA"])
    midnight = world.one("SELECT %s::timestamp AT TIME ZONE 'America/Tijuana'", f"{DAY} 00:00")
    world.now = midnight - timedelta(hours=23)
    assert reason(honoured_now(world, who)) is Reason.TOO_NEAR
    world.now -= timedelta(seconds=1)
    assert done(honoured_now(world, who)).facts["outcome"] == "offered"


# -- size and weeks -----------------------------------------------------------------------------


def test_the_line_has_the_group_as_it_was_at_the_closing_and_the_offer_as_it_is_now(conn: psycopg.Connection) -> None:
    world = World(conn)
    who = asking(world, 2)
    members = [member(n) for n in (1, 2)]
    world.now += timedelta(weeks=5)
    with left_out(world, who):
        world.drawn()
    weeks = lists.weeks(conn, world.registration(who.number).id, world.round().closes_at)
    [grown] = amend(conn, [Amend(who.number, members=[*members, member(99)])], keys=KEYS, **world.clock)
    assert isinstance(grown, Done)
    done(honoured_now(world, who))
    entry = line_of(world, who).entry
    assert (entry.size, entry.weeks) == (2, weeks)
    offer = world.offer(who.number)
    assert offer is not None
    assert offer.size == 3
    assert world.one("SELECT sum(honoured) FROM slot") == 3
    Watch(conn).look(world.now)
