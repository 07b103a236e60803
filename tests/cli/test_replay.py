"""`fairgate replay`: a database of its own that is gone afterwards, an exit code that says whether a place was lost."""

import json
import tempfile
from pathlib import Path

from vectors import ROOT

INCIDENTS = ROOT / "profiles" / "southwest-border" / "incidents"


def changed(tmp_path: Path, **changes: object) -> Path:
    """A short scenario, with some other values, and not in a profile."""
    made = json.loads((INCIDENTS / "failover.json").read_text())
    made |= {"groups": 20, "places": 40, "until": "2026-03-17T18:00:00Z"} | changes
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(made))
    return file


def test_it_prints_every_hour_and_who_lost_a_place(fairgate, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    file, result = changed(tmp_path), tmp_path / "result.json"
    # Nothing of a deployment is looked at, so an address that leads nowhere does no harm.
    env = {"TMPDIR": str(temporary), "DATABASE_URL": "postgresql://nowhere.invalid/none"}
    ended = fairgate("replay", file, "--profile", INCIDENTS.parent, "--result", result, env=env)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.decode().splitlines()
    assert lines[1].startswith("Times are those of America/New_York.")
    assert any(line.startswith("Mon 16 Mar 12:00 EDT") for line in lines)
    assert "places lost by system fault: 0" in lines
    assert json.loads(result.read_text())["places_lost"] == 0
    assert list(temporary.iterdir()) == [], f"something is left in {tempfile.gettempdir()}"


def test_an_expectation_that_is_not_met_is_exit_code_1(fairgate, tmp_path: Path) -> None:
    wrong = {"places_lost": 0, "outages": 7, "fixed_deadline_loses_at_least": 0}
    file = changed(tmp_path, expected=wrong)
    ended = fairgate("replay", file, "--profile", INCIDENTS.parent, "--json")
    assert ended.returncode == 1
    assert ended.stderr.decode() == f"fairgate: {file}: outages on record: 1, not 7\n"
    said = json.loads(ended.stdout)
    assert said["hours"][0]["offered"] > 0
    assert said["ending"]["outages"][0]["notice_at"]


def test_what_cannot_be_right_is_one_line(refused, tmp_path: Path) -> None:
    assert "is not there" in refused("replay", tmp_path / "none.json")
    assert "holds no profile" in refused("replay", changed(tmp_path))
    place = "scenario.json, places: 90000 are more than the 1450 that the profile has on 2026-04-06; give fewer"
    assert place in refused("replay", changed(tmp_path, places=90_000), "--profile", INCIDENTS.parent)
