"""The ledger as static files: whole, never rewritten where full, the same however it grew."""

import os
import shutil
from pathlib import Path

import pytest

from fairgate.core import tiles, tree
from fairgate.core.errors import BadInput
from fairgate.store.ledger_files import LedgerFiles


def leaves(count: int, start: int = 0) -> list[bytes]:
    return [i.to_bytes(32, "big") for i in range(start, start + count)]


def grown(home: Path, *steps: int) -> LedgerFiles:
    files, size = LedgerFiles(home), 0
    for step in steps:
        files.append(leaves(step, size), size)
        size += step
    return files


@pytest.mark.parametrize("steps", [(1,), (255,), (256,), (257,), (1, 254, 1), (3, 300, 700, 9), (256, 256, 65_100, 1)])
def test_the_tiles_give_the_root_and_the_leaves_however_they_grew(tmp_path: Path, steps: tuple[int, ...]) -> None:
    files, size = grown(tmp_path, *steps), sum(steps)
    assert files.size() == size
    assert tiles.root(size, files.read) == tree.root(leaves(size))
    assert files.data(0, size) == leaves(size)
    assert files.data(size // 2, size) == leaves(size - size // 2, size // 2)


def test_the_same_files_come_of_one_step_and_of_many(tmp_path: Path) -> None:
    whole, parts = grown(tmp_path / "a", 70_000), grown(tmp_path / "b", 30_000, 39_999, 1)

    def last(files: LedgerFiles) -> dict[str, bytes]:
        paths = [tiles.tile_path(tile.level, tile.index, tile.width) for tile in tiles.tiles(0, 70_000)]
        return {path: (files.folder / path).read_bytes() for path in paths}

    assert last(whole) == last(parts)


def test_a_full_tile_is_never_written_again_and_its_parts_go(tmp_path: Path) -> None:
    files = grown(tmp_path, 100)
    assert (files.folder / "tile/0/000.p/100").is_file()
    files.append(leaves(200, 100), 100)
    full = files.folder / "tile/0/000"
    before = full.stat()
    assert not (files.folder / "tile/0/000.p").exists()
    assert files.read(0, 0, 100) == full.read_bytes()[:3200]
    files.append(leaves(300, 300), 300)
    assert full.stat() == before
    assert full.stat().st_mode & 0o777 == 0o644


def test_an_append_that_ended_in_the_middle_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = grown(tmp_path, 300)
    real, done = os.rename, []

    def dying(self: Path, target: Path) -> None:
        done.append(target)
        if len(done) == 3:
            raise OSError(28, "No space left on device")
        real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying)
        with pytest.raises(OSError, match="No space"):
            files.append(leaves(600, 300), 300)
    assert files.size() == 300
    assert tiles.root(300, files.read) == tree.root(leaves(300))
    files.append(leaves(600, 300), 300)
    assert tiles.root(900, files.read) == tree.root(leaves(900))


def test_who_comes_second_appends_nothing(tmp_path: Path) -> None:
    files = grown(tmp_path, 10)
    files.append(leaves(5, 9), 9)
    assert files.size() == 10


def test_files_that_were_lost_are_written_anew(tmp_path: Path) -> None:
    files = grown(tmp_path, 500)
    shutil.rmtree(files.folder)
    assert files.size() == 0
    files.append(leaves(700), 0)
    assert tiles.root(500, files.read) == tree.root(leaves(500)), "an older tree is read out of the wider tiles"


def test_a_tile_that_is_cut_short_is_named(tmp_path: Path) -> None:
    files = grown(tmp_path, 600)
    path = files.folder / "tile/0/001"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadInput, match="tile/0/001"):
        tiles.inclusion(300, 600, files.read)
    part = files.folder / "tile/0/002.p/88"
    part.write_bytes(part.read_bytes()[:-32])
    with pytest.raises(BadInput, match="tile/0/002"):
        tiles.root(600, files.read)


@pytest.mark.parametrize("kind", ["0", "entries"])
def test_the_last_leaf_is_not_told_where_tile_and_entries_disagree(tmp_path: Path, kind: str) -> None:
    files = grown(tmp_path, 300)
    assert files.last(300) == tree.leaf_hash(leaves(300)[-1])
    place = files.folder / "tile" / kind / "001.p" / "44"
    place.write_bytes(place.read_bytes()[:-1] + b"?")
    with pytest.raises(BadInput, match=r"tile/0/001\.p/44: does not agree with its entries"):
        files.last(300)
