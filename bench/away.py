"""What an operator sees when the database is gone under load: python bench/away.py [--minutes 10] [--rate 60]

Starts PostgreSQL, `fairgate serve`, `worker` and `watch` on a rehearsed database, sends a steady load, kills PostgreSQL
with SIGKILL, keeps it away, and starts it again. Prints a line for each second in which something changed, one every
15 seconds otherwise, and in the end whether what people were told is so.
"""

import argparse
import asyncio
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import away_end
import httpx
import machine
import psutil
from away_load import DONE, KINDS, NO_ANSWER, Load, Told
from ground import PROFILE, environment, fairgate, tree_seconds

from fairgate.store import embedded, keys
from fairgate.store.journal import held

BEFORE_S = 30
QUIET_S = 15  # between two lines when nothing changes
READY_WITHIN_S = 60.0
PARTS = ("serve", "worker", "watch")
OTHERS = 2000  # registrations without an offer
METRICS = {  # what /metrics calls it: the column
    'fairgate_unanswered_total{fault="database away"': "away",
    'fairgate_unanswered_total{fault="queue full"': "full",
    'fairgate_unanswered_total{fault="failed"': "failed",
    'fairgate_attempts_kept_total{kept="on disk"}': "kept",
    'fairgate_attempts_kept_total{kept="lost"}': "lost",
    "fairgate_line_acts{": "line",
}
HEAD = (
    "    t  200/303  503 other none   recorded retry-after   ms p50    most  late  live ready metrics"
    "   away  kept line  journal  cpu%   MiB  log lines"
)


class Postgres:
    """A durable cluster in `folder`; started and killed by the main thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = ExitStack()

    def start(self) -> str:
        """Its URL, once it answers."""
        return self._running.enter_context(embedded.server(self.folder))

    def kill(self) -> None:
        """SIGKILL to the postmaster and all it started."""
        master = psutil.Process(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        for process in (master, *master.children()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._running.close()

    def stop(self) -> None:
        self._running.close()


class Part:
    """A running part of the service and the log it writes."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.process = psutil.Process(process.pid)
        self._log = log
        self._read = 0

    def events(self) -> Counter[str]:
        """What it logged since this was last called."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            whole, _, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + bool(whole)
        return Counter(f"{self.name}: {_event(line)}" for line in whole.splitlines())

    def spent(self) -> tuple[float, float]:
        """Seconds of a processor so far, and resident MiB now, of all its processes."""
        tree = (self.process, *self.process.children(recursive=True))
        return tree_seconds(self.process), sum(one.memory_info().rss for one in tree) / 2**20


def _event(line: bytes) -> str:
    try:
        said = json.loads(line)
    except ValueError:
        return line.decode(errors="replace")[:60]
    return f"{said.get('event')} ({said['loop']})" if "loop" in said else str(said.get("event"))[:60]


@contextmanager
def running(name: str, args: list[str], env: dict[str, str], folder: Path) -> Iterator[Part]:
    """`fairgate NAME ARGS`; told to end with the block."""
    log = folder / f"{name}.log"
    command = [sys.executable, "-m", "fairgate.cli.main", name, *args]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        yield Part(name, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# -- second by second ---------------------------------------------------------------------------


@dataclass(slots=True)
class Second:
    """What was seen since the last line."""

    told: list[Told] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    live: str = ""
    ready: str = ""
    metrics: str = ""
    figures: Counter[str] = field(default_factory=Counter)


class Timeline:
    """Looks every second, and prints what changed."""

    def __init__(self, load: Load, parts: list[Part], home: Path, zero: float) -> None:
        self.zero = zero  # seconds of the monotonic clock: the moment of the kill
        self.lines_logged: Counter[str] = Counter()  # by phase and part
        self.slowest: dict[str, tuple[float, int]] = {}  # by phase: ms and second
        self._load, self._parts, self._home = load, parts, home
        self._since = Second()
        self._said: set[str] = set()
        self._figures: Counter[str] = Counter()
        self._spent = self._all_spent()
        self._printed_at = 0.0
        self._phase = ""
        self._late = 0.0  # seconds: how long a client that shares the machine waited for a processor

    async def run(self, stop: asyncio.Event) -> None:
        async with httpx.AsyncClient(base_url=self._load.url, timeout=10) as client:
            at = time.monotonic()
            while not stop.is_set():
                at += 1.0
                await asyncio.sleep(max(0.0, at - time.monotonic()))
                self._late = max(self._late, time.monotonic() - at)
                await self._look(client)

    def say(self, text: str) -> None:
        """A line of its own, of something that was done; what is new is new again after it."""
        self._phase = text
        self._said.clear()
        print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)

    async def _look(self, client: httpx.AsyncClient) -> None:
        seen = self._since
        (seen.live, _), (seen.ready, _), (seen.metrics, text) = await asyncio.gather(
            *(_get(client, path) for path in ("/health/live", "/health/ready", "/metrics"))
        )
        seen.figures = _figures(text) if text else self._figures
        seen.told.append(self._load.take())
        for part in self._parts:
            found = part.events()
            seen.events += found
            self.lines_logged[self._phase, part.name] += found.total()
        self._keep_slowest(seen.told[-1])
        marks = self._marks(seen)
        if marks - self._said or time.monotonic() - self._printed_at >= QUIET_S:
            self._said |= marks
            self._print(seen)

    def _keep_slowest(self, told: Told) -> None:
        slowest = max(told.took_ms, default=0.0), round(time.monotonic() - self.zero)
        self.slowest[self._phase] = max(self.slowest.get(self._phase, (0.0, 0)), slowest)

    def _marks(self, seen: Second) -> set[str]:
        """What makes a line worth its place when it is new since something was last done."""
        statuses = {f"{kind} {status}" for told in seen.told for kind, status in told.by_status}
        slow = {f"slow {kind} {ms // 1000:.0f}" for told in seen.told for kind, ms in told.slowest.items() if ms > 1000}
        return {*statuses, *slow, *seen.events, f"ready {seen.ready[:3]}", f"live {seen.live[:3]}"}

    def _print(self, seen: Second) -> None:
        now = time.monotonic()
        spent, memory = self._all_spent()
        by_status: Counter[int] = Counter()
        for told in seen.told:
            for (_, status), times in told.by_status.items():
                by_status[status] += times
        took = sorted(ms for told in seen.told for ms in told.took_ms) or [0.0]
        good = sum(by_status[status] for status in DONE)
        other = by_status.total() - good - by_status[503] - by_status[NO_ANSWER]
        delta = {name: seen.figures[name] - self._figures[name] for name in seen.figures}
        seconds = len(seen.told)
        columns = (
            f"{now - self.zero:+5.0f}  {good:7} {by_status[503]:4} {other:5} {by_status[NO_ANSWER]:4}  ",
            f"{sum(told.recorded for told in seen.told):8} {sum(told.retry_after for told in seen.told):11} ",
            f"{took[len(took) // 2]:7.1f} {took[-1]:7.0f} {self._late * 1000:5.0f} ",
            f"{seen.live:>4} {seen.ready:>5} {seen.metrics:>7} ",
            f"{delta.get('away', 0):5.0f} {delta.get('kept', 0):5.0f} {seen.figures['line']:4.0f} ",
            f"{held(self._home / 'journal') / 1024:7.1f} ",
            f"{(spent - self._spent[0]) / seconds * 100:4.0f} {memory:5.0f} ",
            _in_words(seen),
        )
        print(" ".join(columns), flush=True)
        self._since, self._figures, self._spent, self._printed_at = Second(), seen.figures, (spent, memory), now
        self._late = 0.0

    def _all_spent(self) -> tuple[float, float]:
        """Of the server."""
        return self._parts[0].spent()


async def _get(client: httpx.AsyncClient, path: str) -> tuple[str, str]:
    """Status, with its milliseconds where they are many; and the body."""
    begun = time.monotonic()
    try:
        answer = await client.get(path)
    except httpx.HTTPError as error:
        return type(error).__name__[:7], ""
    ms = (time.monotonic() - begun) * 1000
    return f"{answer.status_code}" + (f"/{ms:.0f}" if ms > 100 else ""), answer.text


def _figures(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in text.splitlines():
        for start, column in METRICS.items():
            if line.startswith(start):
                found[column] += float(line.rpartition(" ")[2])  # type: ignore[assignment]
    return found


def _in_words(seen: Second) -> str:
    """Log events with how often, and what took longer than a second."""
    slow: dict[str, float] = {}
    for told in seen.told:
        for kind, ms in told.slowest.items():
            slow[kind] = max(slow.get(kind, 0.0), ms)
    return "; ".join(
        [f"{event} x{times}" if times > 1 else event for event, times in sorted(seen.events.items())]
        + [f"[{kind} took {slow[kind] / 1000:.1f} s]" for kind in KINDS if slow.get(kind, 0.0) > 1000]
    )


# -- the whole ----------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the database is away")
    parser.add_argument("--rate", type=float, default=60.0, help="requests a second")
    parser.add_argument("--after", type=float, default=2.0, help="minutes that it goes on afterwards")
    parser.add_argument("--keep", type=Path, help="where the parts' logs go, if they are wanted")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fairgate-away-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        _rehearse_and_run(folder, options)


def _rehearse_and_run(folder: Path, options: argparse.Namespace) -> None:
    home, tokens = folder / "home", folder / "tokens.csv"
    seconds = BEFORE_S + 60 * (options.minutes + options.after) + 60
    offers = round(seconds * options.rate * 2 / len(KINDS)) + 1000
    print(machine.described(folder), flush=True)
    postgres = Postgres(folder / "postgres")
    url = postgres.start()
    try:
        env = environment(home, url)
        fairgate("migrate", "--profile", str(PROFILE), env=env)
        wanted = {"registrations": offers + OTHERS, "offers": offers, "tokens": tokens}
        fairgate("rehearse", *(part for name, value in wanted.items() for part in (f"--{name}", str(value))), env=env)
        lines = [line.split(",") for line in tokens.read_text().splitlines()]
        people = [(number, token) for number, token, what in lines if what == "offer"]
        print(f"- {offers} open offers; {options.rate:g} requests a second of {', '.join(KINDS)}", flush=True)
        _run(postgres, url, folder, env, people, options)
    finally:
        postgres.stop()
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            for log in folder.glob("*.log"):
                (options.keep / log.name).write_bytes(log.read_bytes())


def _run(
    postgres: Postgres,
    url: str,
    folder: Path,
    env: dict[str, str],
    people: list[tuple[str, str]],
    options: argparse.Namespace,
) -> None:
    home, port = folder / "home", _free_port()
    base = f"http://127.0.0.1:{port}"
    with ExitStack() as open_:
        serve = ["--port", str(port), "--workers", "2"]
        parts = [open_.enter_context(running("serve", serve, env, folder))]
        _await_ready(base)
        parts.append(open_.enter_context(running("worker", [], env, folder)))
        parts.append(open_.enter_context(running("watch", [base], env, folder)))
        load = Load(port, options.rate, people, _drawn(home), keys.load(home))
        book = away_end.Book(url, home, load, away_end.deadline_of(base, people[-1][1]))
        timeline = Timeline(load, parts, home, time.monotonic() + BEFORE_S)
        print(HEAD, flush=True)
        timeline.say("load begins")
        with _in_a_loop(load, timeline):
            time.sleep(BEFORE_S)
            postgres.kill()
            timeline.say("PostgreSQL is killed")
            killed_at = time.time()
            time.sleep(60 * options.minutes)
            postgres.start()
            timeline.say("PostgreSQL is started again")
            time.sleep(60 * options.after)
            timeline.say("load ends")
        _print_logged(timeline)
        away_end.compare(book, killed_at)


@contextmanager
def _in_a_loop(load: Load, timeline: Timeline) -> Iterator[None]:
    """Load and timeline go on in a thread while the block runs: the main one starts PostgreSQL."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def both() -> None:
        await asyncio.gather(load.run(stop), timeline.run(stop))

    thread = threading.Thread(target=loop.run_until_complete, args=(both(),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def _print_logged(timeline: Timeline) -> None:
    print("\nlog lines, by what had been done last:")
    for (phase, part), lines in timeline.lines_logged.items():
        print(f"  {phase}: {part} {lines}")
    print("slowest answer:")
    for phase, (ms, second) in timeline.slowest.items():
        print(f"  {phase}: {ms:.0f} ms, at {second:+d} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_ready(base: str) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{base}/health/ready", timeout=5).is_success:
                return
        time.sleep(0.1)
    raise SystemExit("away: fairgate serve does not get ready")


def _drawn(home: Path) -> str:
    """The newest round whose results the worker has published."""
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        found = sorted(path.name for path in (home / "public" / "results").glob("[0-9]*"))  # no draft of it
        if found:
            return found[-1]
        time.sleep(0.1)
    raise SystemExit("away: the worker publishes no results")


if __name__ == "__main__":
    main()
