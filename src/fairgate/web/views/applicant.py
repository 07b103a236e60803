"""An applicant's pages about the request: where I stand, asking, withdrawing and bringing back."""

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from fairgate.commands import request as acts
from fairgate.core.lifecycle import Refused
from fairgate.store import clock
from fairgate.web import database, session, told, words
from fairgate.web.answers import form_page, go, page, refused
from fairgate.web.forms import PortChoice
from fairgate.web.standing import Desk, standing_context
from fairgate.web.views.offer import form_of

ASKING = ["GET", "HEAD", "POST"]


@require_safe
@session.applicant
def standing(request: HttpRequest, number: str) -> HttpResponse:
    with database.connection() as conn:
        desk = Desk(conn, number)
        context = {**standing_context(desk, clock.now(conn)), "push_key": settings.FAIRGATE_PUSH_KEY}
        return page(request, "standing.html", context)


@require_http_methods(ASKING)
@session.applicant
def ask(request: HttpRequest, number: str) -> HttpResponse:
    """Ask, or change the ports of a request that stands. The form goes to the gate; here it is told what is wrong."""
    with database.connection() as conn:
        desk = Desk(conn, number)
        data = request.POST if request.method == "POST" else None
        form = PortChoice(data, ports=desk.ports(), chosen=desk.chosen_ports())
        if data is not None:
            refused = told.refusal(request)
            if refused is None:
                return told.tell(request, None)
            if form.is_valid():
                fault = words.field_fault(refused.reason)
                if fault is None:
                    return told.tell(request, refused)
                form.add_error(form.field_of(refused.facts.get("port")), fault)
        context = form_of(number, clock.now(conn))
    return form_page(request, "ask.html", form, context)


@require_http_methods(ASKING)
@session.applicant
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """Ask whether they are sure, then withdraw the request."""
    if request.method != "POST":
        return page(request, "withdraw.html")
    with database.connection() as conn:
        act = acts.Withdraw(number, Desk(conn, number).program.program)
        [outcome] = acts.withdraw(conn, [act], now=clock.now(conn), chance=os.urandom)
    if isinstance(outcome, Refused):
        return refused(request, outcome.reason, "standing")
    return go(reverse("standing"), outcome)


@require_http_methods(ASKING)
@session.applicant
def restore(request: HttpRequest, number: str) -> HttpResponse:
    """Bring a withdrawn request back. Who had to sign in first comes with GET, and finds the button again."""
    if request.method != "POST":
        return go(reverse("standing"))
    with database.connection() as conn:
        act = acts.Restore(number, Desk(conn, number).program.program)
        [outcome] = acts.restore(conn, [act], now=clock.now(conn), chance=os.urandom)
    if isinstance(outcome, Refused):
        return refused(request, outcome.reason, "standing")
    return go(reverse("standing"), outcome)
