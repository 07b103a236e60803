"""What the gate is measured on: a new cluster with a rehearsed database, a fresh copy of it for each run, a server."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import psycopg
import structlog

from fairgate.store import embedded, keys
from fairgate.store.databases import MAINTENANCE, named
from fairgate.worker.loops import Worker, publish, write_tiles

ROOT = Path(__file__).parents[1]
PROFILE = ROOT / "profiles" / "southwest-border"
TEMPLATE, COPY = "bench_template", "bench_run"
# What decides how much a commit costs, for the reader of the table. All but max_connections are PostgreSQL's defaults.
TOLD = (
    *("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_level", "wal_sync_method"),
    *("commit_delay", "shared_buffers", "max_wal_size", "checkpoint_timeout", "max_connections"),
)
READY_WITHIN_S = 60.0

structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING)
)  # what is printed is the table


class People(NamedTuple):
    """Numbers and bearer tokens: who has an open offer, an appointment today, neither."""

    offer: list[tuple[str, str]]
    appointment: list[tuple[str, str]]
    none: list[tuple[str, str]]

    @property
    def everybody(self) -> list[tuple[str, str]]:
        return [*self.offer, *self.appointment, *self.none]


@dataclass(frozen=True, slots=True)
class Ground:
    """A cluster (`url` is of one of its databases) with a template, and the folder in which everything is."""

    url: str
    folder: Path
    people: People
    postmaster: psutil.Process

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def copy_url(self) -> str:
        return named(self.url, COPY)

    def fresh(self) -> str:
        """A copy of the template in the place of the last one, everything on disk; its URL."""
        with psycopg.connect(named(self.url, MAINTENANCE), autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")
            conn.execute(f"CREATE DATABASE {COPY} TEMPLATE {TEMPLATE} STRATEGY file_copy")
            conn.execute("CHECKPOINT")
        return self.copy_url

    def one(self, query: str) -> int:
        """The number that a query on the copy gives."""
        with psycopg.connect(self.copy_url, autocommit=True) as conn:
            row = conn.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])

    def postgres_seconds(self) -> float:
        """Processor time of PostgreSQL, that of backends which have ended included.

        Read in nanoseconds: in hundredths of a second, hundreds of backends would each lose one.
        """
        total = sum(self.postmaster.cpu_times()[2:4])
        for one in (self.postmaster, *self.postmaster.children()):
            try:
                total += int(Path(f"/proc/{one.pid}/schedstat").read_text().split()[0]) / 1e9
            except (FileNotFoundError, ProcessLookupError):
                continue  # has ended in this moment
        return total


@contextmanager
def prepared(folder: Path, registrations: int, offers: int, appointments: int) -> Iterator[Ground]:
    """A new cluster in `folder` with a rehearsed template database; it ends with the block."""
    folder.chmod(0o755)
    with embedded.server(folder / "postgres", settings={"max_connections": "700"}) as url:
        env = environment(folder / "home", url)
        fairgate("migrate", "--profile", str(PROFILE), env=env)
        tokens = folder / "tokens.csv"
        wanted = {"registrations": registrations, "offers": offers, "appointments": appointments, "tokens": tokens}
        fairgate("rehearse", *(part for name, value in wanted.items() for part in (f"--{name}", str(value))), env=env)
        _publish(folder / "home", url)
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("VACUUM (ANALYZE)")
        with psycopg.connect(named(url, MAINTENANCE), autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE {psycopg.conninfo.conninfo_to_dict(url)['dbname']} RENAME TO {TEMPLATE}")
        pid = int((folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        yield Ground(url, folder, _people(tokens), psutil.Process(pid))


def settings_of(ground: Ground) -> dict[str, str]:
    with psycopg.connect(named(ground.url, MAINTENANCE)) as conn:
        return {name: conn.execute("SELECT current_setting(%s)", [name]).fetchone()[0] for name in TOLD}


def environment(home: Path, url: str) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": url, "FAIRGATE_HOME": str(home)}


def fairgate(*args: str, env: Mapping[str, str]) -> None:
    done = subprocess.run([sys.executable, "-m", "fairgate.cli.main", *args], env=env, check=False, capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"bench: fairgate {args[0]}: {done.stderr.decode().strip()}")


def _publish(home: Path, url: str) -> None:
    """Write the results and the ledger as the worker does, so that there are shards, bundles and tiles to ask for."""
    worker = Worker(home, keys.load(home), lambda: psycopg.connect(url, autocommit=True), source=None)
    for write in (publish, write_tiles):
        while write(worker):
            pass


def _people(tokens: Path) -> People:
    found: dict[str, list[tuple[str, str]]] = {"offer": [], "appointment": [], "none": []}
    for line in tokens.read_text().splitlines():
        number, token, what = line.split(",")
        found[what].append((number, token))
    return People(**found)


class Server:
    """A running `fairgate serve` and what it costs."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port = port
        self.process = psutil.Process(process.pid)

    def seconds(self) -> float:
        return tree_seconds(self.process)

    def memory(self) -> tuple[int, int]:
        """Resident and proportional set size of all its processes, bytes."""
        each = [one.memory_full_info() for one in (self.process, *self.process.children(recursive=True))]
        return sum(one.rss for one in each), sum(one.pss for one in each)

    def workers(self) -> list[psutil.Process]:
        """The processes that answer, busiest first."""
        return sorted(
            self.process.children(recursive=True) or [self.process], key=lambda one: -sum(one.cpu_times()[:2])
        )


@contextmanager
def serving(ground: Ground, workers: int) -> Iterator[Server]:
    """`fairgate serve` on the copy, ready to answer; ended with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "fairgate.cli.main", "serve", "--port", str(port), "--workers", str(workers)]
    with (ground.folder / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment(ground.home, ground.copy_url), stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        _await_ready(process, port, ground.folder / "serve.log")
        yield Server(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise SystemExit("bench: fairgate serve does not answer:\n" + "\n".join(log.read_text().splitlines()[-15:]))


def tree_seconds(process: psutil.Process) -> float:
    """Seconds of a processor that a process and all it started have used; of those that ended, what was waited for."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            total += sum(one.cpu_times()[:4])  # user, system, and both of its children that have ended
        except psutil.NoSuchProcess:
            continue  # has ended in this moment: its parent has it by now
    return total
