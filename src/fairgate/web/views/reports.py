"""Where providers of text messages report what has become of them."""

import hmac
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from fairgate.commands.deliver import Report
from fairgate.commands.deliver import report as record
from fairgate.core.canonical import read_json
from fairgate.core.delivering import read_reference
from fairgate.core.errors import BadInput
from fairgate.store import clock
from fairgate.web import database

STATUSES = {"delivered": True, "failed": False}


@csrf_exempt  # it is asked by programs, which send no cookie that could be misused
@require_POST
def report(request: HttpRequest, provider: str) -> HttpResponse:
    """`{"reference", "status"}` with the provider's secret: 204, or 404 for a message that is not on record (yet)."""
    known = next((each for each in settings.FAIRGATE_SMS_PROVIDERS if each.name == provider), None)
    given = request.headers.get("Authorization", "").encode()
    if known is None or not hmac.compare_digest(given, f"Bearer {known.report_secret}".encode()):
        return _fault("this provider and this secret do not belong together", HTTPStatus.UNAUTHORIZED)
    try:
        said = read_json("body", request.body)
    except BadInput as bad:
        return _fault(str(bad), HTTPStatus.UNPROCESSABLE_ENTITY)
    reference, status = (said.get("reference"), said.get("status")) if isinstance(said, dict) else (None, None)
    delivery = read_reference(reference) if isinstance(reference, str) else None
    if delivery is None or not isinstance(status, str) or status not in STATUSES:
        problem = 'body: send {"reference": "FG-…", "status": "delivered" or "failed"}'
        return _fault(problem, HTTPStatus.UNPROCESSABLE_ENTITY)
    with database.connection() as conn:
        [noted] = record(conn, [Report(delivery, provider, STATUSES[status])], now=clock.now(conn))
    if not noted:
        return _fault("no such message is on record as sent; try again in a minute", HTTPStatus.NOT_FOUND)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _fault(problem: str, status: HTTPStatus) -> JsonResponse:
    return JsonResponse({"error": problem}, status=status)
