"""Incidents on record: opened, merged and ended by what is found, declared and explained by people."""

from datetime import timedelta

import psycopg
import pytest

from fairgate.commands.evidence import record_notices, tell_of_outages, tellable
from fairgate.commands.extend import extend
from fairgate.commands.find_outages import find_outages
from fairgate.commands.incidents import Declare, End, Write, count_touched, declare, end, write
from fairgate.core.incidents import Kind
from fairgate.core.lifecycle import Done, Outcome, Reason, Refused
from fairgate.store import incidents
from fairgate.store.incidents import Incident
from world import DAY, World

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BOTH = {"en": "The port is closed.", "es": "El puerto está cerrado."}


def all_of(world: World) -> list[Incident]:
    return incidents.since(world.conn, world.now - 90 * 24 * HOUR, 100)


def kinds(world: World, incident: Incident) -> list[str]:
    return [entry.kind for entry in incidents.entries(world.conn, [incident.id])[incident.id]]


def refused(outcomes: list[Outcome]) -> list[Reason]:
    return [outcome.reason for outcome in outcomes if isinstance(outcome, Refused)]


# -- found --------------------------------------------------------------------------------------


def test_an_outage_opens_an_incident_with_a_number_that_can_be_quoted(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.offered(size=2)
    start = world.now
    world.samples(start - HOUR, start + HOUR)
    world.samples(start + HOUR + timedelta(seconds=10), start + HOUR + MINUTE, ok=0, failed=1, every_s=10)
    world.now = start + HOUR + MINUTE
    find_outages(conn, **world.clock)
    count_touched(conn)
    [found] = all_of(world)
    assert found.number == f"FG-{world.now.year}-0001"
    assert (found.kind, found.start_at, found.end_at) == ("outage", start + HOUR, None)
    assert (found.groups, found.persons) == (1, 2)
    assert (list(found.ports), list(found.rounds)) == (["AAA"], [DAY])
    assert kinds(world, found) == ["outage began"]
    said = world.one("SELECT body::jsonb FROM statement WHERE kind = 'incident'")
    assert (said["incident"], said["end"]) == (found.number, None)
    find_outages(conn, **world.clock)
    assert kinds(world, found) == ["outage began"], "nothing is said twice"


def test_its_timeline_goes_on_until_people_were_told(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.offered()
    start = world.now
    world.samples(start - HOUR, start)
    world.broken(start, start + HOUR)
    world.now = start + HOUR + 15 * MINUTE
    find_outages(conn, **world.clock)
    [found] = all_of(world)
    assert (found.start_at, found.end_at) == (start, start + HOUR)
    while extend(conn, **world.clock):
        pass
    tell_of_outages(conn, now=world.now)
    conn.execute("UPDATE notice SET state = 'sent', sent_at = now()")
    record_notices(conn, tellable(conn), **world.clock)
    assert kinds(world, found) == ["outage began", "outage ended", "told"]


def test_outages_within_an_hour_are_one_incident_and_later_ones_another(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.offered()  # evidence is looked at from the earliest open window on
    start = world.now
    world.samples(start - HOUR, start)
    world.broken(start, start + 10 * MINUTE)
    world.broken(start + 40 * MINUTE, start + 50 * MINUTE)
    world.samples(start + 65 * MINUTE, start + 180 * MINUTE)
    world.broken(start + 180 * MINUTE, start + 190 * MINUTE)
    world.now = start + 206 * MINUTE
    find_outages(conn, **world.clock)
    later, first = all_of(world)
    assert [first.number[-4:], later.number[-4:]] == ["0001", "0002"]
    assert (first.start_at, first.end_at) == (start, start + 50 * MINUTE)
    assert kinds(world, first) == ["outage began", "outage ended"] * 2


def test_late_samples_merge_incidents_and_the_first_number_stands(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.offered()  # evidence is looked at from the earliest open window on
    start = world.now
    world.samples(start - HOUR, start)
    world.broken(start, start + 10 * MINUTE)
    world.samples(start + 25 * MINUTE, start + 100 * MINUTE)
    world.broken(start + 100 * MINUTE, start + 110 * MINUTE)
    world.now = start + 126 * MINUTE
    find_outages(conn, **world.clock)
    later, first = all_of(world)
    late = start + 60 * MINUTE  # another watcher saw half a minute of trouble in between, and says so only now
    world.samples(late, late + timedelta(minutes=3), ok=0, failed=60, every_s=10)
    world.now += MINUTE
    find_outages(conn, **world.clock)
    [only] = all_of(world)
    assert only.id == first.id
    assert (only.start_at, only.end_at) == (start, start + 110 * MINUTE)
    assert "merged" in kinds(world, only)
    led = incidents.find(conn, later.number)
    assert led is not None
    assert led.id == first.id, "a number that was quoted goes on leading somewhere"


# -- declared -----------------------------------------------------------------------------------


def closed(world: World, **given: object) -> Declare:
    facts = {
        "kind": Kind.PORT_CLOSED,
        "program": None,
        "port": "AAA",
        "start_at": world.now,
        "texts": BOTH,
        "by": "ada",
    }
    return Declare(**{**facts, **given})  # type: ignore[arg-type]  # what a test leaves out is dull


def test_people_declare_explain_and_end_what_no_machine_sees(conn: psycopg.Connection) -> None:
    world = World(conn)
    [outcome] = declare(conn, [closed(world)], **world.clock)
    assert isinstance(outcome, Done)
    [found] = all_of(world)
    assert (found.kind, found.port, found.declared_by, found.end_at) == ("port closed", "AAA", "ada", None)
    world.now += HOUR
    write(conn, [Write(found.number, {"en": "Water.", "es": "Agua."}, "bob")], **world.clock)
    world.now += HOUR
    end(conn, [End(found.number, "ada")], **world.clock)
    [found] = all_of(world)
    assert found.end_at == world.now
    lines = incidents.entries(conn, [found.id])[found.id]
    assert [(line.kind, line.written_by) for line in lines] == [
        ("declared", "ada"),
        ("written", "bob"),
        ("ended", "ada"),
    ]
    assert lines[1].texts == {"en": "Water.", "es": "Agua."}
    again = end(conn, [End(found.number, "ada")], **world.clock)
    assert refused(again) == [Reason.INCIDENT_OVER]


def test_what_is_missing_or_unknown_is_refused_and_nothing_of_it_is_there(conn: psycopg.Connection) -> None:
    world = World(conn)
    acts = [
        closed(world, texts={"en": "Closed."}),
        closed(world, port="XXX"),
        closed(world, port=None),
        closed(world, program="nothing"),
    ]
    assert refused(declare(conn, acts, **world.clock)) == [
        Reason.TEXT_MISSING,
        Reason.UNKNOWN_PORT,
        Reason.UNKNOWN_PORT,
        Reason.UNKNOWN_PROGRAM,
    ]
    assert refused(write(conn, [Write("FG-2026-0009", BOTH, "ada")], **world.clock)) == [Reason.UNKNOWN_INCIDENT]
    assert refused(end(conn, [End("FG-2026-0009", "ada")], **world.clock)) == [Reason.UNKNOWN_INCIDENT]
    assert all_of(world) == []


def test_what_cannot_be_read_or_ends_before_it_began_is_refused(conn: psycopg.Connection) -> None:
    world = World(conn)
    acts = [
        closed(world, texts={"en": "bell\x07", "es": "campana"}),
        closed(world, texts={"en": "\ufffe", "es": "nada"}),
        closed(world, end_at=world.now),
        closed(world, end_at=world.now - HOUR),
    ]
    assert refused(declare(conn, acts, **world.clock)) == [
        Reason.TEXT_NOT_WRITTEN,
        Reason.TEXT_NOT_WRITTEN,
        Reason.END_BEFORE_START,
        Reason.END_BEFORE_START,
    ]
    [two_lines] = declare(conn, [closed(world, texts={"en": "One.\r\nTwo.", "es": "Uno."})], **world.clock)
    assert isinstance(two_lines, Done)


def test_an_outage_found_when_it_is_over_touched_those_who_had_offers_then(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.offered(size=3)
    start = world.now
    world.samples(start - HOUR, start)
    world.broken(start + MINUTE, start + HOUR)
    world.now = start + HOUR + 16 * MINUTE
    find_outages(conn, **world.clock)
    count_touched(conn)
    [found] = all_of(world)
    assert found.end_at is not None
    assert found.persons == 3


def test_what_was_said_of_a_merged_incident_is_told_with_the_one_that_stands(conn: psycopg.Connection) -> None:
    world = World(conn)
    world.offered()
    start = world.now
    world.samples(start - HOUR, start)
    world.broken(start, start + 10 * MINUTE)
    world.samples(start + 25 * MINUTE, start + 100 * MINUTE)
    world.broken(start + 100 * MINUTE, start + 110 * MINUTE)
    world.now = start + 126 * MINUTE
    find_outages(conn, **world.clock)
    later, first = all_of(world)
    write(conn, [Write(later.number, {"en": "A disk.", "es": "Un disco."}, "ada")], **world.clock)
    late = start + 60 * MINUTE
    world.samples(late, late + timedelta(minutes=3), ok=0, failed=60, every_s=10)
    world.now += MINUTE
    find_outages(conn, **world.clock)
    [only] = all_of(world)
    lines = incidents.entries(conn, [only.id])[only.id]
    assert only.id == first.id
    assert {"en": "A disk.", "es": "Un disco."} in [line.texts for line in lines]
    assert [line.at for line in lines] == sorted(line.at for line in lines)


def test_nobody_ends_an_outage_by_hand_and_no_deadline_moves(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.offered()
    start = world.now
    world.samples(start - HOUR, start + HOUR)
    world.samples(start + HOUR + timedelta(seconds=10), start + 2 * HOUR, ok=0, failed=1, every_s=10)
    world.now = start + 2 * HOUR
    find_outages(conn, **world.clock)
    [found] = all_of(world)
    assert refused(end(conn, [End(found.number, "ada")], **world.clock)) == [Reason.INCIDENT_LASTS]
    before = world.offer(number)
    declare(conn, [closed(world)], **world.clock)
    assert world.offer(number) == before


def test_a_timeline_is_append_only(conn: psycopg.Connection) -> None:
    world = World(conn)
    declare(conn, [closed(world)], **world.clock)
    for change in ("UPDATE incident_entry SET at = now()", "DELETE FROM incident_entry", "DELETE FROM incident"):
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute(change.encode())
