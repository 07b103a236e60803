"""Passes: what one says, how long it counts, who is given one, and the list of those that were revoked."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.issue_passes import issue_passes
from fairgate.commands.miss import Miss, miss
from fairgate.core import passes as rule
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Fact, Leaf
from fairgate.core.passes import MARGIN, Pass, Revoked, Validity, expires, issue, parse_revoked, read_pass, validity
from fairgate.core.places import Place
from fairgate.core.receipts import Signer, read, verify
from fairgate.core.sealing import Keys, appointment_id
from fairgate.store import passes
from signed import signed
from vectors import ROOT
from world import DAY, World

AT = datetime(2026, 11, 26, 20, 15, 4, tzinfo=UTC)
SIGNER = Signer(bytes(range(32)), "places.example.org/ledger")
PLACE = Place("K48J-2J9P", "arrival", "confirmed", "SYS", date(2026, 12, 17), "09:00", 2)
APPOINTMENT = "8f2a00112233aabb"
END = datetime(2026, 12, 18, 14, tzinfo=UTC)
FACTS: dict[str, Fact] = {
    "appointment": "8f2a00112233aabb",
    "port": "SYS",
    "date": "2026-12-17",
    "slot": "09:00",
    "size": 2,
    "exp": 1797602400,
}
PASS = Pass("K48J-2J9P", "8f2a00112233aabb", "SYS", date(2026, 12, 17), time(9), 2, END)

# -- what it says -------------------------------------------------------------------------------


def shown(**facts: Fact) -> Pass:
    """The pass with other facts, as it is read from its text."""
    done = Done("pass", "K48J-2J9P", {**FACTS, **facts}, leaf=Leaf(7, bytes(16), AT))
    return read_pass(read(SIGNER.receipt(done)))


def test_a_pass_says_the_appointment_its_port_date_slot_and_size_and_when_it_ends():
    done = issue(PLACE, APPOINTMENT, END)
    assert done == Done("pass", "K48J-2J9P", FACTS)
    assert shown() == PASS


def test_the_example_on_the_page_is_right():
    page = (ROOT / "docs" / "rules" / "receipts-and-ledger.md").read_text(encoding="utf-8")
    [text] = [line.strip() for line in page.splitlines() if line == f"    {signed('pass', leaf=1234568)}"]
    receipt = verify(text, {SIGNER.kid: SIGNER.public})
    assert read_pass(receipt) == PASS
    assert json.loads(receipt.statement()) == {
        "at": "2026-11-26T20:15:04Z",
        "kind": "pass",
        "number": "K48J-2J9P",
        **FACTS,
    }


@pytest.mark.parametrize(
    ("day", "zone", "end"),
    [
        (date(2026, 12, 17), "America/Los_Angeles", "2026-12-18T08:00:00Z"),
        (date(2026, 12, 17), "America/Matamoros", "2026-12-18T06:00:00Z"),
        (
            date(2026, 3, 7),
            "America/Los_Angeles",
            "2026-03-08T08:00:00Z",
        ),  # clocks change two hours later
        (date(2026, 3, 8), "America/Los_Angeles", "2026-03-09T07:00:00Z"),
        (date(2026, 11, 1), "America/Los_Angeles", "2026-11-02T08:00:00Z"),
        (date(2026, 12, 31), "Asia/Tokyo", "2026-12-31T15:00:00Z"),
        (date(2026, 9, 5), "America/Santiago", "2026-09-06T04:00:00Z"),  # the next day begins at 01:00 there
    ],
)
def test_it_counts_until_six_hours_after_the_end_of_its_day_at_the_port(day: date, zone: str, end: str):
    assert expires(day, zone) == datetime.fromisoformat(end) + MARGIN
    assert timedelta(hours=6) == MARGIN


@pytest.mark.parametrize(
    ("now", "revoked", "answer"),
    [
        (END - timedelta(seconds=1), (), Validity.VALID),
        (END, (), Validity.EXPIRED),
        (AT, ("0000000000000000",), Validity.VALID),
        (AT, ("0000000000000000", "8f2a00112233aabb"), Validity.REVOKED),
        (END, ("8f2a00112233aabb",), Validity.REVOKED),
    ],
)
def test_a_pass_counts_before_its_end_and_while_it_is_not_revoked(now, revoked, answer):
    assert validity(PASS, now, revoked) is answer


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("appointment", "8F2A00112233AABB"),
        ("appointment", "8f2a"),
        ("appointment", 7),
        ("date", "17.12.2026"),
        ("date", "2026-02-30"),
        ("date", "20261217"),
        ("slot", "9:00"),
        ("slot", None),
        ("size", "2"),
        ("size", True),
        ("exp", -1),
        ("exp", 1 << 50),
        ("port", ["SYS"]),
    ],
)
def test_what_says_pass_and_is_none_is_refused_by_its_key(key, value):
    with pytest.raises(BadInput, match=f"pass key {key}"):
        shown(**{key: value})


def test_a_pass_with_a_key_too_many_or_too_few_is_refused():
    with pytest.raises(BadInput, match='key "gate" is unknown'):
        shown(gate="2")
    less = {key: value for key, value in FACTS.items() if key != "exp"}
    with pytest.raises(BadInput, match="pass key exp: missing"):
        read_pass(read(SIGNER.receipt(Done("pass", "K48J-2J9P", less, leaf=Leaf(7, bytes(16), AT)))))


# -- the list of revoked ones -------------------------------------------------------------------

REVOKED = Revoked("places.example.org/ledger", AT, frozenset({"8f2a00112233aabb", "03f1000000000000"}))


def test_the_list_is_read_as_it_was_written_and_is_always_the_same_bytes():
    assert REVOKED.to_bytes() == (
        b'{"at":"2026-11-26T20:15:04Z","ids":["03f1000000000000","8f2a00112233aabb"],'
        b'"issuer":"places.example.org/ledger"}\n'
    )
    assert parse_revoked("revoked.json", REVOKED.to_bytes()) == REVOKED


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"03f1', '"03F1', "key ids[0]"),
        ('"03f1000000000000"', "3", "key ids[0]"),
        ('"ids":[', '"ids":[[],', "key ids[0]"),
        ('"at":"2026', '"at":"26', "key at"),
        ('"issuer":', '"name":', "issuer"),
        ("{", "[", ""),
    ],
)
def test_a_list_that_cannot_be_right_is_refused_by_its_place(old, new, place):
    with pytest.raises(BadInput, match=r"revoked\.json") as caught:
        parse_revoked("revoked.json", REVOKED.to_bytes().replace(old.encode(), new.encode(), 1))
    assert place in caught.value.place


def test_a_list_of_hundreds_of_thousands_can_be_read_and_no_larger_one():
    many = replace(REVOKED, appointments=frozenset(f"{n:016x}" for n in range(400_000)))
    assert parse_revoked("revoked.json", many.to_bytes()) == many
    with pytest.raises(BadInput, match="bytes are more than"):
        parse_revoked("revoked.json", b" " * (rule.REVOKED_BYTES_MOST + 1))


# -- who is given one ---------------------------------------------------------------------------


@pytest.fixture
def world(conn):
    return World(conn)


def issued(world: World) -> list[Done]:
    return [
        outcome for outcome in issue_passes(world.conn, keys=world.keys, **world.clock) if isinstance(outcome, Done)
    ]


def the_pass(world: World, number: str) -> Pass | None:
    """The pass of somebody's appointment, read from a receipt signed for what is on record."""
    offer = world.offer(number)
    found = offer and passes.of_offer(world.conn, offer.id)
    if found is None:
        return None
    query = "SELECT s.salt, l.at, s.body::jsonb FROM statement s JOIN leaf l ON l.index = s.leaf WHERE s.leaf = %s"
    salt, at, body = world.conn.execute(query, [found.leaf]).fetchone()
    facts = {key: value for key, value in body.items() if key not in ("kind", "number", "at")}
    receipt = read(SIGNER.receipt(Done(body["kind"], body["number"], facts, leaf=Leaf(found.leaf, bytes(salt), at))))
    assert receipt.leaf_data() == bytes(world.one("SELECT data FROM leaf WHERE index = %s", found.leaf))
    return read_pass(receipt)


def test_who_has_confirmed_is_given_one_pass_on_the_record(world):
    number = world.confirmed(2, ["AAA"])
    [done] = issued(world)
    found = the_pass(world, number)
    assert (done.kind, done.number) == ("pass", number)
    assert found == Pass(number, found.appointment, "AAA", DAY, time(9), 2, expires(DAY, "America/Tijuana"))
    assert issued(world) == []
    assert world.one("SELECT count(*) FROM statement WHERE kind = 'pass'") == 1


def test_an_appointment_is_called_the_same_again_and_no_other_is(world):
    """Whatever row it has: where a backup is restored, what was given out before is revoked with it."""
    number = world.confirmed(2, ["AAA"])
    [done] = issued(world)
    assert done.facts["appointment"] == appointment_id(world.keys, number, world.program, DAY)
    others = [
        appointment_id(world.keys, number, "tour", DAY),
        appointment_id(world.keys, number, world.program, DAY + timedelta(days=1)),
        appointment_id(world.keys, "K48J-2J9P", world.program, DAY),
        appointment_id(Keys(bytes(32)), number, world.program, DAY),
    ]
    assert len({done.facts["appointment"], *others}) == 5


def test_a_pass_brings_no_message_of_its_own(world):
    world.confirmed()
    before = world.one("SELECT count(*) FROM notice")
    assert issued(world)
    assert world.one("SELECT count(*) FROM notice") == before


def test_nobody_who_only_holds_an_offer_or_gave_it_back_is_given_one(world):
    world.offered()
    assert issued(world) == []
    number = world.asking()
    world.drawn(DAY + timedelta(days=1))
    decline(world.conn, [Decline(number, world.program)], **world.clock)
    assert issued(world) == []
    assert the_pass(world, number) is None


def test_who_cancelled_before_it_was_made_gets_none_and_who_confirms_again_gets_that_of_the_new_place(world):
    number = world.confirmed()
    cancel(world.conn, [Cancel(number, world.program, "by holder")], **world.clock)
    assert issued(world) == []
    other = DAY + timedelta(days=1)
    world.drawn(other)
    confirm(world.conn, [Confirm(number, world.program)], **world.clock)
    assert [done.facts["date"] for done in issued(world)] == [other.isoformat()]


def test_somebody_with_two_appointments_has_two_passes(world):
    number = world.asking(2, ["AAA"])
    world.ask(number, ["AAA"], program="tour")
    world.drawn()
    world.drawn(program="tour")
    for program in (world.program, "tour"):
        confirm(world.conn, [Confirm(number, program)], **world.clock)
    made = issued(world)
    assert sorted(str(done.facts["slot"]) for done in made) == ["09:00", "15:00"]
    assert len({done.facts["appointment"] for done in made}) == 2


def test_a_day_that_is_over_needs_no_pass(world):
    world.confirmed()
    world.now = expires(DAY, "America/Tijuana")
    assert issued(world) == []


def test_a_rush_is_gone_through_a_batch_at_a_time_and_nobody_is_left_out(world, monkeypatch):
    from fairgate.commands import issue_passes as module

    numbers = [world.asking(1, ["AAA"]) for _ in range(3)] + [world.asking(1, ["BBB"]) for _ in range(4)]
    world.drawn()
    confirm(world.conn, [Confirm(number, world.program) for number in numbers], **world.clock)
    monkeypatch.setattr(module, "PASSES_AT_ONCE", 3)
    monkeypatch.setattr(module, "LEAVES_AT_ONCE", 5)
    rounds = []
    while made := issued(world):
        rounds.append(len(made))
    assert sum(rounds) == len(numbers)
    assert max(rounds) <= 3
    assert all(the_pass(world, number) for number in numbers)


def test_while_one_worker_is_at_it_another_has_nothing_to_do(world, make_conn):
    world.confirmed()
    other = make_conn()
    with other.transaction():
        assert passes.lock_next(other) == 0
        assert issued(world) == []
    assert len(issued(world)) == 1


def revoked(world: World) -> frozenset[str]:
    return passes.revoked(world.conn, SIGNER.issuer, world.now).appointments


def test_a_pass_is_revoked_when_its_appointment_is_cancelled_or_missed_and_not_when_people_came(world):
    numbers = [world.asking(1, ["AAA"]) for _ in range(3)]
    world.drawn()
    confirm(world.conn, [Confirm(number, world.program) for number in numbers], **world.clock)
    assert len(issued(world)) == 3
    ids = [the_pass(world, number).appointment for number in numbers]
    assert revoked(world) == frozenset()
    cancel(world.conn, [Cancel(numbers[0], world.program, "the port is closed")], **world.clock)
    assert revoked(world) == {ids[0]}
    world.now = datetime(2026, 3, 20, 18, tzinfo=UTC)
    check_in(world.conn, [CheckIn(numbers[1], world.program)], **world.clock)
    assert revoked(world) == {ids[0]}
    world.now = datetime(2026, 3, 21, 8, tzinfo=UTC)
    [outcome] = miss(world.conn, [Miss(numbers[2], world.program)], **world.clock)
    assert isinstance(outcome, Done)
    assert revoked(world) == {ids[0], ids[2]}
    world.now = expires(DAY, "America/Tijuana")
    assert revoked(world) == frozenset(), "what has expired need not be listed"


def test_the_public_list_never_goes_back_in_time_and_is_mended_where_it_was_spoilt(tmp_path):
    assert passes.publish(tmp_path, REVOKED)
    path = passes.revoked_path(tmp_path)
    assert path.read_bytes() == REVOKED.to_bytes()
    assert path.stat().st_mode & 0o777 == 0o644
    older = replace(REVOKED, at=AT - timedelta(seconds=1), appointments=frozenset())
    assert not passes.publish(tmp_path, older)
    assert path.read_bytes() == REVOKED.to_bytes()
    newer = replace(REVOKED, at=AT + timedelta(seconds=10))
    assert passes.publish(tmp_path, newer)
    path.write_bytes(b"{half of")
    assert passes.publish(tmp_path, newer)
    assert path.read_bytes() == newer.to_bytes()
