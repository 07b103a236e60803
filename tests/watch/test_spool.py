"""Samples wait on local disk while the database is away, and come in later in order and once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fairgate.core.errors import BadInput
from fairgate.watch.spool import AT_ONCE, Spool, Spooled

START = datetime(2026, 12, 1, 12, tzinfo=UTC)


def samples(count: int) -> list[Spooled]:
    return [Spooled(START + timedelta(seconds=10 * i), 1, 0) for i in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watch" / "samples"


def test_samples_survive_a_restart_and_come_in_order(path: Path) -> None:
    spool = Spool(path)
    for sample in samples(3):
        spool.add(sample)
    spool.close()
    again, taken = Spool(path), list[Spooled]()
    assert again.bring_in(taken.extend) == 3
    assert taken == samples(3)
    assert again.bring_in(taken.extend) == 0
    again.close()


def test_a_database_that_fails_keeps_them_all(path: Path) -> None:
    spool = Spool(path)
    spool.add(samples(1)[0])

    def fails(_: Sequence[Spooled]) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        spool.bring_in(fails)
    taken: list[Spooled] = []
    spool.bring_in(taken.extend)
    assert taken == samples(1)
    spool.close()


def test_many_come_in_some_at_a_time(path: Path) -> None:
    spool = Spool(path)
    count = AT_ONCE + 5
    spool._file.write(b"".join(b'{"at":"%s","ok":1,"failed":0}\n' % s.at.isoformat().encode() for s in samples(count)))
    sizes: list[int] = []
    assert spool.bring_in(lambda some: sizes.append(len(some))) == count
    assert sizes == [AT_ONCE, 5]
    spool.close()


def test_a_line_that_a_power_cut_tore_is_dropped(path: Path) -> None:
    spool = Spool(path)
    spool.add(samples(1)[0])
    spool.close()
    path.write_bytes(path.read_bytes() + b'{"at": "2026-12-')
    torn, taken = Spool(path), list[Spooled]()
    torn.add(samples(2)[1])
    torn.bring_in(taken.extend)
    assert taken == samples(2)
    torn.close()


def test_two_watchers_do_not_share_a_file(path: Path) -> None:
    spool = Spool(path)
    with pytest.raises(BadInput, match="another watcher writes here"):
        Spool(path)
    spool.close()
    Spool(path).close()


def test_lines_that_a_disk_changed_are_put_aside_and_hold_up_no_other(path: Path) -> None:
    spool = Spool(path)
    first, second = samples(2)
    spool.add(first)
    bad = b'{"at": "2026-12-01T12\n\xff\x00\n[]\n{"at":"2026-12-01T12:00:00","ok":1,"failed":0}\n{"at":5,"ok":1}\n'
    bad += b"[" * 5000 + b'\n{"at":"2026-12-01T12:00:00Z","ok":1e400,"failed":0}\n'
    spool._file.write(bad)
    spool.add(second)
    spool.close()
    again, taken = Spool(path), list[Spooled]()
    assert again.waiting == 2
    assert again.bring_in(taken.extend) == 2
    assert taken == [first, second]
    assert (again.waiting, again.bring_in(taken.extend)) == (0, 0)
    assert path.with_name("samples.bad").read_bytes() == bad
    again.close()


def test_it_is_known_how_many_wait(path: Path) -> None:
    spool = Spool(path)
    for number, sample in enumerate(samples(3), 1):
        spool.add(sample)
        assert spool.waiting == number
    spool.close()
    again = Spool(path)
    assert again.waiting == 3
    again.bring_in(list)
    assert again.waiting == 0
    again.close()
