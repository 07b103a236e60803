"""What the gate has to tell a person. It hands it over in the request's scope, where no client can write."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from fairgate.core.lifecycle import Refused
from fairgate.web import answers
from fairgate.web.views import errors

Answer = Callable[[HttpRequest], HttpResponse]


def refusal(request: HttpRequest) -> Refused | None:
    """Why what a form asked for was not done; None when the gate did not take the form for one of ours."""
    found = _scope(request).get("fairgate.told")
    return found if isinstance(found, Refused) else None


def tell(request: HttpRequest, refused: Refused | None) -> HttpResponse:
    """The page about a refusal, or about a form that is not one of ours."""
    return errors.csrf(request) if refused is None else answers.refused(request, refused.reason, "standing")


def trouble(get_response: Answer) -> Answer:
    """Answer with the page for a trouble, where the gate asks for one."""

    def answer(request: HttpRequest) -> HttpResponse:
        found = _scope(request).get("fairgate.trouble")
        if found is None:
            return get_response(request)
        match found["status"]:
            case HTTPStatus.SERVICE_UNAVAILABLE:
                return errors.unavailable(request, found["wait_s"], recorded=found["recorded"])
            case HTTPStatus.TOO_MANY_REQUESTS:
                return errors.too_many(request, found["wait_s"])
            case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                return errors.too_large(request)
            case HTTPStatus.BAD_REQUEST:
                return errors.bad_request(request)
        return errors.too_slow(request)

    return answer


def _scope(request: HttpRequest) -> dict[str, Any]:
    scope: dict[str, Any] = request.META.get("asgi.scope", {})
    return scope
