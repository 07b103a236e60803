"""The page for those who asked, and are not in a draw: what to do, and what the service then does by rule."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fairgate.web import database, dates, deployment
from fairgate.web.answers import page


@require_safe
def missing(request: HttpRequest) -> HttpResponse:
    with database.connection() as conn:
        profile = deployment.profile(conn)
    texts, window = deployment.texts(profile), deployment.program(profile).policy.window
    context = {"agency": texts.agency, "contact": texts.contact, "window": dates.duration(window)}
    return page(request, "missing.html", context)
