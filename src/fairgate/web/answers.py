"""How a view answers: a page in the base layout, or a redirect after something was done."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation

from fairgate.core import tokens
from fairgate.core.lifecycle import Done, Reason
from fairgate.web import banner, deployment, session, words

DONE = tokens.DONE
LEAF_DIGITS = 18  # more has no leaf


def page(
    request: HttpRequest, template: str, context: Mapping[str, object] | None = None, *, status: int = HTTPStatus.OK
) -> HttpResponse:
    """The page that `template` makes, with what the base layout needs beside `context`."""
    done, leaf = _done(request)
    common = {
        "number": session.number(request),
        "next_page": request.get_full_path(),
        "errors": [],
        "success": words.done(done) if done and status == HTTPStatus.OK else None,
        "success_leaf": leaf,
        "here": "",
        "languages": deployment.languages(),
        "banners": banner.current(translation.get_language() or ""),
    }
    response = render(request, template, {**common, **(context or {})}, status=status)
    if done:
        response.delete_cookie(DONE, samesite="Lax")
    return response


def _done(request: HttpRequest) -> tuple[str, int | None]:
    """What was done before the redirect that led here, "" for nothing, and at which leaf of the ledger it stands."""
    done, _, leaf = request.COOKIES.get(DONE, "").partition(".")
    return done, int(leaf) if leaf.isascii() and leaf.isdigit() and len(leaf) <= LEAF_DIGITS else None


def form_page(
    request: HttpRequest, template: str, form: Form, context: Mapping[str, object] | None = None
) -> HttpResponse:
    """A page that asks something; a form that was sent and has errors is answered with 422 and its faults."""
    found = problems((name, str(text)) for name, texts in form.errors.items() for text in texts)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if found else HTTPStatus.OK
    return page(request, template, {"form": form, "errors": found, **(context or {})}, status=status)


def problems(found: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """The error summary's lines from (field, fault); each leads to the field that it is about."""
    return [{"text": text, "href": f"#{field}"} for field, text in found]


def refused(request: HttpRequest, reason: Reason, back: str) -> HttpResponse:
    """409: the act was refused, and why, with a link back to the page named `back`."""
    context = {"words": words.refusal(reason), "back": reverse(back)}
    return page(request, "errors/refused.html", context, status=HTTPStatus.CONFLICT)


def go(address: str, done: Done | str | None = None) -> HttpResponse:
    """On to the page at `address`, which then says what was done; where that is an act, with a link to its receipt."""
    response = HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)
    if done:
        said = tokens.done(done) if isinstance(done, Done) else done
        response.set_cookie(DONE, said, max_age=60, httponly=True, samesite="Lax")
    return response
