"""What holds for the work tree as a whole, so that it stays readable and runs on anybody's machine."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import order

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
NOT_OURS = {".git", ".venv", ".hypothesis", "node_modules", "var", "static", "__pycache__", "fairgate.egg-info"}
FILE_LINES = 400
FUNCTION_LINES = 70

# In pieces, so that this file does not name them itself.
REGISTRIES = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".", "yarnpkg" + ".", "deb.debian" + ".org")
MACHINE_PATHS = ("/" + "work/", "/" + "root/", "/" + "home/")


def _texts() -> Iterator[tuple[Path, str]]:
    """Every text file that belongs to the tree."""
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        if NOT_OURS.isdisjoint(inside.parts) and not inside.parts[0].endswith("_cache") and path.is_file():
            try:
                yield inside, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_arrows_point_up_only():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_source_file_is_longer_than_400_lines():
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_longer_than_70_lines():
    long = {
        f"{_name(path)}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in long.items() if lines > FUNCTION_LINES} == {}


def test_every_module_says_what_it_is_for():
    assert [_name(path) for path in SOURCES if not ast.get_docstring(_parsed(path))] == []


def test_no_module_is_a_drawer_for_odds_and_ends():
    drawers = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
    parts = {_name(path): {*path.relative_to(ROOT).with_suffix("").parts} for path in SOURCES}
    assert [name for name, words in parts.items() if words & drawers] == []


def test_core_takes_time_and_chance_as_arguments():
    """No module of core can read a clock or draw a random number by itself."""
    forbidden_modules = {"random", "secrets", "time", "socket", "subprocess", "threading", "asyncio"}
    forbidden_calls = {"now", "utcnow", "today", "urandom", "uuid1", "uuid4", "token_bytes", "getrandom"}
    found = []
    for path in (ROOT / "src" / "fairgate" / "core").glob("*.py"):
        for node in ast.walk(_parsed(path)):
            match node:
                case ast.Import(names=names) if any(name.name.split(".")[0] in forbidden_modules for name in names):
                    found.append(f"{_name(path)}:{node.lineno}")
                case ast.ImportFrom(module=str(module)) if module.split(".")[0] in forbidden_modules:
                    found.append(f"{_name(path)}:{node.lineno}")
                case ast.Call(func=ast.Attribute(attr=attr)) if attr in forbidden_calls:
                    found.append(f"{_name(path)}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize("words", [REGISTRIES, MACHINE_PATHS], ids=["registries", "machine paths"])
def test_no_file_names_a_registry_or_a_path_of_one_machine(words: tuple[str, ...]):
    naming = [f"{path}: {word}" for path, text in _texts() for word in words if word in text]
    assert naming == []


def test_nothing_unfinished_is_left_in_the_sources():
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
    sources = [(path, text) for path, text in _texts() if path.parts[0] in ("src", "frontend", "script")]
    found = [str(path) for path, text in sources if marks.search(text)]
    assert found == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_dependency_is_pinned_with_hashes_and_no_index_is_named(name: str):
    logical = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    lines = [line for line in logical if line.strip() and not line.lstrip().startswith("#")]
    wrong = [line for line in lines if not re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)]
    assert lines
    assert wrong == []


def test_the_front_end_is_locked_with_hashes_and_no_address_to_load_from():
    lock = (ROOT / "frontend" / "package-lock.json").read_text(encoding="utf-8")
    assert lock.count('"integrity"') == lock.count('"node_modules/')
    assert '"resolved"' not in lock


def test_what_runs_first_is_there() -> None:
    assert [name for name in order.LONGEST if not (order.TESTS / name).exists()] == []
