"""Write a notice in the person's language, from the facts that were committed and the profile's names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, get_timezone_location
from babel.lists import format_list

from fairgate.core.deadlines import PAUSED
from fairgate.core.profile import Port, Profile
from fairgate.core.segments import fit
from fairgate.notify.english import ENGLISH
from fairgate.notify.spanish import SPANISH
from fairgate.notify.text import Language

LANGUAGES: Mapping[str, Language] = {"en": ENGLISH, "es": SPANISH}
OTHERWISE = "en"  # for a registration whose language has no texts yet

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Text:
    """`sms` is one text message of two parts at most (core/segments.py)."""

    language: str
    subject: str
    body: str
    sms: str


def write(kind: str, facts: Facts, language: str, profile: Profile) -> Text:
    """The notice of `kind` with these facts, as `commands.record` or the outbox has them."""
    code = language if language in LANGUAGES else OTHERWISE
    writer = _Writer(code, LANGUAGES[code], profile)
    template = writer.language.templates[_variant(kind, facts)]
    gaps = writer.gaps(facts)
    body = f"{template.body}\n\n{writer.language.closing}"
    sms = fit(template.sms.format_map(gaps))
    return Text(code, template.subject.format_map(gaps), body.format_map(gaps), sms)


def _variant(kind: str, facts: Facts) -> str:
    if facts.get("deadline") == PAUSED.value:
        return f"{kind} paused"
    if kind == "cancelled" and facts.get("why") == "by holder":
        return "cancelled by holder"
    if facts.get("over_capacity") is True and kind in ("offered", "lapsed"):
        return f"{kind} over capacity"
    return kind


@dataclass(frozen=True, slots=True)
class _Writer:
    code: str
    language: Language
    profile: Profile

    def gaps(self, facts: Facts) -> dict[str, str]:
        """What can be filled in from these facts, by the name of the gap."""
        texts = self.profile.texts.get(self.code) or next(iter(self.profile.texts.values()))
        gaps = {"agency": texts.agency, "service": texts.service, "why": str(facts.get("why"))}
        port = self._port(str(facts.get("port")))
        if "date" in facts:
            gaps |= self._place(facts, port)
        zone = port.people_zone if port else self._zone(facts)
        for name in ("deadline", "start", "end"):
            if facts.get(name) not in (None, PAUSED.value):
                at = datetime.fromisoformat(str(facts[name]))
                gaps[name] = self._moment(at, zone, self.language.day)
                gaps[f"brief_{name}"] = self._moment(at, zone, self.language.brief_day)
        if isinstance(ports := facts.get("ports"), list):
            gaps["ports"] = format_list([self._name(str(code)) for code in ports], locale=self._locale)
        return gaps

    def _place(self, facts: Facts, port: Port | None) -> dict[str, str]:
        size, day = int(str(facts["size"])), date.fromisoformat(str(facts["date"]))
        gaps = {
            "port": self._name(str(facts["port"])),
            "day": self._day(day, self.language.day),
            "time": str(facts["time"]),
            "city": self._city(port.zone if port else self._zone(facts)),
            "people": self.language.one_person if size == 1 else self.language.people.format(number=size),
        }
        place, brief_day = self.language.place, self._day(day, self.language.brief_day)
        brief = {"brief_day": brief_day, "brief_place": place.format_map({**gaps, "day": brief_day})}
        return {**gaps, **brief, "place": place.format_map(gaps)}

    def _moment(self, at: datetime, zone: str, pattern: str) -> str:
        there = at.astimezone(ZoneInfo(zone))
        day, city = self._day(there.date(), pattern), self._city(zone)
        return self.language.moment.format(time=f"{there:%H:%M}", day=day, city=city)

    def _port(self, code: str) -> Port | None:
        return next((port for port in self.profile.ports if port.port == code), None)

    def _name(self, code: str) -> str:
        """A port's name; its code if the profile has it no more."""
        port = self._port(code)
        return code if port is None else port.names.get(self.code) or next(iter(port.names.values()))

    def _zone(self, facts: Facts) -> str:
        """The zone of the program, for what is about no port or about one that is not there any more."""
        program = self.profile.find_program(str(facts.get("program")))
        return (program or self.profile.programs[0]).zone

    def _day(self, day: date, pattern: str) -> str:
        return format_date(day, pattern, locale=self._locale)

    def _city(self, zone: str) -> str:
        return get_timezone_location(ZoneInfo(zone), locale=self._locale, return_city=True)

    @property
    def _locale(self) -> Locale:
        return _parsed(self.language.locale)


@lru_cache(maxsize=16)
def _parsed(name: str) -> Locale:
    return Locale.parse(name)
