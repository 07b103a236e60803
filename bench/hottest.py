"""In which lines a process spends its time, found with py-spy."""

import linecache
import subprocess
import sys
from collections import Counter
from pathlib import Path

SECONDS = 8
MOST = 10
# Where threads with nothing to do stand. py-spy leaves out those that sleep, but sees these in the moment of waking.
WAITING = ("_worker (concurrent/futures/thread.py", "Condition.wait (threading.py")


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
        last = stack.split(";")[-1]
        if not last.startswith(WAITING):
            own[last] += int(count)
    total = own.total()
    rows = [f"| {_told(frame)} | {100 * count / total:.1f} % |" for frame, count in own.most_common(MOST)]
    return ["", f"{total} samples", "", "| line | | own time |", "| --- | --- | --- |", *rows]


def _told(frame: str) -> str:
    """Of "function (file:line)" function and place, and the line itself."""
    if not frame:
        return "no Python | the server's own runtime"
    name, _, place = frame.rstrip(")").rpartition(" (")
    file, _, number = place.rpartition(":")
    found = next((path for folder in sys.path if (path := Path(folder) / file).is_file()), None)
    source = linecache.getline(str(found), int(number)).strip() if found and number.isdigit() else ""
    code = source.replace("|", "\\|")
    return f"{name}, {place} | {f'`{code}`' if code else ''}"
