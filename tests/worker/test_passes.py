"""Passes as time passes: made a moment after a confirmation, and on the public list when they count no more."""

import json
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.confirm import Confirm, confirm
from fairgate.core import revoked_note
from fairgate.core.checkpoint import parse_checkpoint
from fairgate.core.errors import BadInput
from fairgate.core.note import parse_note, verified
from fairgate.core.passes import Revoked, parse_revoked
from fairgate.core.places import moment
from fairgate.store import heads, passes
from fairgate.store.heads import OlderDatabase
from fairgate.worker import loops
from fairgate.worker.revoking import Revoking
from signing_world import signer_of
from time_world import NOON, Group, TimeWorld, must, step


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    """Three groups hold offers, an hour after the draw."""
    made = TimeWorld(conn, tmp_path)
    made.start_calendar()
    made.groups = [made.asking("SYS"), made.asking("SYS"), made.asking("NOG")]
    step(made.worker())
    for hours in (-12, -0.4, 0, 1):
        made.now = NOON + timedelta(hours=hours)
        made.healthy(made.now - timedelta(hours=13), made.now)
        step(made.worker())
    assert [state for _, state in made.offers()] == ["offered"] * 3
    return made


def confirmed(world: TimeWorld, *groups: Group) -> None:
    acts = [Confirm(group.number, "arrival") for group in groups]
    must(confirm(world.conn, acts, now=world.now, chance=world.worker().chance))


def listed(world: TimeWorld) -> dict[str, object]:
    found: dict[str, object] = json.loads(passes.revoked_path(world.home).read_bytes())
    return found


def test_a_step_after_a_confirmation_its_pass_is_there(world: TimeWorld) -> None:
    assert "pass" not in world.said()
    confirmed(world, world.groups[0], world.groups[2])
    step(world.worker())
    assert world.said()[-2:] == ["pass", "pass"]
    step(world.worker())
    assert world.said().count("pass") == 2
    confirmed(world, world.groups[1])
    step(world.worker())
    assert world.said().count("pass") == 3


def test_the_list_says_of_when_it_is_also_where_nothing_changed(world: TimeWorld) -> None:
    assert listed(world) == {"issuer": "localhost/ledger", "at": moment(world.now), "ids": []}
    world.now += timedelta(seconds=10)
    loops.tell_revoked(world.worker())
    assert listed(world)["at"] == moment(world.now)


def test_the_pass_of_a_cancelled_appointment_is_on_it(world: TimeWorld) -> None:
    confirmed(world, *world.groups)
    step(world.worker())
    assert listed(world)["ids"] == []
    must(cancel(world.conn, [Cancel(world.groups[1].number, "arrival", "by holder")], now=world.now, chance=bytes))
    step(world.worker())
    file = passes.revoked_path(world.home)
    found = parse_revoked(file.name, file.read_bytes())
    query = "SELECT appointment FROM pass p JOIN registration r ON r.id = p.registration_id WHERE r.number = %s"
    assert found.appointments == {row[0] for row in world.conn.execute(query, [world.groups[1].number])}
    assert len(found.appointments) == 1


def test_a_list_that_a_clock_of_later_wrote_does_not_stand_still(world: TimeWorld) -> None:
    """The database's clock was ahead for a moment. Of two workers that meet, the newer list stays."""
    loops.tell_revoked(world.worker())
    before = world.now
    world.now -= timedelta(seconds=10)
    loops.tell_revoked(world.worker())
    assert listed(world)["at"] == moment(before), "of two workers, one was a moment earlier"
    world.now = before + timedelta(hours=5)
    loops.tell_revoked(world.worker())
    world.now = before + timedelta(seconds=10)
    loops.tell_revoked(world.worker())
    assert listed(world)["at"] == moment(world.now)


def signed_list(world: TimeWorld) -> Revoked:
    """What whoever signs the ledger has just written, checked with the ledger's key."""
    signer = signer_of(world)
    Revoking(world.home, signer, lambda: nullcontext(world.conn), lambda _: world.now).tell()
    found, note = revoked_note.parse("revoked.note", passes.note_path(world.home).read_bytes())
    assert verified(note, [signer.key]) == {signer.key: None}
    return found


def test_whoever_signs_the_ledger_signs_the_list(world: TimeWorld) -> None:
    confirmed(world, *world.groups)
    step(world.worker())
    assert signed_list(world) == Revoked("localhost/ledger", world.now, frozenset())
    must(cancel(world.conn, [Cancel(world.groups[1].number, "arrival", "by holder")], now=world.now, chance=bytes))
    world.now += timedelta(seconds=10)
    step(world.worker())
    assert signed_list(world) == parse_revoked("revoked.json", passes.revoked_path(world.home).read_bytes())
    assert len(signed_list(world).appointments) == 1


def test_it_is_not_signed_over_a_database_of_before(world: TimeWorld) -> None:
    """In which the appointment that was cancelled stands."""
    step(world.worker())
    before = signed_list(world)
    heads.hold(world.home, "witnesses know another ledger")
    world.now += timedelta(minutes=1)
    with pytest.raises(OlderDatabase):
        signed_list(world)
    heads.release(world.home)
    assert signed_list(world).at == before.at + timedelta(minutes=1)


def test_nobody_takes_the_list_for_a_checkpoint(world: TimeWorld) -> None:
    signed_list(world)
    with pytest.raises(BadInput):
        parse_checkpoint(parse_note(passes.note_path(world.home).read_bytes(), "note"), "note")


def test_a_disk_that_refuses_stops_no_pass(world: TimeWorld) -> None:
    file = passes.revoked_path(world.home)
    file.unlink()
    file.mkdir()
    (file / "in the way").touch()
    confirmed(world, world.groups[0])
    step(world.worker())
    assert "pass" in world.said()
    (file / "in the way").unlink()
    file.rmdir()
    step(world.worker())
    assert listed(world)["ids"] == []
