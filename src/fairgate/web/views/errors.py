"""Pages for what went wrong, in the person's language and with the way on."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

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
    return page(request, "errors/not-found.html", status=HTTPStatus.NOT_FOUND)


def broken(request: HttpRequest) -> HttpResponse:
    return page(request, "errors/broken.html", status=HTTPStatus.INTERNAL_SERVER_ERROR)


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database does not answer; the page touches none and says when to come back."""
    response = page(request, "errors/unavailable.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
