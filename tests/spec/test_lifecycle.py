"""What may become of a registration, a request, a round and an offer: one table, and nothing besides.

First the table itself, then every act as a command, tried in every state: where the table has an edge it is done, and
everywhere else it is refused with the state's name or a better reason, and nothing changes.
"""

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.lapse import Lapse, lapse
from fairgate.commands.miss import Close, Miss, close, miss
from fairgate.commands.postpone import Postpone, postpone
from fairgate.commands.request import Ask, Restore, Withdraw, request, restore, withdraw
from fairgate.commands.rounds import Open, Void, open_rounds, void
from fairgate.commands.seal import Seal, seal
from fairgate.core.beacon import Reveals
from fairgate.core.lifecycle import (
    ACTS,
    EDGES,
    NONE,
    STATES,
    Done,
    Outcome,
    Reason,
    Refused,
    Subject,
    refuse_unless_possible,
    target,
)
from world import DAY, PROMISE, REVEAL, World

TABLE = """
    registration  register   none        registered
    registration  amend      registered  registered
    request       request    none        standing
    request       request    standing    standing
    request       request    withdrawn   standing
    request       request    fulfilled   standing
    request       withdraw   standing    withdrawn
    request       restore    withdrawn   standing
    request       fulfil     standing    fulfilled
    round         open       none        open
    round         seal       open        sealed
    round         seed       sealed      sealed
    round         postpone   sealed      sealed
    round         draw       sealed      drawn
    round         close      drawn       closed
    round         void       open        void
    round         void       sealed      void
    offer         offer      none        offered
    offer         pass_over  none        declined
    offer         confirm    offered     confirmed
    offer         decline    offered     declined
    offer         lapse      offered     lapsed
    offer         cancel     offered     cancelled
    offer         cancel     confirmed   cancelled
    offer         check_in   confirmed   checked_in
    offer         miss       confirmed   missed
"""
ROWS = [tuple(line.split()) for line in TABLE.strip().splitlines()]


def test_the_table_is_this_one() -> None:
    assert [(e.subject.value, e.act.replace(" ", "_"), e.source, e.target) for e in EDGES] == ROWS


def test_every_pair_of_state_and_act_that_is_not_in_the_table_is_refused() -> None:
    pairs = {(edge.subject, edge.act, edge.source) for edge in EDGES}
    refused = 0
    for subject in Subject:
        for act in ACTS[subject]:
            for state in (NONE, *STATES[subject]):
                answer = refuse_unless_possible(subject, act, state)
                if (subject, act, state) in pairs:
                    assert answer is None
                    continue
                facts = {"subject": subject.value, "act": act, "state": state}
                assert answer == Refused(Reason.WRONG_STATE, facts)
                assert target(subject, act, state) is None
                refused += 1
    assert refused == 100


def test_an_act_of_another_subject_is_refused() -> None:
    assert target(Subject.REQUEST, "draw", "standing") is None
    assert target(Subject.ROUND, "confirm", "drawn") is None


# -- offers, by command -------------------------------------------------------------------------


def in_state(world: World, state: str) -> str:
    """The number of a registration whose offer has this state, `none` for none; its day is over."""
    if state == NONE:
        number = world.registered()
        world.drawn()
    else:
        number = world.offered()
    start = world.now
    [offer] = [world.offer(number)] if state != NONE else [None]
    match state:
        case "confirmed" | "checked_in" | "missed":
            confirm(world.conn, [Confirm(number, world.program)], **world.clock)
        case "declined":
            decline(world.conn, [Decline(number, world.program)], **world.clock)
        case "cancelled":
            cancel(world.conn, [Cancel(number, world.program, "a test")], **world.clock)
        case "lapsed":
            assert offer is not None
            world.samples(start - timedelta(minutes=5), start + timedelta(hours=26))
            world.now = start + timedelta(hours=26)
            assert lapse(world.conn, [Lapse(offer.window_id)], **world.clock)
    if state == "checked_in":
        world.now = start + timedelta(days=21)
        check_in(world.conn, [CheckIn(number, world.program)], **world.clock)
    if state == "missed":
        world.now = start + timedelta(days=22)
        miss(world.conn, [Miss(number, world.program)], **world.clock)
    assert world.state(number) == state
    return number


ON_OFFERS: dict[str, Callable[[World, str], list[Outcome]]] = {
    "confirm": lambda w, n: confirm(w.conn, [Confirm(n, w.program)], **w.clock),
    "decline": lambda w, n: decline(w.conn, [Decline(n, w.program)], **w.clock),
    "cancel": lambda w, n: cancel(w.conn, [Cancel(n, w.program, "a test")], **w.clock),
    "check in": lambda w, n: check_in(w.conn, [CheckIn(n, w.program)], **w.clock),
    "miss": lambda w, n: miss(w.conn, [Miss(n, w.program)], **w.clock),
}
# Acts that were done before: the same answer once more, nothing changes.
SAME_AGAIN = {
    ("confirm", "confirmed"),
    ("confirm", "checked_in"),
    ("decline", "declined"),
    ("cancel", "cancelled"),
    ("check in", "checked_in"),
}


@pytest.mark.parametrize("state", [NONE, *STATES[Subject.OFFER]])
@pytest.mark.parametrize("act", list(ON_OFFERS))
def test_an_act_on_an_offer_is_done_only_where_the_table_has_an_edge(
    conn: psycopg.Connection, act: str, state: str
) -> None:
    world = World(conn)
    number = in_state(world, state)
    if state == "confirmed" and act in ("check in", "miss"):
        world.now += timedelta(days=21 if act == "check in" else 22)
    size = world.one("SELECT size FROM ledger")
    [outcome] = ON_OFFERS[act](world, number)
    goes_to = target(Subject.OFFER, act, state)
    if goes_to is not None:
        assert isinstance(outcome, Done)
        assert not outcome.repeated
        assert world.state(number) == goes_to
        return
    assert world.state(number) == state
    assert world.one("SELECT size FROM ledger") == size
    if (act, state) in SAME_AGAIN:
        assert isinstance(outcome, Done)
        assert outcome.repeated
    else:
        assert isinstance(outcome, Refused), outcome


# -- requests, by command -----------------------------------------------------------------------


def asked(world: World, state: str) -> str:
    """The number of a registration whose request has this state."""
    if state == "fulfilled":
        return in_state(world, "checked_in")
    number = world.registered()
    if state != NONE:
        world.ask(number)
    if state == "withdrawn":
        withdraw(world.conn, [Withdraw(number, world.program)], **world.clock)
    return number


ON_REQUESTS: dict[str, Callable[[World, str], list[Outcome]]] = {
    "request": lambda w, n: request(w.conn, [Ask(n, w.program, ["BBB"])], **w.clock),
    "withdraw": lambda w, n: withdraw(w.conn, [Withdraw(n, w.program)], **w.clock),
    "restore": lambda w, n: restore(w.conn, [Restore(n, w.program)], **w.clock),
}


@pytest.mark.parametrize("state", [NONE, *STATES[Subject.REQUEST]])
@pytest.mark.parametrize("act", list(ON_REQUESTS))
def test_an_act_on_a_request_is_done_only_where_the_table_has_an_edge(
    conn: psycopg.Connection, act: str, state: str
) -> None:
    world = World(conn)
    number = asked(world, state)
    [outcome] = ON_REQUESTS[act](world, number)
    found = world.wish(number)
    now = NONE if found is None else found.state
    goes_to = target(Subject.REQUEST, act, state)
    if goes_to is not None:
        assert isinstance(outcome, Done)
        assert now == goes_to
    elif (act, state) in {("withdraw", "withdrawn"), ("restore", "standing")}:
        assert isinstance(outcome, Done)
        assert outcome.repeated
        assert now == state
    else:
        assert isinstance(outcome, Refused)
        assert now == state


# -- rounds, by command -------------------------------------------------------------------------


def round_in(world: World, state: str) -> None:
    match state:
        case "open":
            world.opened()
        case "sealed":
            world.sealed()
        case "drawn":
            world.drawn()
        case "closed":
            world.drawn()
            world.now += timedelta(days=23)
            close(world.conn, [Close(world.program, DAY)], **world.clock)
        case "void":
            world.opened()
            void(world.conn, [Void(world.program, DAY, "a test")], **world.clock)
    world.now += timedelta(days=60)  # whatever is only a matter of time is due


def nothing_is_shown(conn: psycopg.Connection) -> None:
    """As if the checkpoints had never been witnessed."""
    conn.execute("ALTER TABLE checkpoint DISABLE TRIGGER checkpoint_append_only")
    conn.execute("UPDATE checkpoint SET witnessed_at = NULL")
    conn.execute("ALTER TABLE checkpoint ENABLE TRIGGER checkpoint_append_only")


ON_ROUNDS: dict[str, Callable[[World], list[Outcome]]] = {
    "open": lambda w: open_rounds(w.conn, [Open(w.program, DAY)], **w.clock),
    "seal": lambda w: seal(w.conn, [Seal(w.program, DAY, PROMISE)], keys=w.keys, **w.clock),
    "seed": lambda w: seed(w.conn, [Seed(w.program, DAY, Reveals((("observer", REVEAL),)))], **w.clock),
    "postpone": lambda w: postpone(w.conn, [Postpone(w.program, DAY)], **w.clock),
    "draw": lambda w: draw(w.conn, [Draw(w.program, DAY)], **w.clock),
    "close": lambda w: close(w.conn, [Close(w.program, DAY)], **w.clock),
    "void": lambda w: void(w.conn, [Void(w.program, DAY, "a test")], **w.clock),
}


@pytest.mark.parametrize("state", [NONE, *STATES[Subject.ROUND]])
@pytest.mark.parametrize("act", list(ON_ROUNDS))
def test_an_act_on_a_round_is_done_only_where_the_table_has_an_edge(
    conn: psycopg.Connection, act: str, state: str
) -> None:
    world = World(conn)
    round_in(world, state)
    if (act, state) == ("draw", "sealed"):
        ON_ROUNDS["seed"](world)
    if act == "postpone":
        nothing_is_shown(conn)
    size = world.one("SELECT size FROM ledger")
    [outcome] = ON_ROUNDS[act](world)
    now = world.one("SELECT coalesce(max(state), 'none') FROM round")
    goes_to = target(Subject.ROUND, act, state)
    if goes_to is not None:
        assert isinstance(outcome, Done), outcome
        assert now == goes_to
    else:
        assert isinstance(outcome, Refused)
        assert outcome.reason in (Reason.WRONG_STATE, Reason.UNKNOWN_ROUND, Reason.ROUND_EXISTS)
        assert now == state
        assert world.one("SELECT size FROM ledger") == size
