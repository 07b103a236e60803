"""The figures of a draw as its page shows them: pictures, tables and sentences, from files that the worker wrote."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from markupsafe import Markup

from fairgate.core.errors import BadInput
from fairgate.core.published import HIDDEN, Table, Value
from fairgate.core.published.draw import ALL, PHASES
from fairgate.store import draw_figures
from fairgate.store.rounds import RoundPort
from fairgate.web import cells, charts, dates
from fairgate.web.charts import About, Bar, Group, Interval
from fairgate.web.tabled import ShownTable

UNUSUAL, ASK = 0.05, 0.001  # p-values from which chance is said to do this now and then, and from which to ask
Label = Callable[[Value, Value], str]  # the first and last number of a class in words


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, none where it would say nothing, its table, and the file that the table is in, without the ending."""

    chart: Markup | None
    table: ShownTable
    file: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """All that the page of a drawn round shows of its figures, in one language."""

    short: Mapping[str, str]
    figures: Mapping[str, Figure]
    verdicts: Sequence[tuple[str, str]]


def drawn(place: Path, names: Iterable[tuple[str, str]]) -> Drawn | None:
    """What there is to see of a round whose figures are at `place`, in the language of the request.

    None: they are not there yet, are damaged, or are those of another version.
    `names` are those of the ports by their codes. As the figures never change, what was put into words is kept.
    """
    if not draw_figures.complete(place):
        return None
    try:
        return _drawn(place, tuple(names), translation.get_language() or "")
    except (BadInput, OSError):
        return None


@lru_cache(maxsize=256)
def _drawn(place: Path, names: tuple[tuple[str, str], ...], language: str) -> Drawn:
    tables, named = draw_figures.read(place), dict(names)
    figures = {
        "ports": by_port(tables["ports"], lambda code: named.get(code, code)),
        "sizes": by_size(tables["sizes"]),
        "weeks": by_weeks(tables["weeks"]),
        "order_sizes": order_by_size(tables["order"]),
        "order_weeks": order_by_weeks(tables["order"]),
        "tests": tests(tables["tests"]),
    }
    return Drawn(in_short(tables), figures, verdicts(tables["tests"]))


def in_short(tables: Mapping[str, Table]) -> dict[str, str]:
    """The sums of a draw, in words."""
    groups, places = tables["sizes"].records()[-1], tables["ports"].records()[-1]
    return {
        "groups": cells.number(groups["groups"]),
        "offers": cells.number(_whole(groups["seniority"]) + _whole(groups["lottery"])),
        "people": cells.number(places["given_out"]),
        "reserve": cells.number(groups["reserve"]),
    }


def places(ports: Sequence[RoundPort], port_name: Callable[[str], str]) -> ShownTable:
    """The places of a round that is not drawn yet."""
    rows = [[port_name(p.port), *map(dates.number, (p.capacity, p.carry, p.places))] for p in ports]
    columns = [_("Port"), _("Capacity"), _("Paid back from earlier draws"), _("Places of this draw")]
    return cells.table("ports", _("Places by port, in people"), columns, rows)


def by_port(table: Table, port_name: Callable[[str], str]) -> Figure:
    records = table.records()
    title = _("Places and offers by port")
    about = _("For each port two bars: the places that it had, and those given out, which are at most a few more.")
    groups = []
    for each in records[:-1]:
        places, given_out = max(0, _whole(each["capacity"]) - _whole(each["paid_back"])), _whole(each["given_out"])
        bars = (Bar("", places, cells.number(places)), Bar("", given_out, cells.number(given_out)))
        groups.append(Group(port_name(str(each["port"])), bars))
    series = (_("Places, in people"), _("Given out, in people"))
    picture = charts.grouped(About("picture-ports", title, about), series, groups)
    columns = {
        "capacity": _("Capacity, in people"),
        "paid_back": _("Paid back from earlier draws"),
        "given_out": _("Given out now"),
        "too_many": _("To pay back next time"),
        "asked": _("Groups that named it"),
        "first": _("Groups that named it first"),
        "seniority": _("Groups offered a place: waited longest"),
        "lottery": _("Groups offered a place: by lot"),
    }
    rows = [
        [
            _("All") if each["port"] == ALL else port_name(str(each["port"])),
            *(cells.number(each[key]) for key in columns),
        ]
        for each in records
    ]
    return Figure(picture, cells.table("ports", title, [_("Port"), *columns.values()], rows), table.name)


def by_size(table: Table) -> Figure:
    about = _("For each size two bars: the share of its groups offered a place because they waited, and by lot.")
    return _chances(table, _("Chances by size of the group"), about, _("People in the group"), people)


def by_weeks(table: Table) -> Figure:
    about = _("For each time two bars: the share of its groups offered a place because they waited, and by lot.")
    return _chances(table, _("Chances by weeks waited"), about, _("Weeks waited"), weeks)


def order_by_size(table: Table) -> Figure:
    return _order(table, "size", _("The order of the lots, by size of the group"), _("People in the group"), people)


def order_by_weeks(table: Table) -> Figure:
    return _order(table, "weeks", _("The order of the lots, by weeks waited"), _("Weeks waited"), weeks)


def tests(table: Table) -> Figure:
    columns = [_("Held against chance"), _("Groups"), _("Classes"), _("Degrees of freedom"), _("Chi-square")]
    rows = [
        [
            _tested(each),
            *(cells.number(each[key]) for key in ("groups", "classes", "degrees")),
            _decimal(each["statistic"], 1),
            _decimal(each["p"], 4),
        ]
        for each in table.records()
    ]
    return Figure(None, cells.table("tests", _("The tests in numbers"), [*columns, _("p-value")], rows), table.name)


def verdicts(table: Table) -> list[tuple[str, str]]:
    """What each test was about, and what it says in a sentence."""
    return [(_tested(each), in_words(_float(each["p"]))) for each in table.records()]


def in_words(p: float | None) -> str:
    """A p-value as a sentence."""
    if p is None:
        return _("There are too few groups to say anything.")
    if p < ASK:
        return _(
            "Chance alone makes so large a difference in fewer than 1 of 1,000 fair draws. That is a reason to ask."
        )
    if p < UNUSUAL:
        words = _("Chance alone makes so large a difference in 1 of %(times)s fair draws. It happens now and then.")
        return words % {"times": cells.number(round(1 / p))}
    words = _("Chance alone makes so large a difference in %(share)s of all fair draws. Nothing unusual.")
    return words % {"share": dates.percent(p)}


def people(first: Value, last: Value) -> str:
    """A class of sizes."""
    assert isinstance(first, int)
    if last is None:
        return _("%(count)s people or more") % {"count": first}
    return ngettext("%(count)s person", "%(count)s people", first) % {"count": first}


def weeks(first: Value, last: Value) -> str:
    """A class of weeks waited."""
    if last is None:
        return _("%(first)s weeks or more") % {"first": first}
    return _("%(first)s to %(last)s weeks") % {"first": first, "last": last}


def _chances(table: Table, title: str, about: str, named: str, label: Label) -> Figure:
    records = table.records()
    series = (_("Offered because they waited longest"), _("Offered by lot"))
    groups = [
        Group(label(each["from"], each["to"]), tuple(_share(each[key], each["groups"]) for key in PHASES[:2]))
        for each in records[:-1]
    ]
    picture = charts.grouped(About(f"picture-{table.name}", title, about), series, groups) if groups else None
    columns = [_("Groups"), _("Offered: waited longest"), _("Offered: by lot"), _("Reserve"), _("Offered, of all")]
    rows = [
        [
            _("All") if each["from"] is None else label(each["from"], each["to"]),
            *(cells.number(each[key]) for key in ("groups", *PHASES)),
            _percent(each["chance"]),
        ]
        for each in records
    ]
    return Figure(picture, cells.table(table.name, title, [named, *columns], rows), table.name)


def _order(table: Table, by: str, title: str, named: str, label: Label) -> Figure:
    records = [each for each in table.records() if each["by"] == by]
    rows, bands = [], []
    for each in records:
        name, shares = label(each["from"], each["to"]), [each[key] for key in ("p10", "p50", "p90")]
        said = [cells.NOTHING if share is None else dates.percent(share) for share in map(_float, shares)]
        rows.append([name, cells.number(each["groups"]), *said])
        low, middle, high = map(_float, shares)
        bands.append(Interval(name, low, middle, high, cells.not_shown() if middle is None else " – ".join(said)))
    about = _("One bar each, from where a tenth of the groups stands to where nine tenths do; a mark at the middle.")
    picture = charts.intervals(About(f"picture-order-{by}", title, about), bands, most=1) if bands else None
    columns = [_("Groups in the lottery"), _("A tenth stands before"), _("Half before"), _("Nine tenths before")]
    return Figure(picture, cells.table(f"order-{by}", title, [named, *columns], rows), table.name)


def _tested(record: Mapping[str, Value]) -> str:
    return {"size": _("Size of the group"), "weeks": _("Weeks waited"), "lots": _("The lots themselves")}[
        str(record["about"])
    ]


def _share(part: Value, whole: Value) -> Bar:
    if part is HIDDEN or whole is HIDDEN:
        return Bar("", None, cells.not_shown())
    share = _whole(part) / _whole(whole)
    return Bar("", share, dates.small_percent(share))


def _whole(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _float(value: Value) -> float | None:
    return float(value) if isinstance(value, Decimal) else None


def _percent(value: Value) -> str:
    return dates.small_percent(float(value)) if isinstance(value, Decimal) else cells.NOTHING


def _decimal(value: Value, digits: int) -> str:
    return dates.decimal(value, digits) if isinstance(value, Decimal) else cells.NOTHING
