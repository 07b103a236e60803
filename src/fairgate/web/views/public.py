"""Pages for everyone: the start, and all draws with their figures and files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fairgate.commands.rounds import SET_BACK, TOO_LATE
from fairgate.core.profile import Profile, Program
from fairgate.store import clock, draw_figures, publication, rounds
from fairgate.store.rounds import Round, RoundPort
from fairgate.web import database, dates, deployment, draw_shown, verifying
from fairgate.web.answers import page

ROUNDS_SHOWN = 400  # a good year of days on one page; older ones are found by their date


@dataclass(frozen=True, slots=True)
class Line:
    """A round in the list of all draws."""

    date: date
    address: str
    step: str
    entry_count: int | None
    places: int | None


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    texts = deployment.texts(deployment.profile_or_last())
    return page(request, "start.html", {"service": texts.service, "agency": texts.agency})


@require_safe
def draws(request: HttpRequest) -> HttpResponse:
    with database.connection() as conn:
        profile = deployment.profile(conn)
        program = deployment.public_program(profile, request.GET.get("program"))
        found = rounds.newest(conn, program.program, ROUNDS_SHOWN)
    lines = [_line(round_, _address(profile, program, round_.date)) for round_ in found]
    return page(request, "draws.html", {"rounds": lines, **deployment.chosen(profile, program)})


@require_safe
def draw(request: HttpRequest, day: date, program: str | None = None) -> HttpResponse:
    """The page of a round; `program` is named in the addresses of all but the first."""
    with database.connection() as conn:
        profile = deployment.profile(conn)
        about = deployment.public_program(profile, program)
        if program is not None and about.program != program:
            raise Http404
        if program is not None and about == profile.public_programs[0]:
            return HttpResponseRedirect(_address(profile, about, day))
        found = rounds.find(conn, about.program, day)
        if found is None:
            raise Http404
        ports, now = list(rounds.ports(conn, found.id).values()), clock.now(conn)
    return page(request, "draw.html", _about(profile, about, found, ports, now))


def _about(
    profile: Profile, program: Program, found: Round, ports: Sequence[RoundPort], now: datetime
) -> dict[str, object]:
    """All that the page of a round shows."""
    home, address = settings.FAIRGATE_HOME, _address(profile, program, found.date)
    names = [(port.port, deployment.in_words(port.names)) for port in profile.ports]
    drawn = draw_shown.drawn(draw_figures.folder(home, profile, program.program, found.date), names)
    return {
        "round": found,
        "address": address,
        "told": _told(found, program, now),
        "reason": _reason(found),
        "drawn": drawn,
        "facts": _facts(found, program),
        "places": None if drawn or not ports else draw_shown.places(ports, partial(deployment.port_name, profile)),
        "files": _files(publication.folder(home, profile, program.program, found.date)),
        "check": verifying.panel(profile, program, found.date, address),
        "data": f"/data{address}",
        **deployment.chosen(profile, program),
    }


def _address(profile: Profile, program: Program, day: date) -> str:
    """Where the page of a round is, and below it the files of its bundle; ends with a stroke."""
    public = settings.FAIRGATE_HOME / "public"
    return f"/{publication.folder(settings.FAIRGATE_HOME, profile, program.program, day).relative_to(public)}/"


def _told(found: Round, program: Program, now: datetime) -> str:
    """Where a round stands and what comes next, as a sentence."""
    facts = {
        name: dates.moment(at, program.zone)
        for name, at in (("closes", found.closes_at), ("seed", found.seed_at), ("draw", found.draw_at))
    }
    said = {
        "open": _("The list is still open. It closes at %(closes)s and is sealed then."),
        "sealed": _(
            "The list is sealed: nobody can change it any more. The random value does not exist yet. It is made not"
            " before %(seed)s; the draw is not before %(draw)s."
        ),
        "postponed": _(
            "The list is sealed: nobody can change it any more. But observers had not signed in time that they saw it,"
            " so a later random value counts. It is made not before %(seed)s; the draw is not before %(draw)s."
        ),
        "awaited": _(
            "The list is sealed: nobody can change it any more. The random value is made by now and is awaited here."
            " The draw is not before %(draw)s."
        ),
        "seeded": _("The list is sealed, and the random value is known. The draw is not before %(draw)s."),
        "drawn": _("The draw is made. Places that come free now go down its reserve list."),
        "closed": _("The draw is made, and its day is over."),
        "void": _("This draw is void: it gave out no places. Everyone who had asked is in the next draw."),
    }
    return said[_where(found, now)] % facts


def _reason(found: Round) -> str | None:
    """Why a round is void: in our own words where the machinery voided it, else in those of whoever did."""
    ours = {
        TOO_LATE: _("Its day had come before the draw could be held"),
        SET_BACK: _("Its list was public, and was lost with a database that was restored from a backup"),
    }
    return ours.get(found.void_reason or "", found.void_reason)


def _where(found: Round, now: datetime) -> str:
    """The state of a round; of a sealed one, also what has become of its random value."""
    if found.state != "sealed":
        return found.state
    if found.seeded_at:
        return "seeded"
    if now >= found.seed_at:
        return "awaited"
    return "postponed" if found.postponed else "sealed"


def _line(found: Round, address: str) -> Line:
    return Line(found.date, address, step(found.state), found.entry_count, _places(found))


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
        *plain(_("Reason"), _reason(found)),
        *moment(_("Closes at"), found.closes_at),
        *moment(_("Sealed at"), found.sealed_at),
        *plain(_("Groups in the draw"), None if found.entry_count is None else dates.number(found.entry_count)),
        *moment(_("Random value not before"), found.seed_at),
        *moment(_("Random value known since"), found.seeded_at),
        *plain(_("Times that it was put off"), found.postponed or None),
        *moment(_("Drawn at"), found.drawn_at),
        *plain(_("Number of the sealing in the public record"), found.sealed_leaf),
        *plain(_("Fingerprint of the list"), found.root and found.root.hex()),
        *plain(_("Seed of the draw"), found.seed and found.seed.hex()),
    ]


def _files(folder: Path) -> list[tuple[str, str]]:
    """The files of the bundle that are there, with what each of them is."""
    known = {
        "manifest.json": _(
            "The terms, fixed before the draw: ports, places, times, and where the random value comes from"
        ),
        "entries.csv": _("The sealed list: for each group its ticket, size, weeks waited and ports"),
        "checkpoint": _("The signed state of the public record that shows when the list was sealed"),
        "sealing.tlog-proof": _("The proof that the sealing stands in that record"),
        "beacon.json": _("The random value, and how to check where it comes from"),
        "results.csv": _("The result: all offers, then the reserve list"),
        "honoured.csv": _("Groups that were missing from the list and were given afterwards what they would have got"),
        "verify.py": _("A short program that draws again from these files and compares"),
    }
    return [(name, words) for name, words in known.items() if (folder / name).is_file()]
