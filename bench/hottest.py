"""In which lines a process spends its time, found with py-spy."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

SECONDS = 8
MOST = 10


def lines(pid: int, folder: Path) -> list[str]:
    """A markdown table of the ten lines with most samples of their own, native code counted to the line that calls it.

    Threads that wait are left out.
    """
    raw = folder / "samples.txt"
    py_spy = Path(sys.executable).with_name("py-spy")
    command = [str(py_spy), "record", "--pid", str(pid), "--duration", str(SECONDS), "--format", "raw"]
    subprocess.run([*command, "--rate", "200", "--output", str(raw)], check=True, capture_output=True)
    own: Counter[str] = Counter()
    for line in raw.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        own[_short(stack.split(";")[-1])] += int(count)
    total = own.total()
    rows = [f"| {place} | {100 * count / total:.1f} % |" for place, count in own.most_common(MOST)]
    return ["", f"{total} samples", "", "| line | own time |", "| --- | --- |", *rows]


def _short(frame: str) -> str:
    """`function (file:line)` with the path from its package on."""
    name, _, place = frame.rpartition(" (")
    place = place.rstrip(")")
    for mark in ("/site-packages/", "/src/", "/lib/python3."):
        place = place.rpartition(mark)[2]
    return f"`{place}` {name}"
