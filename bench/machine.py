"""The machine that something was measured on."""

import os
import platform
import statistics
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

FLUSHES = 200


def described(folder: Path) -> str:
    """A list for people: processors, memory, system, the disk under `folder`, and what else runs."""
    lines = [
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        f"{psutil.cpu_count()} processors ({_model()}), {psutil.virtual_memory().total / 2**30:.0f} GiB",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {_wrk()}",
        f"{_file_system(folder)}; 8 KiB written and flushed in {flush_ms(folder):.2f} ms (median of {FLUSHES})",
        f"load average before: {os.getloadavg()[0]:.2f}",
    ]
    return "\n".join(f"- {line}" for line in lines)


def flush_ms(folder: Path) -> float:
    """How long it takes until 8 KiB are on disk: what every commit waits for."""
    took = []
    with (folder / "flush").open("wb", buffering=0) as file:
        for _ in range(FLUSHES):
            began = time.perf_counter()
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
            took.append(1000 * (time.perf_counter() - began))
    (folder / "flush").unlink()
    return statistics.median(took)


def _model() -> str:
    info = Path("/proc/cpuinfo").read_text()
    return next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "?")


def _wrk() -> str:
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    return " ".join(said.split()[:2])


def _file_system(folder: Path) -> str:
    """The kind of file system that holds `folder`."""
    holding = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    return max(holding, key=lambda part: len(part.mountpoint)).fstype
