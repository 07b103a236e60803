"""Afterwards: whether what people were told while the database was away is so."""

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
from away_load import Load

from fairgate.commands.evidence import RecordSample, record_samples
from fairgate.commands.looping import Connect
from fairgate.worker.loops import Worker, evidence

BACK_WITHIN_S = 90.0
HEALTH = timedelta(minutes=16)
AGAIN = 20  # people whose attempt is on record and who confirm again


@dataclass(frozen=True, slots=True)
class Book:
    """What was told, the database to compare it with, and what the deadline of an open offer was before."""

    url: str
    home: Path
    load: Load
    deadline: str


def deadline_of(base: str, token: str) -> str:
    answer = httpx.get(f"{base}/api/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    return str(answer.json()["offer"]["deadline"] or "paused")


def compare(book: Book, killed_at: float) -> None:
    """Print each promise and what came of it."""
    load = book.load
    with psycopg.connect(book.url, autocommit=True) as conn:
        _await_attempts(conn, set(load.recorded))
        _acknowledged(conn, load)
        _recorded(conn, load)
        _outages(conn)
    _deadline(book)
    _can_confirm(load, killed_at)
    _with_health(book)


def _numbers(conn: psycopg.Connection, query: str) -> set[str]:
    return {number for (number,) in conn.execute(query.encode())}


def _attempts(conn: psycopg.Connection) -> set[str]:
    return _numbers(conn, "SELECT r.number FROM attempt a JOIN registration r ON r.id = a.registration_id")


def _await_attempts(conn: psycopg.Connection, numbers: set[str]) -> None:
    until = time.monotonic() + BACK_WITHIN_S
    while numbers - _attempts(conn) and time.monotonic() < until:
        time.sleep(0.5)


def _acknowledged(conn: psycopg.Connection, load: Load) -> None:
    confirmed = _numbers(
        conn, "SELECT r.number FROM offer o JOIN registration r ON r.id = o.registration_id WHERE o.state = 'confirmed'"
    )
    told = set(load.acknowledged)
    print(f"\nconfirmations acknowledged: {len(told)}; of these not in the database: {len(told - confirmed)}")
    unknown = set(load.recorded) | load.unanswered
    print(f"answered with a 503 or not at all: {len(unknown)}; of these in the database: {len(unknown & confirmed)}")


def _recorded(conn: psycopg.Connection, load: Load) -> None:
    stored = _attempts(conn)
    lost = set(load.recorded) - stored
    print(f"attempts told to be on record: {len(load.recorded)}; not in table attempt: {len(lost)}")
    print(f"confirmations without an answer that says so: {len(load.unanswered)}")
    [(rows,)] = conn.execute("SELECT count(*) FROM attempt").fetchall()
    print(f"rows in table attempt: {rows}")


def _outages(conn: psycopg.Connection) -> None:
    _print_outages(conn)
    query = """
        SELECT min(at), source, sum(ok), sum(failed) FROM sample
         WHERE source <> 'rehearsal' GROUP BY source ORDER BY source
    """
    for at, source, ok, failed in conn.execute(query):
        print(f"  samples of {source} from {at:%H:%M:%S}: {ok} ok, {failed} failed")


def _print_outages(conn: psycopg.Connection) -> None:
    found = conn.execute("SELECT start_at, end_at, recorded_at, notice_at FROM outage ORDER BY start_at").fetchall()
    print(f"outages on record: {len(found)}")
    for start, end, recorded, told in found:
        ended = f"{end:%H:%M:%S}" if end else "not over before 15 minutes of health are on record"
        notice = f"; everyone told at {told:%H:%M:%S}" if told else ""
        print(f"  from {start:%H:%M:%S}; end: {ended}; recorded at {recorded:%H:%M:%S}{notice}")


def _deadline(book: Book) -> None:
    now = deadline_of(book.load.url, book.load.people[-1][1])
    print(f"deadline of an open offer: {book.deadline} before, {now} now")


def _can_confirm(load: Load, killed_at: float) -> None:
    """Some of those who tried while it was away, and were told that this is on record, confirm now."""
    tokens = dict(load.people)
    tried = [number for number, at in load.recorded.items() if at > killed_at][:AGAIN]
    statuses = [
        httpx.post(
            f"{load.url}/api/v1/me/confirm", headers={"Authorization": f"Bearer {tokens[number]}"}, timeout=10
        ).status_code
        for number in tried
    ]
    print(f"confirmed now by those whose attempt is on record: {statuses.count(200)} of {len(tried)} who tried again")


def _with_health(book: Book) -> None:
    """What a worker does when 15 more minutes of health are on record; they are put in by hand, its clock is set on."""
    with psycopg.connect(book.url, autocommit=True) as conn:
        [(now, last)] = conn.execute("SELECT now(), max(at) FROM sample WHERE failed > 0").fetchall()
        later = now + HEALTH
        ends = (last + timedelta(seconds=10 * i) for i in range(1, (later - last) // timedelta(seconds=10)))
        record_samples(conn, [RecordSample(at, "by hand", 5, 0) for at in ends], now=later)
        worker = Worker(book.home, book.load.keys, _connector(book.url), source=None, clock=lambda _: later)
        until = time.monotonic() + BACK_WITHIN_S
        while time.monotonic() < until and not _told(conn):
            evidence(worker)
            time.sleep(0.5)
        print("\nwith 16 minutes of health put in by hand:")
        _print_outages(conn)
    _deadline(book)


def _told(conn: psycopg.Connection) -> bool:
    return conn.execute("SELECT 1 FROM outage WHERE notice_at IS NOT NULL").fetchone() is not None


def _connector(url: str) -> Connect:
    return lambda: psycopg.connect(url, autocommit=True)
