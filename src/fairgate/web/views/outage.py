"""The page that explains, by what happened once, that the clock of a deadline runs only while confirming works."""

from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fairgate.core.deadlines import explain
from fairgate.web import dates, deployment, example, explaining
from fairgate.web.answers import page
from fairgate.web.example import Example


@require_safe
def how_outage(request: HttpRequest) -> HttpResponse:
    policy = deployment.program(deployment.profile_or_last()).policy
    lengths = ("window", "notice_floor", "long_outage", "long_notice_floor", "held", "in_line")
    context = {name: dates.duration(getattr(policy, name)) for name in lengths}
    found = example.load()
    return page(request, "how-outage.html", {**context, "example": found and _told(found)})


def _told(found: Example) -> dict[str, object]:
    """The example in words: the sum that leads to one deadline, and what became of all places."""
    _deadline, steps = explain(found.opened_at, found.outages, found.policy, ZoneInfo(example.ZONE))
    rows = [
        (_("Place confirmed"), "confirmed"),
        (_("Can still be confirmed"), example.STILL_OPEN),
        (_("Nobody tried to confirm in time"), example.NEVER_TRIED),
        (_("Tried only when it was over"), example.TOO_LATE),
        (_("A try failed, and nobody came back in 12 hours of working service"), example.STAYED_AWAY),
        (_("Lost because the service failed"), example.LOST),
    ]
    counted = [(words, found.ours.get(what, 0), found.fixed.get(what, 0)) for words, what in rows]
    return {
        "steps": explaining.sentences(steps, found.opened_at, found.policy, example.ZONE),
        "rows": [row for row in counted if row[1] or row[2]],
        "groups": found.groups_failed,
        "lost": found.ours.get(example.LOST, 0),
        "lost_fixed": found.fixed.get(example.LOST, 0),
    }
