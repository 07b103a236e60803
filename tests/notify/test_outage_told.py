"""The clock of an outage starts again when all of its notices have been handed over or have failed for good."""

from contextlib import nullcontext
from datetime import timedelta

import psycopg
import pytest

from fairgate.commands.evidence import record_notices, tell_of_outages, tellable
from fairgate.commands.find_outages import find_outages
from fairgate.core.delivering import TRIES
from fairgate.core.lifecycle import Done
from fairgate.notify.run import Desk, hand_over
from notify_world import Kept
from world import World, member

HOUR = timedelta(hours=1)


def desk(world: World, *channels: Kept) -> Desk:
    return Desk(lambda: nullcontext(world.conn), Kept(), world.keys, channels, lambda _: world.now)


def an_outage_is_over(world: World, *emails: str) -> None:
    """Groups with these addresses have an open offer, and confirming works again."""
    for n, email in enumerate(emails):
        world.ask(world.registered(members=[member(n, email=email)]))
    world.drawn()
    world.conn.execute("DELETE FROM notice")  # those of the offers are another matter
    start = world.now
    world.samples(start - HOUR, start + 2 * HOUR)
    world.broken(start + 2 * HOUR, start + 3 * HOUR)
    world.now = start + 3 * HOUR + timedelta(minutes=15)
    find_outages(world.conn, **world.clock)
    assert tell_of_outages(world.conn, now=world.now) == len(emails)


def told(world: World) -> bool:
    outcomes = record_notices(world.conn, tellable(world.conn), **world.clock)
    return bool(outcomes) and all(isinstance(outcome, Done) for outcome in outcomes)


@pytest.mark.parametrize("ends", ["arrives at last", "fails for good"])
def test_the_clock_waits_for_the_last_notice(conn: psycopg.Connection, ends: str) -> None:
    world = World(conn)
    an_outage_is_over(world, "ana@example.org", "luz@example.org", "no address", "")

    class Mailbox(Kept):
        full = True

        def hand_over(self, message):
            if message.to == "luz@example.org" and self.full:
                raise OSError(28, "No space left on device")
            return super().hand_over(message)

    mail = Mailbox("email", "email")
    office = desk(world, mail)
    while hand_over(office):
        pass
    assert [message.to for message in mail.messages] == ["ana@example.org"]
    assert not told(world), "one is tried again"
    mail.full = ends == "fails for good"
    for _ in range(TRIES if mail.full else 1):
        [world.now] = conn.execute("SELECT max(due_at) FROM delivery WHERE state = 'waiting'").fetchone()
        hand_over(office)
        if conn.execute("SELECT count(*) FROM delivery WHERE state = 'waiting'").fetchone() == (0,):
            break
        assert not told(world)
    assert told(world)
    assert world.one('SELECT deadline FROM "window"') is not None
    states = [state for (state,) in conn.execute("SELECT state FROM notice WHERE outage_id IS NOT NULL ORDER BY state")]
    assert states == (
        ["failed", "failed", "sent", "unreachable"] if mail.full else ["failed", "sent", "sent", "unreachable"]
    )
