"""The page that explains the draw, with a whole one of twelve families in it that is drawn by the same core."""

from collections.abc import Sequence
from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from markupsafe import Markup

from fairgate.core.draw import Offered
from fairgate.web import charts, dates, deployment, twelve
from fairgate.web.answers import page
from fairgate.web.charts import About, Bar, Group
from fairgate.web.tabled import ShownColumn, ShownTable
from fairgate.web.twelve import FAMILIES, PORTS, Example, Family, by_ticket

TICKET_SHOWN, LOT_SHOWN = 8, 6  # digits of a ticket and of a lot in the tables; the rest would only fill the page


@require_safe
def how(request: HttpRequest) -> HttpResponse:
    profile = deployment.profile_or_last()
    program = deployment.public_program(profile, request.GET.get("program"))
    part, whole = program.seniority_share
    context = {
        "window": dates.duration(program.policy.window),
        "waiting": {0: "none", whole: "all"}.get(part, "some"),
        "share": dates.percent(part / whole),
        "drand": "drand" in profile.beacon.kinds,
        "observers": dates.listed(profile.beacon.observers) if profile.beacon.observers else None,
        **deployment.chosen(profile, program),
        **_example(program.seniority_share, program.backfill_hours // 24, translation.get_language() or ""),
    }
    return page(request, "how.html", context)


@lru_cache(maxsize=64)
def _example(seniority_share: tuple[int, int], backfill_days: int, _language: str) -> dict[str, object]:
    """The draw of the twelve, step by step: tables, a picture, and what its sentences are filled with.

    It is the same for everyone who reads one language, so it is made once.
    """
    found = twelve.example(seniority_share)
    lots = [each for each in found.drawn.offers if each.phase == "lottery"]
    seniors = [each for each in found.drawn.offers if each.phase == "seniority"]
    first_lot = by_ticket(lots[0].ticket if lots else found.drawn.reserve[0])
    return {
        "people": sum(family.size for family in FAMILIES),
        "places": sum(map(found.places, PORTS)),
        "families": _families(),
        "one": FAMILIES[0],
        "listed": _listed(),
        "manifest": found.manifest.hash().hex(),
        "root": found.root.hex(),
        "other_root": found.other_root.hex(),
        "seed": found.seed.hex(),
        "ports": _ports(found),
        "carry": [(_named(each.port), _people(each.carry)) for each in PORTS if each.carry],
        "seniors": _seniors(seniors) if seniors else None,
        "lots": _lots(found, lots) if len(seniors) < len(FAMILIES) else None,
        "first_lot": {"name": first_lot.name, "text": found.lot_of(first_lot), "lot": found.lot(first_lot)},
        "full": _full(found),
        "full_picture": _full_picture(found),
        "over": [each for port in PORTS if (each := _over(found, port.port))],
        "reserve": _reserve(found),
        "lapse": _lapse(found),
        "backfill_days": ngettext("%(days)s day", "%(days)s days", backfill_days) % {"days": backfill_days},
    }


def _families() -> ShownTable:
    rows = [[each.name, dates.number(each.size), dates.number(each.weeks), _wishes(each)] for each in FAMILIES]
    columns = [*_columns(_("Family"), (_("People"), _("Weeks waited"))), ShownColumn(_("Ports, best first"), False)]
    return ShownTable("families", _("Twelve families"), columns, rows)


def _listed() -> ShownTable:
    rows = [
        [_short(each.ticket), dates.number(each.size), dates.number(each.weeks), "|".join(each.ports)]
        for each in sorted(FAMILIES, key=lambda family: family.ticket)
    ]
    columns = [*_columns(_("Ticket"), (_("People"), _("Weeks"))), ShownColumn(_("Ports"), False)]
    return ShownTable("listed", _("The sealed list"), columns, rows)


def _ports(found: Example) -> ShownTable:
    rows = [
        [_named(each.port), *map(dates.number, (each.capacity, each.carry, found.places(each), found.reserved(each)))]
        for each in PORTS
    ]
    columns = (_("Room for"), _("Paid back"), _("Places today"), _("For who waited longest"))
    return ShownTable("example-ports", _("The places, in people"), _columns(_("Port"), columns), rows)


def _seniors(offers: Sequence[Offered]) -> ShownTable:
    rows = []
    for each in offers:
        family = by_ticket(each.ticket)
        rows.append([family.name, dates.number(family.weeks), dates.number(family.size), _named(each.port)])
    columns = [*_columns(_("Family"), (_("Weeks waited"), _("People"))), ShownColumn(_("Place at"), False)]
    return ShownTable("seniors", _("Those who have waited longest"), columns, rows)


def _lots(found: Example, offers: Sequence[Offered]) -> ShownTable:
    """All families without a place so far, in the order of their lots, with what each got."""
    port = {each.ticket: each.port for each in offers}
    waiting = [by_ticket(ticket) for ticket in (*port, *found.drawn.reserve)]
    rows = [
        [each.name, found.lot(each)[:LOT_SHOWN], dates.number(each.size), _wishes(each), _got(port.get(each.ticket))]
        for each in sorted(waiting, key=found.lot)
    ]
    columns = [
        *(ShownColumn(name, False) for name in (_("Family"), _("Lot"))),
        ShownColumn(_("People")),
        *(ShownColumn(name, False) for name in (_("Ports, best first"), _("Result"))),
    ]
    return ShownTable("lots", _("The order of the lots"), columns, rows)


def _full(found: Example) -> ShownTable:
    rows = []
    for each in PORTS:
        numbers = (found.places(each), found.drawn.used[each.port], found.drawn.carry_out[each.port])
        there = [by_ticket(offer.ticket).name for offer in found.drawn.offers if offer.port == each.port]
        rows.append([_named(each.port), *map(dates.number, numbers), ", ".join(there)])
    columns = [
        *_columns(_("Port"), (_("Places"), _("Given out"), _("Too many"))),
        ShownColumn(_("Families, in the order of the offers"), False),
    ]
    return ShownTable("full", _("Places, and what was given out"), columns, rows)


def _full_picture(found: Example) -> Markup:
    groups = [
        Group(
            _named(each.port),
            tuple(Bar("", count, _people(count)) for count in (found.places(each), found.drawn.used[each.port])),
        )
        for each in PORTS
    ]
    about = About(
        "picture-full",
        _("Places, and what was given out"),
        _("For each port two bars: its places, and those given out."),
    )
    return charts.grouped(about, (_("Places"), _("Given out")), groups)


def _over(found: Example, port: str) -> dict[str, str] | None:
    """The last family that a port took, where it found fewer places than it has people."""
    there = [by_ticket(offer.ticket) for offer in found.drawn.offers if offer.port == port]
    too_many = found.drawn.carry_out[port]
    if not too_many or not there:
        return None
    last = there[-1]
    return {
        "family": last.name,
        "port": _named(port),
        "size": _people(last.size),
        "left": _places(last.size - too_many),
        "too_many": _people(too_many),
    }


def _reserve(found: Example) -> ShownTable:
    families = [by_ticket(ticket) for ticket in found.drawn.reserve]
    rows = [
        [dates.number(place), each.name, dates.number(each.size), _wishes(each)]
        for place, each in enumerate(families, 1)
    ]
    columns = [
        *(ShownColumn(name, False) for name in (_("Number"), _("Family"))),
        ShownColumn(_("People")),
        ShownColumn(_("Ports, best first"), False),
    ]
    return ShownTable("reserve", _("The reserve list"), columns, rows)


def _lapse(found: Example) -> dict[str, object] | None:
    """The place that comes free, who is offered it, and who stood before them and had not named that port."""
    if found.lapse is None:
        return None
    first = found.lapse.following[0]
    before = found.drawn.reserve[: found.drawn.reserve.index(first.ticket)]
    names = [by_ticket(ticket).name for ticket in before]
    return {
        "family": found.lapse.family.name,
        "port": _named(found.lapse.port),
        "size": _people(found.lapse.family.size),
        "next": first.name,
        "next_size": _people(first.size),
        "passed": dates.listed(names) if names else None,
    }


def _columns(first: str, numbers: Sequence[str]) -> list[ShownColumn]:
    return [ShownColumn(first, False), *map(ShownColumn, numbers)]


def _wishes(family: Family) -> str:
    return ", ".join(map(_named, family.ports))


def _got(port: str | None) -> str:
    return _named(port) if port else _("Reserve")


def _named(port: str) -> str:
    return {twelve.RIVER: _("River"), twelve.HILL: _("Hill")}[port]


def _people(count: int) -> str:
    return ngettext("%(count)s person", "%(count)s people", count) % {"count": dates.number(count)}


def _places(count: int) -> str:
    return ngettext("%(count)s place", "%(count)s places", count) % {"count": dates.number(count)}


def _short(ticket: str) -> str:
    return f"{ticket[:TICKET_SHOWN]}…"
