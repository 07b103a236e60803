"""The public state of the service, as the worker writes it."""

import json
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from fairgate.commands.evidence import RecordSample, record_samples
from fairgate.core.deadlines import Outage
from fairgate.core.places import moment
from fairgate.store import evidence, status
from fairgate.worker import loops
from time_world import TimeWorld


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    return TimeWorld(conn, tmp_path)


def told(world: TimeWorld) -> dict[str, object]:
    record_samples(world.conn, [RecordSample(world.now, "test", 1, 0)], now=world.now)
    loops.evidence(world.worker())
    found: dict[str, object] = json.loads(status.path(world.home).read_bytes())
    return found


def test_it_says_what_is_on_record_and_as_of_when(world: TimeWorld) -> None:
    assert told(world) == {"as_of": moment(world.now), "confirming": "works", "outages": [], "incidents": []}


def test_an_outage_that_lasts_interrupts_and_one_that_ended_is_told_for_ninety_days(world: TimeWorld) -> None:
    old, ended = (Outage(world.now - timedelta(days=d), world.now - timedelta(days=d - 1), None) for d in (92, 80))
    for outage in (old, ended, Outage(world.now - timedelta(minutes=5), None, None)):
        evidence.add_outage(world.conn, outage, world.now)
    found = told(world)
    assert found["confirming"] == "interrupted"
    outages = found["outages"]
    assert isinstance(outages, list)
    assert [outage["end"] for outage in outages] == [None, moment(ended.end)]
    assert status.path(world.home).stat().st_mode & 0o777 == 0o644
