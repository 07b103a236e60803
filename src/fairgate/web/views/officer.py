"""For the devices of officers: a token for name and password, with which the gate checks groups in."""

import time
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from fairgate.core import tokens
from fairgate.core.canonical import read_json
from fairgate.core.errors import BadInput


@csrf_exempt  # it is asked by programs, which send no cookie that could be misused
@require_POST
def session(request: HttpRequest) -> JsonResponse:
    """`{"name", "password"}` to `{"token", "until"}`; 401 when they do not belong together."""
    try:
        said = read_json("body", request.body)
    except BadInput as bad:
        return JsonResponse({"error": str(bad)}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    name, password = (said.get("name"), said.get("password")) if isinstance(said, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(password, str):
        problem = 'body: name or password is missing; send {"name": …, "password": …}'
        return JsonResponse({"error": problem}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    user = authenticate(request, username=name, password=password)
    if user is None:
        problem = "this name and this password do not belong together; check both"
        return JsonResponse({"error": problem}, status=HTTPStatus.UNAUTHORIZED)
    until = int(time.time()) + settings.SIGN_IN_HOURS * 3600
    token = tokens.sign(settings.FAIRGATE_KEYS, tokens.OFFICER, {"name": user.get_username(), "until": until})
    return JsonResponse({"token": token, "until": until})
