"""The page "Was I offered a place?": what the draws whose date is to come said of a group, read from their shards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

import psycopg
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods

from fairgate.core import sealing
from fairgate.core.draw import ticket
from fairgate.core.honoured import Share
from fairgate.core.profile import Profile, Program
from fairgate.store import clock, honoured, offers, registrations, rounds, shards
from fairgate.store.registrations import Registration
from fairgate.store.rounds import Round
from fairgate.web import database, dates, deployment, session
from fairgate.web.answers import DONE, form_page, page
from fairgate.web.forms import SignIn
from fairgate.web.views import sign_in

ROUNDS_LOOKED_AT = 100  # newest first; those to come are some weeks of days
FORM_KEPT_SECONDS = 600  # an empty form says nothing about anybody; a phone need not load it each time it looks

Outcome = Literal["offered", "waiting", "reserve", "absent"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a round says of a ticket; `shard` is the address of the file that says it, `due` when it will.

    `open` is whether a place of that date is to be confirmed now, which no file says.
    """

    date: date
    ticket: str
    shard: str
    due: str
    open: bool
    outcome: Outcome
    port: str = ""
    port_name: str = ""
    place: int = 0
    missing: bool = False  # from the list; then this is what the draw would have given


@require_http_methods(["GET", "HEAD", "POST"])
def results(request: HttpRequest) -> HttpResponse:
    """For who is signed in, or gives number and code here; that signs nobody in."""
    form = SignIn(request.POST or None)
    group = sign_in.opened(form) if request.method == "POST" else _signed_in(request)
    with database.connection() as conn:
        profile = deployment.profile(conn)
        answers = _answers(conn, profile, group) if group else []
    context = {"ports": _ports(profile), "locale": dates.locale_tag(), **_sorted_out(answers)}
    if group:
        return page(request, "results.html", {**context, "of": group.number})
    response = form_page(request, "results.html", form, context)
    if request.method != "POST" and DONE not in request.COOKIES:
        patch_cache_control(response, private=True, max_age=FORM_KEPT_SECONDS)
    return response


def _signed_in(request: HttpRequest) -> Registration | None:
    number = session.number(request)
    if number is None:
        return None
    with database.connection() as conn:
        return registrations.find(conn, number)


def _answers(conn: psycopg.Connection, profile: Profile, group: Registration) -> list[Answer]:
    """What each sealed or drawn round says whose date is not over, the latest date first."""
    program = deployment.program(profile)
    today = clock.now(conn).astimezone(ZoneInfo(program.zone)).date()
    found = rounds.newest(conn, program.program, ROUNDS_LOOKED_AT)
    told = [each for each in found if each.state in ("sealed", "drawn") and each.date >= today]
    offer = offers.latest(conn, program.program, [group.id]).get(group.id)
    held = offer.date if offer and offer.state == "offered" else None
    shares = honoured.shares(conn, group.id)
    answers = [_answer(profile, program, each, group.number, each.date == held) for each in told]
    return [
        _honoured(profile, answer, shares[each.id]) if each.id in shares else answer
        for each, answer in zip(told, answers, strict=True)
    ]


def _honoured(profile: Profile, answer: Answer, share: Share) -> Answer:
    """The answer for who was missing from the list, and showed a receipt."""
    port = share.port or ""
    name = deployment.port_name(profile, port) if port else ""
    outcome: Outcome = "offered" if port else "reserve"
    return replace(answer, outcome=outcome, port=port, port_name=name, place=share.order, missing=True)


def _answer(profile: Profile, program: Program, found: Round, number: str, is_open: bool) -> Answer:
    assert found.wrapped_key is not None, "a sealed round has its ticket key"
    mine = ticket(sealing.unwrap(settings.FAIRGATE_KEYS, found.wrapped_key, found.about), number)
    folder = shards.folder(settings.FAIRGATE_HOME, profile, program.program, found.date)
    address = f"/{(folder / shards.prefix(mine)).relative_to(settings.FAIRGATE_HOME / 'public')}"
    about = (found.date, mine, address, dates.moment(found.draw_at, program.zone), is_open)
    try:
        said = shards.find(folder, mine)
    except FileNotFoundError:
        return Answer(*about, "waiting")
    if said is None:
        return Answer(*about, "absent")
    if said.outcome == "offered":
        return Answer(*about, "offered", said.port, deployment.port_name(profile, said.port))
    return Answer(*about, "reserve", place=said.order)


def _ports(profile: Profile) -> dict[str, str]:
    """The names of all ports, for the script that reads a shard."""
    return {port.port: deployment.in_words(port.names) for port in profile.ports}


def _sorted_out(answers: Sequence[Answer]) -> dict[str, object]:
    """Those that matter most: a place to confirm and draws still to come, else the latest; and the rest."""
    first = [answer for answer in answers if answer.open]
    first += [answer for answer in answers if answer.outcome == "waiting"]
    first = first or list(answers[:1])
    return {"answers": answers, "first": first, "others": [answer for answer in answers if answer not in first]}
