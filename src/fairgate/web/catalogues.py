"""The catalogues of translations: taken from the sources, brought up to date, and built for use.

    python -m fairgate.web.catalogues update    after texts were changed: new ones appear in every catalogue, empty
    python -m fairgate.web.catalogues build     at set-up: the binary files that pages read

English is in the sources. Every other language is a file of pairs under locale/, for translators.
"""

import os
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from fairgate.core.published import draw, layouts

PACKAGE = Path(__file__).resolve().parent.parent
LOCALES = PACKAGE / "locale"
WHERE = [
    ("web/**.py", "python"),
    ("web/templates/**.html", "jinja2"),
    ("notify/**.py", "python"),
    ("notify/templates/**.html", "jinja2"),
]
OPTIONS = {"web/templates/**.html": {"trimmed": "true"}, "notify/templates/**.html": {"trimmed": "true"}}
# What published tables are called and what their columns mean: it goes with the tables, and is read from them.
DICTIONARIES = {"core/published/draw.py": draw.TABLES, "core/published/layouts.py": layouts.LAYOUTS}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}


def template() -> Catalog:
    """Every text of the sources, with where it stands."""
    found = Catalog(charset="utf-8")
    for file, line, message, comments, context in extract_from_dir(
        PACKAGE, method_map=WHERE, options_map=OPTIONS, keywords=KEYWORDS
    ):
        found.add(message, None, [(file, line)], auto_comments=comments, context=context)
    for file, tables in DICTIONARIES.items():
        for table in tables:
            for text in (table.title, *(column.meaning for column in table.columns)):
                found.add(text, None, [(file, 0)])
    return found


def catalogues() -> dict[str, Path]:
    """The files of the languages that texts are translated to, by language."""
    return {path.parent.parent.name: path for path in sorted(LOCALES.glob("*/LC_MESSAGES/django.po"))}


def read(language: str, path: Path) -> Catalog:
    return read_po(BytesIO(path.read_bytes()), locale=language, abort_invalid=True)


def update() -> None:
    """Bring each catalogue up to date with the sources; what is new is left for translators."""
    current = template()
    for language, path in catalogues().items():
        catalogue = read(language, path)
        catalogue.update(current, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        _sign(catalogue)
        written = BytesIO()
        write_po(written, catalogue, width=110, omit_header=False, include_lineno=False, sort_by_file=True)
        path.write_bytes(written.getvalue())


def _sign(catalogue: Catalog) -> None:
    """A header that says what is so, instead of a form to fill in."""
    catalogue.header_comment = "# Fairgate: translations. Texts come from the sources; `update` keeps the two together."
    catalogue.project, catalogue.version = "Fairgate", "0"
    catalogue.msgid_bugs_address = "see SECURITY.md and CONTRIBUTING.md"
    catalogue.last_translator = catalogue.language_team = "Fairgate contributors"
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # git knows when


def build() -> None:
    """Write the binary file of each catalogue that is newer than it."""
    for language, path in catalogues().items():
        built = path.with_suffix(".mo")
        if built.exists() and built.stat().st_mtime >= path.stat().st_mtime:
            continue
        written = BytesIO()
        write_mo(written, read(language, path))
        draft = built.with_suffix(f".mo.{os.getpid()}")  # others may build at the same time
        draft.write_bytes(written.getvalue())
        draft.replace(built)


if __name__ == "__main__":
    {"update": update, "build": build}[sys.argv[1]]()
