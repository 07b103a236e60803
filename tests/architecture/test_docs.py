"""What the documents say is checked like code: links lead somewhere, commands exist, digits are right."""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from fairgate.cli.main import MODULES
from fairgate.core import deadlines, outages, tree
from fairgate.core.beacon import randomness
from fairgate.core.bundle import entries_root, entry_line, parse_beacon, parse_entries, parse_manifest, write_results
from fairgate.core.cases import parse_deadline_cases, parse_outage_cases
from fairgate.core.draw import SlotRoom as Room
from fairgate.core.draw import draw, next_from_reserve, ticket, times_of_day
from fairgate.core.places import moment, shown
from fairgate.store.ledger import leaf_data

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "docs" / "rules"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NUMBERS = ("K48J-2J9P", "ZR12-75ZC", "GEJA-PTH4", "E3K6-0YYC", "RBWX-NMGM")  # families A to E of the example

_CODE = re.compile(r"^```.*?^```$|^    [^\n]*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CALL = re.compile(r"\bfairgate( [a-z][a-z-]*)( [a-z][a-z-]*)?([^\n`]*)")


def text(path: str | Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# -- links and commands -------------------------------------------------------------------------


def links(document: Path) -> Iterator[str]:
    """Where a document's links lead, those to other sites left out."""
    for target in _LINK.findall(_CODE.sub("", text(document))):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_somewhere(document: Path):
    lost = []
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_the_index_leads_to_every_document():
    index = ROOT / "docs" / "README.md"
    led_to = {(index.parent / link).resolve() for link in links(index)}
    assert [named(path) for path in (ROOT / "docs").rglob("*.md") if path != index and path not in led_to] == []


def test_the_readme_says_how_to_run_test_and_check():
    first_screen = "\n".join(text("README.md").splitlines()[:60])
    for needed in ("script/up", "script/test", "fairgate verify", "docs/pictures/where-i-stand.png"):
        assert needed in first_screen


@pytest.fixture(scope="module")
def commands() -> dict[str, Any]:
    """Every command by its name; those with commands of their own as "round show"."""
    app = typer.Typer()
    for module in dict.fromkeys(MODULES.values()):
        app.add_typer(import_module(f"fairgate.cli.{module}").app)
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {f"{name} {each}": inner[each] for each in inner} if inner else {name: command}
    return found


def unknown_calls(document: Path, commands: dict[str, Any]) -> Iterator[str]:
    """What a document has of `fairgate …` that no command line knows."""
    for code in _CODE.findall(text(document)):
        for first, second, rest in _CALL.findall(code):
            one, both = first.strip(), (first + second).strip()
            if one in commands:
                known, words = commands[one], second + rest
            elif both in commands:
                known, words = commands[both], rest
            else:
                grouped = any(name.startswith(f"{one} ") for name in commands)
                if not grouped or second:
                    yield f"fairgate{first}{second}"
                continue
            options = {option for param in known.params for option in param.opts} | {"--help", "-h"}
            yield from (
                f"fairgate {one} {option}"
                for option in re.findall(r"--[a-z-]+", words.split("#")[0])
                if option not in options
            )


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_command_and_option_that_is_named_exists(document: Path, commands: dict[str, Any]):
    assert list(unknown_calls(document, commands)) == []


# -- the draw -----------------------------------------------------------------------------------


class Example:
    """The bundle in docs/rules/example/draw, drawn again."""

    def __init__(self) -> None:
        self.files = {path.name: path.read_bytes() for path in (RULES / "example" / "draw").iterdir()}
        self.manifest = parse_manifest(self.files["manifest.json"])
        self.entries = parse_entries(self.files["entries.csv"], self.manifest)
        self.randomness = randomness(self.manifest, parse_beacon(self.files["beacon.json"]))
        self.root = entries_root(self.entries)
        self.drawn = draw(self.manifest, self.root, self.entries, self.randomness)

    def lot(self, purpose: str, whose: str) -> str:
        return hashlib.sha256(f"fairgate-draw/1|{purpose}|{self.drawn.seed.hex()}|{whose}".encode()).hexdigest()


@pytest.fixture(scope="module")
def example() -> Example:
    return Example()


def test_the_bundle_of_the_example_is_right(example: Example):
    assert write_results(example.drawn) == example.files["results.csv"]
    assert example.drawn.used == {"SYS": 3, "NOG": 4}
    assert example.drawn.carry_out == {"SYS": 0, "NOG": 2}


def test_the_table_of_families_has_the_digits_of_the_bundle(example: Example):
    by_ticket = {entry.ticket: entry for entry in example.entries}
    for family, number in zip("ABCDE", NUMBERS, strict=True):
        pseudonym = ticket(bytes(32), number)
        entry = by_ticket[pseudonym]
        tie, rank = (example.lot(purpose, pseudonym)[:8] for purpose in ("tie", "rank"))
        row = f"| {family} | {number} | {entry.size} | {entry.weeks} | {', '.join(entry.ports)} "
        assert row + f"| `{pseudonym}` | `{tie}…` | `{rank}…` |" in text(RULES / "draw.md")


def test_the_example_quotes_the_tree_the_seed_and_the_results(example: Example):
    page = text(RULES / "draw.md")
    leaves = [tree.leaf_hash(entry_line(entry)) for entry in example.entries]
    for letter, leaf in zip("DCBEA", leaves, strict=True):
        assert f"leaf {letter} {leaf.hex()[:8]}…" in page
    pairs = [tree.node_hash(leaves[0], leaves[1]), tree.node_hash(leaves[2], leaves[3])]
    for node in (*pairs, tree.node_hash(*pairs)):
        assert f"{node.hex()[:8]}…" in page
    parts = (example.manifest.hash(), example.root, example.randomness)
    hashed = "|".join(("fairgate-draw/1", "seed", *(part.hex() for part in parts)))
    assert f"    {hashed}\n" in page
    assert hashlib.sha256(hashed.encode()).hexdigest() == example.drawn.seed.hex()
    assert f"`{example.drawn.seed.hex()}`" in page
    assert "".join(f"    {line}\n" for line in example.files["results.csv"].decode().splitlines()) in page


def test_what_the_page_says_of_freed_places_and_times_of_day_is_so(example: Example):
    reserve = [entry for entry in example.entries if entry.ticket in example.drawn.reserve]
    offered = [offer.ticket for offer in example.drawn.offers]
    [family_c] = next_from_reserve(reserve, offered, port="SYS", used=3 - 2, cap=3)
    assert family_c.ticket == ticket(bytes(32), NUMBERS[2])
    assert 1 + family_c.size == 5
    assert times_of_day([2, 2, 1], [Room(3, 0), Room(3, 0)]) == [0, 0, 1]


# -- deadlines and outages ----------------------------------------------------------------------


def test_the_examples_of_deadlines_come_out_as_the_page_says():
    page = text(RULES / "deadlines.md")
    cases = parse_deadline_cases((RULES / "example" / "deadlines.json").read_bytes())
    said = re.findall(r"[Tt]he deadline is `([^`]+)`", page)
    found = [deadlines.deadline(case.opened_at, case.outages, case.policy, case.zone) for case in cases]
    assert said == [shown(each) for each in found]
    verdicts = []
    for case, until in zip(cases, found, strict=True):
        assert case.confirm is not None
        asked = {key: getattr(case.confirm, key) for key in ("now", "page_opened_at", "attempt_at")}
        verdicts.append(deadlines.decide(until, **asked, policy=case.policy).value)
    assert verdicts == ["confirmed", "in line", "held", "confirmed"]


def test_the_policy_on_the_page_is_the_usual_one():
    usual = deadlines.Policy().to_json()
    usual |= {"round_to": "60 min", "long_outage": "60 min"}  # as people say it, and the same
    usual["quiet_from`, `quiet_to"] = f"{usual.pop('quiet_from')}, {usual.pop('quiet_to')}"
    page = text(RULES / "deadlines.md")
    assert [f"| `{key}` | {value} |" for key, value in usual.items() if f"| `{key}` | {value} |" not in page] == []


def test_the_examples_of_outages_come_out_as_the_page_says():
    page = text(RULES / "outages.md")
    cases = parse_outage_cases((RULES / "example" / "outages.json").read_bytes())
    found = [outage for case in cases for outage in outages.find(case.samples)]
    said = re.findall(r"`(2024-[^`]+)`", page)
    assert said == [moment(at) for outage in found for at in (outage.start, outage.end) if at is not None]
    assert [outage.end is None for outage in found] == [False, True, False]


# -- the ledger ---------------------------------------------------------------------------------


def test_the_leaf_on_the_page_is_that_of_the_statement_on_the_page():
    page = text(RULES / "receipts-and-ledger.md")
    [statement] = re.findall(r"^    (\{.*\})$", page, re.MULTILINE)
    assert json.dumps(json.loads(statement), sort_keys=True, separators=(",", ":")) == statement
    [salt] = re.findall(r"salt `([0-9a-f]{32})`", page)
    assert f"`{leaf_data(bytes.fromhex(salt), statement).hex()}`" in page


def test_every_kind_of_statement_is_on_the_page():
    page = text(RULES / "receipts-and-ledger.md")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "fairgate").rglob("*.py"))
    kinds = set(re.findall(r'Done\("([a-z ]+)"', sources)) | set(
        re.findall(r'_end\(place, "[a-z ]+", "([a-z ]+)"', sources)
    )
    kinds |= {"offered", "passed over"}  # chosen where the offers are written
    kinds -= {"sampled", "attempted"}  # answers to commands that put nothing into the ledger
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in page] == []


# -- profiles -----------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["southwest-border", "one-clinic"])
def test_every_key_of_a_profile_is_explained(profile: str):
    """Codes of ports, times of day and languages are names of their own and need no word."""
    page = text("docs/operations/profile.md") + text(RULES / "deadlines.md")
    keys: set[str] = set()
    for file in ("profile.toml", "ports.toml", "programs.toml"):
        for table in _tables(tomllib.loads(text(f"profiles/{profile}/{file}"))):
            keys |= {key for key in table if re.fullmatch("[a-z_]{4,}", key)}
    keys -= {"arrival"}  # a program's name
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", page)] == []


def _tables(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _tables(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _tables(inner)
