"""Each person of a group is told over each channel, once; what fails is tried by itself, and seen."""

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from fairgate.commands import deliver
from fairgate.commands.deliver import Tried
from fairgate.core.delivering import TRIES, Failed, Fault, Sent
from fairgate.core.registering import Member
from fairgate.core.sealing import Keys
from fairgate.notify.run import hand_over, plan, send, sweep
from fairgate.store import deliveries
from notify_world import Kept, Office, adult, child, deliveries_of, registered, told
from time_world import NOON, TimeWorld


def mail(office: Office) -> Kept:
    [channel] = office.desk.channels
    assert isinstance(channel, Kept)
    return channel


@pytest.fixture
def office(world: TimeWorld) -> Office:
    """Sends mail; what it writes to files would be seen too."""
    return Office(world, Kept(), Kept("email", "email"))


@pytest.mark.parametrize(
    ("members", "told_to"),
    [
        ([adult("ana@example.org"), adult("luz@example.org")], ["ana@example.org", "luz@example.org"]),
        ([adult("ana@example.org"), adult("Ana@Example.org")], ["ana@example.org"]),
        ([adult("ana@example.org"), child("eva@example.org")], ["ana@example.org"]),
        ([child("eva@example.org")], ["eva@example.org"]),
        ([adult(), adult("luz@example.org")], ["luz@example.org"]),
    ],
    ids=["two adults", "one address twice", "a child beside an adult", "a child alone", "one without an address"],
)
def test_adults_are_told_each_address_once(
    world: TimeWorld, office: Office, members: list[Member], told_to: list[str]
) -> None:
    told(world, registered(world, *members))
    while hand_over(office.desk):
        pass
    assert [message.to for message in mail(office).messages] == told_to
    assert world.conn.execute("SELECT state FROM notice").fetchall() == [("sent",)]
    assert office.folder.messages == [], "with a channel set up nothing is written to files"


def test_a_group_without_an_address_is_unreachable_and_keeps_no_outage_waiting(
    world: TimeWorld, office: Office
) -> None:
    told(world, registered(world, adult()))
    assert hand_over(office.desk)
    assert world.conn.execute("SELECT state FROM notice").fetchall() == [("unreachable",)]
    assert not hand_over(office.desk)


@pytest.mark.parametrize("given", ["ana@example.org\nBcc: all@example.org", "ana", "@example.org", "a b@example.org"])
def test_what_cannot_be_an_address_fails_at_once_and_is_not_tried(world: TimeWorld, office: Office, given: str) -> None:
    told(world, registered(world, adult(given), adult("luz@example.org")))
    while hand_over(office.desk):
        pass
    assert [message.to for message in mail(office).messages] == ["luz@example.org"]
    assert deliveries_of(world) == [("email", "failed", "bad address", 0), ("email", "sent", None, 1)]
    assert world.conn.execute("SELECT state FROM notice").fetchall() == [("sent",)], "somebody of the group was told"


def test_a_notice_whose_only_address_is_bad_has_failed_and_is_seen(world: TimeWorld, office: Office) -> None:
    group = registered(world, adult("nobody"))
    told(world, group)
    hand_over(office.desk)
    assert world.conn.execute("SELECT state FROM notice").fetchall() == [("failed",)]
    [seen] = deliveries.failed(world.conn, 10)
    assert (seen.number, seen.kind, seen.channel, seen.reason, seen.notice) == (
        group.number,
        "withdrawn",
        "email",
        Fault.BAD_ADDRESS,
        "failed",
    )


def test_each_channel_is_tried_again_by_itself(world: TimeWorld) -> None:
    well, broken = Kept("email", "email"), Kept("sms", "phone")
    broken.refuses = True
    office = Office(world, Kept(), well, broken)
    told(world, registered(world, adult("ana@example.org", "ana@example.org")))
    hand_over(office.desk)
    assert [message.to for message in well.messages] == ["ana@example.org"]
    assert world.conn.execute("SELECT state FROM notice").fetchall() == [("waiting",)]
    broken.refuses, office.now = False, NOON + timedelta(minutes=1)
    hand_over(office.desk)
    assert len(well.messages) == len(broken.messages) == 1
    assert world.conn.execute("SELECT state, sent_at FROM notice").fetchall() == [("sent", office.now)]


def test_an_address_that_was_changed_meanwhile_gets_nothing(world: TimeWorld, office: Office) -> None:
    told(world, registered(world, adult("ana@example.org")))
    plan(office.desk)
    world.conn.execute("UPDATE delivery SET recipient = %s", [bytes(16)])
    send(office.desk, mail(office))
    assert mail(office).messages == []
    assert deliveries_of(world) == [("email", "failed", "address gone", 1)]


def test_contacts_that_the_key_does_not_open_keep_no_other_waiting(world: TimeWorld, office: Office) -> None:
    unread = registered(world, adult("ana@example.org"))
    world.conn.execute("UPDATE person SET blob = blob || '\\x00'")
    told(world, unread)
    told(world, registered(world, adult("luz@example.org")))
    hand_over(office.desk)
    assert [message.to for message in mail(office).messages] == ["luz@example.org"]
    world.conn.execute("UPDATE notice SET tries = %s WHERE state = 'waiting'", [TRIES - 1])
    office.now = NOON + timedelta(minutes=1)
    assert hand_over(office.desk)
    [seen] = deliveries.failed(world.conn, 10)
    assert (seen.number, seen.channel, seen.notice) == (unread.number, None, "failed")


def test_a_channel_that_is_away_is_one_line_in_the_log(
    world: TimeWorld, office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        told(world, registered(world, adult("ana@example.org")))
    mail(office).refuses = True
    hand_over(office.desk)
    lines = [line for line in capsys.readouterr().out.splitlines() if "notice failed" in line]
    assert len(lines) == 1
    assert "20" in lines[0]


def test_the_database_does_not_say_where_a_notice_goes(world: TimeWorld, office: Office) -> None:
    groups = [registered(world, adult("ana@example.org")) for _ in range(2)]
    for group in groups:
        told(world, group)
    plan(office.desk)
    hashes = {bytes(found) for (found,) in world.conn.execute("SELECT recipient FROM delivery")}
    assert len(hashes) == 2, "groups that share an address cannot be told by it"
    assert Keys(bytes(32)).recipient != world.keys.recipient


@pytest.mark.parametrize("why", ["its time is over", "the worker is told to end"])
def test_what_there_is_no_time_for_is_given_back(
    world: TimeWorld, office: Office, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    told(world, registered(world, adult("ana@example.org")))
    with monkeypatch.context() as late:
        if why == "its time is over":
            late.setattr("fairgate.notify.run.WORKED_ON_S", -1.0)
        else:
            office.desk.stop.set()
        hand_over(office.desk)
        assert not hand_over(office.desk), "what is left is not asked for again at once"
    assert mail(office).messages == []
    assert deliveries_of(world) == [("email", "waiting", None, 0)]
    office.desk.stop.clear()
    assert hand_over(office.desk)
    assert len(mail(office).messages) == 1


# -- the sweeper --------------------------------------------------------------------------------


def test_what_killed_everybody_who_tried_it_is_given_up(world: TimeWorld, office: Office) -> None:
    told(world, registered(world, adult("ana@example.org")))
    plan(office.desk)
    for _ in range(TRIES):
        assert deliver.take(world.conn, "email", 1, now=office.now)
        assert not sweep(office.desk)
        office.now += deliver.CLAIMED
    assert not hand_over(office.desk), "nobody is killed over it once more"
    sweep(office.desk)
    assert deliveries_of(world) == [("email", "failed", "given up", TRIES)]
    assert world.conn.execute("SELECT state FROM notice").fetchall() == [("failed",)]


def test_a_channel_that_is_not_there_any_more_lets_no_outage_wait(world: TimeWorld, office: Office) -> None:
    told(world, registered(world, adult("ana@example.org")))
    plan(office.desk)
    without = Office(world, office.folder)
    without.now = NOON + timedelta(minutes=59)
    sweep(without.desk)
    assert deliveries_of(world) == [("email", "waiting", None, 0)], "it may come back"
    without.now = NOON + timedelta(minutes=61)
    sweep(without.desk)
    assert deliveries_of(world) == [("email", "failed", "no channel", 0)]


def test_a_worker_that_was_off_for_a_day_sends_before_anything_is_given_up(world: TimeWorld, office: Office) -> None:
    told(world, registered(world, adult("ana@example.org")))
    plan(office.desk)
    office.now = NOON + timedelta(days=1)
    sweep(office.desk)
    assert hand_over(office.desk)
    assert len(mail(office).messages) == 1


def test_lateness_is_known(world: TimeWorld, office: Office) -> None:
    told(world, registered(world, adult("ana@example.org")))
    ten = timedelta(minutes=10)
    assert deliveries.late(world.conn, NOON + ten / 2, ten) == (0, None)
    assert deliveries.late(world.conn, NOON + ten, ten) == (1, NOON)
    plan(office.desk)
    assert deliveries.late(world.conn, NOON + ten, ten) == (1, NOON)


# -- races --------------------------------------------------------------------------------------


@pytest.mark.parametrize("locked", [False, True], ids=["without the lock", "with the lock"])
def test_the_last_of_two_channels_ends_the_notice(
    world: TimeWorld, make_conn: Callable[[], psycopg.Connection], locked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sees the other's delivery as waiting, and the notice would wait for ever, were it not locked first."""
    office = Office(world, Kept(), Kept("email", "email"), Kept("sms", "phone"))
    told(world, registered(world, adult("ana@example.org", "ana@example.org")))
    plan(office.desk)
    taken = [deliver.take(world.conn, channel, 1, now=NOON)[0] for channel in ("email", "sms")]
    both = threading.Barrier(2)
    follow = deliveries.follow

    def together(*given: object, **more: object) -> None:
        follow(*given, **more)  # type: ignore[arg-type]
        try:
            both.wait(timeout=1)  # with the lock the other cannot come here
        except threading.BrokenBarrierError:
            assert locked

    monkeypatch.setattr("fairgate.store.deliveries.follow", together)
    if not locked:
        monkeypatch.setattr("fairgate.store.notices.lock", lambda *_: None)

    def settle(tried: Tried) -> None:
        deliver.settle(make_conn(), [tried], now=NOON)

    outcomes = [Tried(taken[0], Sent()), Tried(taken[1], Failed(Fault.REFUSED))]
    threads = [threading.Thread(target=settle, args=[tried]) for tried in outcomes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [(state,)] = world.conn.execute("SELECT state FROM notice").fetchall()
    assert state == ("sent" if locked else "waiting")


def test_what_two_have_taken_is_settled_by_the_first(world: TimeWorld, office: Office) -> None:
    told(world, registered(world, adult("ana@example.org")))
    plan(office.desk)
    [first] = deliver.take(world.conn, "email", 1, now=NOON)
    [second] = deliver.take(world.conn, "email", 1, now=NOON + deliver.CLAIMED)
    deliver.settle(world.conn, [Tried(second, Sent())], now=NOON)
    deliver.settle(world.conn, [Tried(first, Failed())], now=NOON)
    assert deliveries_of(world) == [("email", "sent", None, 2)]
