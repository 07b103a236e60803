"""The dictionary of published tables in docs/data.md is the one that the tables themselves have.

python tests/architecture/test_data_dictionary.py     writes it anew
"""

import re
from collections.abc import Iterable
from pathlib import Path

from fairgate.core.published import Table, draw, layouts

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"
MARK = "## The dictionary\n"
KINDS = (
    "Kinds: `text`; `date`; `moment`, a time to the second; `people`, a number of people or of groups, which may be\n"
    "`hidden`; `number`, any other whole number; `days`, whole days; `decimal`, a fraction."
)


def dictionary() -> str:
    """All tables with their columns, as the page has them."""
    parts = [MARK, KINDS, ""]
    for table in layouts.LAYOUTS:
        parts += _about(table, f"`{table.name}`")
    parts += ["## The dictionary of each draw\n", "Below `/data/draws/DATE/`.", ""]
    for table in draw.TABLES:
        parts += _about(table, f"`draws/DATE/{table.name}`")
    return "\n".join(parts).rstrip("\n") + "\n"


def _about(table: Table, name: str) -> Iterable[str]:
    yield f"### {name}: {table.title}\n"
    yield "| column | kind | meaning |\n| --- | --- | --- |"
    yield from (f"| `{column.name}` | {column.kind} | {column.meaning} |" for column in table.columns)
    yield ""


def test_the_page_has_every_table_and_column_as_the_code_does() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text[text.index(MARK) :] == dictionary(), "run this file to write it anew"


def test_names_are_good_for_programs_and_meanings_for_people() -> None:
    tables = (*layouts.LAYOUTS, *draw.TABLES)
    assert len({table.name for table in layouts.LAYOUTS}) == len(layouts.LAYOUTS)
    for table in tables:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", table.name), "as the gate takes it in an address"
        assert len({column.name for column in table.columns}) == len(table.columns)
        for column in table.columns:
            assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
            assert column.meaning[0].isupper() or column.kind == "text"
            assert "|" not in column.meaning


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page.partition(MARK)[0] + dictionary(), encoding="utf-8")
