"""A ledger's public files, from a folder or from the address that it is published at: only what is asked for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from fairgate.core import tiles
from fairgate.core.errors import BadInput, shown
from fairgate.core.lines import HASH_BYTES
from fairgate.core.note import NOTE_MOST, Note, parse_note
from fairgate.core.tiles import WIDTH, Read

CHECKPOINT: Final = "checkpoint"
FILE_S: Final = 20.0  # for a file of some kilobytes

Files = Callable[[str, int], bytes | None]  # (name, most bytes) -> a file of the ledger; None where there is none


@contextmanager
def files(where: str) -> Iterator[Files]:
    """The files below `where`, a folder or an address; both raise BadInput for what cannot be read."""
    if where.startswith(("https://", "http://")):
        from fairgate.watch.fetching import Source  # noqa: PLC0415  a second of loading, for those who ask no network

        with Source(where, FILE_S) as source:
            yield source.get
        return
    folder = Path(where)
    if not where or not folder.is_dir():  # an empty name would be this folder
        way_out = "name the folder that holds its checkpoint, or its address like https://places.example.org/ledger"
        raise BadInput("--ledger", f"{shown(where)} is not a folder that is there, nor an address", way_out)
    yield lambda name, most: _read(folder / name, most)


def checkpoint(found: Files, place: str) -> Note:
    """The ledger's newest checkpoint; nobody has checked its signatures yet."""
    data = found(CHECKPOINT, NOTE_MOST)
    if data is None:
        raise BadInput(place, "has no checkpoint", "name the ledger's folder or address, as /ledger of the service")
    return parse_note(data, f"{place} checkpoint")


def reader(found: Files) -> Read:
    """How the ledger's tiles are read, each once. Where a partial one is gone, the full one has taken its place."""

    @cache
    def read(level: int, index: int, width: int) -> bytes:
        most = WIDTH * HASH_BYTES
        path = tiles.tile_path(level, index, width)
        data = found(path, most)
        if data is None and width < WIDTH:
            full = found(tiles.tile_path(level, index), most)
            data = None if full is None else full[: width * HASH_BYTES]
        if data is None:
            raise BadInput(path, "is missing from the ledger", "fetch it again; a ledger without it proves nothing")
        return data

    return read


def _read(path: Path, most: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BadInput(str(path), f"cannot be read ({type(error).__name__})", "see to its permissions") from None
    return _within(data, most, str(path))


def _within(data: bytes, most: int, place: str) -> bytes:
    if len(data) > most:
        raise BadInput(place, f"has more than {most} bytes", "this is no file of a ledger; correct the address")
    return data
