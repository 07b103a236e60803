"""Logs say what happened and never to whom: everything is done once, and then every line is read."""

import os
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.register import Register, register
from fairgate.commands.request import Ask, Restore, Withdraw, request, restore, withdraw
from fairgate.core import numbers
from fairgate.core.delivering import Sent
from fairgate.core.registering import Member
from fairgate.notify.channels import Folder, Message
from fairgate.notify.run import Desk, hand_over
from fairgate.store import clock, notices, rounds, slots
from fairgate.watch.confirming import confirm as confirm_over_http
from fairgate.watch.run import Watcher, watch
from fairgate.watch.spool import Spool
from fairgate.worker.loops import publish
from service import Service
from time_world import TimeWorld, must, step

MEMBERS = [
    Member("Xiomara", "Quetzalli", date(1987, 6, 5), {"email": "xiomara@example.org", "phone": "+52 664 555 0199"}),
    Member("Wenceslao", "Quetzalli", date(2015, 4, 3), {"nationality": "Freedonia"}),
]
TELLING = [
    *("Xiomara", "Wenceslao", "Quetzalli", "xiomara@example.org", "555 0199", "5550199", "Freedonia"),
    *("1987-06-05", "2015-04-03", "1987, 6, 5"),
]


class Story:
    """Some groups with telling names, and a round that is due in all its steps."""

    def __init__(self, conn: psycopg.Connection, home: Path) -> None:
        self.conn = conn
        self.world = TimeWorld(conn, home)
        self.world.now = self.now = clock.now(conn)
        self.secrets = list(TELLING)

    def groups_ask(self, count: int) -> list[Register]:
        acts = [
            Register(numbers.new_number(os.urandom), numbers.new_code(os.urandom), "es", MEMBERS) for _ in range(count)
        ]
        then = self.now - timedelta(days=1)
        must(register(self.conn, acts, keys=self.world.keys, now=then, chance=os.urandom))
        must(request(self.conn, [Ask(act.number, "arrival", ["NOG"]) for act in acts], now=then, chance=os.urandom))
        for act in acts:
            self.secrets += [act.number, act.code, act.code.replace("-", ""), act.number.replace("-", "")]
        return acts

    def round_is_due(self, places: int) -> date:
        day = self.now.date() + timedelta(days=21)
        times = [self.now - timedelta(minutes=minutes) for minutes in (50, 40, 30, 20)]
        rounds.insert(self.conn, "arrival", day, tuple(at.replace(microsecond=0) for at in times))
        slots.insert(self.conn, "arrival", day, [("NOG", datetime.min.time(), places)], 4)
        return day


class Full:
    """A channel whose disk is full, and whose error quotes what it was given."""

    name, detail, together = "email", "email", 1

    def read(self, given: str) -> str:
        return given

    def hand_over(self, message: Message) -> Sent:
        raise OSError(28, f"No space left for {message.number} {message.to} {message.text.body}")

    def close(self) -> None:
        """Nothing was open."""


def test_no_line_of_any_room_tells_who_somebody_is(
    dsn: str, conn: psycopg.Connection, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    story = Story(conn, tmp_path)
    first, second, third, *_ = story.groups_ask(5)
    day = story.round_is_due(places=10)
    worker = story.world.worker()
    story.world.now -= timedelta(minutes=39)
    step(worker)
    story.world.now = story.now
    step(worker)
    story.world.now += timedelta(minutes=1)
    assert {state for _, state in story.world.offers()} == {"offered"}

    log = tmp_path / "serve.log"
    service = Service(dsn, tmp_path)
    with service.serving(log):
        visit(service, first, second)
        watch_once(service, story, tmp_path)
    must(confirm(conn, [Confirm(second.number, "arrival")], now=story.world.now, chance=os.urandom))
    must(cancel(conn, [Cancel(second.number, "arrival", "by holder")], now=story.world.now, chance=os.urandom))
    must(withdraw(conn, [Withdraw(second.number, "arrival")], now=story.world.now, chance=os.urandom))
    must(restore(conn, [Restore(second.number, "arrival")], now=story.world.now, chance=os.urandom))
    on_the_day = datetime.combine(day, datetime.min.time(), story.now.tzinfo) + timedelta(hours=12)
    must(check_in(conn, [CheckIn(first.number, "arrival")], now=on_the_day, chance=os.urandom))
    step(worker)
    things_go_wrong(story, third)

    said = capfd.readouterr()
    lines = [*said.out.splitlines(), *said.err.splitlines(), *log.read_text().splitlines()]
    text = "\n".join(lines)
    for event in ("step", "published", "notices", "notice failed", "publication failed", "confirming failed"):
        assert event in text, f"{event} was to be logged"
    told = [(secret, line) for line in lines for secret in story.secrets if secret.lower() in line.lower()]
    assert told == []


def visit(service: Service, first: Register, second: Register) -> None:
    """Sign in, confirm, look around; mistype; ask for what is not there."""
    confirm_over_http(service.url, "arrival", first.number, first.code)
    with httpx.Client(base_url=service.url) as browser:
        browser.get("/sign-in")
        browser.post("/sign-in", data={"number": second.number, "code": first.code})
        browser.get(f"/me/people?who={MEMBERS[0].given_names}")
        browser.get("/no-such-page")
        browser.get("/me")


def watch_once(service: Service, story: Story, home: Path) -> None:
    spool = Spool(home / "watch" / "samples")
    watcher = Watcher(service.url, service.dsn, "watch test", story.world.keys, spool, 10.0)
    watch(watcher, story.now - timedelta(seconds=20))
    watch(replace(watcher, url="http://127.0.0.1:9"), story.now - timedelta(seconds=10))
    spool.close()


def things_go_wrong(story: Story, group: Register) -> None:
    """A notice that cannot be handed over, one without a text, a folder that is in the way."""
    conn, world = story.conn, story.world
    desk = Desk(world.worker().connect, Folder(world.home), world.keys, [Full()], lambda _: world.now)
    while hand_over(desk):
        pass
    [owner] = conn.execute("SELECT id FROM registration WHERE number = %s", [group.number]).fetchone()
    notices.add(conn, [(owner, "unheard of", {"program": "arrival"})], world.now)
    later = Desk(world.worker().connect, Folder(world.home), world.keys, (), lambda _: world.now + timedelta(hours=1))
    hand_over(later)
    for folder in (world.home / "public" / "draws").iterdir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        folder.write_text("in the way")
    conn.execute("UPDATE round SET published_at = NULL WHERE program = 'arrival'")
    publish(world.worker())
