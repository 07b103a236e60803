"""Who is signed in: a signed cookie with the registration's number and its last moment. Nothing is stored."""

import time
from collections.abc import Callable
from functools import update_wrapper
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from fairgate.core import tokens

COOKIE = tokens.COOKIE

P = ParamSpec("P")


class Gone(Exception):  # noqa: N818 - not an error of ours: the person is asked to sign in again
    """The registration that somebody is signed in for does not exist any more."""


def start(response: HttpResponse, number: str) -> None:
    """Sign `number` in with this answer."""
    seconds = settings.SIGN_IN_HOURS * 3600
    token = tokens.sign(settings.FAIRGATE_KEYS, tokens.SESSION, {"number": number, "until": int(time.time()) + seconds})
    response.set_cookie(
        COOKIE, token, max_age=seconds, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )


def end(response: HttpResponse) -> None:
    response.delete_cookie(COOKIE, samesite="Lax")


def number(request: HttpRequest) -> str | None:
    """The registration number of the person who sent this; None when nobody is signed in."""
    return tokens.read_number(settings.FAIRGATE_KEYS, request.COOKIES.get(COOKIE, ""), time.time())


def applicant(
    view: Callable[Concatenate[HttpRequest, str, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Only for who is signed in: the view is given the number; everyone else is asked to sign in and comes back."""

    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        who = number(request)
        if who is None:
            return _ask_to_sign_in(request)
        try:
            return view(request, who, *args, **kwargs)
        except Gone:
            response = _ask_to_sign_in(request)
            end(response)
            return response

    update_wrapper(answer, view)
    return answer


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    back = urlencode({"next": request.path}, safe="/")
    return HttpResponseRedirect(f"{reverse('sign-in')}?{back}")
