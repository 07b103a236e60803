"""The console of officers at a port: today's appointments, and checking groups in."""

import os
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fairgate.commands.check_in import CheckIn, check_in
from fairgate.core.lifecycle import Outcome, Refused
from fairgate.core.profile import Profile
from fairgate.store import clock, offers
from fairgate.store.offers import Offer
from fairgate.web import database, dates, deployment, words
from fairgate.web.answers import form_page, go, page
from fairgate.web.forms import Arrival, StaffSignIn
from fairgate.web.session import Gone
from fairgate.web.standing import Desk

ASKING = ["GET", "HEAD", "POST"]


@require_http_methods(ASKING)
def sign_in(request: HttpRequest) -> HttpResponse:
    form = StaffSignIn(request.POST or None)
    if form.is_valid():
        user = authenticate(request, username=form.cleaned_data["name"], password=form.cleaned_data["password"])
        if user is not None:
            login(request, user)
            return go(reverse("staff"))
        form.add_error("name", _("This name and this password do not belong together. Check both"))
    return form_page(request, "staff/sign-in.html", form)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return go(reverse("staff-sign-in"))


@require_safe
@login_required
def ports(request: HttpRequest) -> HttpResponse:
    """All ports with how many groups are expected today and how many have come."""
    with database.connection() as conn:
        profile, now = deployment.profile(conn), clock.now(conn)
        found = [_today(conn, profile, port.port, now) for port in profile.ports]
    return page(request, "staff/ports.html", {"ports": found, "staff": request.user})


@require_http_methods(ASKING)
@login_required
def port(request: HttpRequest, port: str) -> HttpResponse:
    """Today's appointments at a port, and the field for the number of a group that has come."""
    with database.connection() as conn:
        profile, now = deployment.profile(conn), clock.now(conn)
        if deployment.find_port(profile, port) is None:
            raise Http404
        form = Arrival(request.POST or None)
        if form.is_valid():
            fault = _check_in(conn, form.cleaned_data["number"], port, now)
            if fault is None:
                return go(request.path, "checked in")
            form.add_error("number", fault)
        context = {**_today(conn, profile, port, now), "staff": request.user}
    return form_page(request, "staff/port.html", form, context)


def _today(conn: psycopg.Connection, profile: Profile, code: str, now: datetime) -> dict[str, object]:
    zone = profile.port(code).zone
    today = offers.today_at(now, zone)
    groups = offers.of_day(conn, today, code)
    return {
        "code": code,
        "name": deployment.port_name(profile, code),
        "today": today,
        "city": dates.city(zone),
        "groups": [_line(offer) for offer in groups],
        "persons": sum(offer.size for offer in groups),
        "arrived": sum(offer.size for offer in groups if offer.arrived_at),
    }


def _line(offer: Offer) -> dict[str, object]:
    arrived = offer.arrived_at.astimezone(ZoneInfo(offer.zone)).time() if offer.arrived_at else None
    return {
        "number": offer.number,
        "time": dates.clock(offer.time),
        "size": offer.size,
        "state": words.appointment_state(offer.state),
        "arrived": dates.clock(arrived) if arrived else None,
    }


def _check_in(conn: psycopg.Connection, number: str, port: str, now: datetime) -> str | None:
    """Check a group in; what to tell the officer if that is refused."""
    try:
        desk = Desk(conn, number)
        offer = desk.offer
    except Gone:
        return _("No group has this number")
    if offer is not None and offer.port != port:
        return _("The appointment of this group is at %(port)s") % {
            "port": deployment.port_name(desk.profile, offer.port)
        }
    act = CheckIn(number, desk.program.program)
    [outcome] = check_in(conn, [act], now=now, chance=os.urandom)
    return _fault(outcome, offer)


def _fault(outcome: Outcome, offer: Offer | None) -> str | None:
    if not isinstance(outcome, Refused):
        return None
    return words.arrival_fault(outcome.reason, dates.day(offer.date, year=True) if offer else "")
