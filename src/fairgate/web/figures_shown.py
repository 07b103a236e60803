"""The figures of the service as their page shows them: pictures and tables, from the files that the worker wrote."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from fairgate.core.published import Table, Value
from fairgate.core.published.service import ALL
from fairgate.web import cells, charts, dates
from fairgate.web.charts import About, Bar, Group, Interval, Series
from fairgate.web.draw_shown import Figure

DATES_SHOWN = 60  # in a picture over time: two months of days
ROWS_SHOWN = 50
GROUPS_SHOWN = 8
Record = Mapping[str, Value]
Named = Callable[[str], str]  # a port's name by its code
_SPREAD = ("p10", "p50", "p90", "longest")


def of(table: Table, program: str) -> list[dict[str, Value]]:
    """The rows of one program."""
    return [record for record in table.records() if record["program"] == program]


# -- waits --------------------------------------------------------------------------------------


def bound(records: Sequence[Record], name: Named) -> Figure:
    """How long somebody who asks today waits at most, by port."""
    title = _("If you ask today: offered a place after so many days at the latest")
    about = _("One bar for each port, and one for who takes a place at any of them. The longer the bar, the longer.")
    bars = [Bar(_port(each, name), cells.known(each["bound"]), _days(each["bound"])) for each in records]
    latest = _("Offered a place at the latest, days")
    columns = {
        "groups": _("Groups waiting"),
        "people": _("People waiting"),
        "p50": _("Half have waited since asking, days"),
        "longest_request": _("Longest since asking, days"),
        "longest_registration": _("Longest since registering, days"),
        "reserved": _("Places surely kept for those who wait longest, in a week"),
    }
    rows = [
        [_port(each, name), _or_no_bound(each["bound"]), *(cells.number(each[key]) for key in columns)]
        for each in records
    ]
    some = any(bar.value is not None for bar in bars)
    picture = charts.bars(About("picture-bound", title, about), bars) if some else None
    return Figure(picture, cells.table("bound", title, [_("Port"), latest, *columns.values()], rows), "waiting")


def waits_by_port(records: Sequence[Record], name: Named) -> Figure:
    title = _("Days from asking to the offer in the last 28 draws: one in ten, half, nine in ten")
    about = _(
        "One bar for each port, from the wait of the quickest tenth to that of nine tenths; a mark at the middle."
    )
    bands = []
    for each in records:
        if each["since"] == "request":
            low, middle, high = (cells.known(each[key]) for key in _SPREAD[:3])
            said = cells.NOTHING if middle is None else " – ".join(cells.number(each[key]) for key in _SPREAD[:3])
            bands.append(Interval(_port(each, name), low, middle, high, said))
    picture = charts.intervals(About("picture-waits-by-port", title, about), bands) if bands else None
    columns = [_("Port"), _("Counted from"), *_spread_columns()]
    rows = [[_port(each, name), _since(each), *_numbers(each, *_SPREAD)] for each in records]
    return Figure(picture, cells.table("waits-by-port", title, columns, rows, words=2), "waits-by-port")


def waits_over_time(records: Sequence[Record]) -> Figure:
    title = _("Days from asking to the offer, over time")
    about = _("Two lines over the dates of the appointments: how long half of the groups had waited, and nine tenths.")
    asked = _oldest_first(each for each in records if each["since"] == "request")
    series = [
        Series(words, tuple(cells.known(each[key]) for each in asked))
        for key, words in (("p50", _("Half waited at most")), ("p90", _("Nine tenths waited at most")))
    ]
    picture = (
        charts.line(About("picture-waits", title, about), _marks(asked), series, _count) if len(asked) > 1 else None
    )
    columns = [_("Date of the appointments"), _("Counted from"), _("Groups"), *_spread_columns()]
    rows = [[cells.brief_date(each["date"]), _since(each), *_numbers(each, "groups", *_SPREAD)] for each in records]
    return Figure(picture, cells.table("waits", title, columns, rows[: 2 * ROWS_SHOWN], words=2), "waits")


def _spread_columns() -> list[str]:
    return [_("One in ten, days"), _("Half, days"), _("Nine in ten, days"), _("Longest, days")]


def _since(record: Record) -> str:
    return {"request": _("asking"), "registration": _("registering")}[str(record["since"])]


# -- what became of the offers ------------------------------------------------------------------


def outcomes(records: Sequence[Record]) -> Figure:
    """Confirmed, lapsed and refilled over time, in people."""
    title = _("What became of the offers, by date, in people")
    about = _(
        "Three lines over the dates: people who confirmed, whose offer ended, and who came in from the reserve list."
    )
    shown = _oldest_first(records)
    series = [
        Series(pgettext("people", "Confirmed"), tuple(_confirmed(each) for each in shown)),
        Series(_("Not confirmed in time"), tuple(cells.known(each["lapsed"]) for each in shown)),
        Series(_("From the reserve list"), tuple(cells.known(each["refilled"]) for each in shown)),
    ]
    picture = (
        charts.line(About("picture-outcomes", title, about), _marks(shown), series, _count) if len(shown) > 1 else None
    )
    columns = {
        "drawn": _("Drawn"),
        "refilled": _("From the reserve list"),
        "open": _("Still to confirm"),
        "confirmed": _("Confirmed, day to come"),
        "checked_in": _("Came"),
        "missed": _missed(),
        "declined": _("Declined"),
        "lapsed": _("Not confirmed in time"),
        "cancelled": _("Cancelled"),
        "passed_over": _("Had withdrawn"),
    }
    rows = [[_dated(each), *(cells.number(each[key]) for key in columns)] for each in records[:ROWS_SHOWN]]
    table = cells.table("outcomes", title, [_("Date"), *columns.values()], rows)
    if any(each["final"] == "no" for each in records):
        tens = _("“So far” means rounded down to whole tens, all but the first number; 0 is fewer than ten.")
        table = replace(table, note=f"{tens} {table.note}".strip())
    return Figure(picture, table, "outcomes")


def _missed() -> str:
    """Of many; the state of one is said otherwise in other languages."""
    return pgettext("people", "Did not come")


def _dated(record: Record) -> str:
    """The date of a row, and whether its numbers still change."""
    day = cells.brief_date(record["date"])
    return day if record["final"] == "yes" else _("%(date)s, so far") % {"date": day}


def arrivals(records: Sequence[Record]) -> Figure | None:
    """Who came and who did not, on the last days that are over; None before there is one."""
    over = [each for each in records if each["final"] == "yes"][:GROUPS_SHOWN]
    if not over:
        return None
    title = _("Who came, on the last days, in people")
    about = _("For each day two bars: people who had confirmed and came, and people who had and did not.")
    groups = [
        Group(
            cells.day(each["date"]),
            tuple(Bar("", cells.known(each[k]), cells.number(each[k])) for k in ("checked_in", "missed")),
        )
        for each in over
    ]
    picture = charts.grouped(About("picture-arrivals", title, about), (_("Came"), _missed()), groups)
    rows = [[cells.day(each["date"]), *_numbers(each, "checked_in", "missed")] for each in over]
    return Figure(picture, cells.table("arrivals", title, [_("Date"), _("Came"), _missed()], rows), "outcomes")


def _confirmed(record: Record) -> int | None:
    """All who confirmed; those who came and who did not among them."""
    parts = [cells.known(record[key]) for key in ("confirmed", "checked_in", "missed")]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


# -- the service --------------------------------------------------------------------------------


def outages(table: Table, zone: str) -> Figure | None:
    """The last times in which confirming did not work; None if there was none."""
    records = table.records()
    if not records:
        return None
    title = _("When confirming did not work, %(city)s time") % {"city": dates.city(zone)}
    about = _("One bar for each of the last outages. The longer the bar, the longer it lasted.")
    bars = [
        Bar(cells.stamp(each["start"], zone), cells.known(each["minutes"]), _minutes(each["minutes"]))
        for each in records[:GROUPS_SHOWN]
    ]
    columns = [
        _("From"),
        _("To"),
        _("Everyone told by"),
        _("Incident"),
        _("Minutes"),
        _("Groups touched"),
        _("People touched"),
    ]
    rows = [
        [
            *(cells.stamp(each[key], zone) for key in ("start", "end", "told_at")),
            str(each["incident"] or cells.NOTHING),
            *_numbers(each, "minutes", "groups", "people"),
        ]
        for each in records[:ROWS_SHOWN]
    ]
    picture = charts.bars(About("picture-outages", title, about), bars)
    return Figure(picture, cells.table("outages", title, columns, rows, words=4), "outages")


def lost(records: Sequence[Record]) -> Figure:
    """Places lost by a fault of the system: the sum, and the dates on which there were any."""
    title = _("Places lost by a fault of the system, in people")
    some = [each for each in records if each["date"] is None or each["lost"] != 0]
    rows = [
        [_("All dates") if each["date"] is None else cells.brief_date(each["date"]), cells.number(each["lost"])]
        for each in some[::-1]
    ]
    return Figure(None, cells.table("lost", title, [_("Date"), _("People")], rows), "places-lost")


# -- parts --------------------------------------------------------------------------------------


def _oldest_first(records: Iterable[Record]) -> list[Record]:
    return list(islice(records, DATES_SHOWN))[::-1]


def _marks(records: Sequence[Record]) -> list[str]:
    return [dates.short_day(each["date"]) for each in records if isinstance(each["date"], date)]


def _count(value: float) -> str:
    return dates.number(round(value))


def _numbers(record: Record, *keys: str) -> list[str]:
    return [cells.number(record[key]) for key in keys]


def _port(record: Record, name: Named) -> str:
    return _("Any port") if record["port"] == ALL else name(str(record["port"]))


def _days(value: Value) -> str:
    if not isinstance(value, int):
        return _("no bound")
    return ngettext("%(days)s day", "%(days)s days", value) % {"days": cells.number(value)}


def _or_no_bound(value: Value) -> str:
    return cells.number(value) if isinstance(value, int) else _("no bound")


def _minutes(value: Value) -> str:
    assert isinstance(value, int)
    return ngettext("%(minutes)s minute", "%(minutes)s minutes", value) % {"minutes": cells.number(value)}
