"""Why a deadline is what it is: the steps of core's sum as sentences that can be followed with a pencil."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fairgate.core.deadlines import Because, Policy, Step
from fairgate.web import dates

# Steps that changed what the person was told; an outage that did not is left out.
TELLING = (Because.MOVED, Because.LASTS, Because.NOT_TOLD, Because.PROMISED)


def sentences(steps: Sequence[Step], opened_at: datetime, policy: Policy, zone: str) -> list[str]:
    """The sum from the opening on; empty when nothing moved the deadline."""
    telling = [step for step in steps if step.because in TELLING]
    if not telling:
        return []
    said = [_opened(steps[0], opened_at, policy, zone)]
    for step in telling:
        said += _WORDS[step.because](step, zone)
    return [*said, *_sum(steps, opened_at, policy)]


def _sum(steps: Sequence[Step], opened_at: datetime, policy: Policy) -> list[str]:
    """The whole time from the offer to the deadline, open and closed by turns; nothing while there is no deadline."""
    deadline = steps[-1].deadline
    if not isinstance(deadline, datetime):
        return []
    parts, open_for, at = [], timedelta(), _minute(opened_at)
    for start, end in _closed(steps, opened_at):
        open_for += start - at
        parts.append(_("open for %(length)s") % {"length": dates.duration(start - at)})
        parts.append(_("closed for %(length)s") % {"length": dates.duration(end - start)})
        at = end
    open_for += deadline - at
    parts.append(_("open for %(length)s") % {"length": dates.duration(deadline - at)})
    return [
        _(
            "So the door is, one after the other: %(parts)s."
            " That makes %(open)s of open door, and never less than %(window)s."
        )
        % {"parts": dates.listed(parts), "open": dates.duration(open_for), "window": dates.duration(policy.window)}
    ]


def _closed(steps: Sequence[Step], opened_at: datetime) -> list[tuple[datetime, datetime]]:
    """The times given back, each from the opening on."""
    moved = [step.outage for step in steps if step.because is Because.MOVED and step.outage is not None]
    spans = ((max(outage.start, opened_at), outage.end) for outage in moved if outage.end is not None)
    return [(_minute(start), _minute(end + timedelta(seconds=59))) for start, end in spans]


def _minute(at: datetime) -> datetime:
    """Without its seconds, so that what is added up with a pencil adds up; a time given back is rounded up."""
    return at.replace(second=0, microsecond=0)


def _opened(step: Step, opened_at: datetime, policy: Policy, zone: str) -> str:
    opened, due = dates.local(opened_at, zone), dates.local(step.due, zone)
    return _(
        "The place was offered to you at %(opened_time)s on %(opened_day)s."
        " With %(window)s to confirm, that made %(due_time)s on %(due_day)s."
    ) % {
        "opened_time": opened.time,
        "opened_day": opened.day,
        "window": dates.duration(policy.window),
        "due_time": due.time,
        "due_day": due.day,
    }


def _moved(step: Step, zone: str) -> list[str]:
    assert step.outage is not None
    assert step.outage.end is not None
    assert step.outage.notice_at is not None
    assert step.lost is not None
    assert step.told_until is not None
    start, end = dates.local(step.outage.start, zone), dates.local(step.outage.end, zone)
    told, until = dates.local(step.outage.notice_at, zone), dates.local(step.told_until, zone)
    said = [
        _(
            "The service did not work from %(start_time)s on %(start_day)s to %(end_time)s on %(end_day)s."
            " The time lost, %(lost)s, is given back."
        )
        % {
            "start_time": start.time,
            "start_day": start.day,
            "end_time": end.time,
            "end_day": end.day,
            "lost": dates.duration(step.lost),
        },
        _(
            "At %(told_time)s on %(told_day)s everyone had been told that it works again."
            " After that you have at least %(floor)s, until %(until_time)s on %(until_day)s."
        )
        % {
            "told_time": told.time,
            "told_day": told.day,
            "floor": dates.duration(step.told_until - step.outage.notice_at),
            "until_time": until.time,
            "until_day": until.day,
        },
    ]
    if step.merged > 1:
        said.insert(
            1,
            ngettext(
                "That is %(count)s time of trouble, counted as one.",
                "Those are %(count)s times of trouble close together, counted as one.",
                step.merged,
            )
            % {"count": step.merged},
        )
    return [*said, _rounded(step, zone)]


def _rounded(step: Step, zone: str) -> str:
    assert isinstance(step.deadline, datetime)
    due, shown = dates.local(step.due, zone), dates.local(step.deadline, zone)
    facts = {
        "due_time": due.time,
        "due_day": due.day,
        "shown_time": shown.time,
        "shown_day": shown.day,
        "city": shown.city,
    }
    if step.deadline != step.rounded:
        return (
            _(
                "The later of the two is %(due_time)s on %(due_day)s. A deadline never falls into the night,"
                " so it is %(shown_time)s on %(shown_day)s, %(city)s time."
            )
            % facts
        )
    return (
        _(
            "The later of the two, rounded up to the hour, is the deadline:"
            " %(shown_time)s on %(shown_day)s, %(city)s time."
        )
        % facts
    )


def _lasts(step: Step, zone: str) -> list[str]:
    assert step.outage is not None
    start = dates.local(step.outage.start, zone)
    return [
        _("The service has not worked since %(time)s on %(day)s. Until it does, your deadline stands still.")
        % {"time": start.time, "day": start.day}
    ]


def _not_told(step: Step, zone: str) -> list[str]:
    assert step.outage is not None
    assert step.outage.end is not None
    start, end = dates.local(step.outage.start, zone), dates.local(step.outage.end, zone)
    return [
        _(
            "The service did not work from %(start_time)s on %(start_day)s to %(end_time)s on %(end_day)s."
            " Until everyone has been told that it works again, your deadline stands still."
        )
        % {"start_time": start.time, "start_day": start.day, "end_time": end.time, "end_day": end.day}
    ]


def _promised(step: Step, zone: str) -> list[str]:
    assert isinstance(step.deadline, datetime)
    shown = dates.local(step.deadline, zone)
    return [
        _(
            "You had been told %(shown_time)s on %(shown_day)s, %(city)s time, before."
            " A deadline never moves back, so that time holds."
        )
        % {"shown_time": shown.time, "shown_day": shown.day, "city": shown.city}
    ]


_WORDS = {Because.MOVED: _moved, Because.LASTS: _lasts, Because.NOT_TOLD: _not_told, Because.PROMISED: _promised}
