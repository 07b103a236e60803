"""Cases of deadlines and outages in files, in the form of the rules' known answers.

    deadlines  [{"zone": "America/Tijuana", "opened_at": "2024-05-22T14:59:57Z",
                 "outages": [{"start": TIME, "end": TIME or null, "notice_at": TIME or null}, …],
                 "policy": {"window": "23 h", …},                                             (optional)
                 "confirm": {"now": TIME, "page_opened_at": TIME or null, "attempt_at": TIME or null}}, …]   (optional)
    outages    [{"samples": [["2024-05-21T15:00:10Z", ok, failed], …]}, …]

A file may carry the expected answers as well (`deadline`, `outcome` in `confirm`, `outages` beside `samples`); they are
not looked at here. What else cannot be right is refused with the number of the case, from 1, and the key.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from fairgate.core.canonical import NUMBER_MOST, read_json
from fairgate.core.clocks import read_moment, read_zone
from fairgate.core.deadlines import Outage, Policy
from fairgate.core.errors import BadInput, shown
from fairgate.core.outages import Sample

BYTES_MOST = 1 << 28  # three months of samples have some 30 MB


@dataclass(frozen=True, slots=True)
class Confirm:
    """A confirmation to be decided on."""

    now: datetime
    page_opened_at: datetime | None
    attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeadlineCase:
    zone: ZoneInfo
    opened_at: datetime
    outages: tuple[Outage, ...]
    policy: Policy
    confirm: Confirm | None


@dataclass(frozen=True, slots=True)
class OutageCase:
    samples: tuple[Sample, ...]


def parse_deadline_cases(data: bytes, file: str = "cases") -> list[DeadlineCase]:
    """The cases in the bytes of `file`; raises BadInput."""
    return [_deadline_case(place, case) for place, case in _cases(data, file)]


def parse_outage_cases(data: bytes, file: str = "cases") -> list[OutageCase]:
    """The cases in the bytes of `file`, samples in any order; raises BadInput."""
    return [_outage_case(place, case) for place, case in _cases(data, file)]


def _cases(data: bytes, file: str) -> Iterator[tuple[str, Any]]:
    cases = read_json(file, data, BYTES_MOST)
    if not isinstance(cases, list):
        raise BadInput(file, "is not a list of cases", "write the cases in square brackets")
    for number, case in enumerate(cases, start=1):
        yield f"{file} case {number}", case


def _deadline_case(place: str, value: Any) -> DeadlineCase:
    case = _object(
        place, value, needed=("zone", "opened_at", "outages"), allowed=("policy", "confirm", "deadline", "reasons")
    )
    outages = tuple(_outage(f"{place}, outages[{i}]", outage) for i, outage in enumerate(_list(place, case, "outages")))
    policy = case.get("policy", {})
    if not isinstance(policy, Mapping):
        _refuse(place, "policy", "is not an object", 'write it like {"window": "23 h"}')
    return DeadlineCase(
        zone=read_zone(case["zone"], f"{place}, zone"),
        opened_at=read_moment(case["opened_at"], f"{place}, opened_at"),
        outages=outages,
        policy=Policy.from_json(policy, f"{place}, policy"),
        confirm=_confirm(f"{place}, confirm", case["confirm"]) if case.get("confirm") is not None else None,
    )


def _outage(place: str, value: Any) -> Outage:
    outage = _object(place, value, needed=("start",), allowed=("end", "notice_at"))
    start = read_moment(outage["start"], f"{place}, start")
    end, notice_at = (_moment_or_none(place, outage, key) for key in ("end", "notice_at"))
    if end is not None and end < start:
        _refuse(place, "end", "is before start", "correct one of the two")
    return Outage(start, end, notice_at)


def _confirm(place: str, value: Any) -> Confirm:
    confirm = _object(place, value, needed=("now",), allowed=("page_opened_at", "attempt_at", "outcome"))
    page_opened_at, attempt_at = (_moment_or_none(place, confirm, key) for key in ("page_opened_at", "attempt_at"))
    return Confirm(read_moment(confirm["now"], f"{place}, now"), page_opened_at, attempt_at)


def _outage_case(place: str, value: Any) -> OutageCase:
    samples = _list(place, _object(place, value, needed=("samples",), allowed=("outages", "reasons")), "samples")
    return OutageCase(tuple(_sample(f"{place}, samples[{i}]", sample) for i, sample in enumerate(samples)))


def _sample(place: str, value: Any) -> Sample:
    if not isinstance(value, list) or len(value) != 3:
        raise BadInput(place, "is not a sample", 'write it like ["2024-05-21T15:00:10Z", 40, 0]')
    at, *counts = value
    for count in counts:
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= NUMBER_MOST:
            raise BadInput(place, f"{shown(json.dumps(count))} is not a count", "give whole numbers, 0 or more")
    return Sample(read_moment(at, place), *counts)


def _object(place: str, value: Any, needed: tuple[str, ...], allowed: tuple[str, ...] = ()) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInput(place, "is not an object", f"give one with {', '.join(needed)}")
    for key in needed:
        if key not in value:
            _refuse(place, key, "is missing", "add it")
    for key in value:
        if key not in needed + allowed:
            _refuse(place, shown(key), "is not known here", "check its spelling or take it out")
    return value


def _list(place: str, case: Mapping[str, Any], key: str) -> list[Any]:
    value = case[key]
    if not isinstance(value, list):
        _refuse(place, key, "is not a list", "write it in square brackets")
    return value


def _moment_or_none(place: str, values: Mapping[str, Any], key: str) -> datetime | None:
    return None if values.get(key) is None else read_moment(values[key], f"{place}, {key}")


def _refuse(place: str, key: str, problem: str, way_out: str) -> NoReturn:
    raise BadInput(f"{place}, {key}", problem, way_out)
