"""The watcher confirms through the real pages, and its samples tell whether that worked."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from databases import Databases
from fairgate.store import clock, evidence, heads, keys, offers, profiles
from fairgate.watch.confirming import Failed, confirm
from fairgate.watch.figures import LONGEST
from fairgate.watch.run import Watcher, next_sample, run, watch
from fairgate.watch.spool import Spool, Spooled
from service import Service, free_port
from time_world import TimeWorld

TICK = timedelta(seconds=10)


@pytest.fixture(scope="module")
def service(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server for all tests here; starting one takes seconds."""
    with databases.new() as dsn:
        made = Service(dsn, tmp_path_factory.mktemp("home"))
        with psycopg.connect(dsn, autocommit=True) as conn:
            TimeWorld(conn, made.home)
        with made.serving():
            yield made


@pytest.fixture
def watcher(service: Service, tmp_path: Path) -> Iterator[Watcher]:
    """A watcher with a name and a spool of its own."""
    spool = Spool(tmp_path / "samples")
    yield Watcher(service.url, service.dsn, f"watch {tmp_path.name}", keys.load(service.home), spool, 10.0)
    spool.close()


@pytest.fixture
def conn(service: Service) -> Iterator[psycopg.Connection]:
    with psycopg.connect(service.dsn, autocommit=True) as opened:
        yield opened


def at(conn: psycopg.Connection, ago: int) -> datetime:
    """A moment so many samples ago."""
    return clock.now(conn).replace(microsecond=0) - ago * TICK


def recorded(conn: psycopg.Connection, source: str) -> list[tuple[datetime, int, int]]:
    return conn.execute("SELECT at, ok, failed FROM sample WHERE source = %s ORDER BY at", [source]).fetchall()


def test_a_confirmation_that_works_is_a_good_sample(watcher: Watcher, conn: psycopg.Connection) -> None:
    moments = [at(conn, 2), at(conn, 1)]
    for moment in moments:
        watch(watcher, moment)
    assert recorded(conn, watcher.source) == [(moment, 1, 0) for moment in moments]
    states = conn.execute(
        "SELECT DISTINCT o.state FROM offer o JOIN statement s ON s.registration_id = o.registration_id"
        " WHERE s.kind = 'confirmed'"
    ).fetchall()
    assert states == [("confirmed",)]


def test_into_a_database_that_was_restored_nothing_is_written(
    watcher: Watcher, conn: psycopg.Connection, tmp_path: Path
) -> None:
    """It would be an outage for the watcher too, and the outage a leaf whose index others have on their receipts."""
    at_home = replace(watcher, home=tmp_path)
    heads.hold(tmp_path, "20 leaves were signed, the database has 12")
    for ago in (5, 4, 3, 2):
        watch(at_home, at(conn, ago))
    assert recorded(conn, watcher.source) == []
    assert at_home.spool.waiting == 4, "they are kept for the database that is right"
    assert conn.execute("SELECT count(*) FROM statement WHERE kind = 'outage'").fetchone() == (0,)


def window(conn: psycopg.Connection) -> int:
    """A window that opened an hour ago, with a deadline tomorrow."""
    opened_at = at(conn, 360)
    policy = profiles.current(conn).program("arrival").policy
    return offers.open_window(conn, "arrival", "Etc/UTC", opened_at, opened_at + policy.window, policy)


def deadline(conn: psycopg.Connection, of: int) -> datetime | None:
    row = conn.execute('SELECT deadline FROM "window" WHERE id = %s', [of]).fetchone()
    assert row is not None
    found: datetime | None = row[0]
    return found


def test_a_service_that_is_down_is_an_outage_within_a_minute_though_no_worker_runs(
    watcher: Watcher, conn: psycopg.Connection
) -> None:
    open_window = window(conn)
    down = replace(watcher, url="http://127.0.0.1:9")
    start = at(conn, 10)
    watch(watcher, start)
    for i in (1, 2):
        watch(down, start + i * TICK)
    assert evidence.untold(conn) == []
    assert deadline(conn, open_window) is not None
    watch(down, start + 3 * TICK)
    assert [failed for _, _, failed in recorded(conn, watcher.source)] == [0, 1, 1, 1]
    [found] = evidence.untold(conn)
    assert found.outage.start == start
    assert found.outage.end is None
    assert deadline(conn, open_window) is None, "the deadline stands still"


def test_who_cannot_look_for_outages_loses_no_sample(watcher: Watcher, conn: psycopg.Connection) -> None:
    moment = at(conn, 3)
    with psycopg.connect(watcher.dsn) as other:
        evidence.lock_outages(other)  # a worker that is at it, and hangs
        watch(watcher, moment)
    assert recorded(conn, watcher.source) == [(moment, 1, 0)]


def test_while_the_database_is_away_samples_wait_and_come_in_once(watcher: Watcher, conn: psycopg.Connection) -> None:
    away = replace(watcher, dsn="postgresql://127.0.0.1:9/none")
    start = at(conn, 10)
    for i in range(3):
        watch(away, start + i * TICK)
    assert recorded(conn, watcher.source) == []
    watch(watcher, start + 3 * TICK)
    watch(watcher, start + 4 * TICK)
    assert [(ok, failed) for _, ok, failed in recorded(conn, watcher.source)] == [(0, 1)] * 3 + [(1, 0)] * 2


def test_samples_with_times_that_cannot_be_are_let_go_and_hold_up_no_other(
    watcher: Watcher, conn: psycopg.Connection
) -> None:
    moment = at(conn, 1)
    for wrong in (moment + timedelta(days=1), moment.replace(year=1970), moment + timedelta(hours=1)):
        watcher.spool.add(Spooled(wrong, 0, 1))
    watch(watcher, moment)
    assert recorded(conn, watcher.source) == [(moment, 1, 0)]
    assert watcher.spool.waiting == 0


def test_what_only_the_watcher_gets_wrong_is_no_evidence(
    watcher: Watcher, conn: psycopg.Connection, databases: Databases
) -> None:
    with databases.new(migrated=False) as empty, pytest.raises(psycopg.errors.UndefinedTable):
        watch(replace(watcher, dsn=empty), at(conn, 1))
    assert watcher.spool.bring_in(list) == 0


def test_wrong_answers_are_failures(service: Service) -> None:
    with pytest.raises(Failed, match="sign in: answered 422"):
        confirm(service.url, "canary", "0000-0012", "0000-0000-0000")


def test_without_an_offer_confirming_has_failed(watcher: Watcher, service: Service) -> None:
    from fairgate.commands.canary import Prepare, prepare

    with psycopg.connect(service.dsn, autocommit=True) as conn:
        now = clock.now(conn)
        place = prepare(conn, Prepare(watcher.source, now.date(), 1), keys=watcher.keys, now=now)
    confirm(service.url, "canary", place.number, place.code)
    with pytest.raises(Failed, match="confirm: page answered 303"):
        confirm(service.url, "canary", place.number, place.code)


def test_it_runs_until_it_is_stopped_and_shows_figures(service: Service, conn: psycopg.Connection) -> None:
    stop = threading.Event()
    source = f"watch {socket.gethostname()}"
    metrics = ("127.0.0.1", free_port())
    args, more = (service.url, service.dsn, service.home, stop, 0.5), {"metrics": metrics}
    thread = threading.Thread(target=run, args=args, kwargs=more)
    thread.start()
    until = time.monotonic() + 30
    while len(recorded(conn, source)) < 3 and time.monotonic() < until:
        time.sleep(0.1)
    shown = httpx.get(f"http://127.0.0.1:{metrics[1]}/metrics").text
    stop.set()
    thread.join()
    samples = recorded(conn, source)
    assert len(samples) >= 3
    assert {(ok, failed) for _, ok, failed in samples} == {(1, 0)}
    assert len({moment for moment, _, _ in samples}) == len(samples)
    assert 'fairgate_canary_burn_rate{window="5m"} 0.0' in shown
    assert 'fairgate_watch_looks_total{result="done"} ' in shown
    assert "fairgate_watch_samples_waiting 0.0" in shown


def test_after_a_restart_figures_go_on_from_what_the_database_has(watcher: Watcher, conn: psycopg.Connection) -> None:
    source = "INSERT INTO sample (at, source, ok, failed) VALUES (%s, %s, 0, 1)"
    conn.execute(source, [at(conn, 20), watcher.source])
    conn.execute(source, [at(conn, 21), "somebody else"])
    away = replace(watcher, dsn="postgresql://127.0.0.1:9/none")
    watch(away, at(conn, 3))
    assert watcher.figures.waiting == 1
    assert watcher.figures.burn_rate(LONGEST) == pytest.approx(1000), "all that is known yet"
    watch(watcher, at(conn, 2))
    watch(watcher, at(conn, 1))
    assert watcher.figures.waiting == 0
    assert watcher.figures.burn_rate(LONGEST) == pytest.approx(500), "two of four, with the one of before"
    found = {sample.name: sample.value for family in watcher.figures.collect() for sample in family.samples}
    assert found["fairgate_canary_seconds_count"] == 2


def test_samples_begin_at_whole_tens_of_seconds_of_the_databases_clock(watcher: Watcher) -> None:
    shown = datetime.fromisoformat("2026-12-01T12:00:03+00:00")
    watcher.clock.set(shown)
    ends, pause = next_sample(watcher)
    assert ends == datetime.fromisoformat("2026-12-01T12:00:20+00:00")
    assert pause == pytest.approx(7, abs=0.5)
