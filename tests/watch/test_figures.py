"""What a watcher shows to Prometheus, and the alert rules that read it."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from fairgate.core.outages import Sample
from fairgate.gate import figures as gate
from fairgate.watch.figures import LONGEST, SECONDS, WINDOWS, Figures, shown
from service import free_port
from vectors import ROOT

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
TICK = timedelta(seconds=10)
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"


def tried(figures: Figures, results: str, until: datetime = NOON) -> None:
    """Samples, one letter each, the last one at `until`: o for one that worked, x for one that failed."""
    first = until - (len(results) - 1) * TICK
    for i, result in enumerate(results):
        figures.tried(Sample(first + i * TICK, int(result == "o"), int(result == "x")))


def scraped(figures: Figures) -> dict[tuple[str, str], float]:
    """What comes over HTTP, by name and labels."""
    port = free_port()
    with shown(figures, ("127.0.0.1", port)):
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(one.name, ",".join(f"{k}={v}" for k, v in one.labels.items())): one.value for one in samples}


# -- burn rates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "rates"),
    [
        ("o" * 400, {"5m": 0, "1h": 0, "6h": 0, "3d": 0}),
        ("x" * 400, {"5m": 1000, "1h": 1000, "6h": 1000, "3d": 1000}),
        ("o" * 9 + "x", {"5m": 100, "1h": 100, "6h": 100, "3d": 100}),
        ("x" + "o" * 29, {"5m": 1000 / 30, "1h": 1000 / 30}),
        ("x" + "o" * 30, {"5m": 0, "1h": 1000 / 31}),
        ("o" * 1000 + "x" * 6 + "o" * 354, {"5m": 0, "1h": 6 / 360 * 1000, "6h": 6 / 1360 * 1000}),
        ("x" + "o" * 359, {"1h": 1000 / 360}),
        ("x" + "o" * 360, {"1h": 0, "6h": 1000 / 361}),
        ("x" + "o" * 2160, {"6h": 0, "3d": 1000 / 2161}),
    ],
)
def test_a_burn_rate_says_how_many_times_as_many_failed_as_may(results: str, rates: dict[str, float]) -> None:
    figures = Figures()
    tried(figures, results)
    assert {name: figures.burn_rate(WINDOWS[name]) for name in rates} == pytest.approx(rates)


def test_without_samples_nothing_is_known() -> None:
    assert math.isnan(Figures().burn_rate(LONGEST))


def test_what_is_older_than_three_days_is_forgotten() -> None:
    figures = Figures()
    tried(figures, "x" * 20, NOON - LONGEST)
    tried(figures, "o" * 10)
    assert figures.burn_rate(LONGEST) == 0
    assert len(figures._samples) == 10


# -- /metrics -----------------------------------------------------------------------------------


def test_metrics_say_what_was_tried_how_long_it_took_and_what_waits() -> None:
    figures = Figures()
    tried(figures, "oox")
    for seconds in (0.04, 0.3, 0.31, 60):
        figures.took(seconds)
    figures.looked(True)
    figures.waiting = 7
    found = scraped(figures)
    assert found["fairgate_canary_total", "result=ok"] == 2
    assert found["fairgate_canary_total", "result=failed"] == 1
    buckets = {key[1]: value for key, value in found.items() if key[0] == "fairgate_canary_seconds_bucket"}
    assert len(buckets) == len(SECONDS) + 1
    assert [buckets[f"le={le}"] for le in ("0.05", "0.2", "0.3", "0.5", "10.0", "+Inf")] == [1, 1, 2, 3, 3, 4]
    assert found["fairgate_canary_seconds_count", ""] == 4
    assert found["fairgate_canary_seconds_sum", ""] == pytest.approx(60.65)
    assert found["fairgate_canary_burn_rate", "window=1h"] == pytest.approx(1000 / 3)
    assert found["fairgate_canary_timestamp_seconds", ""] == NOON.timestamp()
    assert found["fairgate_watch_samples_waiting", ""] == 7
    assert found["fairgate_watch_looks_total", "result=done"] == 1
    assert found["fairgate_watch_looks_total", "result=failed"] == 0


def test_before_the_first_sample_all_of_it_is_there_already() -> None:
    found = scraped(Figures())
    assert found["fairgate_canary_total", "result=failed"] == 0
    assert found["fairgate_canary_timestamp_seconds", ""] == 0, "so that a watcher that never begins is silent too"
    assert math.isnan(found["fairgate_canary_burn_rate", "window=5m"])


def test_without_an_address_nothing_listens() -> None:
    with shown(Figures(), None):
        pass


# -- the alert rules ----------------------------------------------------------------------------

_NAMED = re.compile(r"(fairgate_[a-z_]+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r'([a-z_]+)="([^"]*)"')
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


def exported() -> dict[str, set[str]]:
    """The names of all series that gates and watchers show, with the labels that each may have."""
    of_gate = {one for one in vars(gate).values() if hasattr(one, "_labelnames")}
    found = {family.name + suffix: set() for family in Figures().collect() for suffix in SUFFIXES[family.type]}
    for family in Figures().collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    for metric in of_gate:
        [family] = metric.describe()
        for suffix in SUFFIXES[family.type]:
            found[family.name + suffix] = set(metric._labelnames)
    return found


def test_every_series_of_the_rules_is_shown_by_gates_or_watchers() -> None:
    known = exported()
    assert len(known) > 15
    assert {family.name for family in REGISTRY.collect()} & {"fairgate_acts", "fairgate_unanswered"}
    named = [(rule["alert"], *found) for rule in rules() for found in _NAMED.findall(rule["expr"])]
    assert len(named) > 10
    for alert, name, labels in named:
        assert name in known, f"{alert} reads {name}, which nothing shows"
        for label, value in _LABEL.findall(labels):
            assert label in known[name], f"{alert}: {name} has no label {label}"
            if label == "window":
                assert value in WINDOWS
            if name.startswith("fairgate_watch_looks"):
                assert value in ("done", "failed")


def test_every_rule_says_how_urgent_it_is_what_is_wrong_and_where_to_read() -> None:
    found = list(rules())
    assert len({rule["alert"] for rule in found}) == len(found) >= 8
    for rule in found:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        assert (ROOT / rule["annotations"]["runbook"]).is_file()


def test_the_page_about_watchers_names_every_series_and_every_alert() -> None:
    page = Path(ROOT / "docs" / "operations" / "watch.md").read_text(encoding="utf-8")
    for family in Figures().collect():
        assert family.name + SUFFIXES[family.type][0].replace("_bucket", "") in page
    for rule in rules():
        assert f"`{rule['alert']}`" in page
