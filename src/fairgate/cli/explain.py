"""`fairgate explain`: deadlines and outages for given cases, with the sum that leads to each."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from fairgate.cli.reading import whole
from fairgate.core import outages as finding
from fairgate.core.cases import DeadlineCase, OutageCase, parse_deadline_cases, parse_outage_cases
from fairgate.core.deadlines import Because, Deadline, Outage, Paused, Policy, Step, Verdict, decide, explain
from fairgate.core.places import moment, shown

app = typer.Typer()
explaining = typer.Typer()
app.add_typer(explaining, name="explain", short_help="Answer cases of deadlines or outages, with reasons.")

Json = dict[str, Any]


@explaining.callback()
def explain_() -> None:
    """Answer cases of deadlines or outages as JSON, with reasons; nothing is asked of a database.

    \b
    fairgate explain deadlines cases.json
    fairgate explain outages samples.json
    """


@explaining.command(short_help="Say until when offers can be confirmed, and why.")
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
    data = whole(file)
    read = parse_deadline_cases(data, str(file))
    _write([_deadline_answer(given, case) for given, case in zip(json.loads(data), read, strict=True)])


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
    data = whole(file)
    answers = [_outage_answer(case) for case in parse_outage_cases(data, str(file))]
    if with_samples:
        answers = [{"samples": g["samples"], **a} for g, a in zip(json.loads(data), answers, strict=True)]
    _write(answers)


def _write(answers: Sequence[Json]) -> None:
    typer.echo(json.dumps(answers, indent=1, ensure_ascii=False))


# -- deadlines ----------------------------------------------------------------------------------


def _deadline_answer(given: Json, case: DeadlineCase) -> Json:
    deadline, steps = explain(case.opened_at, case.outages, case.policy, case.zone)
    answer: Json = {key: given[key] for key in ("zone", "opened_at", "outages", "policy") if key in given}
    answer["deadline"] = shown(deadline)
    reasons = [_sentence(step, case.opened_at, case.policy) for step in steps]
    if case.confirm is not None:
        confirm = case.confirm
        verdict = decide(
            deadline,
            now=confirm.now,
            page_opened_at=confirm.page_opened_at,
            attempt_at=confirm.attempt_at,
            policy=case.policy,
        )
        answer["confirm"] = {**given["confirm"], "outcome": verdict.value}
        reasons.append(_why(verdict, deadline, confirm.now, case.policy))
    return {**answer, "reasons": reasons}


def _why(verdict: Verdict, deadline: Deadline, now: datetime, policy: Policy) -> str:
    if isinstance(deadline, Paused):
        return "A confirmation is accepted: there is no deadline while the clock stands."
    line, held = moment(deadline + policy.in_line), moment(deadline + policy.held)
    arrived = f"A confirmation arriving at {moment(now)}"
    return {
        Verdict.CONFIRMED: f"{arrived} is accepted: that is not past the deadline.",
        Verdict.IN_LINE: f"{arrived} is accepted in line: its page was opened in time, and it is not past {line}.",
        Verdict.HELD: f"{arrived} is accepted as held: an attempt by {line} is on record, and it is not past {held}.",
        Verdict.TOO_LATE: f"{arrived} is too late: no page opened by the deadline and no attempt on record bears it.",
    }[verdict]


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
            return f"{what} began after the deadline, {shown(step.deadline)}, and changes nothing."
        case Because.OVER_BEFORE:
            return f"{what} was over before the offer was opened and changes nothing."
        case Because.LASTS:
            return f"{what} lasts: the clock stands."
        case Because.NOT_TOLD:
            return f"{what} is over, but not everyone affected has been told: the clock stands."
    assert step.lost is not None, "a step that moved the deadline has its sum"
    assert step.told_until is not None, "a step that moved the deadline has its sum"
    assert step.rounded is not None, "a step that moved the deadline has its sum"
    given = f"{what} took {step.lost}, which is given back; after the notice there is time until"
    given = f"{given} {moment(step.told_until)}: due {moment(step.due)}, rounded up {moment(step.rounded)}"
    night = "" if step.deadline == step.rounded else f", moved out of the night to {shown(step.deadline)}"
    return f"{given}{night}."


# -- outages ------------------------------------------------------------------------------------


def _outage_answer(case: OutageCase) -> Json:
    found = finding.find(case.samples)
    return {
        "outages": [{"start": moment(o.start), "end": None if o.end is None else moment(o.end)} for o in found],
        "reasons": [_reason(outage) for outage in found] or ["No run of bad samples or gaps makes an outage."],
    }


def _reason(outage: Outage) -> str:
    began = f"From {moment(outage.start)} on nothing shows that confirming worked"
    began += f": a gap of more than {finding.GAP}, or {finding.BAD_IN_A_ROW} bad samples in a row, follow"
    if outage.end is None:
        return f"{began}; it lasts, for no run of good samples reaches {finding.HEALTHY}."
    return (
        f"{began}; it ended at {moment(outage.end)}, the start of a run of good samples of {finding.HEALTHY} or more."
    )
