"""An applicant's pages about the registration itself: the language of messages and the people of the group."""

import os

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from fairgate.commands.amend import Amend, amend
from fairgate.core import sealing
from fairgate.core.lifecycle import Refused
from fairgate.core.registering import Member
from fairgate.store import clock, registrations
from fairgate.web import database, deployment, session, words
from fairgate.web.answers import form_page, go, page, refused
from fairgate.web.forms import MessageLanguage, Person
from fairgate.web.standing import Desk

ASKING = ["GET", "HEAD", "POST"]


@require_http_methods(ASKING)
@session.applicant
def message_language(request: HttpRequest, number: str) -> HttpResponse:
    with database.connection() as conn:
        desk = Desk(conn, number)
        form = MessageLanguage(_sent(request), initial={"language": desk.registration.language})
        if form.is_valid():
            act = Amend(number, language=form.cleaned_data["language"])
            [outcome] = amend(conn, [act], keys=settings.FAIRGATE_KEYS, now=clock.now(conn), chance=os.urandom)
            if not isinstance(outcome, Refused):
                return go(reverse("standing"), outcome)
            form.add_error("language", words.field_fault(outcome.reason) or words.refusal(outcome.reason).title)
        names = [{"value": code, "text": deployment.language_name(code)} for code in desk.profile.languages]
    return form_page(request, "message-language.html", form, {"items": names})


@require_safe
@session.applicant
def people(request: HttpRequest, number: str) -> HttpResponse:
    with database.connection() as conn:
        return page(request, "people.html", {"members": _members(Desk(conn, number))})


@require_http_methods(ASKING)
@session.applicant
def person(request: HttpRequest, number: str, position: int) -> HttpResponse:
    """Correct the names or the birth date of one member; who joined when stays."""
    with database.connection() as conn:
        members = _members(Desk(conn, number))
        if not 1 <= position <= len(members):
            raise Http404
        form = Person(_sent(request), member=members[position - 1])
        if form.is_valid():
            members[position - 1] = form.member()
            act = Amend(number, members=members)
            [outcome] = amend(conn, [act], keys=settings.FAIRGATE_KEYS, now=clock.now(conn), chance=os.urandom)
            if not isinstance(outcome, Refused):
                return go(reverse("people"), outcome)
            found = words.person_fault(outcome.reason)
            if found is None:
                return refused(request, outcome.reason, "people")
            form.add_error(*found)
    return form_page(request, "person.html", form)


def _members(desk: Desk) -> list[Member]:
    """The people of the group, opened with the deployment's key."""
    owner = desk.registration.id
    rows = registrations.people(desk.conn, [owner]).get(owner, [])
    return [Member.from_json(sealing.unseal(settings.FAIRGATE_KEYS, row.sealed, desk.number)) for row in rows]


def _sent(request: HttpRequest) -> dict[str, str] | None:
    return request.POST.dict() if request.method == "POST" else None
