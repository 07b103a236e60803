"""How fast the gate is, beside pgbench on the same cluster: script/bench [--quick] [--json FILE] [--profile]

Makes a new PostgreSQL cluster (durable: fsync and synchronous_commit are on) and in it a database with 200,000 open
offers, and measures each path of `fairgate serve` with wrk. Whatever writes begins from a fresh copy of that database,
each time; so does pgbench. Everything runs on this machine: clients, server and database share its processors.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import hottest
import machine
import pgbench
import statements
import table
import wrk
from ground import ROOT, Ground, Server, prepared, serving, settings_of
from table import Proof, Row
from wrk import Load, acting, officiating, reading

from fairgate.core import tiles, tokens
from fairgate.store import keys
from fairgate.store.ledger_files import LedgerFiles

CONNECTIONS = (32, 256, 512)
WARM_S = 1.0
WARM_SHARE = 10  # one in so many people is there to warm the server up, and does not come again
SETTLE_S = 0.5  # until what was in hand when wrk went away is committed
PROFILED_AT = 256  # connections


class Size(NamedTuple):
    """People, and seconds for each measurement."""

    offers: int
    appointments: int
    others: int
    seconds: float

    @property
    def registrations(self) -> int:
        return self.offers + self.appointments + self.others


WHOLE = Size(200_000, 40_000, 20_000, 4)
QUICK = Size(40_000, 16_000, 4_000, 2)

OFFICER_S = 3600
NAMED_SHORT = 1000  # so many tiles have names of three digits
CONFIRMED = "SELECT count(*) FROM offer WHERE state = 'confirmed'"
LEAVES = "SELECT size FROM ledger"


class Bench:
    """Measures on a ground and collects rows and proofs."""

    def __init__(self, ground: Ground, size: Size, workers: int, *, statuses: bool) -> None:
        self._ground = ground
        self._size = size
        self._workers = workers
        self._statuses = statuses
        self.rows: list[Row] = []
        self.proofs: list[Proof] = []

    def everything(self) -> None:
        script = self._script()
        loads = self._writing()
        for connections in CONNECTIONS:
            self._bare(connections)
            self._one_by_one(script, connections)
            self._write(loads[0], connections)
        for load in loads[1:]:
            for connections in CONNECTIONS:
                self._write(load, connections)
        self._ground.fresh()
        with serving(self._ground, self._workers) as server:
            for load in self._reading():
                for connections in CONNECTIONS:
                    self._measure(load, server, connections)

    def profile(self) -> list[str]:
        """Where the time of a server's only worker goes while confirmations come in."""
        load = self._writing()[0]
        self._ground.fresh()
        with serving(self._ground, 1) as server:
            wrk.run(load, server.port, PROFILED_AT, WARM_S, self._ground.folder)
            with ThreadPoolExecutor(1) as threads:
                more = dataclasses.replace(load, people=load.people[::-1])
                seconds = hottest.SECONDS + 2
                loading = threads.submit(wrk.run, more, server.port, PROFILED_AT, seconds, self._ground.folder)
                time.sleep(1)
                found = hottest.lines(server.workers()[0].pid, self._ground.folder)
                answered = loading.result()
        return [f"{answered.rate:,.0f} confirmations/s at {PROFILED_AT} connections while it was watched", *found]

    # -- pgbench -------------------------------------------------------------------------------

    def _script(self) -> str:
        """The statements of one confirmation, taken down on a copy."""
        url = self._ground.fresh()
        numbers = [number for number, _ in self._ground.people.offer[-20:]]
        said, done = statements.captured(url, numbers)
        script = pgbench.NEXT_ID + statements.as_script(url, said, done)
        (self._ground.folder / "one-act.sql").write_text(script)
        return script

    def _bare(self, clients: int) -> None:
        self._pgbench(table.BARE, pgbench.BARE, "id", clients)

    def _one_by_one(self, script: str, clients: int) -> None:
        self._pgbench(table.ONE_BY_ONE, script, "registration_id", clients)

    def _pgbench(self, path: str, script: str, column: str, clients: int) -> None:
        url = self._ground.fresh()
        first = self._ground.one(f"SELECT min({column}) FROM offer WHERE state = 'offered'")
        ids = range(first, first + len(self._ground.people.offer))
        stored, at, spent = self._ground.one(CONFIRMED), datetime.now(UTC), self._ground.postgres_seconds
        ran = pgbench.run(script, url, ids, clients, self._size.seconds, self._ground.folder, spent)
        self.proofs.append(Proof(path, clients, ran.transactions, self._ground.one(CONFIRMED) - stored))
        self._add(
            Row(
                path=path,
                connections=clients,
                rate=ran.rate,
                p50=ran.p50,
                p99=ran.p99,
                errors=ran.failed,
                gate_ms=None,
                postgres_ms=ran.postgres_ms,
                rss=None,
                pss=None,
                at=at,
                seconds=self._size.seconds,
            )
        )

    # -- wrk -----------------------------------------------------------------------------------

    def _writing(self) -> list[Load]:
        people, secret = self._ground.people, keys.load(self._ground.home)
        until = int(time.time()) + OFFICER_S
        officer = tokens.sign(secret, tokens.OFFICER, {"name": "bench", "until": until})
        # The second time round a registration asks for other ports again, so that every request changes something.
        ports = """(again % 2 == 0) and '{"ports":["CAL","EGP","LRD"]}' or '{"ports":["NOG","CAL"]}'"""
        arrived = """'{"number":"' .. number .. '"}'"""
        return [
            Load("confirm", people.offer, acting("/api/v1/me/confirm"), once=True),
            Load("decline", people.offer, acting("/api/v1/me/decline"), once=True),
            Load("request", people.none, acting("/api/v1/me/request", ports)),
            Load("check-in", people.appointment, officiating("/api/v1/staff/check-in", officer, arrived), once=True),
        ]

    def _reading(self) -> list[Load]:
        everybody = self._ground.people.everybody
        drawn = max(folder.name for folder in (self._ground.home / "public" / "results").iterdir())
        token = '"Authorization: Bearer " .. token .. "\\r\\n"'
        zipped = '"Accept-Encoding: gzip\\r\\n"'
        full = min(LedgerFiles(self._ground.home).size() // tiles.WIDTH, NAMED_SHORT)
        shard = f'string.format("/results/{drawn}/%03x", (at * 613 + again) % 4096)'
        tile = f'string.format("/ledger/tile/0/%03d", (at * 613 + again) % {full})'
        bundle = f'"/draws/{drawn}/" .. (at % 2 == 0 and "manifest.json" or "beacon.json")'
        return [
            Load("me", everybody, reading('"/api/v1/me"', token)),
            *(Load(what, everybody, reading(path, zipped)) for what, path in (("shard", shard), ("tile", tile))),
            Load("bundle", everybody, reading(bundle, zipped)),
            Load("Django page", everybody, reading('"/"', zipped)),
        ]

    def _write(self, load: Load, connections: int) -> None:
        self._ground.fresh()
        counted = CONFIRMED if load.path == "confirm" else LEAVES
        with serving(self._ground, self._workers) as server:
            before, answered = self._measure(load, server, connections, counted)
            time.sleep(SETTLE_S)
            stored = self._ground.one(counted) - before
        if not (load.once and answered.turns):
            self.proofs.append(Proof(load.path, connections, answered.good, stored))

    def _measure(self, load: Load, server: Server, connections: int, counted: str = LEAVES) -> tuple[int, wrk.Answered]:
        """Warm up, then measure; what was counted in the database in between, and what came back."""
        ground, size = self._ground, self._size
        held = len(load.people) // WARM_SHARE
        warming = dataclasses.replace(load, people=load.people[-held:])
        wrk.run(warming, server.port, connections, WARM_S, ground.folder)
        time.sleep(SETTLE_S)
        before = ground.one(counted)
        at, gate, postgres = datetime.now(UTC), server.seconds(), ground.postgres_seconds()
        measured = dataclasses.replace(load, people=load.people[:-held])
        answered = wrk.run(measured, server.port, connections, size.seconds, ground.folder, statuses=self._statuses)
        gate, postgres = server.seconds() - gate, ground.postgres_seconds() - postgres
        rss, pss = server.memory()
        if load.once and answered.turns:
            print(
                f"bench: {load.path} ran out of people after {len(measured.people)} acts; the rest was done already",
                file=sys.stderr,
            )
        self._add(
            Row(
                path=load.path,
                connections=connections,
                rate=answered.rate,
                p50=answered.p50,
                p99=answered.p99,
                errors=answered.bad + answered.broken,
                gate_ms=1000 * gate / max(answered.requests, 1),
                postgres_ms=1000 * postgres / max(answered.requests, 1),
                rss=rss,
                pss=pss,
                at=at,
                seconds=answered.seconds,
                by_status=answered.by_status,
            )
        )
        return before, answered

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        rate = f"{row.rate:>9,.0f}/s  p50 {row.p50:.1f} ms  p99 {row.p99:.1f} ms"
        print(f"bench: {row.path:<22} {row.connections:>4} {rate}  errors {row.errors}", file=sys.stderr)


def main(given: Sequence[str]) -> int:
    asked = _arguments(given)
    size = QUICK if asked.quick else WHOLE
    if asked.offers:
        size = size._replace(offers=asked.offers, appointments=asked.offers // 5, others=asked.offers // 10)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fairgate-bench-", dir=asked.folder) as folder:
        place = machine.described(Path(folder))
        print(place)
        with prepared(Path(folder), size.registrations, size.offers, size.appointments) as ground:
            settings = settings_of(ground)
            print("- PostgreSQL: " + ", ".join(f"{name} {value}" for name, value in settings.items()))
            print(f"- {size.offers:,} open offers and {size.appointments:,} appointments of today,", end=" ")
            print(f"ready after {time.monotonic() - began:.0f} s; serve with {asked.workers} workers\n", flush=True)
            bench = Bench(ground, size, asked.workers, statuses=asked.statuses)
            if asked.profile:
                print("\n".join(bench.profile()))
                return 0
            bench.everything()
    print(table.of_rates(bench.rows))
    print(table.best(bench.rows))
    print(table.of_proofs(bench.proofs))
    drawn = None if asked.quick or asked.no_draw else _draw()
    print(f"\nThe whole took {time.monotonic() - began:.0f} s.")
    if asked.json:
        kept = {"machine": place, "settings": settings, "draw": drawn}
        kept |= {"rows": bench.rows, "proofs": bench.proofs, "workers": asked.workers, "offers": size.offers}
        asked.json.write_text(json.dumps(kept, default=_plain, indent=1) + "\n")
    return 0 if all(proof.holds for proof in bench.proofs) else 1


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer offers and shorter runs, without the draw")
    parser.add_argument("--offers", type=int, metavar="N", help="so many open offers, others in proportion")
    parser.add_argument("--no-draw", action="store_true", help="leave the draw of millions out")
    parser.add_argument("--profile", action="store_true", help="say in which lines a worker spends a confirm load")
    parser.add_argument("--statuses", action="store_true", help="count answers by status, which costs wrk some speed")
    parser.add_argument("--workers", type=int, default=2, help="processes of fairgate serve (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the raw numbers go")
    parser.add_argument("--folder", type=Path, help="where the database is made; else the system's temporary folder")
    return parser.parse_args(given)


def _draw() -> str:
    """What bench/draw.py measures, in a process of its own."""
    print(flush=True)
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "draw.py")], text=True, stdout=subprocess.PIPE, check=False
    )
    print(done.stdout)
    return done.stdout


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
