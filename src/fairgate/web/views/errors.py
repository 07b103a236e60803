"""Pages for what went wrong, in the person's language and with the way on."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import is_valid_path

from fairgate.web.answers import page

RETRY_AFTER_SECONDS = 20


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, "errors/bad-request.html", status=HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, "errors/forbidden.html", status=HTTPStatus.FORBIDDEN)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form came without its cookie: an old page, or a browser that keeps no cookies."""
    return page(request, "errors/csrf.html", status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """No such page; where only a stroke at the end is missing or too many, on to the page that was meant."""
    path = request.path[:-1] if request.path.endswith("/") else f"{request.path}/"
    if request.method in ("GET", "HEAD") and is_valid_path(path):
        query = request.META["QUERY_STRING"]
        return HttpResponseRedirect(f"{path}?{query}" if query else path)
    return page(request, "errors/not-found.html", status=HTTPStatus.NOT_FOUND)


def broken(request: HttpRequest) -> HttpResponse:
    return page(request, "errors/broken.html", status=HTTPStatus.INTERNAL_SERVER_ERROR)


def unavailable(
    request: HttpRequest, wait_s: int = RETRY_AFTER_SECONDS, *, recorded: bool | None = None
) -> HttpResponse:
    """The database does not answer; the page touches none and says when to come back.

    `recorded`: whether a try to confirm is on record; None when it was something else that got no answer.
    """
    response = page(request, "errors/unavailable.html", {"recorded": recorded}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return _after(response, wait_s)


def too_many(request: HttpRequest, wait_s: int) -> HttpResponse:
    response = page(request, "errors/too-many.html", {"seconds": wait_s}, status=HTTPStatus.TOO_MANY_REQUESTS)
    return _after(response, wait_s)


def too_large(request: HttpRequest) -> HttpResponse:
    return page(request, "errors/too-large.html", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def too_slow(request: HttpRequest) -> HttpResponse:
    return page(request, "errors/too-slow.html", status=HTTPStatus.REQUEST_TIMEOUT)


def _after(response: HttpResponse, seconds: int) -> HttpResponse:
    response.headers["Retry-After"] = str(seconds)
    return response
