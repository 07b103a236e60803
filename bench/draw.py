"""How long anyone needs to draw a round again and to check it: python bench/draw.py [entries ...]

Makes bundles of so many entries (a million and ten million where nothing is said) in a temporary folder, the same ones
every time, runs the real `fairgate draw`, `fairgate verify` and, up to a million, verify.py on them and prints a table
in Markdown. Ten million entries take 1.2 GB of disk meanwhile; TMPDIR says where.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources
from pathlib import Path

from fairgate.core.bundle import (
    BEACON_FILE,
    ENTRIES_FILE,
    ENTRIES_HEADER,
    Commitment,
    CommitReveal,
    Manifest,
    PortPlaces,
    Reveals,
    write_beacon,
)

FAIRGATE = Path(sys.executable).with_name("fairgate")
VERIFIER = Path(str(resources.files("fairgate.store"))) / "bundled" / "verify.py"
VERIFIER_MOST = 1_000_000  # entries; it keeps each as an object of its own, a kilobyte of memory
REVEALS = Reveals((("notary", b"n" * 32), ("ombudsman", b"o" * 32)))
CAPACITY = {
    "SYS": 400,
    "ELP": 400,
    "HID": 195,
    "BRO": 150,
    "LAR": 120,
    "NOG": 100,
    "EGP": 60,
    "CAL": 35,
}  # persons a day
GROUP_MAX = 10
MADE_AT_ONCE = 100_000  # entries
KINDS = 50_000  # different sizes, weeks and ports together, as they come in a list of this length
HEADING = """\
| entries | command | wall | processor: user + system | most memory |
| ---: | --- | ---: | ---: | ---: |"""


def main(*sizes: int) -> None:
    print(HEADING, flush=True)
    for entries in sizes or (1_000_000, 10_000_000):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            make_bundle(folder, entries)
            commands = {"fairgate draw": [FAIRGATE, "draw"], "fairgate verify": [FAIRGATE, "verify"]}
            if entries <= VERIFIER_MOST:
                commands["verify.py"] = [sys.executable, "-I", "-S", VERIFIER]
            for name, command in commands.items():
                output = folder / "results.csv" if name == "fairgate draw" else Path(os.devnull)
                print(f"| {entries:,} | `{name}` | {measured([*command, folder], output)} |", flush=True)


def make_bundle(folder: Path, entries: int) -> None:
    """All of a bundle but the results."""
    manifest = Manifest(
        program="arrival",
        round="2026-12-01",
        ports=tuple(PortPlaces(port, capacity, carry=0) for port, capacity in CAPACITY.items()),
        seniority_share=(1, 2),
        group_max=GROUP_MAX,
        closes_at=datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC),
        seed_at=datetime(2026, 11, 20, 17, 30, tzinfo=UTC),
        beacon=CommitReveal(tuple(Commitment(by, sha256(reveal).hexdigest()) for by, reveal in REVEALS.reveals)),
        ticket_key_hash="0" * 64,
    )
    (folder / "manifest.json").write_text(manifest.to_json())
    (folder / BEACON_FILE).write_bytes(write_beacon(REVEALS))
    with (folder / ENTRIES_FILE).open("w") as file:
        file.write(f"{ENTRIES_HEADER}\n")
        file.writelines(lines(entries))


def lines(entries: int) -> Iterator[str]:
    """Lines of entries.csv. The first eight digits of a ticket count up, so that nothing needs to be sorted."""
    chance = random.Random(entries)
    kinds = [kind(chance) for _ in range(KINDS)]
    step = (1 << 32) // entries
    for start in range(0, entries, MADE_AT_ONCE):
        some = range(start, min(start + MADE_AT_ONCE, entries))
        digits = chance.randbytes(12 * len(some)).hex()
        for place, (number, said) in enumerate(zip(some, chance.choices(kinds, k=len(some)), strict=True)):
            yield f"{number * step:08x}{digits[24 * place : 24 * place + 24]},{said}\n"


def kind(chance: random.Random) -> str:
    """What a line says beside the ticket: mostly small groups, up to two years of waiting, one to three ports."""
    size = min(GROUP_MAX, 1 + int(chance.expovariate(0.7)))
    ports = dict.fromkeys(chance.choices(list(CAPACITY), weights=CAPACITY.values(), k=chance.randint(1, 3)))
    return f"{size},{chance.randint(0, 104)},{'|'.join(ports)}"


def measured(command: Sequence[str | Path], output: Path) -> str:
    """Cells of the table: seconds on the wall, of the processor, and the most memory, of one run that ends well."""
    began = time.perf_counter()
    with output.open("wb") as file, subprocess.Popen(command, stdout=file) as process:
        _, status, spent = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode != 0:
        sys.exit(f"{command} ended with {process.returncode}")
    return f"{wall:.1f} s | {spent.ru_utime:.1f} s + {spent.ru_stime:.1f} s | {spent.ru_maxrss // 1024:,} MiB"


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
