"""What waits on local disk while the database is away: whole or not there, bounded, and taken in once it is back."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.store import journal
from fairgate.store.journal import Counted, Intake, Journal, JournalFull, Record, TakenIn, Tried, held

START = datetime(2026, 12, 1, 12, 0, 0, 250_000, tzinfo=UTC)
NUMBER = "0000-0012"


def tried(i: int) -> Tried:
    return Tried(NUMBER, "arrival", START + timedelta(seconds=i), "database away")


def counted(i: int) -> Counted:
    return Counted(START + timedelta(seconds=i), "gate one 1", i, 2)


class Database:
    """Takes what it is given; `away` while it does not."""

    def __init__(self) -> None:
        self.rows: list[Record] = []
        self.sizes: list[int] = []
        self.away = False

    def take(self, records: Sequence[Record]) -> int:
        if self.away:
            raise ConnectionError
        self.rows += records
        self.sizes.append(len(records))
        return 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def writer(folder: Path) -> Iterator[Journal]:
    made = Journal(folder)
    yield made
    made.close()


@pytest.fixture
def database() -> Database:
    return Database()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def only(folder: Path) -> Path:
    [path] = folder.iterdir()
    return path


# -- taking in ----------------------------------------------------------------------------------


def test_what_a_living_gate_writes_is_taken_in_once_and_in_order(
    folder: Path, writer: Journal, database: Database
) -> None:
    intake = Intake(folder)
    writer.write([tried(1), counted(2)])
    assert intake.take_in(database.take) == TakenIn(2)
    assert intake.take_in(database.take) == TakenIn()
    writer.write([tried(3)])
    assert intake.take_in(database.take) == TakenIn(1)
    assert database.rows == [tried(1), counted(2), tried(3)]
    assert len(names(folder)) == 1, "its file stays as long as it writes there"


def test_a_file_is_deleted_when_its_gate_lets_go_of_it(folder: Path, writer: Journal, database: Database) -> None:
    writer.write([tried(1)])
    writer.close()
    assert Intake(folder).take_in(database.take) == TakenIn(1)
    assert names(folder) == []
    writer.write([tried(2)])
    assert Intake(folder).take_in(database.take) == TakenIn(1)
    assert database.rows == [tried(1), tried(2)]


def test_a_gate_that_was_killed_leaves_everything_that_it_had_kept(folder: Path, database: Database) -> None:
    code = (
        "import os, signal, sys; sys.path.insert(0, 'tests/store')\n"
        "from pathlib import Path\n"
        "from datetime import datetime, UTC\n"
        "from fairgate.store.journal import Journal, Tried\n"
        f"j = Journal(Path({str(folder)!r}))\n"
        f"j.write([Tried({NUMBER!r}, 'arrival', datetime(2026, 12, 1, tzinfo=UTC), 'queue full')] * 3)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run([sys.executable, "-c", code], check=False)
    assert died.returncode == -signal.SIGKILL
    assert Intake(folder).take_in(database.take) == TakenIn(3)
    assert names(folder) == []


def test_nothing_is_deleted_before_it_is_committed(folder: Path, writer: Journal, database: Database) -> None:
    intake = Intake(folder, at_once=2)
    writer.write([tried(i) for i in range(5)])
    writer.close()
    database.away = True
    with pytest.raises(ConnectionError):
        intake.take_in(database.take)
    assert len(names(folder)) == 1
    database.away = False
    assert intake.take_in(database.take) == TakenIn(5)
    assert (database.sizes, names(folder)) == ([2, 2, 1], [])


def test_a_database_lost_on_the_way_gets_the_rest_when_it_is_back(
    folder: Path, writer: Journal, database: Database
) -> None:
    intake = Intake(folder, at_once=2)
    writer.write([tried(i) for i in range(5)])

    def lost_after_two(records: Sequence[Record]) -> int:
        database.take(records)
        database.away = True
        return 0

    with pytest.raises(ConnectionError):
        intake.take_in(lost_after_two)
    database.away = False
    assert intake.take_in(database.take) == TakenIn(3)
    assert database.rows == [tried(i) for i in range(5)]


def test_one_look_takes_in_a_bounded_number(folder: Path, writer: Journal, database: Database) -> None:
    intake = Intake(folder, at_once=2)
    writer.write([tried(i) for i in range(10)])
    writer.close()
    assert [intake.take_in(database.take, most=4).records for _ in range(4)] == [4, 4, 2, 0]
    assert (database.rows, names(folder)) == ([tried(i) for i in range(10)], [])


def test_two_workers_may_look_at_the_same_time(folder: Path, writer: Journal, database: Database) -> None:
    one, other = Intake(folder, at_once=1), Intake(folder)
    writer.write([tried(1), tried(2)])
    writer.close()

    def meanwhile(records: Sequence[Record]) -> int:
        other.take_in(database.take)
        return database.take(records)

    assert one.take_in(meanwhile) == TakenIn(2)
    assert set(database.rows) == {tried(1), tried(2)}
    assert names(folder) == []


def test_a_folder_that_is_not_there_holds_nothing(folder: Path, database: Database) -> None:
    assert Intake(folder).take_in(database.take) == TakenIn()


# -- what a crash or a broken disk leaves -------------------------------------------------------


@given(cut=st.integers(0, 400))
def test_however_a_power_cut_tears_the_end_whole_lines_are_taken_in_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder, database = tmp_path_factory.mktemp("torn") / "journal", Database()
    writer = Journal(folder)
    writer.write([tried(1), tried(2), tried(3)])
    writer.close()
    path = only(folder)
    whole = path.read_bytes()
    left = whole[: max(0, len(whole) - cut)]
    path.write_bytes(left)
    taken = Intake(folder).take_in(database.take)
    assert database.rows == [tried(1), tried(2), tried(3)][: left.count(b"\n")]
    assert taken == TakenIn(left.count(b"\n"), torn=int(not left.endswith(b"\n") and left != b""))
    assert names(folder) == []


def test_the_unfinished_line_of_a_living_gate_is_taken_in_when_it_is_whole(
    folder: Path, writer: Journal, database: Database
) -> None:
    writer.write([tried(1), tried(2)])
    path = only(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    intake = Intake(folder)
    assert intake.take_in(database.take) == TakenIn(1)
    path.write_bytes(whole)
    assert intake.take_in(database.take) == TakenIn(1)
    assert database.rows == [tried(1), tried(2)]


def with_checksum(body: bytes) -> bytes:
    return journal._checksum(body) + b" " + body + b"\n"


GOOD = '{"at":"2026-12-01T12:00:00+00:00","fault":"%s","kind":"attempt","number":"%s","program":"arrival"}'
BAD = [
    b"00000000 {}\n",
    b"\n",
    b"\x00" * 200 + b"\n",
    b"\xff\xfe no text at all\n",
    *map(
        with_checksum,
        [
            b"[]",
            b"{}",
            b"7",
            b'{"kind":"attempt"}',
            b'{"at":7,"fault":"","kind":"attempt","number":"0000-0012","program":"arrival"}',
            (GOOD % ("no such number", "0000-0013")).encode(),
            (GOOD % ("as nobody writes it", "00000012")).encode(),
            (GOOD % ("\\u0000", NUMBER)).encode(),
            (GOOD % ("\\ud800", NUMBER)).encode(),
            (GOOD % ("x" * 201, NUMBER)).encode(),
            (GOOD % ("no zone", NUMBER)).replace("+00:00", "").encode(),
            b'{"at":"2026-12-01T12:00:00+00:00","failed":-1,"kind":"sample","ok":1,"source":"gate"}',
            b'{"at":"2026-12-01T12:00:00+00:00","failed":true,"kind":"sample","ok":1,"source":"gate"}',
            b'{"at":"2026-12-01T12:00:00+00:00","failed":1e9,"kind":"sample","ok":1,"source":"gate"}',
        ],
    ),
]


@pytest.mark.parametrize("line", BAD, ids=range(len(BAD)))
def test_a_bad_line_is_skipped_and_its_file_kept_aside(
    folder: Path, writer: Journal, database: Database, line: bytes
) -> None:
    writer.write([tried(1), tried(2)])
    writer.close()
    path = only(folder)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + line + second)
    intake = Intake(folder)
    assert intake.take_in(database.take) == TakenIn(2, bad=1)
    assert database.rows == [tried(1), tried(2)]
    assert names(folder) == [path.name + ".bad"]
    assert intake.take_in(database.take) == TakenIn()


def test_what_the_database_will_never_take_keeps_its_file_aside(folder: Path, writer: Journal) -> None:
    writer.write([tried(1)])
    intake = Intake(folder)
    assert intake.take_in(len) == TakenIn(1, bad=1)
    writer.close()
    assert intake.take_in(len) == TakenIn()
    assert only(folder).suffix == ".bad", "also when it was found while the gate was alive"


@given(st.binary(max_size=300))
def test_any_bytes_at_all_can_be_looked_at(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder, database = tmp_path_factory.mktemp("any") / "journal", Database()
    folder.mkdir()
    (folder / "some.1.lines").write_bytes(data)
    Intake(folder).take_in(database.take)
    assert database.rows == []
    assert not list(folder.glob("*.lines"))


def test_a_file_that_cannot_be_read_is_told_once_and_holds_up_no_other(
    folder: Path, writer: Journal, database: Database
) -> None:
    writer.write([tried(1)])
    (folder / "a.lines").mkdir()  # for root every file can be read; a folder in its place cannot
    intake = Intake(folder)
    assert intake.take_in(database.take) == TakenIn(1, unreadable=("a.lines",))
    assert intake.take_in(database.take) == TakenIn()


def test_odd_text_is_kept_and_harms_no_other_record(folder: Path, writer: Journal, database: Database) -> None:
    odd = [tried(1)._replace(program=text) for text in ("\ud800", "a\nb", "cita año ñ", "\x00")]
    writer.write([*odd, tried(2)])
    assert Intake(folder).take_in(database.take) == TakenIn(2, bad=3)
    assert database.rows == [odd[2], tried(2)]


# -- writing ------------------------------------------------------------------------------------


def test_only_its_owner_may_read_it(folder: Path, writer: Journal) -> None:
    writer.write([tried(1)])
    assert [path.stat().st_mode & 0o777 for path in (folder, only(folder))] == [0o700, 0o600]


def test_nothing_makes_no_file(folder: Path, writer: Journal) -> None:
    writer.write([])
    assert names(folder) == []


def test_a_full_file_is_left_and_another_begun(folder: Path, database: Database) -> None:
    writer = Journal(folder, file_bytes=500)
    for i in range(10):
        writer.write([tried(i)])
    sizes = [path.stat().st_size for path in folder.iterdir()]
    assert len(sizes) > 2
    assert max(sizes) <= 500
    intake = Intake(folder)
    assert intake.take_in(database.take) == TakenIn(10)
    assert len(names(folder)) == 1
    assert database.rows == [tried(i) for i in range(10)]
    writer.close()


def test_the_folder_is_bounded_over_all_gates(folder: Path, database: Database) -> None:
    one, other = (Journal(folder, most_bytes=1000, file_bytes=300) for _ in range(2))
    kept = 0
    with suppress(JournalFull):
        for i in range(100):
            (one, other)[i % 2].write([tried(i)])
            kept += 1
    assert 1 < kept < 10
    assert held(folder) <= 1000
    intake = Intake(folder)
    intake.take_in(database.take)
    one.write([tried(kept)])
    one.close()
    other.close()
    intake.take_in(database.take)
    assert sorted(database.rows) == [tried(i) for i in range(kept + 1)], "what was refused is not there"


def test_one_thread_may_let_go_while_others_write(folder: Path, writer: Journal, database: Database) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(writer.write, [tried(i)]) if i % 2 else threads.submit(writer.close) for i in range(200)]
    assert all(one.exception() is None for one in done)
    writer.close()
    assert Intake(folder).take_in(database.take) == TakenIn(100)


@pytest.mark.parametrize("fails", ["write", "fsync", "half"])
def test_after_a_write_that_failed_nothing_of_it_is_there_and_another_file_begins(
    folder: Path, writer: Journal, database: Database, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    writer.write([tried(1)])
    before = only(folder)

    def failing(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def half(handle: int, data: bytes) -> int:
        return os.pwrite(handle, data[: len(data) // 2], 0)  # the file is open for appending: there it goes

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync" if fails == "fsync" else "write", half if fails == "half" else failing)
        with pytest.raises(OSError, match=r"error|space"):
            writer.write([tried(2)])
    writer.write([tried(3)])
    assert len(names(folder)) == 2
    assert before.read_bytes().count(b"\n") == 1
    writer.close()
    assert Intake(folder).take_in(database.take) == TakenIn(2)
    assert sorted(database.rows) == [tried(1), tried(3)]


def test_a_full_disk_leaves_no_empty_files_behind(folder: Path, writer: Journal) -> None:
    """A limit on the size of files stands for the disk."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        for _ in range(3):
            with pytest.raises(OSError):
                writer.write([tried(1)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert names(folder) == []
    writer.write([tried(2)])
    assert len(names(folder)) == 1
