"""An applicant's pages about an offer and the appointment that it becomes: confirm, decline, cancel."""

import os
import secrets
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from fairgate.commands.cancel import Cancel
from fairgate.commands.cancel import cancel as give_up
from fairgate.core import tokens
from fairgate.core.lifecycle import Outcome, Reason, Refused
from fairgate.store import clock
from fairgate.store.offers import Offer
from fairgate.web import database, dates, session, told
from fairgate.web.answers import go, page, refused
from fairgate.web.standing import Desk, place_context

ASKING = ["GET", "HEAD", "POST"]
KEY_MAX = 200


@require_http_methods(ASKING)
@session.applicant
def confirm(request: HttpRequest, number: str) -> HttpResponse:
    """The page that an offer is confirmed on; it carries when it was opened, and a key for repeats.

    `?program=` names another program than the first: a watcher confirms its places in a hidden one. The form is sent
    to the gate; what comes here of it is a refusal to be told.
    """
    with database.connection() as conn:
        desk, now = Desk(conn, number, request.GET.get("program")), clock.now(conn)
        if request.method == "POST":
            return _not_confirmed(request, desk, now)
        offer = desk.offer_for("confirm")
        if offer is None:
            return go(reverse("standing"))
        if desk.is_over(offer, now):
            return _too_late(request, desk, offer)
        return page(request, "confirm.html", {**place_context(desk, offer), **form_of(number, now)})


def _not_confirmed(request: HttpRequest, desk: Desk, now: datetime) -> HttpResponse:
    refused = told.refusal(request)
    if refused is not None and refused.reason is Reason.TOO_LATE and desk.offer is not None:
        return _too_late(request, desk, desk.offer, arrived_at=now)
    return told.tell(request, refused)


@require_http_methods(ASKING)
@session.applicant
def decline(request: HttpRequest, number: str) -> HttpResponse:
    """Asks whether they are sure. The form is sent to the gate."""
    if request.method == "POST":
        return told.tell(request, told.refusal(request))
    with database.connection() as conn:
        return _ask_whether_sure(request, Desk(conn, number), "decline", "decline.html", clock.now(conn))


@require_http_methods(ASKING)
@session.applicant
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    with database.connection() as conn:
        desk = Desk(conn, number)
        if request.method != "POST":
            return _ask_whether_sure(request, desk, "cancel", "cancel.html", clock.now(conn))
        act = Cancel(number, desk.program.program, "by holder", key=_key(request))
        [outcome] = give_up(conn, [act], now=clock.now(conn), chance=os.urandom)
    return _answer(request, outcome)


def _ask_whether_sure(request: HttpRequest, desk: Desk, act: str, template: str, now: datetime) -> HttpResponse:
    offer = desk.offer_for(act)
    if offer is None:
        return go(reverse("standing"))
    return page(request, template, {**place_context(desk, offer), **form_of(desk.number, now)})


def _answer(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    if isinstance(outcome, Refused):
        return refused(request, outcome.reason, "standing")
    return go(reverse("standing"), outcome)


def form_of(number: str, now: datetime) -> dict[str, object]:
    """What a form that goes to the gate carries: when its page was opened, signed, and a key for repeats."""
    return {"page_token": tokens.sign_page(settings.FAIRGATE_KEYS, number, now), "key": secrets.token_urlsafe(16)}


def _too_late(request: HttpRequest, desk: Desk, offer: Offer, arrived_at: datetime | None = None) -> HttpResponse:
    """The deadline, the sum that leads to it, and when the confirmation came, if one was sent."""
    arrived = dates.local(arrived_at, desk.zone) if arrived_at else None
    return page(request, "too-late.html", {**place_context(desk, offer), "arrived": arrived}, status=409)


def _key(request: HttpRequest) -> str | None:
    """The idempotency key of the form; a page that was tampered with goes without."""
    return request.POST.get("key", "")[:KEY_MAX] or None
