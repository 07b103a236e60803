"""`fairgate draw DIR --missing`: what the draw gives those who were missing from its list, from its public files."""

import sys
from pathlib import Path

from fairgate.cli.progress import bar
from fairgate.cli.reading import files_of
from fairgate.core.beacon import randomness
from fairgate.core.bundle import lines_root, parse_beacon, parse_entries, parse_manifest
from fairgate.core.errors import BadInput
from fairgate.core.honoured import FILE, again, parse_honoured, write_honoured


def write_again(folder: Path) -> None:
    """honoured.csv of `folder`, to standard output, with what its entries, its random value and the rules give.

    Raises BadInput for files that cannot be right.
    """
    if (folder / "manifest.json").is_file() and not (folder / FILE).exists():
        problem = "nobody who was missing from this list has been honoured"
        raise BadInput(
            str(folder / FILE), problem, "fetch the file too if the service has it; else there is nothing to do"
        )
    with bar("drawing"):
        names = ("manifest.json", "entries.csv", "beacon.json", FILE)
        manifest_file, entries_file, beacon_file, honoured_file = files_of(folder, *names)
        manifest = parse_manifest(manifest_file)
        chance = randomness(manifest, parse_beacon(beacon_file))
        entries = parse_entries(entries_file, manifest)
        lines = parse_honoured(honoured_file, manifest)
        made = again(lines, manifest, lines_root(entries_file), entries, chance)
    sys.stdout.buffer.write(write_honoured(made))
    sys.stdout.buffer.flush()
