"""The console of incidents: what is on record, and what staff say of it. Nothing here moves a deadline."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta

import psycopg
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from fairgate.commands.incidents import Declare, End, Write, declare, end, write
from fairgate.core.incidents import DECLARED, Kind
from fairgate.core.lifecycle import Outcome, Refused
from fairgate.core.profile import Profile
from fairgate.store import clock, incidents
from fairgate.store.incidents import Entry, Incident
from fairgate.web import database, dates, deployment, words
from fairgate.web.answers import form_page, go
from fairgate.web.incident_forms import Declaring, Texts

ASKING = ["GET", "HEAD", "POST"]
DAYS = timedelta(days=90)
SHOWN = 200


@require_http_methods(ASKING)
@login_required
def every(request: HttpRequest) -> HttpResponse:
    """Incidents of ninety days, and the form that declares one."""
    with database.connection() as conn:
        profile, now = deployment.profile(conn), clock.now(conn)
        zone = deployment.program(profile).zone
        codes = [port.port for port in profile.ports]
        form = Declaring(request.POST or None, languages=profile.languages, ports=codes, zone=zone, now=now)
        if form.is_valid():
            [outcome] = declare(conn, [_declared(request, form, now)], now=now, chance=os.urandom)
            return _after(outcome)
        found = [_line(one, profile) for one in incidents.since(conn, now - DAYS, SHOWN)]
    context = {
        "incidents": found,
        "staff": request.user,
        "kinds": [{"value": kind.value, "text": words.incident(kind)} for kind in DECLARED],
        "ports": [{"value": "", "text": ""}, *({"value": c, "text": deployment.port_name(profile, c)} for c in codes)],
        "city": dates.city(zone),
    }
    return form_page(request, "staff/incidents.html", form, context)


@require_http_methods(ASKING)
@login_required
def one(request: HttpRequest, number: str) -> HttpResponse:
    """An incident with its timeline, and the form that adds to it."""
    with database.connection() as conn:
        profile, now = deployment.profile(conn), clock.now(conn)
        found = _found(conn, number)
        form = Texts(request.POST or None, languages=profile.languages)
        if form.is_valid():
            act = Write(found.number, form.texts(), _who(request))
            [outcome] = write(conn, [act], now=now, chance=os.urandom)
            return _after(outcome, found.number)
        entries = incidents.entries(conn, [found.id])[found.id]
    zone = deployment.program(profile).zone
    context = {
        "incident": _line(found, profile),
        "entries": [_entry(entry, zone) for entry in reversed(entries)],
        "may_end": found.kind != Kind.OUTAGE and (found.end_at is None or found.end_at > now),
        "staff": request.user,
    }
    return form_page(request, "staff/incident.html", form, context)


@require_POST
@login_required
def over(request: HttpRequest, number: str) -> HttpResponse:
    """A declared incident is over."""
    with database.connection() as conn:
        found = _found(conn, number)
        act = End(found.number, _who(request))
        [outcome] = end(conn, [act], now=clock.now(conn), chance=os.urandom)
    return _after(outcome, found.number)


def _found(conn: psycopg.Connection, number: str) -> Incident:
    found = incidents.find(conn, number)
    if found is None:
        raise Http404
    return found


def _declared(request: HttpRequest, form: Declaring, now: datetime) -> Declare:
    said = form.cleaned_data
    return Declare(
        Kind(said["kind"]),
        program=None,
        port=said["port"],
        start_at=said["start"] or now,
        texts=form.texts(),
        by=_who(request),
        end_at=said["end"],
    )


def _after(outcome: Outcome, number: str | None = None) -> HttpResponse:
    """On to the incident; what was refused meanwhile (it is over already) shows itself there."""
    if isinstance(outcome, Refused):
        return go(reverse("staff-incidents") if number is None else reverse("staff-incident", args=[number]))
    return go(reverse("staff-incident", args=[outcome.facts["incident"]]), "incident")


def _who(request: HttpRequest) -> str:
    return request.user.get_username()


def _line(found: Incident, profile: Profile) -> Mapping[str, object]:
    zone = deployment.program(profile).zone
    return {
        "number": found.number,
        "what": words.incident(Kind(found.kind)),
        "port": deployment.port_name(profile, found.port) if found.port else None,
        "start": dates.moment(found.start_at, zone),
        "end": dates.moment(found.end_at, zone) if found.end_at else None,
        "groups": found.groups,
        "persons": found.persons,
    }


def _entry(entry: Entry, zone: str) -> Mapping[str, object]:
    texts = [(deployment.language_name(code), text) for code, text in (entry.texts or {}).items()]
    return {
        "at": dates.moment(entry.at, zone),
        "what": words.incident_entry(entry.kind),
        "texts": texts,
        "by": entry.written_by,
    }
