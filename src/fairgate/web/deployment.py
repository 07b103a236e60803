"""The deployment as pages see it: its profile, the program that they are about, and its names in words."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.utils import translation

from fairgate.core.profile import Port, Profile, Program, Texts
from fairgate.store import profiles
from fairgate.web import dates

_languages: dict[str, tuple[str, ...]] = {}  # by database; what the profile last said


@dataclass(frozen=True, slots=True)
class ShownPort:
    """A port in the person's language; `city` names its time zone."""

    name: str
    address: str | None
    city: str


def profile(conn: psycopg.Connection) -> Profile:
    found = profiles.current(conn)
    _languages[settings.DATABASE_URL] = found.languages
    return found


def program(found: Profile, named: str | None = None) -> Program:
    """The program that a page is about: the one that its address names, else the first that is not hidden."""
    return (found.find_program(named) if named else None) or next(
        program for program in found.programs if not program.hidden
    )


def languages() -> list[tuple[str, str]]:
    """The languages to choose from, as code and own name: those that the profile and the catalogues both have."""
    spoken = _languages.get(settings.DATABASE_URL)
    return [(code, name) for code, name in settings.LANGUAGES if spoken is None or code in spoken]


def in_words(names: Mapping[str, str]) -> str:
    """A name of the profile in the person's language."""
    return names.get(translation.get_language() or "en") or next(iter(names.values()))


def texts(found: Profile) -> Texts:
    """What the service and the agency are called in the person's language."""
    return found.texts.get(translation.get_language() or "en") or next(iter(found.texts.values()))


def find_port(found: Profile, code: str) -> Port | None:
    """The port, if the profile still has it: offers outlive ports."""
    return next((port for port in found.ports if port.port == code), None)


def port_name(found: Profile, code: str) -> str:
    port = find_port(found, code)
    return in_words(port.names) if port else code


def shown_port(found: Profile, code: str, zone: str) -> ShownPort:
    """A port by its code; `zone` is where it lies, for one that the profile does not have any more."""
    port = find_port(found, code)
    address = in_words(port.address) if port and port.address else None
    return ShownPort(port_name(found, code), address, dates.city(port.zone if port else zone))


def people_zone(found: Profile, code: str, otherwise: str) -> str:
    """The time zone of those who wait for a port."""
    port = find_port(found, code)
    return port.people_zone if port else otherwise


def language_name(code: str) -> str:
    """What speakers of a language call it: Español for es."""
    try:
        name = Locale.parse(code, sep="-").get_language_name(code.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        name = None
    return (name or code).capitalize()
