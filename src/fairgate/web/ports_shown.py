"""Ports as their pages show them: places of a usual week, and the coming days."""

from collections.abc import Callable, Sequence
from datetime import date

from django.utils.translation import gettext as _

from fairgate.core.profile import WEEKDAYS
from fairgate.core.published import Value
from fairgate.web import cells, charts, dates
from fairgate.web.charts import About, Bar
from fairgate.web.draw_shown import Figure
from fairgate.web.figures_shown import Record
from fairgate.web.tabled import ShownTable

DAYS_SHOWN = 14  # for all ports beside each other; a port's own page has all
Named = Callable[[str], str]


def usual_week(ports: Sequence[Record], name: Named) -> Figure:
    title = _("Places on each day of a usual week, in people")
    about = _("One bar for each port: its places on its busiest day of the week.")
    bars = []
    for each in ports:
        most = max(cells.known(each[weekday]) or 0 for weekday in WEEKDAYS)
        bars.append(Bar(name(str(each["port"])), most, dates.number(most)))
    columns = [_("Port"), *(dates.weekday(number) for number in range(7))]
    rows = [[name(str(each["port"])), *(cells.number(each[weekday]) for weekday in WEEKDAYS)] for each in ports]
    picture = charts.bars(About("picture-week", title, about), bars)
    return Figure(picture, cells.table("week", title, columns, rows), "ports")


def one_week(port: Record) -> ShownTable:
    rows = [[dates.weekday(number), cells.number(port[day])] for number, day in enumerate(WEEKDAYS)]
    title = _("Places on each day of a usual week, in people")
    return cells.table("week", title, [_("Day of the week"), _("Places, in people")], rows)


def coming_days(days: Sequence[Record], ports: Sequence[str], name: Named) -> Figure:
    """The next two weeks: a row for each date, a column for each port."""
    title = _("Places of the next two weeks, in people")
    by_date: dict[Value, dict[Value, Record]] = {}
    for each in days:
        by_date.setdefault(each["date"], {})[each["port"]] = each
    rows = [
        [cells.brief_day(day), *(_places(at[port]) if port in at else cells.NOTHING for port in ports)]
        for day, at in list(by_date.items())[:DAYS_SHOWN]
    ]
    return Figure(None, cells.table("days", title, [_("Date"), *map(name, ports)], rows), "calendar")


def calendar(days: Sequence[Record]) -> ShownTable:
    """The coming days of one port."""
    rows = [[cells.brief_day(each["date"]), _places(each), _times(each), _state(each)] for each in days]
    columns = [_("Date"), _("Places"), _("Times of day"), _("The draw")]
    return cells.table("calendar", _("The coming days, places in people"), columns, rows, words=4)


def closed(days: Sequence[Record]) -> list[str]:
    """The coming days on which a port gives out no places, in words."""
    return [dates.day(day, year=True) for each in days if each["places"] == 0 and isinstance(day := each["date"], date)]


def _places(record: Record) -> str:
    return cells.number(record["places"]) if record["places"] else _("closed")


def _times(record: Record) -> str:
    return cells.NOTHING if record["first"] is None else f"{record['first']}–{record['last']}"


def _state(record: Record) -> str:
    """How far the draw is, and the incident that closes the port, if there is one."""
    state = {
        "planned": _("Not open yet"),
        "open": _("Open"),
        "sealed": _("Sealed"),
        "drawn": _("Drawn"),
        "closed": _("Closed"),
        "void": _("Void"),
        "no round": cells.NOTHING,
    }[str(record["state"])]
    return f"{state}; {record['incident']}" if record["incident"] else state
