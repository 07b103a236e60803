"""Dates, times and numbers in the words of the person's language.

Times carry their zone, named by its city ("18:00 on Tuesday 24 November, Tijuana time"); sentences around them
are in the templates, where translators see them whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_location
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from django.utils import translation
from django.utils.translation import gettext, ngettext, pgettext

# Which of a language's countries we follow: day before month, and the numerals that readers here are used to.
_LOCALES = {"en": "en_GB", "es": "es_419"}


@dataclass(frozen=True, slots=True)
class Local:
    """A moment as a clock on the wall at a place shows it."""

    date: date
    time: str
    day: str
    city: str
    iso: str


def local(moment: datetime, zone: str) -> Local:
    """`moment`, an aware datetime, in the time of `zone` (an IANA name)."""
    there = moment.astimezone(ZoneInfo(zone))
    day_there, at = there.date(), clock(there.time())
    return Local(date=day_there, time=at, day=day(day_there), city=city(zone), iso=there.isoformat())


def day(moment: date, *, year: bool = False) -> str:
    """'Tuesday 24 November', with the year where it may be another."""
    if year:
        return _day(moment, pgettext("pattern of a date, CLDR letters", "EEEE d MMMM y"))
    return _day(moment, pgettext("pattern of a date, CLDR letters", "EEEE d MMMM"))


def plain_day(moment: date) -> str:
    """'24 November 2026', for dates long ago of which nobody knows the day of the week."""
    return _day(moment, pgettext("pattern of a date, CLDR letters", "d MMMM y"))


def short_day(moment: date) -> str:
    """'24 Nov', below a picture."""
    return _day(moment, pgettext("pattern of a date, CLDR letters", "d MMM"))


def stamp(at: datetime, zone: str) -> str:
    """'24 Nov 2026, 18:00' in one line, for a table whose title names the zone."""
    there = at.astimezone(ZoneInfo(zone))
    day_there = _day(there.date(), pgettext("pattern of a date, CLDR letters", "d MMM y"))
    return f"{day_there}, {clock(there.time())}".replace(" ", "\u00a0")


def brief_day(moment: date) -> str:
    """'Tue 24 Nov' in one line, for a table of the coming days."""
    return _day(moment, pgettext("pattern of a date, CLDR letters", "EEE d MMM")).replace(" ", "\u00a0")


def brief_date(moment: date) -> str:
    """'Tue 24 Nov 2026', for a long table of many years; on a narrow page the year goes below."""
    text = _day(moment, pgettext("pattern of a date, CLDR letters", "EEE d MMM y"))
    return text.replace(" ", "\u00a0", text.count(" ") - 1)


def weekday(number: int) -> str:
    """'Monday' for 0, as it stands alone."""
    return str(_locale().days["stand-alone"]["wide"][number]).capitalize()


def moment(at: datetime, zone: str) -> str:
    """A moment on its own: '18:00 on Tuesday 24 November 2026, Tijuana time'."""
    there = at.astimezone(ZoneInfo(zone))
    facts = {"time": clock(there.time()), "day": day(there.date(), year=True), "city": city(zone)}
    return gettext("%(time)s on %(day)s, %(city)s time") % facts


def clock(moment: time) -> str:
    """'18:00': hours from 0 to 23, so that nobody mistakes morning for evening."""
    return format_time(moment, "HH:mm", locale=_locale())


def city(zone: str) -> str:
    """'Tijuana' for America/Tijuana, as the language spells it."""
    return _city(zone, _locale())


def number(value: float) -> str:
    """'8,310', '1.5'."""
    return format_decimal(value, locale=_locale())


def percent(share: float) -> str:
    """'50%' for one half."""
    return format_percent(share, locale=_locale())


def small_percent(share: float) -> str:
    """'34%', '3.4%' or '0.34%': the smaller a share, the more of it is written; '0%' for none."""
    digits = "0" if share == 0 or share >= 0.1 else "0.0" if share >= 0.01 else "0.00"
    pattern = _locale().percent_formats[None].pattern.replace("0", digits, 1)
    return format_percent(share, pattern, locale=_locale())


def decimal(value: Decimal, digits: int) -> str:
    """'122.9': with so many digits behind the point."""
    return format_decimal(value, f"#,##0.{'0' * digits}", locale=_locale())


def duration(length: timedelta) -> str:
    """'2 hours 15 minutes', in whole minutes, rounded up: what is given back is never shown as less."""
    minutes = -(-int(length.total_seconds()) // 60)
    hours, minutes = divmod(minutes, 60)
    in_hours = ngettext("%(hours)s hour", "%(hours)s hours", hours) % {"hours": number(hours)}
    in_minutes = ngettext("%(minutes)s minute", "%(minutes)s minutes", minutes) % {"minutes": minutes}
    if hours and minutes:
        return gettext("%(hours)s %(minutes)s") % {"hours": in_hours, "minutes": in_minutes}
    return in_hours if hours else in_minutes


def listed(parts: Sequence[str]) -> str:
    """'one, two and three'."""
    return format_list(parts, locale=_locale())


def locale_tag() -> str:
    """The language and country that dates and numbers follow here, as browsers name it: 'en-GB'."""
    return str(_locale()).replace("_", "-")


def _locale() -> Locale:
    return _parsed(translation.get_language() or "en")


@lru_cache(maxsize=32)
def _parsed(language: str) -> Locale:
    return Locale.parse(_LOCALES.get(language, language))


@lru_cache(maxsize=1024)
def _city(zone: str, locale: Locale) -> str:
    return get_timezone_location(ZoneInfo(zone), locale=locale, return_city=True)


def _day(moment: date, pattern: str) -> str:
    return format_date(moment, pattern, locale=_locale())
