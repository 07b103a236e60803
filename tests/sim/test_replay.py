"""Each scenario beside the profile goes through the real commands, and nobody in it loses a place by system fault."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from databases import Databases
from fairgate.cli.replay import answer_of, unmet_expectations
from fairgate.sim.ending import End, Ending, ending
from fairgate.sim.hours import hours
from fairgate.sim.replay import Replayed, replay
from fairgate.sim.scenario import parse
from fairgate.store import profiles
from vectors import ROOT

PROFILE = ROOT / "profiles" / "southwest-border"
FILES = sorted(path for path in (PROFILE / "incidents").glob("*.json") if not path.name.endswith(".result.json"))
SOON = timedelta(seconds=60)  # from the third bad sample, which comes after 30 s


class Told:
    """A scenario that was gone through, and its tables as they were then."""

    def __init__(self, conn: psycopg.Connection, home: Path, file: Path, texts: dict[str, str]) -> None:
        self.made: Replayed = replay(conn, home, parse(file.read_bytes(), file.name), texts)
        self.end: Ending = ending(conn, self.made)
        rows = conn.execute("SELECT registration_id, program, at FROM attempt").fetchall()
        self.attempts = len(rows)

    def places(self, what: End, *, fixed: bool = False) -> int:
        side = self.end.fixed if fixed else self.end.ours
        return side[what].places if what in side else 0


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def one(request: pytest.FixtureRequest, databases: Databases, tmp_path_factory) -> Iterator[tuple[str, Told]]:
    """Every scenario, each gone through once."""
    home = tmp_path_factory.mktemp("home")
    with databases.new() as dsn, psycopg.connect(dsn, autocommit=True) as conn:
        yield request.param.stem, Told(conn, home, request.param, profiles.read_folder(PROFILE))


def test_nobody_loses_a_place_and_all_that_the_file_expects_is_so(one):
    name, found = one
    assert list(unmet_expectations(found.made, found.end)) == [], name
    assert found.places(End.LOST) == 0
    tried = [holder for holder in found.made.holders if holder.failed]
    assert tried, "somebody was failed, or this scenario shows nothing"


def test_whoever_was_failed_and_came_back_has_the_place_or_can_still_have_it(one):
    _, found = one
    left = [h for h in found.made.holders if h.failed and h.how is None and not h.gave_up and not h.gone]
    until = found.made.scenario.until
    assert [h for h in left if h.tries[-1].at < until - found.made.scenario.people.after_notice * 2] == []


def test_the_status_page_said_so_within_a_minute_of_the_third_bad_sample(one):
    name, found = one
    first = next(stage for stage in found.made.scenario.stages if not stage.works)
    if name == "found-later":  # when it became known, it was over, and that was known too
        assert [seen.interrupted_since for seen in found.made.seen] == [None]
        return
    noticed = next(seen.at for seen in found.made.seen if seen.interrupted_since is not None)
    known = {"power-cut": "2026-03-17T19:00:00+00:00", "failover": "2026-03-16T16:04:40+00:00"}
    could_be_known = datetime.fromisoformat(known[name]) if name in known else first.start
    assert noticed - could_be_known <= timedelta(seconds=30) + SOON


def test_every_outage_was_told_to_everybody_before_the_clock_ran_again(one):
    _, found = one
    for recorded in found.made.outages:
        outage = recorded.outage
        assert outage.end is not None
        assert outage.notice_at is not None
        assert outage.notice_at > outage.end
        assert [t for t in found.made.told if t.kind == "outage over" and t.at > outage.notice_at] == []


def test_deadlines_only_got_later_and_hours_add_up(one):
    _, found = one
    assert all(window.last is not None and window.last >= window.first for window in found.end.windows)
    counted = hours(found.made)
    assert sum(hour.offered for hour in counted) == len(found.made.holders)
    assert sum(hour.tried for hour in counted) == sum(len(holder.tries) for holder in found.made.holders)
    assert sum(hour.confirmed for hour in counted) == sum(holder.how is not None for holder in found.made.holders)


def test_each_scenario_shows_what_it_is_there_for(one):
    name, found = one
    lost_before = found.places(End.LOST, fixed=True)
    given_up = [told for told in found.made.told if not told.arrived]
    [outage] = [recorded.outage for recorded in found.made.outages]
    if name == "2024-05-21":
        assert lost_before > 400
        assert found.places(End.STAYED_AWAY) > 0
    elif name == "power-cut":
        assert found.attempts == 0
        assert lost_before > 0
    elif name == "sms-down":
        assert given_up
        assert outage.notice_at - outage.end >= timedelta(hours=4)
    elif name == "found-later":
        assert outage.notice_at - outage.end >= timedelta(days=2) - timedelta(minutes=1)
        refused_first = [h for h in found.made.holders if h.how and [t.through for t in h.tries].count(True) > 1]
        assert refused_first, "somebody came after the deadline, was refused, and has the place now"
    elif name == "failover":
        assert outage.end - outage.start <= timedelta(seconds=60)
    elif name == "clock-change":
        assert outage.end - outage.start == timedelta(hours=3, minutes=15, seconds=10)
    else:
        assert name == "flapping"
        assert outage.end - outage.start > timedelta(hours=5)


def test_the_page_and_the_document_about_it_say_what_comes_out(one):
    """`fairgate replay … --result` writes the file anew; the page /how/outage reads it."""
    name, found = one
    if name != "2024-05-21":
        return
    answer = answer_of(found.made, found.end)
    assert json.loads((PROFILE / "incidents" / "2024-05-21.result.json").read_text()) == answer
    scenario = found.made.scenario
    assert (scenario.places, [day.isoformat() for day in scenario.results]) == (1450, ["2024-05-20", "2024-05-21"])
    lost = found.end.fixed[End.LOST]
    said = f"lost by system fault                                      0 (0)            {lost.places} ({lost.groups})"
    assert said in (ROOT / "docs" / "replay.md").read_text()


def test_places_are_lost_and_counted_where_the_rules_give_no_time(databases: Databases, tmp_path: Path):
    """The same people under a policy without any time after the notice: the count is not zero by construction."""
    texts = profiles.read_folder(PROFILE)
    hard = 'notice_floor = "0 min"\nlong_notice_floor = "0 min"\nin_line = "0 min"\nheld = "0 min"\n'
    texts["programs.toml"] = texts["programs.toml"].replace("[arrival.policy]", f"[arrival.policy]\n{hard}", 1)
    with databases.new() as dsn, psycopg.connect(dsn, autocommit=True) as conn:
        found = Told(conn, tmp_path, PROFILE / "incidents" / "found-later.json", texts)
    assert found.places(End.LOST) > 0
    assert "places lost by system fault: " in next(unmet_expectations(found.made, found.end))
