"""What was measured, as tables in markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

BARE = "pgbench, bare confirm"
ONE_BY_ONE = "pgbench, our statements"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. Latencies in ms; processor time in ms a request; memory in bytes; `seconds` it took."""

    path: str
    connections: int
    rate: float
    p50: float
    p99: float
    errors: int
    gate_ms: float | None
    postgres_ms: float
    rss: int | None
    pss: int | None
    at: datetime
    seconds: float
    by_status: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proof:
    """What the clients were told, and what the database has: the rest was under way when the clients went away."""

    path: str
    connections: int
    told: int
    stored: int

    @property
    def holds(self) -> bool:
        return self.told <= self.stored <= self.told + self.connections


def of_rates(rows: Sequence[Row]) -> str:
    """Every measurement with its ratios to pgbench at the same number of connections."""
    beside = {(row.path, row.connections): row.rate for row in rows}
    head = (
        *("path", "connections", "rate/s", "to bare", "to one by one", "p50 ms", "p99 ms", "errors"),
        *("serve ms/request", "PostgreSQL ms/request", "serve RSS / PSS MiB", "at (UTC)", "s"),
    )
    lines = []
    for row in rows:
        bare, one = (beside.get((path, row.connections)) for path in (BARE, ONE_BY_ONE))
        lines.append(
            (
                row.path,
                f"{row.connections}",
                f"{row.rate:,.0f}",
                _ratio(row.rate, bare),
                _ratio(row.rate, one),
                f"{row.p50:.1f}",
                f"{row.p99:.1f}",
                _errors(row),
                "" if row.gate_ms is None else f"{row.gate_ms:.3f}",
                f"{row.postgres_ms:.3f}",
                "" if row.rss is None or row.pss is None else f"{row.rss / 2**20:.0f} / {row.pss / 2**20:.0f}",
                f"{row.at:%H:%M:%S}",
                f"{row.seconds:.1f}",
            )
        )
    return _table(head, lines)


def best(rows: Sequence[Row]) -> str:
    """The best rate of confirming beside the best of each pgbench, whatever the number of connections."""
    most = {path: max(row.rate for row in rows if row.path == path) for path in ("confirm", BARE, ONE_BY_ONE)}
    confirm, bare, one = most.values()
    return (
        f"\nAt their best, with as many connections as suit each: confirm {confirm:,.0f}/s is {confirm / bare:.2f} of"
        f" pgbench with the bare confirm ({bare:,.0f}/s) and {confirm / one:.1f} times pgbench with our statements, one"
        f" act a transaction ({one:,.0f}/s)."
    )


def of_proofs(proofs: Sequence[Proof]) -> str:
    """What clients were told was done, beside what the database has."""
    head = ("path", "connections", "answered 200", "in the database", "more (under way at the end)", "")
    lines = [
        (
            p.path,
            f"{p.connections}",
            f"{p.told:,}",
            f"{p.stored:,}",
            f"{p.stored - p.told:,}",
            "" if p.holds else "WRONG",
        )
        for p in proofs
    ]
    return _table(head, lines)


def _ratio(rate: float, beside: float | None) -> str:
    return "" if not beside else f"{rate / beside:.2f}"


def _errors(row: Row) -> str:
    each = ", ".join(f"{count} of {status}" for status, count in row.by_status.items())
    return f"{row.errors} ({each})" if each else f"{row.errors}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    text = ["", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join([*text, *(f"| {' | '.join(line)} |" for line in lines)])
