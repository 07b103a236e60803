"""Public figures: waits, offers, outages, ports and their calendar, and the tables behind them.

They are read from the files that the worker wrote, never from the database, so they stand when it is away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from markupsafe import Markup

from fairgate.core.published import Table, Value, draw, layouts
from fairgate.store import data_files
from fairgate.store.data_files import Index
from fairgate.web import cells, dates, deployment, figures_shown, ports_shown
from fairgate.web.answers import page
from fairgate.web.tabled import ShownTable

Records = list[dict[str, Value]]
CONTENTS_KEPT = 32  # pages, programs and languages; 80 kilobytes each


@dataclass(frozen=True, slots=True)
class Files:
    """The files as a page about one program reads them."""

    index: Index
    program: str

    @property
    def zone(self) -> str:
        """The clock by which moments are told."""
        return self.index.zones[self.program]

    def records(self, layout: Table) -> Records:
        """The rows of the program; none where there is no such file."""
        found = data_files.table(settings.FAIRGATE_HOME, layout)
        return figures_shown.of(found, self.program) if found else []

    def port_name(self, code: str) -> str:
        names = self.index.ports.get(code)
        return deployment.in_words(names) if names else code

    def common(self) -> dict[str, object]:
        """What each page says: as of when, and which other programs there are."""
        names = {code: deployment.in_words(said) for code, said in self.index.programs.items()}
        return {"as_of": cells.moment(self.index.as_of, self.zone), **deployment.choice(names, self.program)}


def _files(request: HttpRequest) -> Files | None:
    """The files, for the program that is asked for, else the first; None before they are written."""
    index = data_files.index(settings.FAIRGATE_HOME)
    if index is None or not index.programs:
        return None
    wanted = request.GET.get("program", "")
    return Files(index, wanted if wanted in index.programs else next(iter(index.programs)))


@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    return _page(request, "overview", _("Figures"))


@require_safe
def ports(request: HttpRequest) -> HttpResponse:
    return _page(request, "ports", _("Ports"))


def _page(request: HttpRequest, name: str, title: str) -> HttpResponse:
    """A page whose content is the same for everybody until the next edition."""
    files = _files(request)
    if files is None:
        return page(request, "figures/none.html", {"title": title})
    home = settings.FAIRGATE_HOME
    content = _content(name, home, data_files.edition(home), files.program, translation.get_language())
    return page(request, f"figures/{name}.html", {"content": content})


@lru_cache(maxsize=CONTENTS_KEPT)
def _content(name: str, home: Path, edition: int | None, program: str, language: str | None) -> Markup:
    """The content of a page. `edition` makes another one of it each time that the files are written."""
    index = data_files.index(home)
    assert index is not None, "the page has looked"
    files = Files(index, program)
    context = {"overview": _overview, "ports": _ports}[name](files)
    return Markup(render_to_string(f"figures/{name}-content.html", {**files.common(), **context}))  # noqa: S704 - as rendered


def _overview(files: Files) -> dict[str, object]:
    outcomes, waits = files.records(layouts.OUTCOMES), files.records(layouts.WAITS)
    lost, waiting = files.records(layouts.PLACES_LOST), files.records(layouts.WAITING)
    outages = data_files.table(settings.FAIRGATE_HOME, layouts.OUTAGES)
    return {
        "bound": figures_shown.bound(waiting, files.port_name) if waiting else None,
        "assumed": _assumed(waiting, files.zone),
        "by_port": figures_shown.waits_by_port(_in_order(files, layouts.WAITS_BY_PORT), files.port_name),
        "waits": figures_shown.waits_over_time(waits) if waits else None,
        "outcomes": figures_shown.outcomes(outcomes) if outcomes else None,
        "arrivals": figures_shown.arrivals(outcomes),
        "outages": figures_shown.outages(outages, files.zone) if outages else None,
        "lost": figures_shown.lost(lost) if lost else None,
        "lost_people": next((each["lost"] for each in lost if each["date"] is None), None),
    }


def _ports(files: Files) -> dict[str, object]:
    week, days = files.records(layouts.PORTS), files.records(layouts.CALENDAR)
    codes = [str(each["port"]) for each in week]
    return {
        "ports": [(code, files.port_name(code)) for code in codes],
        "week": ports_shown.usual_week(week, files.port_name),
        "days": ports_shown.coming_days(days, codes, files.port_name),
    }


def _in_order(files: Files, layout: Table) -> Records:
    """Rows of ports in the order of the profile; ports that it does not have any more come last."""
    order = list(files.index.ports)
    known = {code: place for place, code in enumerate(order)}
    return sorted(files.records(layout), key=lambda record: known.get(str(record["port"]), len(order)))


def _assumed(waiting: Records, zone: str) -> Mapping[str, str | bool | None]:
    """What the bound goes by."""
    if not waiting:
        return {}
    share, some = waiting[0]["taken_up"], any(each["bound"] is not None for each in waiting)
    return {"as_of": cells.moment(waiting[0]["as_of"], zone), "share": cells.percent(share), "some": some}


@require_safe
def port(request: HttpRequest, code: str) -> HttpResponse:
    files = _files(request)
    week = [each for each in files.records(layouts.PORTS) if each["port"] == code] if files else []
    if files is None or not week:
        raise Http404
    days = [each for each in files.records(layouts.CALENDAR) if each["port"] == code]
    context = {
        **files.common(),
        "name": files.port_name(code),
        "week": ports_shown.one_week(week[0]),
        "closed": ports_shown.closed(days),
        "calendar": ports_shown.calendar(days),
    }
    return page(request, "figures/port.html", context)


@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """What tables there are, what their columns mean, and where they are."""
    index = data_files.index(settings.FAIRGATE_HOME)
    context = {
        "as_of": cells.moment(index.as_of, "Etc/UTC") if index else None,
        "others": dates.listed(list(index.programs)[1:]) if index and len(index.programs) > 1 else None,
        "tables": [(layout.name, _dictionary(layout, layout.name)) for layout in layouts.LAYOUTS],
        "of_draws": [(layout.name, _dictionary(layout, f"draw-{layout.name}")) for layout in draw.TABLES],
    }
    return page(request, "figures/data.html", context)


def _dictionary(layout: Table, name: str) -> ShownTable:
    """A table of the columns of a table."""
    rows = [[column.name, f"{_(column.meaning)} ({_kind(column.kind)})"] for column in layout.columns]
    return cells.table(name, _(layout.title), [_("Column"), _("Meaning")], rows, words=2)


def _kind(kind: str) -> str:
    return {
        "text": _("text"),
        "date": _("date"),
        "moment": _("time, UTC"),
        "people": _("people or groups"),
        "number": _("whole number"),
        "days": _("days"),
        "decimal": _("fraction"),
    }[kind]
