"""Notices are handed over at least once, only when they are committed, and without a connection held."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from fairgate.core.delivering import TRIES, Fault, Sent
from fairgate.notify.channels import Folder, Message
from fairgate.notify.run import hand_over
from fairgate.store import deliveries
from notify_world import Kept, Office, told
from time_world import NOON, TimeWorld


def states(world: TimeWorld) -> list[tuple[str, int]]:
    """The state of each notice, and how often its delivery was tried."""
    query = "SELECT n.state, d.tries FROM notice n JOIN delivery d ON d.notice_id = n.id ORDER BY n.id"
    return world.conn.execute(query).fetchall()


def test_a_notice_becomes_a_file_for_its_owner_only(world: TimeWorld) -> None:
    group = world.group(language="es")
    told(world, group)
    assert hand_over(Office(world, Folder(world.home)).desk)
    [file] = (world.home / "notices" / group.number).iterdir()
    assert file.name.endswith("-withdrawn.txt")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert file.read_text().startswith("Content-Language: es\nSubject: Su solicitud está retirada\n\nUsted retiró")
    assert states(world) == [("sent", 1)]


def test_nothing_is_handed_over_twice_or_before_it_is_due(world: TimeWorld) -> None:
    told(world, world.group(), now=NOON + timedelta(hours=1))
    channel = Kept()
    office = Office(world, channel)
    assert not hand_over(office.desk)
    office.now = NOON + timedelta(hours=1)
    assert hand_over(office.desk)
    assert not hand_over(office.desk)
    assert len(channel.messages) == 1


def test_no_connection_is_held_while_a_channel_works(world: TimeWorld) -> None:
    told(world, world.group())

    class Watching(Kept):
        def hand_over(self, message: Message) -> Sent:
            assert office.lent == 0
            assert world.conn.info.transaction_status.name == "IDLE"
            return super().hand_over(message)

    channel = Watching()
    office = Office(world, channel)
    assert hand_over(office.desk)
    assert len(channel.messages) == 1


def test_who_dies_after_claiming_leaves_a_notice_that_comes_due_again(world: TimeWorld) -> None:
    told(world, world.group())

    class Killed(BaseException):
        pass

    class Deadly(Kept):
        def hand_over(self, message: Message) -> Sent:
            super().hand_over(message)
            raise Killed

    deadly, second = Deadly(), Kept()
    with pytest.raises(Killed):
        hand_over(Office(world, deadly).desk)
    office = Office(world, second)
    assert not hand_over(office.desk)
    office.now = NOON + timedelta(minutes=6)
    assert hand_over(office.desk)
    assert [message.id for message in second.messages] == [message.id for message in deadly.messages]
    assert states(world) == [("sent", 2)]


def test_a_channel_that_refuses_is_tried_again_later_each_time(world: TimeWorld) -> None:
    told(world, world.group())
    channel = Kept()
    channel.refuses = True
    office = Office(world, channel)
    waits = []
    for _ in range(7):
        assert hand_over(office.desk)
        [due_at] = world.conn.execute("SELECT due_at FROM delivery").fetchone()
        waits.append(round((due_at - office.now).total_seconds()))
        office.now = due_at
    assert waits == [15, 30, 60, 120, 240, 300, 300]
    channel.refuses = False
    assert hand_over(office.desk)
    assert states(world) == [("sent", 8)]


def test_after_four_hours_it_is_given_up(world: TimeWorld) -> None:
    told(world, world.group())
    channel = Kept()
    channel.refuses = True
    office = Office(world, channel)
    for _ in range(TRIES):
        assert hand_over(office.desk)
        [office.now] = world.conn.execute("SELECT due_at FROM delivery").fetchone()
    assert states(world) == [("failed", TRIES)]
    assert timedelta(hours=3, minutes=30) < office.now - NOON < timedelta(hours=4)
    assert not hand_over(office.desk)
    assert deliveries.failed(world.conn, 10)[0].reason == Fault.GIVEN_UP


def test_one_notice_without_a_text_keeps_no_other_waiting(world: TimeWorld) -> None:
    group = world.group()
    told(world, group, kind="unheard of")
    told(world, group)
    channel = Kept()
    assert hand_over(Office(world, channel).desk)
    assert [message.kind for message in channel.messages] == ["withdrawn"]
    assert [state for state, _ in states(world)] == ["waiting", "sent"]


def test_a_message_cannot_leave_its_folder(tmp_path: Path, world: TimeWorld) -> None:
    told(world, world.group())
    channel = Kept()
    hand_over(Office(world, channel).desk)
    [message] = channel.messages
    strange = replace(message, to="../../etc")
    with pytest.raises(Exception, match="number"):
        Folder(tmp_path).hand_over(strange)
