"""The page for those who asked, and are not in a draw: what to do, and what the service then does by rule."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fairgate.web import dates, deployment
from fairgate.web.answers import page


@require_safe
def missing(request: HttpRequest) -> HttpResponse:
    profile = deployment.profile_or_last()
    program = deployment.public_program(profile, request.GET.get("program"))
    texts = deployment.texts(profile)
    context = {
        "agency": texts.agency,
        "contact": texts.contact,
        "window": dates.duration(program.policy.window),
        **deployment.chosen(profile, program),
    }
    return page(request, "missing.html", context)
