"""A rehearsal goes through the real commands, so what it leaves has to be as sound as anything that they leave."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise

import pytest

from databases import Databases
from fairgate.core import draw as drawing
from fairgate.core.beacon import randomness
from fairgate.core.bundle import parse_beacon, parse_manifest, write_results
from fairgate.core.note import parse_note, verified
from fairgate.core.sealing import code_matches, unwrap
from fairgate.store import lists, rounds
from fairgate.store.rounds import Round
from sim.rehearsed import Rehearsed, rehearsed

# The second profile's lead is short enough for a few days to hold appointments that were kept and missed.
SMALL = {
    "southwest-border": {"registrations": 1400, "days": 3, "until": datetime(2026, 3, 4, 21, 20, tzinfo=UTC)},
    "one-clinic": {"registrations": 260, "days": 14, "until": datetime(2026, 3, 4, 21, 20, tzinfo=UTC)},
}


@pytest.fixture(scope="module", params=SMALL)
def one(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Rehearsed]:
    with databases.new() as dsn, rehearsed(dsn, request.param, **SMALL[request.param]) as left:
        yield left


def drawn_rounds(one: Rehearsed) -> list[Round]:
    found = rounds.newest(one.conn, one.program.program, 1000)
    return [each for each in reversed(found) if each.state in ("drawn", "closed")]


def test_every_person_of_it_did_what_they_meant_to(one: Rehearsed) -> None:
    assert one.found.refused == 0
    assert one.found.offers["confirmed"] > 0
    assert one.found.offers["lapsed"] > 0
    assert one.found.rounds["drawn"] >= 2


def test_appointments_are_kept_and_missed_once_their_day_has_come(one: Rehearsed) -> None:
    if one.found.until - one.found.since < timedelta(days=one.program.lead_days):
        assert "checked_in" not in one.found.offers
        assert "closed" not in one.found.rounds
    else:
        assert one.found.offers["checked_in"] > one.found.offers["missed"] > 0
        assert one.found.rounds["closed"] >= 2


def test_the_sample_applicant_has_an_open_offer_for_hours_and_its_code_is_right(one: Rehearsed) -> None:
    row = one.conn.execute(
        "SELECT r.code_hash, o.state, w.deadline FROM registration r JOIN offer o ON o.registration_id = r.id"
        ' JOIN "window" w ON w.id = o.window_id WHERE r.number = %s ORDER BY o.id DESC LIMIT 1',
        [one.found.sample_number],
    ).fetchone()
    assert row is not None
    assert code_matches(one.keys, str(one.found.sample_number), str(one.found.sample_code), bytes(row[0]))
    assert row[1] == "offered"
    assert row[2] - one.found.until > timedelta(hours=4)


def test_places_taken_are_those_of_the_offers_that_hold_one(one: Rehearsed) -> None:
    wrong_slots = one.conn.execute(
        "SELECT s.id FROM slot s LEFT JOIN offer o ON o.slot_id = s.id AND holds_place(o.state)"
        " GROUP BY s.id HAVING s.taken <> coalesce(sum(o.size), 0)"
    ).fetchall()
    wrong_ports = one.conn.execute(
        "SELECT p.round_id, p.port FROM round_port p"
        " LEFT JOIN offer o ON (o.round_id, o.port) = (p.round_id, p.port) AND holds_place(o.state)"
        " GROUP BY p.round_id, p.port HAVING p.used <> coalesce(sum(o.size), 0)"
    ).fetchall()
    assert (wrong_slots, wrong_ports) == ([], [])


def test_no_port_gives_out_more_than_its_places_and_one_group(one: Rehearsed) -> None:
    most = one.conn.execute("SELECT max(used - places), max(used) FROM round_port").fetchone()
    assert most is not None
    assert most[0] <= one.program.group_max - 1
    assert most[1] > 0


def test_nobody_holds_two_places(one: Rehearsed) -> None:
    twice = one.conn.execute(
        "SELECT registration_id, program FROM offer WHERE state IN ('offered', 'confirmed')"
        " GROUP BY registration_id, program HAVING count(*) > 1"
    ).fetchall()
    assert twice == []


def test_the_ledger_has_no_hole_and_its_leaves_are_their_statements(one: Rehearsed) -> None:
    rows = one.conn.execute(
        "SELECT l.index, l.data, l.at, s.salt, s.body FROM leaf l LEFT JOIN statement s ON s.leaf = l.index"
        " ORDER BY l.index"
    ).fetchall()
    size = one.conn.execute("SELECT size FROM ledger").fetchone()
    assert size == (len(rows),)
    assert [index for index, *_ in rows] == list(range(len(rows)))
    assert all(sha256(salt + body.encode()).digest() == data for _, data, _, salt, body in rows)
    assert all(before[2] <= after[2] for before, after in pairwise(rows)), "the virtual clock never goes back"


def test_each_round_was_drawn_once_and_everyone_can_draw_it_again(one: Rehearsed) -> None:
    said = one.conn.execute(
        "SELECT count(*), count(DISTINCT body::json ->> 'round') FROM statement WHERE kind = 'drawn'"
    )
    drawn = drawn_rounds(one)
    assert said.fetchone() == (len(drawn), len(drawn))
    assert len(drawn) >= 2
    for found in drawn:
        assert found.manifest is not None
        assert found.proof is not None
        manifest = parse_manifest(found.manifest.encode())
        entries = [entry for _, entry in lists.entries(one.conn, found.id)]
        chance = randomness(manifest, parse_beacon(found.proof.encode()))
        again = drawing.draw(manifest, bytes(found.root or b""), entries, chance)
        assert (list(again.offers), list(again.reserve)) == lists.results(one.conn, found.id)
        assert sha256(write_results(again)).digest() == found.results_hash
        assert again.carry_out == {port: p.carry_out for port, p in rounds.ports(one.conn, found.id).items()}


def test_the_offers_of_a_round_are_its_results_under_their_tickets(one: Rehearsed) -> None:
    for found in drawn_rounds(one):
        assert found.wrapped_key is not None
        key = unwrap(one.keys, found.wrapped_key, found.about)
        rows = one.conn.execute(
            "SELECT r.number, o.port, o.ord, o.phase FROM offer o JOIN registration r ON r.id = o.registration_id"
            " WHERE o.round_id = %s AND o.phase <> 'reserve' ORDER BY o.ord",
            [found.id],
        ).fetchall()
        offers, _ = lists.results(one.conn, found.id)
        assert [(drawing.ticket(key, number), *rest) for number, *rest in rows] == [tuple(offer) for offer in offers]


def test_what_a_round_overshot_is_paid_back_by_the_next_one_of_the_port(one: Rehearsed) -> None:
    left: dict[str, int | None] = {}
    overshot = False
    for found in drawn_rounds(one):
        ports = rounds.ports(one.conn, found.id)
        assert all(p.carry == left.get(port, 0) for port, p in ports.items())
        left |= {port: p.carry_out for port, p in ports.items()}
        overshot = overshot or any(left.values())
    assert overshot


def test_no_outage_is_seen_and_the_calendar_goes_on(one: Rehearsed) -> None:
    assert one.conn.execute("SELECT count(*) FROM outage").fetchone() == (0,)
    row = one.conn.execute(
        "SELECT next_date, opens_at FROM program WHERE program = %s", [one.program.program]
    ).fetchone()
    assert row is not None
    assert row[1] > one.found.until
    assert row[0] > max(found.date for found in drawn_rounds(one))


def test_no_message_is_left_to_be_sent_to_people_who_do_not_exist(one: Rehearsed) -> None:
    waiting = one.conn.execute("SELECT count(*) FROM notice WHERE state = 'waiting'").fetchone()
    assert waiting == (0,)


def test_what_was_sealed_is_shown_by_a_checkpoint_that_the_rehearsals_own_witness_cosigned(one: Rehearsed) -> None:
    rows = one.conn.execute(
        "SELECT r.seed_at, c.note FROM round r JOIN LATERAL (SELECT note FROM checkpoint WHERE size > r.sealed_leaf"
        " ORDER BY id LIMIT 1) c ON true WHERE r.state IN ('sealed', 'drawn', 'closed')"
    ).fetchall()
    assert rows
    for seed_at, note in rows:
        at = verified(parse_note(note.encode(), "checkpoint"), [one.witness]).get(one.witness)
        assert at is not None
        assert at < seed_at.timestamp()
