"""The deadline, slow and obvious: outages made into one two at a time, the night walked minute by minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fairgate.core.deadlines import Outage, Policy

MINUTE = timedelta(minutes=1)


def deadline(opened_at: datetime, outages: list[Outage], policy: Policy, zone: ZoneInfo) -> datetime | None:
    """The deadline; None is PAUSED."""
    due = shown = opened_at + policy.window
    for outage in sorted(merged(outages, policy.merge_gap), key=lambda outage: outage.start):
        if outage.start > shown:
            continue
        if outage.end is not None and outage.end <= opened_at:
            continue
        if outage.end is None or outage.notice_at is None:
            return None
        lost = outage.end - max(outage.start, opened_at)
        floor = policy.long_notice_floor if lost >= policy.long_outage else policy.notice_floor
        due = max(due + lost, outage.notice_at + floor)
        shown = rounded_up(due, policy.round_to)
        if quiet(shown, policy, zone):
            shown = morning(shown, policy, zone)
    return shown


def merged(outages: list[Outage], gap: timedelta) -> list[Outage]:
    """Take two that are too close and put one in their place, until there are none."""
    left = list(outages)
    while pair := next(((a, b) for a in left for b in left if a is not b and too_close(a, b, gap)), None):
        one, other = pair
        left = [outage for outage in left if outage is not one and outage is not other]
        left.append(together(one, other))
    return left


def too_close(one: Outage, other: Outage, gap: timedelta) -> bool:
    return one.start <= other.start and (one.end is None or other.start - one.end < gap)


def together(one: Outage, other: Outage) -> Outage:
    end = None if one.end is None or other.end is None else max(one.end, other.end)
    nobody_waits = one.notice_at is not None and other.notice_at is not None
    return Outage(min(one.start, other.start), end, max(one.notice_at, other.notice_at) if nobody_waits else None)


def rounded_up(moment: datetime, round_to: timedelta) -> datetime:
    seconds, step = int(moment.timestamp()), int(round_to.total_seconds())
    while seconds % step:
        seconds += 1
    return datetime.fromtimestamp(seconds, UTC)


def quiet(moment: datetime, policy: Policy, zone: ZoneInfo) -> bool:
    """Go through the quiet hours of a day from quiet_from on, and see whether this time of day is one of them."""
    now = moment.astimezone(zone).time()
    begins, ends = (at.hour * 60 + at.minute for at in (policy.quiet_from, policy.quiet_to))
    minute = begins
    while minute != ends:
        if minute == now.hour * 60 + now.minute:
            return True
        minute = (minute + 1) % (24 * 60)
    return False


def morning(moment: datetime, policy: Policy, zone: ZoneInfo) -> datetime:
    """Wait, minute by minute, until the clock shows quiet_to, or has just been set forward out of the quiet hours."""
    at = moment.replace(second=0, microsecond=0)
    while True:
        before, at = at, at + MINUTE
        set_forward = at.astimezone(zone).utcoffset() > before.astimezone(zone).utcoffset()
        local = at.astimezone(zone).time().replace(second=0)
        if local == policy.quiet_to or (set_forward and not quiet(at, policy, zone)):
            return at
