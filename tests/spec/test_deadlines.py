"""Until when an offer can be confirmed, and what becomes of a confirmation (RULES.md, section 2)."""

import json
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

import vectors
from fairgate.core import cases
from fairgate.core.deadlines import (
    PAUSED,
    Because,
    Outage,
    Policy,
    Verdict,
    deadline,
    decide,
    explain,
    may_lapse,
    moved_by,
)
from fairgate.core.errors import BadInput

TIJUANA, UTC_ZONE = ZoneInfo("America/Tijuana"), ZoneInfo("UTC")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def at(text: str) -> datetime:
    """ "21 12:00" is 21 May 2024, 12:00 UTC."""
    return datetime.strptime(f"2024 5 {text}", "%Y %m %d %H:%M").replace(tzinfo=UTC)


def outage(start: str, end: str | None = None, notice_at: str | None = None) -> Outage:
    return Outage(at(start), end and at(end), notice_at and at(notice_at))


OPENED = at("21 12:00")  # so that an offer that nothing happens to ends on 22 May at 11:00


@vectors.needed
@pytest.mark.parametrize("number", range(40))
def test_known_answers(number):
    expected = vectors.read("deadlines.json")[number]
    case = cases.parse_deadline_cases(vectors.path("deadlines.json").read_bytes())[number]
    found, steps = explain(case.opened_at, case.outages, case.policy, case.zone)
    assert found == deadline(case.opened_at, case.outages, case.policy, case.zone) == steps[-1].deadline
    assert ("paused" if found is PAUSED else f"{found:%Y-%m-%dT%H:%M:%SZ}") == expected["deadline"]
    verdict = decide(
        found,
        now=case.confirm.now,
        page_opened_at=case.confirm.page_opened_at,
        attempt_at=case.confirm.attempt_at,
        policy=case.policy,
    )
    assert verdict == expected["confirm"]["outcome"]


@pytest.mark.parametrize(
    ("outages", "expected"),
    [
        pytest.param([], "22 11:00", id="nothing happened: 23 hours, to the second"),
        pytest.param([outage("21 11:00", "21 12:00")], "22 11:00", id="over when the offer was made"),
        pytest.param([outage("22 11:01")], "22 11:00", id="began after the deadline"),
        pytest.param([outage("22 11:00")], None, id="began at the deadline and lasts"),
        pytest.param([outage("21 13:00")], None, id="lasts"),
        pytest.param([outage("21 13:00", "21 13:10")], None, id="over, but people do not know it"),
        pytest.param(
            [outage("21 13:00", "21 13:10", "21 13:20")], "22 12:00", id="ten minutes, rounded up to the hour"
        ),
        pytest.param([outage("21 10:00", "21 12:30", "21 12:31")], "22 12:00", id="only what fell after the opening"),
        pytest.param([outage("22 10:00", "22 10:10", "22 10:20")], "23 09:00", id="12 h from the notice, not at night"),
        pytest.param([outage("21 13:00", "21 13:59", "22 04:00")], "22 16:00", id="59 minutes are short: 12 h"),
        pytest.param([outage("21 13:00", "21 14:00", "21 14:00")], "22 14:00", id="60 minutes are long: 24 h"),
        pytest.param(
            [outage("21 13:00", "21 13:30", "21 13:30"), outage("21 13:44", "21 14:00", "21 15:00")],
            "22 15:00",
            id="14 minutes apart are one, and a long one",
        ),
        pytest.param(
            [outage("21 13:00", "21 13:30", "21 13:30"), outage("21 13:45", "21 14:00", "21 15:00")],
            "22 12:00",
            id="15 minutes apart are two short ones",
        ),
        pytest.param(
            [outage("22 11:30", "22 12:00", "22 12:00"), outage("22 10:50", "22 11:00", "22 11:00")],
            "23 09:00",
            id="the second is within reach only because of the first",
        ),
        pytest.param(
            [outage("21 13:00", "21 13:30", "21 13:30"), outage("21 13:40", "21 14:00")],
            None,
            id="one of those made into one has not been told",
        ),
    ],
)
def test_how_outages_move_a_deadline(outages, expected):
    found = deadline(OPENED, outages, Policy(), UTC_ZONE)
    assert found == (PAUSED if expected is None else at(expected))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2024-05-22T16:59:59Z", "2024-05-23T16:00:00Z"),  # 22:00 at night in Tijuana: 9:00 there
        ("2024-05-22T16:00:00Z", "2024-05-23T04:00:00Z"),  # 21:00 is not night yet
        ("2024-05-23T04:00:00Z", "2024-05-23T16:00:00Z"),  # 9:00 is not night any more
        ("2024-05-23T03:59:59Z", "2024-05-23T16:00:00Z"),  # 8:59:59, rounded to 9:00
        ("2024-11-02T16:00:00Z", "2024-11-03T04:00:00Z"),  # 21:00 before the night in which clocks are set back
        ("2024-11-02T17:00:00Z", "2024-11-03T17:00:00Z"),  # 9:00 after it is an hour later
        (
            "2025-03-08T18:00:00Z",
            "2025-03-09T16:00:00Z",
        ),  # 22:00; 9:00 after clocks were set forward is an hour earlier
    ],
)
def test_a_moved_deadline_is_kept_out_of_the_night(told, expected):
    told_at = datetime.fromisoformat(told)
    short = Outage(told_at - HOUR, told_at - HOUR + MINUTE, notice_at=told_at)
    found = deadline(told_at - 20 * HOUR, [short], Policy(window=19 * HOUR + MINUTE), TIJUANA)
    assert found == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("quiet_from", "quiet_to", "told", "expected"),
    [
        ("22:00", "22:00", "2024-05-22T03:00:00Z", "2024-05-22T15:00:00Z"),  # equal: there is no night
        ("12:00", "14:00", "2024-05-22T00:00:00Z", "2024-05-22T14:00:00Z"),  # within one day
        ("12:00", "14:00", "2024-05-22T02:00:00Z", "2024-05-22T14:00:00Z"),
    ],
)
def test_a_night_need_not_go_over_midnight(quiet_from, quiet_to, told, expected):
    told_at = datetime.fromisoformat(told)
    policy = Policy.from_json({"window": "1 h", "quiet_from": quiet_from, "quiet_to": quiet_to})
    short = Outage(told_at - HOUR, told_at - HOUR + MINUTE, notice_at=told_at)
    assert deadline(told_at - HOUR, [short], policy, UTC_ZONE) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("quiet_to", "told", "expected", "why"),
    [
        (time(2, 30), "2025-03-08T20:00:00Z", "2025-03-09T10:00:00Z", "02:30 is skipped: 02:00 is 03:00 at once"),
        (time(1, 30), "2024-11-02T19:00:00Z", "2024-11-03T08:30:00Z", "01:30 comes twice: the first"),
        (time(1, 30), "2024-11-02T21:00:00Z", "2024-11-03T09:30:00Z", "after the first 01:30 the second comes next"),
    ],
)
def test_a_night_that_ends_when_clocks_change(quiet_to, told, expected, why):
    told_at = datetime.fromisoformat(told)
    policy = Policy(window=HOUR, quiet_from=time(22), quiet_to=quiet_to)
    short = Outage(told_at - HOUR, told_at - HOUR + MINUTE, notice_at=told_at)
    assert deadline(told_at - HOUR, [short], policy, TIJUANA) == datetime.fromisoformat(expected), why


def test_the_example_of_the_module_comes_out():
    long = outage("22 16:00", "22 18:30", "22 19:00")
    found, steps = explain(at("21 19:00"), [long], Policy(), TIJUANA)
    assert found == at("23 19:00")
    opened, moved = steps
    assert (opened.because, opened.due) == (Because.OPENED, at("22 18:00"))
    assert (moved.because, moved.lost, moved.told_until) == (Because.MOVED, 2.5 * HOUR, at("23 19:00"))
    assert moved_by(steps) == [long]


def test_every_outage_has_its_line_in_the_sum():
    outages = [outage("22 23:00"), outage("21 13:00", "21 13:10", "21 13:20"), outage("21 09:00", "21 10:00")]
    _, steps = explain(OPENED, outages, Policy(), UTC_ZONE)
    assert [step.because for step in steps] == [
        Because.OPENED,
        Because.OVER_BEFORE,
        Because.MOVED,
        Because.BEGAN_AFTER,
    ]


D = at("22 11:00")
LINE, HELD = D + 30 * MINUTE, D + 24 * HOUR


@pytest.mark.parametrize(
    ("now", "page_opened_at", "attempt_at", "expected"),
    [
        (D, None, None, Verdict.CONFIRMED),
        (D + SECOND, None, None, Verdict.TOO_LATE),
        (LINE, D, None, Verdict.IN_LINE),
        (LINE + SECOND, D, None, Verdict.TOO_LATE),
        (LINE, D + SECOND, None, Verdict.TOO_LATE),
        (LINE, D, D, Verdict.IN_LINE),
        (LINE + SECOND, D, LINE, Verdict.HELD),
        (HELD, None, LINE, Verdict.HELD),
        (HELD + SECOND, None, LINE, Verdict.TOO_LATE),
        (HELD, None, LINE + SECOND, Verdict.TOO_LATE),
        (D, D + SECOND, LINE + SECOND, Verdict.CONFIRMED),
    ],
)
def test_what_becomes_of_a_confirmation(now, page_opened_at, attempt_at, expected):
    verdict = decide(D, now=now, page_opened_at=page_opened_at, attempt_at=attempt_at, policy=Policy())
    assert verdict is expected


def test_while_the_deadline_is_paused_everything_is_confirmed():
    verdict = decide(PAUSED, now=HELD + 90 * HOUR, page_opened_at=None, attempt_at=None, policy=Policy())
    assert verdict is Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("deadline_", "now", "attempt_at", "evidence", "expected"),
    [
        (D, LINE, None, True, False),
        (D, LINE + SECOND, None, True, True),
        (D, LINE + SECOND, None, False, False),
        (D, LINE + SECOND, D, True, False),
        (D, HELD, D, True, False),
        (D, HELD + SECOND, D, True, True),
        (D, HELD + SECOND, D, False, False),
        (D, HELD, LINE + SECOND, True, False),  # too late to be honoured, yet on record
        (PAUSED, HELD + 90 * HOUR, None, True, False),
    ],
)
def test_when_an_offer_may_lapse(deadline_, now, attempt_at, evidence, expected):
    assert may_lapse(deadline_, now=now, attempt_at=attempt_at, evidence=evidence, policy=Policy()) is expected


def test_no_offer_may_lapse_while_a_confirmation_would_still_count():
    for minutes in range(0, 25 * 60, 5):
        now = D + minutes * MINUTE + SECOND
        for attempt_at in (None, D, LINE):
            verdict = decide(D, now=now, page_opened_at=D, attempt_at=attempt_at, policy=Policy())
            may = may_lapse(D, now=now, attempt_at=attempt_at, evidence=True, policy=Policy())
            assert may is (verdict is Verdict.TOO_LATE)


def test_a_policy_is_read_and_written_in_the_same_words():
    values = {"window": "20 h", "round_to": "90 min", "quiet_from": "21:30", "merge_gap": "0 min", "held": "2 d"}
    policy = Policy.from_json(values)
    assert policy.window == 20 * HOUR
    assert policy.held == 48 * HOUR
    assert policy.notice_floor == Policy().notice_floor
    assert Policy.from_json(policy.to_json()) == policy
    assert Policy.from_json({}) == Policy()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"windw": "20 h"}, 'policy, "windw": is not part of a policy'),
        ({"window": "20"}, 'policy, window: "20" is not a length of time'),
        ({"window": 20}, 'policy, window: "20" is not a length of time'),
        ({"window": "-1 h"}, 'policy, window: "-1 h" is not a length of time'),
        ({"window": "1.5 h"}, 'policy, window: "1.5 h" is not a length of time'),
        ({"window": "0 h"}, "policy, window: is nothing"),
        ({"window": "99999 h"}, 'policy, window: "99999 h" is longer than a year'),
        ({"round_to": "0 min"}, "policy, round_to: is nothing"),
        ({"quiet_to": "24:00"}, 'policy, quiet_to: "24:00" is not a time of day'),
        ({"quiet_to": "9:00"}, 'policy, quiet_to: "9:00" is not a time of day'),
        ({"quiet_to": None}, 'policy, quiet_to: "None" is not a time of day'),
        ({"notice_floor": "25 h"}, "policy, notice_floor: is more than long_notice_floor"),
        ({"in_line": "25 h"}, "policy, in_line: is more than held"),
    ],
)
def test_a_policy_that_cannot_be_right_is_refused(values, expected):
    with pytest.raises(BadInput) as refused:
        Policy.from_json(values)
    assert str(refused.value).startswith(expected)


GOOD = {
    "zone": "America/Tijuana",
    "opened_at": "2024-05-21T12:00:00Z",
    "outages": [{"start": "2024-05-21T13:00:00Z", "end": None, "notice_at": None}],
    "confirm": {"now": "2024-05-21T13:00:00Z", "page_opened_at": None, "attempt_at": None},
}


def test_a_case_needs_neither_confirmation_nor_policy():
    (case,) = cases.parse_deadline_cases(json.dumps([{**GOOD, "confirm": None}]).encode())
    assert (case.confirm, case.policy) == (None, Policy())
    (case,) = cases.parse_deadline_cases(json.dumps([{**GOOD, "policy": {"window": "5 h"}}]).encode())
    assert case.policy.window == 5 * HOUR


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"zone": "America/Tijuna"}, 'case 2, zone: "America/Tijuna" is not a known time zone'),
        ({"zone": "America"}, 'case 2, zone: "America" is not a known time zone'),
        ({"zone": "../../etc/passwd"}, 'case 2, zone: "../../etc/passwd" is not a known time zone'),
        ({"zone": ""}, 'case 2, zone: "" is not a known time zone'),
        ({"zone": 5}, 'case 2, zone: "5" is not a known time zone'),
        ({"opened_at": "2024-05-21T12:00:00"}, 'case 2, opened_at: "2024-05-21T12:00:00" is not a time in UTC'),
        ({"opened_at": "2024-02-30T12:00:00Z"}, 'case 2, opened_at: "2024-02-30T12:00:00Z" is not a time in UTC'),
        ({"opened_at": "2024-05-21T24:00:00Z"}, 'case 2, opened_at: "2024-05-21T24:00:00Z" is not a time in UTC'),
        ({"opened_at": "9999-12-31T12:00:00Z"}, 'case 2, opened_at: "9999-12-31T12:00:00Z" is not a time in UTC'),
        ({"opened_at": None}, 'case 2, opened_at: "None" is not a time in UTC'),
        ({"outages": {}}, "case 2, outages: is not a list"),
        ({"outages": [5]}, "case 2, outages[0]: is not an object"),
        ({"outages": [{"end": "2024-05-21T13:00:00Z"}]}, "case 2, outages[0], start: is missing"),
        (
            {"outages": [{"start": "2024-05-21T13:00:00Z", "end": "2024-05-21T12:59:59Z", "notice_at": None}]},
            "case 2, outages[0], end: is before start",
        ),
        ({"confirm": {"now": None, "page_opened_at": None, "attempt_at": None}}, "case 2, confirm, now:"),
        ({"confirm": []}, "case 2, confirm: is not an object"),
        ({"policy": "generous"}, "case 2, policy: is not an object"),
        ({"policy": {"window": True}}, 'case 2, policy, window: "True" is not a length of time'),
        ({"opend_at": "2024-05-21T12:00:00Z"}, 'case 2, "opend_at": is not known here'),
    ],
)
def test_a_case_that_cannot_be_right_is_refused_with_its_number_and_key(change, expected):
    with pytest.raises(BadInput) as refused:
        cases.parse_deadline_cases(json.dumps([GOOD, {**GOOD, **change}]).encode(), "a.json")
    assert str(refused.value).startswith(f"a.json {expected}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", ["zone", "opened_at", "outages"])
def test_a_case_without_a_key_is_refused(key):
    with pytest.raises(BadInput, match=rf"^cases case 1, {key}: is missing; add it$"):
        cases.parse_deadline_cases(json.dumps([{k: v for k, v in GOOD.items() if k != key}]).encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"{}", b"5", b"[5]", b"[", b"[" * 100_000, b'[{"zone": 1, "zone": 2}]', b"[1e999]", b"9" * 5000],
)
@pytest.mark.parametrize("parse", [cases.parse_deadline_cases, cases.parse_outage_cases])
def test_a_file_that_holds_no_cases_is_refused(parse, data):
    with pytest.raises(BadInput, match=r"^cases"):
        parse(data)
