"""Signing in and out, and the language."""

from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fairgate.core import sealing
from fairgate.store import registrations
from fairgate.store.registrations import Registration
from fairgate.web import database, session
from fairgate.web.answers import form_page
from fairgate.web.forms import SignIn

NOBODY = bytes(16)  # compared with when the number is unknown, so that both cases take as long


@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignIn(request.POST or None)
    found = opened(form)
    return _signed_in(request, found) if found else form_page(request, "sign-in.html", form)


def opened(form: SignIn) -> Registration | None:
    """The registration that the form's number and code open; None, and why in the form, when they open none."""
    if not form.is_valid():
        return None
    found = find(form.cleaned_data["number"], form.cleaned_data["code"])
    if found is None:
        form.add_error(
            "number", gettext("This registration number and this access code do not belong together. Check both")
        )
    return found


def find(number: str, code: str) -> Registration | None:
    """The registration that `code` opens; None, after the same work, when there is none."""
    with database.connection() as conn:
        found = registrations.find(conn, number)
    stored = found.code_hash if found else NOBODY
    return found if sealing.code_matches(settings.FAIRGATE_KEYS, number, code, stored) else None


def _signed_in(request: HttpRequest, registration: Registration) -> HttpResponse:
    response = HttpResponseRedirect(_next_page(request, reverse("standing")))
    session.start(response, registration.number)
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    response = HttpResponseRedirect(reverse("start"), status=HTTPStatus.SEE_OTHER)
    session.end(response)
    return response


@require_safe
def language(request: HttpRequest, code: str) -> HttpResponse:
    """Switch the language and go back. It changes nothing but how pages are shown, so a link may do it."""
    if code not in dict(settings.LANGUAGES):
        raise Http404
    response = HttpResponseRedirect(_next_page(request, reverse("start")))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.LANGUAGE_COOKIE_SECURE,
    )
    return response


def _next_page(request: HttpRequest, otherwise: str) -> str:
    """Where to go on, if it is a page of ours."""
    wanted = request.GET.get("next", "")
    known = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/")
    return wanted if known else otherwise
