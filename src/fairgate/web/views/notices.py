"""What staff see of messages that did not reach people: kind, channel, reason and group, never an address."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fairgate.core.delivering import LATE
from fairgate.store import clock, deliveries
from fairgate.store.deliveries import Sight
from fairgate.web import database, dates, deployment, words
from fairgate.web.answers import page

SHOWN = 200  # the latest


@require_safe
@login_required
def failed(request: HttpRequest) -> HttpResponse:
    """The latest messages that failed for good."""
    with database.connection() as conn:
        zone = deployment.program(deployment.profile(conn)).zone
        found = deliveries.failed(conn, SHOWN + 1)
        waiting, since = deliveries.late(conn, clock.now(conn), LATE)
    context = {
        "failures": [_line(sight, zone) for sight in found[:SHOWN]],
        "more": len(found) > SHOWN,
        "late": waiting,
        "late_since": dates.moment(since, zone) if since else None,
        "staff": request.user,
    }
    return page(request, "staff/notices.html", context)


def _line(sight: Sight, zone: str) -> dict[str, object]:
    return {
        "at": dates.moment(sight.at, zone),
        "number": sight.number,
        "kind": words.notice(sight.kind),
        "channel": words.channel(sight.channel),
        "reason": words.delivery_fault(sight.reason),
        "told": words.told(sight.notice),
        "nobody": sight.notice == "failed",
    }
