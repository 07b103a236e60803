"""Each scenario beside the profile goes through the real commands, and nobody in it loses a place by system fault."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from databases import Databases
from fairgate.cli.replay import ENDS, answer_of, unmet_expectations
from fairgate.core.deadlines import Outage
from fairgate.core.outages import HEALTHY
from fairgate.sim.ending import End, Ending, ending
from fairgate.sim.hours import hours
from fairgate.sim.replay import Replayed, replay
from fairgate.sim.scenario import parse
from fairgate.store import profiles
from vectors import ROOT

PROFILE = ROOT / "profiles" / "southwest-border"
INCIDENTS = PROFILE / "incidents"
FILES = sorted(path.stem for path in INCIDENTS.glob("*.json") if not path.name.endswith(".result.json"))
SOON = timedelta(seconds=60)  # from the third bad sample, which comes after 30 s


class Told:
    """A scenario that was gone through."""

    def __init__(self, databases: Databases, home: Path, name: str, texts: dict[str, str]) -> None:
        self.name = name
        file = INCIDENTS / f"{name}.json"
        with databases.new() as dsn, psycopg.connect(dsn, autocommit=True) as conn:
            self.made: Replayed = replay(conn, home, parse(file.read_bytes(), file.name), texts)
            self.end: Ending = ending(conn, self.made)
            self.attempts = len(conn.execute("SELECT 1 FROM attempt").fetchall())

    def places(self, what: End, *, fixed: bool = False) -> int:
        side = self.end.fixed if fixed else self.end.ours
        return side[what].places if what in side else 0

    @property
    def outage(self) -> Outage:
        [one] = [recorded.outage for recorded in self.made.outages]
        return one


# -- what holds in all of them ------------------------------------------------------------------


def nobody_loses_a_place(found: Told) -> None:
    assert list(unmet_expectations(found.made, found.end)) == []
    assert found.places(End.LOST) == 0
    assert [h for h in found.made.holders if h.failed], "somebody was failed, or this scenario shows nothing"


def whoever_was_failed_and_came_back_has_the_place(found: Told) -> None:
    left = [h for h in found.made.holders if h.failed and h.how is None and not h.gave_up and not h.gone]
    may_still_come = found.made.scenario.until - found.made.scenario.people.after_notice * 2
    assert [h for h in left if h.tries[-1].at < may_still_come] == []


def the_status_page_said_so_within_a_minute(found: Told) -> None:
    seen = [seen for seen in found.made.seen if seen.interrupted_since is not None]
    if found.name in ("found-later", "hiccups"):  # known when it was over; never an outage
        assert seen == []
        return
    back = {"power-cut": "2026-03-17T19:00:00+00:00", "failover": "2026-03-16T16:04:40+00:00"}
    first = next(stage for stage in found.made.scenario.stages if not stage.works)
    could_be_known = datetime.fromisoformat(back[found.name]) if found.name in back else first.start
    assert seen[0].at - could_be_known <= timedelta(seconds=30) + SOON
    assert found.outage.end is not None
    assert found.made.seen[-1].interrupted_since is None
    assert timedelta() <= found.made.seen[-1].at - (found.outage.end + HEALTHY) <= SOON


def everybody_was_told_before_the_clock_ran_again(found: Told) -> None:
    for outage in (recorded.outage for recorded in found.made.outages):
        assert outage.end is not None
        assert outage.notice_at is not None
        assert outage.notice_at > outage.end
        assert [t for t in found.made.told if t.kind == "outage over" and t.at > outage.notice_at] == []


def deadlines_only_got_later(found: Told) -> None:
    assert all(window.last is not None and window.last >= window.first for window in found.end.windows)


def the_hours_add_up(found: Told) -> None:
    counted, holders = hours(found.made), found.made.holders
    assert sum(hour.offered for hour in counted) == len(holders)
    assert sum(hour.tried for hour in counted) == sum(len(holder.tries) for holder in holders)
    assert sum(hour.failed for hour in counted) == sum(len(holder.failed) for holder in holders)
    assert sum(hour.confirmed for hour in counted) == sum(holder.how is not None for holder in holders)


ALWAYS: tuple[Callable[[Told], None], ...] = (
    nobody_loses_a_place,
    whoever_was_failed_and_came_back_has_the_place,
    the_status_page_said_so_within_a_minute,
    everybody_was_told_before_the_clock_ran_again,
    deadlines_only_got_later,
    the_hours_add_up,
)


# -- what each of them is there to show ---------------------------------------------------------


def many_would_have_lost_a_place(found: Told) -> None:
    """The file that the page /how/outage reads, and the document, say what comes out: `--result` writes it anew."""
    assert found.places(End.STAYED_AWAY) > 0
    lost = found.end.fixed[End.LOST]
    assert lost.places > 400
    written = json.loads((INCIDENTS / "2024-05-21.result.json").read_text())
    assert written == answer_of(found.made, found.end)
    said = ENDS.format(End.LOST.value, "0 (0)", f"{lost.places} ({lost.groups})")
    assert said in (ROOT / "docs" / "replay.md").read_text()
    scenario = found.made.scenario
    assert (scenario.places, [day.isoformat() for day in scenario.results]) == (1450, ["2024-05-20", "2024-05-21"])


def nothing_is_left_of_the_tries(found: Told) -> None:
    assert found.attempts == 0
    assert found.places(End.LOST, fixed=True) > 0


def the_change_of_clocks_is_in_the_sum(found: Told) -> None:
    assert found.outage.end is not None
    assert found.outage.end - found.outage.start == timedelta(hours=3, minutes=15, seconds=10)


def less_than_a_minute_is_an_outage_too(found: Told) -> None:
    assert found.outage.end is not None
    assert timedelta(seconds=30) <= found.outage.end - found.outage.start <= timedelta(seconds=60)


def it_is_one_outage_until_it_works_for_a_quarter_of_an_hour(found: Told) -> None:
    assert found.outage.end is not None
    assert found.outage.end - found.outage.start > timedelta(hours=5)


def who_was_refused_has_the_place_afterwards(found: Told) -> None:
    assert found.outage.end is not None
    assert found.outage.notice_at is not None
    assert found.outage.notice_at - found.outage.end >= timedelta(days=2) - timedelta(minutes=1)
    assert [h for h in found.made.holders if h.how and [one.through for one in h.tries].count(True) > 1]


def places_are_held_and_people_in_line_served(found: Told) -> None:
    assert found.places(End.HELD) > 0
    assert found.places(End.IN_LINE) > 0
    assert found.made.outages == []


def the_clock_waits_for_notices_that_fail(found: Told) -> None:
    assert found.outage.end is not None
    assert found.outage.notice_at is not None
    assert [told for told in found.made.told if not told.arrived]
    assert found.outage.notice_at - found.outage.end >= timedelta(hours=4)


SHOWN: dict[str, Callable[[Told], None]] = {
    "2024-05-21": many_would_have_lost_a_place,
    "clock-change": the_change_of_clocks_is_in_the_sum,
    "failover": less_than_a_minute_is_an_outage_too,
    "flapping": it_is_one_outage_until_it_works_for_a_quarter_of_an_hour,
    "found-later": who_was_refused_has_the_place_afterwards,
    "hiccups": places_are_held_and_people_in_line_served,
    "power-cut": nothing_is_left_of_the_tries,
    "sms-down": the_clock_waits_for_notices_that_fail,
}


@pytest.mark.parametrize("name", FILES)
def test_in_this_scenario_no_place_is_lost(databases: Databases, tmp_path: Path, name: str) -> None:
    """One test a scenario: going through it is what takes time."""
    found = Told(databases, tmp_path, name, profiles.read_folder(PROFILE))
    for holds in (*ALWAYS, SHOWN[name]):
        holds(found)


def test_places_are_lost_and_counted_where_the_rules_give_no_time(databases: Databases, tmp_path: Path) -> None:
    """The same people under a policy without any time after the notice: the count is not zero by construction."""
    texts = profiles.read_folder(PROFILE)
    hard = 'notice_floor = "0 min"\nlong_notice_floor = "0 min"\nin_line = "0 min"\nheld = "0 min"\n'
    texts["programs.toml"] = texts["programs.toml"].replace("[arrival.policy]", f"[arrival.policy]\n{hard}", 1)
    found = Told(databases, tmp_path, "hiccups", texts)
    assert found.places(End.LOST) > 0
    assert "places lost by system fault: " in next(unmet_expectations(found.made, found.end))
