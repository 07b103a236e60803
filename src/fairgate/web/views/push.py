"""Being told on a device: the form that a browser's script sends once it has subscribed, or has ended that."""

import os

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from fairgate.commands.subscribe import Subscribe, Unsubscribe, subscribe, unsubscribe
from fairgate.core.errors import BadInput
from fairgate.core.webpush import read_subscription
from fairgate.store import clock
from fairgate.web import database, session
from fairgate.web.answers import go, page, problems

ACTS = ("start", "stop")


@require_http_methods(["GET", "HEAD", "POST"])
@session.applicant
def push(request: HttpRequest, number: str) -> HttpResponse:
    """Tell this device, or tell it no more. Who had to sign in first comes with GET, and finds the button again."""
    if not settings.FAIRGATE_PUSH_KEY:
        raise Http404
    if request.method != "POST":
        return go(reverse("standing"))
    act = request.POST.get("act")
    try:
        subscription = read_subscription(request.POST.get("subscription", ""))
    except BadInput:
        return _wrong(request)
    if act not in ACTS:
        return _wrong(request)
    keys = settings.FAIRGATE_KEYS
    with database.connection() as conn:
        if act == "start":
            started = [Subscribe(number, subscription)]
            [known] = subscribe(conn, started, keys=keys, now=clock.now(conn), chance=os.urandom)
        else:
            [known] = unsubscribe(conn, [Unsubscribe(number, subscription.endpoint)], keys=keys)
    if not known:
        raise session.Gone
    return go(reverse("standing"), "subscribed" if act == "start" else "unsubscribed")


def _wrong(request: HttpRequest) -> HttpResponse:
    found = problems([("back", _("Messages cannot be sent to this browser"))])
    return page(request, "device-refused.html", {"errors": found}, status=422)
