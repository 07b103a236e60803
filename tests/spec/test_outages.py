"""When confirming did not work (RULES.md, section 3)."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

import vectors
from fairgate.core import cases
from fairgate.core.deadlines import Outage
from fairgate.core.errors import BadInput
from fairgate.core.outages import Change, Sample, covered, find, healthy_since, reconcile

BASE = datetime(2024, 5, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(seconds: int) -> datetime:
    return BASE + seconds * SECOND


def samples(text: str, start: int = 0) -> list[Sample]:
    """One sample every ten seconds: "." worked, "x" failed, "-" nothing was tried, "_" nothing is known.

    Or counts: "40/1" are 40 that worked and 1 that failed. "30*." is thirty times the same, blanks only separate.
    """
    kinds = {".": (1, 0), "x": (0, 1), "-": (0, 0), "_": None}
    line: list[tuple[int, int] | None] = []
    for word in text.split():
        times, _, kind = word.rpartition("*")
        counts = [tuple(map(int, kind.split("/")))] if "/" in kind else [kinds[one] for one in kind]
        line += counts * int(times or 1)
    return [Sample(at(start + 10 * i), *counts) for i, counts in enumerate(line) if counts is not None]


@vectors.needed
@pytest.mark.parametrize("number", range(20))
def test_known_answers(number):
    expected = vectors.read("outages.json")[number]["outages"]
    case = cases.parse_outage_cases(vectors.path("outages.json").read_bytes())[number]

    def text(moment: datetime | None) -> str | None:
        return moment and f"{moment:%Y-%m-%dT%H:%M:%SZ}"

    assert [{"start": text(o.start), "end": text(o.end)} for o in find(case.samples)] == expected


HEALTH = "91*."  # from first to last 900 s


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing is known"),
        pytest.param("5*.", [], id="all is well"),
        pytest.param(".xx.", [], id="two bad samples are not enough"),
        pytest.param(".xxx.", [(0, None)], id="three are, from the last good one"),
        pytest.param("xxx.", [(0, None)], id="from the first sample, if there was no good one"),
        pytest.param(".xx.xx.", [], id="three not in a row are not"),
        pytest.param(".x-x-x.", [(0, None)], id="samples in which nothing was tried show nothing"),
        pytest.param(f".xxx {HEALTH}", [(0, 40)], id="over where a quarter of an hour of health began"),
        pytest.param(".xxx 90*.", [(0, None)], id="890 s of health are not enough"),
        pytest.param(f".xxx 90*. x {HEALTH}", [(0, 950)], id="one bad sample breaks the run of health"),
        pytest.param(f".xxx {HEALTH} xx .", [(0, 40)], id="two bad samples after it begin nothing"),
        pytest.param(f".xxx {HEALTH} xxx .", [(0, 40), (940, None)], id="three begin the next outage"),
        pytest.param(". 29*_ .", [], id="five minutes of silence are not a gap"),
        pytest.param(". 30*_ .", [(0, None)], id="more are"),
        pytest.param(".x 30*_ .", [(0, None)], id="a gap after one bad sample"),
        pytest.param("x 30*_ .", [(0, None)], id="from the run's first sample"),
        pytest.param(". 30*- .", [(0, None)], id="silence in samples is silence"),
        pytest.param(f".xxx. 29*_ . 30*_ {HEALTH}", [(0, 650)], id="a gap breaks the run of health"),
        pytest.param("49/1 49/1 49/1 50/0", [(0, None)], id="2 % of fifty or more, thrice"),
        pytest.param("49/1 49/1 50/1 50/0", [], id="less than 2 % the third time"),
        pytest.param("46/1 1/1 3*.", [(10, None)], id="what worked is bad by what came before it"),
        pytest.param("40/0 3/2 6*.", [], id="fewer than fifty tries prove nothing"),
        pytest.param(f"45/0 3/2 4*. {HEALTH}", [(0, 60)], id="the sample and five before it, not six"),
    ],
)
def test_what_samples_show(text, expected):
    found = find(samples(text))
    assert [(o.start, o.end) for o in found] == [
        (at(start), None if end is None else at(end)) for start, end in expected
    ]


def test_what_two_servers_saw_in_the_same_ten_seconds_is_added_up():
    one, other = samples(".xxx."), samples("5*.")
    assert find(one) == [Outage(at(0))]
    assert find(one + other) == []
    assert find(other[::-1] + one) == []


def test_however_many_samples_are_one_pass():
    many = [Sample(at(10 * i), 1, 0) for i in range(100_000)]
    began = time.perf_counter()
    assert find(many) == []
    assert time.perf_counter() - began < 3  # 0.2 s; looking back from each sample would take hours


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("90*.", None),
        ("91*.", 0),
        ("xxx 91*.", 30),
        ("91*. x", None),
        ("91*. x 91*.", 920),
        ("91*. 30*_ .", None),
    ],
)
def test_since_when_all_is_well(text, expected):
    assert healthy_since(samples(text)) == (None if expected is None else at(expected))


@pytest.mark.parametrize(
    ("text", "outages", "start", "end", "expected"),
    [
        ("11*.", [], 0, 100, True),
        ("11*.", [], -1, 100, False),
        ("11*.", [], 0, 101, False),
        ("11*.", [], 50, 50, True),
        ("", [], 0, 0, False),
        (".", [], 0, 0, True),
        (". 29*_ .", [], 0, 300, True),
        (". 30*_ .", [], 0, 310, False),
        (". 30*_ .", [(0, 310)], 0, 310, True),
        (". 30*_ .", [(10, 310)], 0, 310, False),
        (". 30*_ .", [(0, None)], 0, 10_000, True),
        ("5*. -", [], 0, 50, False),
        ("3*.", [(20, 50), (50, 60)], 0, 60, True),
        ("3*.", [(30, 60)], 0, 60, False),
        ("", [(0, 10)], 20, 30, False),
        ("", [(40, None)], 20, 30, False),
    ],
)
def test_whether_every_moment_is_known(text, outages, start, end, expected):
    recorded = [Outage(at(first), None if last is None else at(last)) for first, last in outages]
    assert covered(samples(text), recorded, at(start), at(end)) is expected


def out(start: int, end: int | None = None, notice_at: int | None = None) -> Outage:
    return Outage(at(start), None if end is None else at(end), None if notice_at is None else at(notice_at))


@pytest.mark.parametrize(
    ("recorded", "found", "healthy", "expected"),
    [
        pytest.param([], [out(0)], None, [Change(None, out(0))], id="a new one"),
        pytest.param([out(0)], [out(0)], None, [], id="it lasts"),
        pytest.param([out(0)], [out(0, 50)], 50, [Change(0, out(0, 50))], id="it is over"),
        pytest.param([out(0, 50, 60)], [out(0, 50)], 50, [], id="it was told, and nothing changed"),
        pytest.param([out(20, 50, 60)], [out(0, 50)], 50, [Change(0, out(0, 50))], id="it began earlier: tell again"),
        pytest.param([out(0, 50, 60)], [out(0, 90)], 90, [Change(0, out(0, 90))], id="it ended later: tell again"),
        pytest.param([out(0, 50, 60)], [out(0)], None, [Change(0, out(0))], id="it was not over"),
        pytest.param([out(0, 50, 60)], [out(10, 40)], 40, [], id="it never gets smaller"),
        pytest.param([out(0, 50, 60)], [], 0, [], id="it never vanishes"),
        pytest.param([out(0)], [], None, [], id="nor does one that lasts, as long as no health is shown"),
        pytest.param([out(0)], [], -90, [Change(0, out(0, 0))], id="one that never was ends where it began"),
        pytest.param([out(0)], [], 70, [Change(0, out(0, 70))], id="or where all that is known begins"),
        pytest.param(
            [out(0, 50, 60), out(2000, 2050, 2060)],
            [out(0, 2050)],
            2050,
            [Change(0, out(0, 2050)), Change(1, out(0, 2050))],
            id="two that are one: both grow to it",
        ),
        pytest.param(
            [out(0)], [out(0, 50), out(2000)], None, [Change(0, out(0, 50)), Change(None, out(2000))], id="and another"
        ),
        pytest.param([out(3000)], [out(0, 50)], None, [Change(None, out(0, 50))], id="found late, long before"),
    ],
)
def test_how_the_record_is_brought_up_to_date(recorded, found, healthy, expected):
    assert reconcile(recorded, found, None if healthy is None else at(healthy)) == expected


GOOD = ["2024-05-21T15:00:10Z", 40, 0]


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("x", "is not a sample"),
        ([], "is not a sample"),
        ([*GOOD, 1], "is not a sample"),
        (["2024-05-21T15:00:10", 40, 0], '"2024-05-21T15:00:10" is not a time in UTC'),
        (["2024-05-21 15:00:10Z", 40, 0], '"2024-05-21 15:00:10Z" is not a time in UTC'),
        ([GOOD[0], -1, 0], '"-1" is not a count'),
        ([GOOD[0], 1, 1.0], '"1.0" is not a count'),
        ([GOOD[0], True, 0], '"true" is not a count'),
        ([GOOD[0], "4", 0], '""4"" is not a count'),
        ([GOOD[0], 10**30, 0], f'"{10**30}" is not a count'),
    ],
)
def test_a_sample_that_cannot_be_right_is_refused(sample, expected):
    data = json.dumps([{"samples": []}, {"samples": [GOOD, sample]}]).encode()
    with pytest.raises(BadInput) as refused:
        cases.parse_outage_cases(data, "o.json")
    assert str(refused.value).startswith(f"o.json case 2, samples[1]: {expected}")


def test_a_case_without_samples_is_refused():
    with pytest.raises(BadInput, match=r"^cases case 1, samples: is missing"):
        cases.parse_outage_cases(b'[{"sample": []}]')
