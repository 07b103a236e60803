"""`fairgate explain`: the known answers, and what is said of cases that cannot be right."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import vectors

OUTAGE = {"start": "2024-05-22T16:00:00Z", "end": "2024-05-22T18:30:00Z", "notice_at": "2024-05-22T19:00:00Z"}
CASE = {"zone": "America/Tijuana", "opened_at": "2024-05-21T19:00:00Z", "outages": [OUTAGE]}


@pytest.fixture
def answer(fairgate, tmp_path):
    def run(what, cases, *options):
        (tmp_path / "cases.json").write_text(json.dumps(cases))
        ended = fairgate("explain", what, tmp_path / "cases.json", *options)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return run


@vectors.needed
def test_the_known_deadlines_come_out_whether_they_are_in_the_file_or_not(answer):
    known = vectors.read("deadlines.json")
    asked = [{k: v for k, v in case.items() if k != "deadline"} for case in known]
    for case in asked:
        case["confirm"] = {k: v for k, v in case["confirm"].items() if k != "outcome"}
    for given in (known, asked):
        answers = answer("deadlines", given)
        assert all(each.pop("reasons") for each in answers)
        assert answers == known


@vectors.needed
def test_the_known_outages_come_out_whether_they_are_in_the_file_or_not(answer):
    known = vectors.read("outages.json")
    for given in (known, [{"samples": case["samples"]} for case in known]):
        answers = answer("outages", given, "--with-samples")
        assert all(each.pop("reasons") for each in answers)
        assert answers == known


def test_samples_are_repeated_only_when_asked_for(answer):
    assert "samples" not in answer("outages", [{"samples": [["2024-05-21T15:00:10Z", 1, 0]]}])[0]


def test_wrong_answers_in_the_file_are_computed_anew(answer):
    case = {**CASE, "deadline": "paused"}
    assert answer("deadlines", [case])[0]["deadline"] == "2024-05-23T19:00:00Z"


def test_the_reasons_give_the_sum_that_leads_to_the_deadline(answer):
    assert answer("deadlines", [CASE])[0]["reasons"] == [
        "Opened at 2024-05-21T19:00:00Z, plus 23:00:00: 2024-05-22T18:00:00Z.",
        "The outage from 2024-05-22T16:00:00Z to 2024-05-22T18:30:00Z took 2:30:00, which is given back; after the "
        "notice there is time until 2024-05-23T19:00:00Z: due 2024-05-23T19:00:00Z, rounded up 2024-05-23T19:00:00Z.",
    ]


def test_a_case_may_bring_its_own_policy(answer):
    case = {**CASE, "outages": [], "policy": {"window": "2 h"}}
    assert answer("deadlines", [case])[0]["deadline"] == "2024-05-21T21:00:00Z"


@pytest.mark.parametrize(
    ("what", "text", "told"),
    [
        ("deadlines", "{", "not JSON"),
        ("deadlines", "{}", "is not a list of cases"),
        ("deadlines", "[1]", "case 1: is not an object"),
        ("deadlines", json.dumps([{**CASE, "zone": "Mars"}]), "case 1, zone: "),
        ("deadlines", json.dumps([CASE, {**CASE, "opened_at": "yesterday"}]), "case 2, opened_at: "),
        ("deadlines", json.dumps([{**CASE, "outages": [{**OUTAGE, "end": 7}]}]), "case 1, outages[0], end: "),
        ("deadlines", json.dumps([{**CASE, "outages": [{**OUTAGE, "end": "2020-01-01T00:00:00Z"}]}]), "before"),
        ("deadlines", json.dumps([{**CASE, "outage": []}]), 'case 1, "outage": is not known'),
        ("deadlines", json.dumps([{**CASE, "policy": {"window": "long"}}]), "policy, window: "),
        (
            "deadlines",
            json.dumps([{**CASE, "confirm": {"now": None, "page_opened_at": None, "attempt_at": None}}]),
            "case 1, confirm, now: ",
        ),
        ("outages", json.dumps([{}]), "case 1, samples: is missing"),
        ("outages", json.dumps([{"samples": [["2024-05-21T15:00:10Z", -1, 0]]}]), "samples[0]: "),
        ("outages", json.dumps([{"samples": [["2024-05-21T15:00:10Z", True, 0]]}]), "samples[0]: "),
        ("outages", '[{"samples": [["2024-05-21T15:00:10Z", NaN, 0]]}]', "samples[0]: "),
        ("outages", "[" * 100_000, "inside each other"),
    ],
)
def test_a_case_that_cannot_be_right_is_named(refused, tmp_path, what, text, told):
    (tmp_path / "cases.json").write_text(text)
    assert told in refused("explain", what, tmp_path / "cases.json")


def test_a_file_that_is_not_utf_8_is_refused(refused, tmp_path):
    (tmp_path / "cases.json").write_bytes(b'[{"zone": "\xff"}]')
    assert "byte 11 is not UTF-8" in refused("explain", "deadlines", tmp_path / "cases.json")


def await_waiting(pid: int) -> None:
    """Until the process sleeps, and goes on to: elsewhere Ctrl-C may strike where Python throws exceptions away."""
    seen, until = [], time.monotonic() + 30
    while len(seen) < 10 or len(set(seen[-10:])) > 1 or seen[-1][0] != "S":
        assert time.monotonic() < until, "it does not come to wait for its input"
        time.sleep(0.01)
        state, *counted = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        seen.append((state, *counted[10:12]))  # the processor time it has taken


def test_ctrl_c_ends_quietly(tmp_path):
    os.mkfifo(tmp_path / "cases.json")
    command = [sys.executable, "-m", "fairgate.cli.main", "explain", "deadlines", str(tmp_path / "cases.json")]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running,
        (tmp_path / "cases.json").open("wb"),  # opens when the program reads
    ):
        await_waiting(running.pid)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said == (b"", b"")


@pytest.mark.parametrize(
    ("what", "case", "options"),
    [("deadlines", CASE, ()), ("outages", {"samples": [["2024-05-21T15:00:10Z", 0, 3]]}, ("--with-samples",))],
)
def test_what_it_answers_can_be_asked_again(answer, what, case, options):
    answers = answer(what, [case], *options)
    assert answer(what, answers, *options) == answers
