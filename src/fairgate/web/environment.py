"""The Jinja2 environment of all pages: components, translations, and dates and numbers in words."""

import json
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils import translation
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader

from fairgate.web import dates

STATIC = Path(__file__).resolve().parent / "static"


def environment(**options: object) -> Environment:
    """Called by Django with its own options for the environment."""
    made = Environment(  # noqa: S701 - Django's options ask for autoescape
        **options,  # type: ignore[arg-type]  # Django's options are Jinja2's
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.loader = ChoiceLoader(
        [
            FileSystemLoader(settings.TEMPLATES[0]["DIRS"]),
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        ]
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        translation.gettext, translation.ngettext, newstyle=True, pgettext=translation.pgettext
    )
    made.globals.update(
        url=url,
        asset=asset,
        local=dates.local,
        language=translation.get_language,
    )
    made.filters.update(
        day=dates.day, brief_date=dates.brief_date, clock=dates.clock, date=dates.plain_day, number=dates.number
    )
    return made


def url(name: str, **arguments: object) -> str:
    """The address of a page by its name."""
    return reverse(name, kwargs=arguments)


def asset(name: str) -> str:
    """The address of a built front-end file; its name holds a hash of what is in it, so it never goes stale."""
    return f"/static/{_manifest()[name]}"


@lru_cache(maxsize=1)
def _manifest() -> dict[str, str]:
    try:
        names: dict[str, str] = json.loads((STATIC / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ImproperlyConfigured("the front end is not built: run script/setup") from error
    return names
