"""The status page: what everybody may know of the service, as files that stand when the rest is down.

    home/public/status/index.LANGUAGE.html     one for each language of the profile, complete in itself
    home/public/status/banner.json             what stands above every page while an incident goes on
    home/public/status.atom                    the incidents, for programs that tell of news

Worker and watcher write them; the gate serves them without a database, and so can any other host that has a copy. A
page without script: what is known now, ninety days as a picture of ninety words, incidents with what they change for
people, and what is planned.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader

from fairgate.core.canonical import canonical
from fairgate.core.incidents import Kind
from fairgate.core.places import moment
from fairgate.notify.incident_words import Words
from fairgate.store.files import alone, put
from fairgate.store.incidents import Incident
from fairgate.store.status import State

HERE: Final = Path(__file__).parent
LOCALES: Final = HERE.parent / "locale"
DAYS: Final = 90
PAST_MOST: Final = 50
MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class Day:
    """A day in the picture: `lost` minutes of confirming, in `words`."""

    date: date
    level: str
    words: str


class StatusPage:
    """Writes the files below `home`; `origin` is the address that people use, for links that leave the page."""

    def __init__(self, home: Path, origin: str) -> None:
        self._folder = home / "public" / "status"
        self._origin = origin.rstrip("/")

    def write(self, state: State) -> None:
        """Write what holds now, in every language; raises OSError when the disk refuses."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with alone(self._folder):
            for language in state.profile.languages:
                put(self._folder / f"index.{language}.html", html(state, language).encode(), MODE)
            put(self._folder / "banner.json", canonical(banners(state)).encode(), MODE)
            feed = atom(state, state.profile.languages[0], self._origin).encode()
            put(self._folder.parent / "status.atom", feed, MODE)


def html(state: State, language: str) -> str:
    """The whole page in one language."""
    words = Words(_translations(language), language, state.profile)
    lasting = [one for one in state.incidents if one.lasts(state.as_of)]
    planned = [one for one in state.incidents if one.start_at > state.as_of]
    over = [one for one in state.incidents if one not in lasting and one not in planned][:PAST_MOST]
    since = state.interrupted_since
    return (
        _environment(language)
        .get_template("status.html")
        .render(
            language=language,
            languages=words.languages(),
            service=words.service,
            as_of=words.moment(state.as_of),
            as_of_iso=moment(state.as_of),
            since=None if since is None else words.moment(since),
            confirming=state.confirming,
            seen=None if state.seen_at is None else words.moment(state.seen_at),
            days=days(state, words),
            lasting=[_shown(state, one, words) for one in lasting],
            planned=[_shown(state, one, words) for one in planned],
            over=[_shown(state, one, words) for one in over],
        )
    )


def banners(state: State) -> list[dict[str, object]]:
    """What stands above every page while an incident goes on, in all languages: the number, and one sentence."""
    lasting = [one for one in state.incidents if one.lasts(state.as_of)]
    since = state.interrupted_since
    if since is not None and not any(one.kind == Kind.OUTAGE for one in lasting):  # seen, and not on record yet
        lasting.insert(0, Incident(0, "", Kind.OUTAGE, None, None, since, None, state.as_of, None, 0, 0))
    found: list[dict[str, object]] = []
    for one in lasting:
        said = {code: Words(_translations(code), code, state.profile) for code in state.profile.languages}
        texts = {code: f"{words.what(one)}. {words.changes(one, state)}" for code, words in said.items()}
        found.append({"number": one.number, "texts": texts})
    return found


def days(state: State, words: Words) -> list[Day]:
    """Ninety days up to today by the program's clock, the oldest first, with what was lost on each."""
    zone = words.zone
    today = state.as_of.astimezone(ZoneInfo(zone)).date()
    found = []
    for back in range(DAYS - 1, -1, -1):
        day = today - timedelta(days=back)
        lost = _lost(state, day, zone)
        minutes = -(-lost // timedelta(minutes=1))
        level = "none" if not minutes else "some" if lost < timedelta(hours=1) else "much"
        found.append(Day(day, level, words.day_told(day, minutes)))
    return found


def _lost(state: State, day: date, zone: str) -> timedelta:
    """How long confirming did not work on a day of that zone."""
    begins, ends = (datetime.combine(on, time(), ZoneInfo(zone)) for on in (day, day + timedelta(days=1)))
    spans = ((max(o.start, begins), min(o.end or state.as_of, ends)) for o in state.outages)
    return sum((end - start for start, end in spans if end > start), timedelta())


def atom(state: State, language: str, origin: str) -> str:
    """The incidents as an Atom feed (RFC 4287), the newest first."""
    words = Words(_translations(language), language, state.profile)
    newest = max((entry.at for one in state.incidents for entry in state.timeline(one)), default=state.as_of)
    entries = "".join(_entry(state, one, words, origin) for one in state.incidents[:PAST_MOST])
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{language}">'
        f"<title>{escape(words.title)}</title><id>{escape(origin)}/status</id><updated>{moment(newest)}</updated>"
        f'<link href="{escape(origin)}/status"/><link rel="self" href="{escape(origin)}/status.atom"/>'
        f"<author><name>{escape(words.service)}</name></author>{entries}</feed>\n"
    )


def _entry(state: State, one: Incident, words: Words, origin: str) -> str:
    lines = state.timeline(one)
    changed = lines[-1].at if lines else one.recorded_at
    content = "\n".join([words.changes(one, state), *(f"{words.moment(e.at)}: {words.line(e)}" for e in lines)])
    return (
        f"<entry><title>{escape(one.number)}: {escape(words.what(one))}</title>"
        f"<id>{escape(origin)}/status#{one.number}</id><link href='{escape(origin)}/status#{one.number}'/>"
        f"<published>{moment(one.recorded_at)}</published><updated>{moment(changed)}</updated>"
        f'<content type="text">{escape(content)}</content></entry>'
    )


def _shown(state: State, one: Incident, words: Words) -> dict[str, object]:
    """An incident as the page has it."""
    return {
        "number": one.number,
        "merged": [entry.facts["number"] for entry in state.timeline(one) if entry.kind == "merged"],
        "what": words.what(one),
        "span": words.span(one),
        "touched": words.touched(one),
        "where": words.where(one),
        "changes": words.changes(one, state),
        "lines": [(words.moment(entry.at), words.line(entry)) for entry in reversed(state.timeline(one))],
    }


@lru_cache(maxsize=16)
def _translations(language: str) -> NullTranslations:
    return Translations.load(LOCALES, [language], "django")


@lru_cache(maxsize=16)
def _environment(language: str) -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    made = Environment(
        loader=loader, autoescape=True, extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(_translations(language), newstyle=True)  # type: ignore[attr-defined]  # i18n's
    return made
