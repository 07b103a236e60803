"""What is said of incidents, in the words of one language: what happened, when, and what it changes for you."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, get_timezone_location
from babel.lists import format_list
from babel.numbers import format_decimal
from babel.support import NullTranslations

from fairgate.core.incidents import Kind
from fairgate.core.profile import Profile
from fairgate.store.incidents import Entry, Incident
from fairgate.store.status import FEW, State

# Which of a language's countries we follow: day before month, and the numerals that readers here are used to.
LOCALES: Final = {"en": "en_GB", "es": "es_419"}


@dataclass(frozen=True, slots=True)
class Words:
    """Times are told by the clock of the profile's first program."""

    translations: NullTranslations
    language: str
    profile: Profile

    @property
    def _(self) -> Callable[[str], str]:
        return self.translations.gettext

    @property
    def zone(self) -> str:
        return self.profile.programs[0].zone

    @property
    def service(self) -> str:
        texts = self.profile.texts
        return (texts.get(self.language) or next(iter(texts.values()))).service

    @property
    def title(self) -> str:
        _ = self._
        return _("Status of the service")

    def languages(self) -> list[tuple[str, str]]:
        """The profile's languages, each with its own name for itself."""
        return [
            (code, (Locale.parse(code).get_display_name(code) or code).capitalize()) for code in self.profile.languages
        ]

    def moment(self, at: datetime) -> str:
        """'18:00 on Tuesday 24 November, New York time'."""
        _ = self._
        there = at.astimezone(ZoneInfo(self.zone))
        city = get_timezone_location(ZoneInfo(self.zone), locale=self._locale, return_city=True)
        return _("%(time)s on %(day)s, %(city)s time") % {
            "time": f"{there:%H:%M}",
            "day": self._day(there.date(), year=True),
            "city": city,
        }

    def day_told(self, day: date, minutes: int) -> str:
        """A day of the picture in words."""
        _ = self._
        named = self._day(day)
        if not minutes:
            return _("%(day)s: confirming worked all day") % {"day": named}
        return _("%(day)s: confirming did not work for %(length)s") % {"day": named, "length": self.length(minutes)}

    def length(self, minutes: int) -> str:
        """'2 hours 5 minutes'."""
        hours, rest = divmod(minutes, 60)
        parts = [self.ngettext("%(count)s hour", "%(count)s hours", hours)] if hours else []
        if rest or not hours:
            parts.append(self.ngettext("%(count)s minute", "%(count)s minutes", rest))
        return " ".join(parts)

    def what(self, one: Incident) -> str:
        """What happened, and where."""
        _ = self._
        if one.kind == Kind.OUTAGE:
            return _("Confirming does not work") if one.end_at is None else _("Confirming did not work")
        what = {
            Kind.PORT_CLOSED: _("A port is closed"),
            Kind.SLOTS_MOVED: _("Appointments have other times"),
            Kind.PROGRAM_STOPPED: _("A program stops"),
            Kind.PLANNED_WORK: _("Planned work"),
        }[Kind(one.kind)]
        where = [name for name in (self._port(one.port), self._program(one.program)) if name]
        return f"{what}: {', '.join(where)}" if where else what

    def span(self, one: Incident) -> str:
        """From when to when."""
        _ = self._
        start = self.moment(one.start_at)
        if one.end_at is None:
            return _("Since %(start)s") % {"start": start}
        return _("From %(start)s to %(end)s") % {"start": start, "end": self.moment(one.end_at)}

    def touched(self, one: Incident) -> str | None:
        """How many people had an open offer then; None where that is not known."""
        _ = self._
        if one.kind != Kind.OUTAGE:
            return None
        if one.persons < FEW:
            return _("It touched fewer than 10 people.") if one.persons else _("Nobody had an open offer.")
        if one.groups < FEW:
            return _("It touched fewer than 10 groups who had an open offer.")
        numbers = {"persons": self._number(one.persons), "groups": self._number(one.groups)}
        return _("It touched %(persons)s people in %(groups)s groups who had an open offer.") % numbers

    def where(self, one: Incident) -> list[str]:
        """Which functions, ports and rounds an outage touched, a sentence each."""
        _ = self._
        if one.kind != Kind.OUTAGE:
            return []
        said = [_("What did not work: confirming and declining a place.")]
        if one.ports:
            said.append(
                _("Ports: %(ports)s.") % {"ports": self._listed([self._port(port) or port for port in one.ports])}
            )
        if one.rounds:
            days = self._listed([self._day(day) for day in one.rounds])
            said.append(_("Appointments on: %(days)s.") % {"days": days})
        return said

    def changes(self, one: Incident, state: State) -> str:
        """What it changes for you, in one sentence."""
        _ = self._
        if one.kind == Kind.OUTAGE:
            return self._outage_changes(one, state)
        return {
            Kind.PORT_CLOSED: _(
                "Do not travel to this port until it says here that it is open again; nobody loses a place by it."
            ),
            Kind.SLOTS_MOVED: _("Your own page shows the time of your appointment, and that is the one that counts."),
            Kind.PROGRAM_STOPPED: _(
                "No new places are given out, and what you have confirmed stands unless you are told otherwise."
            ),
            Kind.PLANNED_WORK: _(
                "Confirming may not work then, and if it does not, your deadline stands still meanwhile."
            ),
        }[Kind(one.kind)]

    def line(self, entry: Entry) -> str:
        """A line of the timeline; what staff wrote in this language stands as they wrote it."""
        _ = self._
        facts = {name: self._told(value) for name, value in entry.facts.items()}
        if entry.texts:
            return entry.texts.get(self.language) or next(iter(entry.texts.values()))
        return {
            "outage began": _("Confirming has not worked since %(start)s."),
            "outage began earlier": _("It turned out that confirming had not worked since %(start)s."),
            "outage goes on": _("Confirming does not work again; it is counted as one outage."),
            "outage ended": _("Confirming has worked again since %(end)s."),
            "told": _("Everyone with an open offer has been told; deadlines run again."),
            "merged": _("Incident %(number)s turned out to be part of this one."),
            "declared": _("Put on record."),
            "ended": _("It is over."),
        }[entry.kind] % facts

    def _outage_changes(self, one: Incident, state: State) -> str:
        _ = self._
        if one.end_at is None:
            return _("You lose no time: your deadline stands still until confirming works and you have been told so.")
        if not any(entry.kind == "told" for entry in state.timeline(one)):
            return _("You lose no time: your deadline stands still until everyone has been told that it works again.")
        policy = self.profile.programs[0].policy
        return _(
            "The time lost is given back, and you have at least %(floor)s from when you were told;"
            " your own page shows your deadline."
        ) % {"floor": self.length(policy.notice_floor // timedelta(minutes=1))}

    def _told(self, value: object) -> str:
        text = str(value)
        return self.moment(datetime.fromisoformat(text)) if text.endswith("Z") else text

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The form for `count`, filled in."""
        return self.translations.ngettext(one, many, count) % {"count": self._number(count)}

    def _number(self, value: int) -> str:
        return format_decimal(value, locale=self._locale)

    def _day(self, day: date, *, year: bool = False) -> str:
        if year:
            pattern = str(self.translations.pgettext("pattern of a date, CLDR letters", "EEEE d MMMM y"))
        else:
            pattern = str(self.translations.pgettext("pattern of a date, CLDR letters", "EEEE d MMMM"))
        return format_date(day, pattern, locale=self._locale)

    def _listed(self, names: Sequence[str]) -> str:
        return format_list(names, locale=self._locale)

    def _port(self, code: str | None) -> str | None:
        names = next((port.names for port in self.profile.ports if port.port == code), None)
        return code if names is None else names.get(self.language) or next(iter(names.values()))

    def _program(self, slug: str | None) -> str | None:
        found = None if slug is None else self.profile.find_program(slug)
        return slug if found is None else found.names.get(self.language) or next(iter(found.names.values()))

    @property
    def _locale(self) -> Locale:
        return Locale.parse(LOCALES.get(self.language, self.language))
