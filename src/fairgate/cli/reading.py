"""Input files, read whole or refused with one line."""

from pathlib import Path

from fairgate.core.errors import BadInput, shown


def whole(path: Path, most: int | None = None) -> bytes:
    """The bytes of a file; raises BadInput naming it where it cannot be read.

    With `most` no more than one byte beyond them is read, for whoever parses it to refuse: a pipe or a device may never
    end.
    """
    try:
        with path.open("rb") as file:
            return file.read() if most is None else file.read(most + 1)
    except FileNotFoundError:
        raise BadInput(str(path), "is not there", "correct the path") from None
    except IsADirectoryError:
        raise BadInput(str(path), "is a folder", "name a file") from None
    except PermissionError:
        raise BadInput(str(path), "may not be read", "change its permissions") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the name
        raise BadInput(shown(str(path)), f"cannot be read ({type(error).__name__})", "correct the path") from None


def files_of(folder: Path, *names: str) -> list[bytes]:
    """The files of these names in a folder."""
    if not folder.is_dir():
        raise BadInput(str(folder), "is not a folder", "name the folder that holds manifest.json and entries.csv")
    if "beacon.json" in names and (folder / "manifest.json").is_file() and not (folder / "beacon.json").exists():
        way_out = "come back when it is; until then its manifest and entries are here to be kept"
        raise BadInput(str(folder), "is a round that is sealed and not drawn yet (no beacon.json)", way_out)
    return [part_of(folder, name) for name in names]


def part_of(folder: Path, name: str) -> bytes:
    """The bytes of a file in a folder that somebody else packed: no pipe and no device, which might never end."""
    path = folder / name
    if path.exists() and not path.is_file() and not path.is_dir():
        raise BadInput(shown(str(path)), "is no file", "take the files as they were published")
    return whole(path)
