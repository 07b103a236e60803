"""A tile that was cut or changed is refused and named, by who mirrors it and by who asks it for a proof."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairgate.core import tiles
from fairgate.core.errors import BadInput
from ledgers import Published
from mirror_copy import Mirror
from served_files import Served

LARGE = Published(66_000)  # 257 full tiles, a partial one of 208, and two levels above
SMALL = Published(600)
FILES = ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/000", "tile/entries/002.p/88"]
CASES = [(SMALL, path, how) for path in FILES for how in ("truncated", "changed", "empty", "gone")]
CASES += [(LARGE, path, "changed") for path in ("tile/0/255", "tile/1/000", "tile/2/000.p/1")]


@pytest.fixture
def served() -> Iterator[Served]:
    with Served({}).serving() as running:
        yield running


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize(("ledger", "path", "how"), CASES)
def test_a_mirror_refuses_it_names_it_and_keeps_nothing(
    served: Served, tmp_path: Path, ledger: Published, path: str, how: str
) -> None:
    served.show(ledger)
    whole = ledger.files[path]
    damaged = {"truncated": whole[:-7], "changed": flipped(whole, 10), "empty": b""}
    served.files.pop(path)
    if how != "gone":
        served.files[path] = damaged[how]
    mirror = Mirror(tmp_path / "copy", served.url)
    assert mirror.run() == 1
    named = path.replace("entries", "0") if how == "changed" else path  # the bundle and its tile differ: one of the two
    assert f"not as it was signed: {named}" in mirror.err
    assert not (mirror.folder / "checkpoint").exists()
    served.show(ledger)
    assert mirror.run() == 0, mirror.err  # once it is whole again, nothing of the damage is left
    assert mirror.files() == {**ledger.files, "checkpoint": ledger.signed()}


@pytest.mark.parametrize("path", ["tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/88"])
def test_damage_in_what_is_new_is_no_fork(served: Served, tmp_path: Path, path: str) -> None:
    """Nobody is accused of two faces because a disk or a proxy lost a byte."""
    served.show(Published(300))
    mirror = Mirror(tmp_path / "copy", served.url)
    mirror.run()
    served.show(Published(600))
    served.files[path] = served.files[path][:-1]
    assert mirror.run() == 1
    assert f"not as it was signed: {path} is truncated" in mirror.err
    assert mirror.forks() == []


def test_a_checkpoint_that_its_tiles_do_not_come_to_is_refused(served: Served, tmp_path: Path) -> None:
    served.show(SMALL)
    other = Published(599)
    other.grow(1, "another story")
    served.files["checkpoint"] = other.signed()
    mirror = Mirror(tmp_path / "copy", served.url)
    assert mirror.run() == 1
    assert "do not come to the root of its checkpoint of 600 leaves" in mirror.err


@pytest.mark.parametrize("size", [1 << 40, (1 << 63) - 1])
def test_a_checkpoint_of_more_leaves_than_there_can_be_costs_no_more_than_another(
    served: Served, tmp_path: Path, size: int
) -> None:
    served.show(SMALL)
    served.files["checkpoint"] = served.files["checkpoint"].replace(b"\n600\n", b"\n%d\n" % size)
    mirror = Mirror(tmp_path / "copy", served.url)
    assert mirror.run() == 1
    assert "not as it was signed: tile/0/002 is not there" in mirror.err
    assert len(served.asked) < 200


def test_every_leaf_behind_a_damaged_tile_has_no_proof() -> None:
    for path in ("tile/0/000", "tile/1/000"):
        for bad in (LARGE.files[path][:-1], flipped(LARGE.files[path], 8_000)):
            files = {**LARGE.files, path: bad}
            for ask in (tiles.inclusion, tiles.leaf):
                with pytest.raises(BadInput, match=f"^{path}: "):
                    ask(17, 66_000, lambda *tile, files=files: files[tiles.tile_path(*tile)])
            with pytest.raises(BadInput, match=f"^{path}: "):
                tiles.consistency(17, 66_000, lambda *tile, files=files: files[tiles.tile_path(*tile)])
