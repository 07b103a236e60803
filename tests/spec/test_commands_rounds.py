"""Rounds: opening, sealing, seeding, drawing, closing, voiding, and the capacity of their slots."""

from datetime import timedelta
from hashlib import sha256

import psycopg
import pytest

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.load_profile import load_profile
from fairgate.commands.miss import Close, close
from fairgate.commands.request import Withdraw, withdraw
from fairgate.commands.rounds import Open, SetCapacity, Void, open_due, open_rounds, set_capacity, start_calendar, void
from fairgate.commands.seal import Seal, seal
from fairgate.core import draw as drawing
from fairgate.core.beacon import DrandProof, Reveals, drand_round_at, randomness
from fairgate.core.bundle import Drand, parse_manifest
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.core.sealing import unwrap
from fairgate.store import lists, rounds, slots
from world import DAY, PROMISE, REVEAL, TWO_PORTS, World

NEXT = DAY + timedelta(days=1)
MICRO = timedelta(microseconds=1)
PROOF = Reveals((("observer", REVEAL),))


def reason(outcome: Outcome) -> Reason | None:
    return outcome.reason if isinstance(outcome, Refused) else None


def sealing(world: World, *days: object, beacon: object = PROMISE) -> list[Outcome]:
    acts = [Seal(world.program, day, beacon) for day in days or (DAY,)]  # type: ignore[arg-type]
    return seal(world.conn, acts, keys=world.keys, **world.clock)


# -- open ---------------------------------------------------------------------------------------


def test_a_round_opens_with_the_slots_of_its_date(conn: psycopg.Connection) -> None:
    world = World(conn)
    found = world.opened()
    assert found.state == "open"
    assert found.due_at == found.closes_at
    day = [(s.port, s.time.hour, s.capacity, s.overshoot) for s in slots.of_day(conn, world.program, DAY)]
    assert day == [("AAA", 9, 3, 3), ("AAA", 10, 3, 3), ("BBB", 9, 4, 3)]


def test_what_cannot_be_opened_undoes_nothing_of_the_others(conn: psycopg.Connection) -> None:
    world = World(conn)
    acts = [Open("arrival", DAY), Open("nothing", DAY), Open("arrival", DAY), Open("tour", DAY)]
    outcomes = open_rounds(conn, acts, **world.clock)
    assert [reason(o) for o in outcomes] == [None, Reason.UNKNOWN_PROGRAM, Reason.ROUND_EXISTS, None]
    assert world.one("SELECT count(*) FROM round") == 2
    assert world.one("SELECT count(*) FROM slot") == 4


def test_rounds_open_by_themselves_one_date_after_the_other(conn: psycopg.Connection) -> None:
    world = World(conn)
    start_calendar(conn, world.profile.program("arrival"), DAY)
    opens_at = world.one("SELECT opens_at FROM program WHERE program = 'arrival'")
    world.now = opens_at - MICRO
    assert open_due(conn, **world.clock) == []
    world.now = opens_at + timedelta(days=2)
    opened = []
    while outcomes := open_due(conn, **world.clock):
        opened += outcomes
    assert [o.facts["round"] for o in opened if isinstance(o, Done)] == ["2026-03-20", "2026-03-21", "2026-03-22"]


# -- seal ---------------------------------------------------------------------------------------


def test_the_sealed_list_holds_who_stood_in_line_when_it_closed(conn: psycopg.Connection) -> None:
    world = World(conn)
    asks, other_port = world.asking(2), world.asking(1, ["BBB"])
    world.registered()  # asks for nothing
    world.asking(1, program="tour")
    withdrawn = world.asking()
    withdraw(conn, [Withdraw(withdrawn, world.program)], **world.clock)
    world.now = world.opened().closes_at
    at_the_last_moment = world.asking()
    world.now += MICRO
    world.asking()  # too late
    found = world.sealed()
    key = unwrap(world.keys, found.wrapped_key or b"", found.about)
    expected = sorted(drawing.ticket(key, number) for number in (asks, other_port, at_the_last_moment))
    assert [entry.ticket for _, entry in lists.entries(conn, found.id)] == expected
    assert found.manifest is not None
    manifest = parse_manifest(found.manifest.encode())
    assert manifest.ticket_key_hash == sha256(key).hexdigest()
    assert [(p.port, p.capacity, p.carry) for p in manifest.ports] == [("AAA", 6, 0), ("BBB", 4, 0)]
    assert found.entry_count == 3


def test_a_round_is_not_sealed_before_it_closes(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.now = world.opened().closes_at - MICRO
    assert reason(sealing(world)[0]) is Reason.NOT_DUE
    world.now += MICRO
    assert reason(sealing(world)[0]) is None


def test_a_round_waits_for_every_earlier_one_to_be_drawn_or_void(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.opened()
    world.opened(NEXT)
    world.now = world.round(NEXT).closes_at
    assert sealing(world, NEXT) == [Refused(Reason.WAITS_FOR_EARLIER, {"round": DAY.isoformat()})]
    void(conn, [Void(world.program, DAY, "a storm")], **world.clock)
    assert reason(sealing(world, NEXT)[0]) is None


def test_a_list_is_not_sealed_when_its_random_value_may_be_public(conn: psycopg.Connection) -> None:
    world = World(conn)
    found = world.opened()
    beacon = Drand("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971", drand_round_at(found.seed_at))
    world.now = found.seed_at
    assert reason(sealing(world, beacon=beacon)[0]) is Reason.SEED_KNOWN


def test_what_cannot_be_sealed_undoes_nothing_of_the_others(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.now = world.opened().closes_at
    outcomes = sealing(world, NEXT, DAY, DAY)
    assert [reason(o) for o in outcomes] == [Reason.UNKNOWN_ROUND, None, Reason.WRONG_STATE]


def test_a_profile_that_admits_larger_groups_holds_for_rounds_not_yet_sealed(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.opened()
    programs = TWO_PORTS["programs.toml"].replace("group_max = 4", "group_max = 6")
    load_profile(conn, {**TWO_PORTS, "programs.toml": programs}, now=world.now)
    numbers = [world.asking(6, ["AAA"]) for _ in range(2)]
    world.drawn()
    assert sorted(world.state(number) for number in numbers) == ["none", "offered"]
    assert world.one("SELECT max(taken) FROM slot") == 6


# -- seed and draw ------------------------------------------------------------------------------


def test_a_round_is_seeded_with_the_announced_value_only(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.sealed()
    world.now = world.round().seed_at - MICRO
    assert reason(seed(conn, [Seed(world.program, DAY, PROOF)], **world.clock)[0]) is Reason.NOT_DUE
    world.now += MICRO
    for wrong in (
        Reveals((("observer", REVEAL + b"!"),)),
        Reveals((("somebody", REVEAL),)),
        DrandProof(1000, b"x" * 48),
    ):
        with pytest.raises(BadInput):
            seed(conn, [Seed(world.program, DAY, wrong)], **world.clock)
    assert world.round().proof is None
    assert world.one("SELECT count(*) FROM statement WHERE kind = 'seeded'") == 0


def test_seeding_again_tells_of_the_value_on_record_whatever_is_brought(conn: psycopg.Connection) -> None:
    world = World(conn)
    proof = world.seeded().proof
    assert proof is not None
    [again] = seed(conn, [Seed(world.program, DAY, Reveals((("observer", b"x" * 32),)))], **world.clock)
    assert isinstance(again, Done)
    assert again.repeated
    assert again.facts["proof"] == sha256(proof.encode()).hexdigest()


def test_a_round_is_not_drawn_before_it_is_seeded_and_due(conn: psycopg.Connection) -> None:
    world = World(conn)
    found = world.sealed()
    world.now = found.draw_at
    assert reason(draw(conn, [Draw(world.program, DAY)], **world.clock)[0]) is Reason.NOT_DUE
    world.seeded()
    world.now = found.draw_at - MICRO
    assert reason(draw(conn, [Draw(world.program, DAY)], **world.clock)[0]) is Reason.NOT_DUE
    world.now += MICRO
    assert reason(draw(conn, [Draw(world.program, DAY)], **world.clock)[0]) is None


def test_the_offers_are_those_of_the_pure_draw_in_its_order_on_its_slots(conn: psycopg.Connection) -> None:
    world = World(conn)
    for n in range(12):
        world.asking(1 + n % 4, [["AAA", "BBB"], ["BBB"], ["AAA"]][n % 3])
    found = world.drawn()
    assert found.manifest is not None
    assert found.root is not None
    manifest = parse_manifest(found.manifest.encode())
    listed = [entry for _, entry in lists.entries(conn, found.id)]
    drawn = drawing.draw(manifest, found.root, listed, randomness(manifest, PROOF))
    assert found.seed == drawn.seed
    offers, reserve = lists.results(conn, found.id)
    assert (tuple(offers), tuple(reserve)) == (drawn.offers, drawn.reserve)
    query = """
        SELECT e.ticket, o.port, o.ord, o.phase FROM offer o
          JOIN entry e ON e.round_id = o.round_id AND e.registration_id = o.registration_id ORDER BY o.ord
    """
    assert conn.execute(query).fetchall() == [tuple(offer) for offer in drawn.offers]
    ports = rounds.ports(conn, found.id)
    assert {port: p.used for port, p in ports.items()} == drawn.used
    assert {port: p.carry_out for port, p in ports.items()} == drawn.carry_out
    for port in ("AAA", "BBB"):
        room = [s for s in slots.of_day(conn, world.program, DAY) if s.port == port]
        assert sum(s.taken for s in room) == drawn.used[port]
        assert all(s.taken < s.capacity + 4 for s in room)
        assert room[0].taken >= room[0].capacity, "the earliest slot is filled first"


def test_overshoot_is_taken_off_the_next_round(conn: psycopg.Connection) -> None:
    world = World(conn)
    for _ in range(3):
        world.asking(4, ["AAA"])
    assert rounds.ports(conn, world.drawn().id)["AAA"].carry_out == 2
    port = rounds.ports(conn, world.sealed(NEXT).id)["AAA"]
    assert (port.capacity, port.carry, port.places) == (6, 2, 4)


def test_a_void_round_is_skipped_by_the_carry_and_whoever_asked_is_in_the_next(conn: psycopg.Connection) -> None:
    world = World(conn)
    for _ in range(3):
        world.asking(4, ["AAA"])
    world.drawn()
    world.sealed(NEXT)
    [outcome] = void(conn, [Void(world.program, NEXT, "a flood")], **world.clock)
    assert isinstance(outcome, Done)
    assert (world.round(NEXT).state, world.round(NEXT).void_reason, world.round(NEXT).due_at) == (
        "void",
        "a flood",
        None,
    )
    after = world.sealed(NEXT + timedelta(days=1))
    assert rounds.ports(conn, after.id)["AAA"].carry == 2
    assert after.entry_count == 1


def test_a_round_without_anybody_is_drawn_too(conn: psycopg.Connection) -> None:
    world = World(conn)
    assert world.drawn().state == "drawn"
    assert world.one("SELECT count(*) FROM offer") == 0


# -- close --------------------------------------------------------------------------------------


def test_a_round_closes_when_its_day_is_over_everywhere_and_who_did_not_come_has_missed(
    conn: psycopg.Connection,
) -> None:
    world = World(conn)
    came_not, gave_back = world.asking(1, ["BBB"]), world.asking(1, ["AAA"])
    found = world.drawn()
    confirm(conn, [Confirm(number, world.program) for number in (came_not, gave_back)], **world.clock)
    cancel(conn, [Cancel(gave_back, world.program, "by holder")], **world.clock)
    assert found.due_at is not None
    assert found.due_at.isoformat() == "2026-03-21T08:00:00+00:00", "1:00 in Tijuana"
    world.now = found.due_at - MICRO
    assert reason(close(conn, [Close(world.program, DAY)], **world.clock)[0]) is Reason.NOT_DUE
    world.now = found.due_at
    [outcome] = close(conn, [Close(world.program, DAY)], **world.clock)
    assert isinstance(outcome, Done)
    assert outcome.facts["missed"] == 1
    assert (world.state(came_not), world.state(gave_back)) == ("missed", "cancelled")


def test_a_round_in_which_nobody_has_a_place_any_more_does_not_close_before_its_day(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.drawn()
    assert reason(close(conn, [Close(world.program, DAY)], **world.clock)[0]) is Reason.NOT_DUE


def test_a_round_does_not_close_while_an_offer_is_open(conn: psycopg.Connection) -> None:
    world = World(conn)
    one, other = world.asking(1, ["AAA"]), world.asking(1, ["AAA"])
    found = world.drawn()
    assert found.due_at is not None
    confirm(conn, [Confirm(one, world.program)], **world.clock)
    world.now = found.due_at
    assert reason(close(conn, [Close(world.program, DAY)], **world.clock)[0]) is Reason.NOT_DUE, "an open offer"
    cancel(conn, [Cancel(other, world.program, "by holder")], **world.clock)
    assert reason(close(conn, [Close(world.program, DAY)], **world.clock)[0]) is None
    assert world.round().state == "closed"


# -- capacity -----------------------------------------------------------------------------------


def changing(world: World, capacity: int, slot: int | None = None) -> Outcome:
    first = slots.of_day(world.conn, world.program, DAY)[0].id
    act = SetCapacity(world.program, DAY, first if slot is None else slot, capacity)
    [outcome] = set_capacity(world.conn, [act], **world.clock)
    return outcome


def test_capacity_changes_before_sealing_and_the_list_is_sealed_with_it(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.opened()
    outcome = changing(world, 1)
    assert isinstance(outcome, Done)
    assert (outcome.facts["was"], outcome.facts["capacity"]) == (3, 1)
    assert rounds.ports(conn, world.sealed().id)["AAA"].capacity == 4
    assert reason(changing(world, 5)) is Reason.ROUND_SEALED
    assert reason(changing(world, 5, slot=999)) is Reason.UNKNOWN_SLOT


def test_capacity_is_never_set_below_who_has_a_place_there(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.asking(2, ["AAA"])
    world.drawn()
    assert changing(world, 1) == Refused(Reason.BELOW_TAKEN, {"taken": 2, "capacity": 1})
    assert changing(world, -1) == Refused(Reason.BELOW_TAKEN, {"taken": 2, "capacity": -1})
    assert isinstance(changing(world, 2), Done)


def test_a_slot_that_overshoots_may_grow_but_not_shrink(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.asking(4, ["AAA"])
    world.drawn()
    assert reason(changing(world, 2)) is Reason.BELOW_TAKEN
    assert isinstance(changing(world, 4), Done)
