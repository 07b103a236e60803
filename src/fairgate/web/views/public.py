"""Pages for everyone: the start, how the draw works, and all draws with their files."""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fairgate.core.profile import Program
from fairgate.store import rounds
from fairgate.store.rounds import Round
from fairgate.web import database, dates, deployment
from fairgate.web.answers import page

ROUNDS_SHOWN = 400  # a good year of days on one page; older ones are found by their date
FILES = ("manifest.json", "entries.csv", "beacon.json", "results.csv", "honoured.csv", "checkpoint")


@dataclass(frozen=True, slots=True)
class Line:
    """A round in the list of all draws."""

    date: date
    step: str
    entry_count: int | None
    places: int | None


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    with database.connection() as conn:
        texts = deployment.texts(deployment.profile(conn))
    return page(request, "start.html", {"service": texts.service, "agency": texts.agency})


@require_safe
def how(request: HttpRequest) -> HttpResponse:
    with database.connection() as conn:
        program = deployment.program(deployment.profile(conn))
    part, whole = program.seniority_share
    context = {
        "window": dates.duration(program.policy.window),
        "waiting": {0: "none", whole: "all"}.get(part, "some"),
        "share": dates.percent(part / whole),
    }
    return page(request, "how.html", context)


@require_safe
def draws(request: HttpRequest) -> HttpResponse:
    with database.connection() as conn:
        found = rounds.newest(conn, deployment.program(deployment.profile(conn)).program, ROUNDS_SHOWN)
    return page(request, "draws.html", {"rounds": [_line(round_) for round_ in found]})


@require_safe
def draw(request: HttpRequest, day: date) -> HttpResponse:
    with database.connection() as conn:
        profile = deployment.profile(conn)
        program = deployment.program(profile)
        found = rounds.find(conn, program.program, day)
        if found is None:
            raise Http404
        ports = [
            {**asdict(port), "name": deployment.port_name(profile, port.port)}
            for port in rounds.ports(conn, found.id).values()
        ]
    context = {"round": found, "facts": _facts(found, program), "ports": ports, "files": _files(day)}
    return page(request, "draw.html", context)


def _line(found: Round) -> Line:
    return Line(found.date, step(found.state), found.entry_count, _places(found))


def step(state: str) -> str:
    """How far a round is, as a word."""
    return {
        "open": _("Open"),
        "sealed": _("Sealed"),
        "drawn": _("Drawn"),
        "closed": _("Closed"),
        "void": _("Void"),
    }[state]


def _places(found: Round) -> int | None:
    """Persons that the sealed manifest has room for."""
    if found.manifest is None:
        return None
    ports = json.loads(found.manifest)["ports"]
    return sum(max(0, int(port["capacity"]) - int(port["carry"])) for port in ports)


def _facts(found: Round, program: Program) -> list[tuple[str, str]]:
    """What is known of a round so far, as pairs of a name and words."""

    def moment(name: str, at: datetime | None) -> list[tuple[str, str]]:
        return [(name, dates.moment(at, program.zone))] if at else []

    def plain(name: str, value: object) -> list[tuple[str, str]]:
        return [(name, str(value))] if value is not None else []

    return [
        (_("How far it is"), step(found.state)),
        *plain(_("Reason"), found.void_reason),
        *moment(_("Closes at"), found.closes_at),
        *moment(_("Sealed at"), found.sealed_at),
        *plain(_("Groups in the draw"), found.entry_count),
        *moment(_("Random value not before"), found.seed_at),
        *moment(_("Drawn at"), found.drawn_at),
        *plain(_("Fingerprint of the list"), found.root and found.root.hex()),
        *plain(_("Seed of the draw"), found.seed and found.seed.hex()),
    ]


def _files(day: date) -> list[str]:
    folder = settings.FAIRGATE_HOME / "public" / "draws" / day.isoformat()
    return [name for name in FILES if (folder / name).is_file()]
