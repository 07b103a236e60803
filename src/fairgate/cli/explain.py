"""`fairgate explain`: deadlines and outages for given cases, with the sum that leads to each."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from fairgate.cli.reading import cases
from fairgate.core import outages as finding
from fairgate.core.clocks import read_moment, read_zone
from fairgate.core.deadlines import Because, Deadline, Outage, Paused, Policy, Step, decide, explain
from fairgate.core.errors import BadInput, shown
from fairgate.core.outages import Sample
from fairgate.core.places import moment

app = typer.Typer()
explaining = typer.Typer()
app.add_typer(explaining, name="explain")

Json = dict[str, Any]


@explaining.callback()
def explain_() -> None:
    """Answer cases of deadlines or outages as JSON, with reasons; nothing is asked of a database.

    \b
    fairgate explain deadlines cases.json
    fairgate explain outages samples.json
    """


@explaining.command()
def deadlines(file: Annotated[Path, typer.Argument(metavar="FILE.json", help="A list of cases")]) -> None:
    """Say until when offers can be confirmed, what becomes of a confirmation, and why.

    A case has zone, opened_at and outages; it may have policy (other values than the usual ones) and
    confirm (now, page_opened_at, attempt_at). Answers that are in the file already are computed anew.

    \b
    [{"zone": "America/Tijuana", "opened_at": "2024-05-21T19:00:00Z",
      "outages": [{"start": "2024-05-22T16:00:00Z", "end": "2024-05-22T18:30:00Z",
                   "notice_at": "2024-05-22T19:00:00Z"}],
      "policy": {"window": "23 h"},
      "confirm": {"now": "2024-05-22T18:10:00Z", "page_opened_at": null, "attempt_at": null}}]
    """
    _write([_deadline_case(case, f"{file} case {i}") for i, case in enumerate(cases(file))])


@explaining.command()
def outages(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="A list of cases")],
    with_samples: Annotated[bool, typer.Option("--with-samples", help="Repeat the samples in the answer")] = False,
) -> None:
    """Find the outages that samples show, and say why.

    A sample is [end of its ten seconds, confirmations that worked, confirmations that failed].

    \b
    [{"samples": [["2024-05-21T15:00:10Z", 40, 0], ["2024-05-21T15:00:20Z", 0, 3]]}]
    """
    answers = [_outage_case(case, f"{file} case {i}") for i, case in enumerate(cases(file))]
    _write([answer if with_samples else {k: v for k, v in answer.items() if k != "samples"} for answer in answers])


def _write(answers: Sequence[Json]) -> None:
    typer.echo(json.dumps(answers, indent=1, ensure_ascii=False))


# -- deadlines ----------------------------------------------------------------------------------


def _deadline_case(case: Json, place: str) -> Json:
    _only(case, ("zone", "opened_at", "outages", "policy", "confirm", "deadline", "reasons"), place)
    zone = read_zone(case.get("zone"), f"{place}, zone")
    opened_at = read_moment(case.get("opened_at"), f"{place}, opened_at")
    recorded = [_outage(each, f"{place}, outages[{i}]") for i, each in enumerate(_list(case, "outages", place))]
    policy = Policy.from_json(_object(case.get("policy", {}), f"{place}, policy"), f"{place}, policy")
    deadline, steps = explain(opened_at, recorded, policy, zone)
    answer: Json = {key: case[key] for key in ("zone", "opened_at", "outages", "policy") if key in case}
    answer["deadline"] = _shown(deadline)
    reasons = [_sentence(step, opened_at, policy) for step in steps]
    if "confirm" in case:
        answer["confirm"], reason = _confirmation(case["confirm"], deadline, policy, f"{place}, confirm")
        reasons.append(reason)
    return {**answer, "reasons": reasons}


def _confirmation(value: object, deadline: Deadline, policy: Policy, place: str) -> tuple[Json, str]:
    asked = _object(value, place)
    _only(asked, ("now", "page_opened_at", "attempt_at", "outcome"), place)
    now = read_moment(asked.get("now"), f"{place}, now")
    opened, tried = (
        None if asked.get(key) is None else read_moment(asked[key], f"{place}, {key}")
        for key in ("page_opened_at", "attempt_at")
    )
    verdict = decide(deadline, now=now, page_opened_at=opened, attempt_at=tried, policy=policy)
    return {**asked, "outcome": verdict.value}, _why(verdict.value, deadline, now, policy)


def _why(outcome: str, deadline: Deadline, now: datetime, policy: Policy) -> str:
    if isinstance(deadline, Paused):
        return "A confirmation is accepted: there is no deadline while the clock stands."
    line, held = moment(deadline + policy.in_line), moment(deadline + policy.held)
    arrived = f"A confirmation that arrives at {moment(now)}"
    return {
        "confirmed": f"{arrived} is accepted: that is not after the deadline.",
        "in line": f"{arrived} is accepted in line: its page was opened by the deadline, and it is not after {line}.",
        "held": f"{arrived} is accepted as held: an attempt by {line} is on record, and it is not after {held}.",
        "too late": f"{arrived} is too late: no page opened by the deadline and no attempt on record bears it.",
    }[outcome]


def _sentence(step: Step, opened_at: datetime, policy: Policy) -> str:
    """One line of the sum, in words."""
    if step.outage is None:
        return f"Opened at {moment(opened_at)}, plus {policy.window}: {moment(step.due)}."
    outage = step.outage
    what = f"The outage from {moment(outage.start)}"
    what += f" to {moment(outage.end)}" if outage.end else ", which has no end"
    what += f" ({step.merged} recorded outages less than {policy.merge_gap} apart)" if step.merged > 1 else ""
    match step.because:
        case Because.BEGAN_AFTER:
            return f"{what} began after the deadline, {_shown(step.deadline)}, and changes nothing."
        case Because.OVER_BEFORE:
            return f"{what} was over before the offer was opened and changes nothing."
        case Because.LASTS:
            return f"{what} lasts: the clock stands."
        case Because.NOT_TOLD:
            return f"{what} is over, but not everyone affected has been told: the clock stands."
    assert step.lost is not None
    assert step.told_until is not None
    assert step.rounded is not None
    given = f"{what} took {step.lost}, which is given back; after the notice there is time until"
    given = f"{given} {moment(step.told_until)}: due {moment(step.due)}, rounded up {moment(step.rounded)}"
    night = "" if step.deadline == step.rounded else f", moved out of the night to {_shown(step.deadline)}"
    return f"{given}{night}."


def _outage(value: object, place: str) -> Outage:
    given = _object(value, place)
    _only(given, ("start", "end", "notice_at"), place)
    start = read_moment(given.get("start"), f"{place}, start")
    end, notice_at = (
        None if given.get(key) is None else read_moment(given[key], f"{place}, {key}") for key in ("end", "notice_at")
    )
    if end is not None and end < start:
        raise BadInput(f"{place}, end", "is before the start", "correct one of them")
    return Outage(start, end, notice_at)


# -- outages ------------------------------------------------------------------------------------


def _outage_case(case: Json, place: str) -> Json:
    _only(case, ("samples", "outages", "reasons"), place)
    samples = [_sample(each, f"{place}, samples[{i}]") for i, each in enumerate(_list(case, "samples", place))]
    found = finding.find(samples)
    ends = [None if outage.end is None else moment(outage.end) for outage in found]
    return {
        "samples": case["samples"],
        "outages": [{"start": moment(o.start), "end": end} for o, end in zip(found, ends, strict=True)],
        "reasons": [_reason(outage) for outage in found] or ["No run of bad samples or gaps reaches an outage."],
    }


def _reason(outage: Outage) -> str:
    began = f"From {moment(outage.start)} on nothing shows that confirming worked"
    began += f": a gap of more than {finding.GAP}, or {finding.BAD_IN_A_ROW} bad samples in a row, follow"
    if outage.end is None:
        return f"{began}; it lasts, for no run of good samples reaches {finding.HEALTHY}."
    return (
        f"{began}; it ended at {moment(outage.end)}, the start of a run of good samples of {finding.HEALTHY} or more."
    )


def _sample(value: object, place: str) -> Sample:
    if not isinstance(value, list) or len(value) != 3:
        raise BadInput(place, "is not a sample", 'write it like ["2024-05-21T15:00:10Z", 40, 0]')
    at, ok, failed = value
    for name, count in (("ok", ok), ("failed", failed)):
        if type(count) is not int or not 0 <= count <= 10**9:
            problem = f"{name} {shown(json.dumps(count))} is not a number of confirmations"
            raise BadInput(place, problem, "write a whole number, 0 or more")
    return Sample(read_moment(at, place), ok, failed)


# -- JSON ---------------------------------------------------------------------------------------


def _object(value: object, place: str) -> Json:
    if not isinstance(value, dict):
        raise BadInput(place, "not an object", "write { … }")
    return value


def _list(case: Json, key: str, place: str) -> list[object]:
    value = case.get(key)
    if not isinstance(value, list):
        raise BadInput(f"{place}, {key}", "not a list" if key in case else "missing", "write [ … ]")
    return value


def _only(case: Mapping[str, object], known: Sequence[str], place: str) -> None:
    for key in case:
        if key not in known:
            raise BadInput(f"{place}, {shown(key)}", "is not known here", f"there are only {', '.join(known)}")


def _shown(deadline: Deadline) -> str:
    return "paused" if isinstance(deadline, Paused) else moment(deadline)
