"""The panel "Check this draw": when it is there, and that its script finds its words in the page."""

import re
from pathlib import Path

import pytest

from fairgate.store import publication, rounds
from fairgate.store.ledger_files import LedgerFiles
from pages import Pages
from web_world import PROGRAM, World

SOURCES = Path(__file__).parents[2] / "frontend" / "src"
SEVERAL = {  # names that the script puts together from what the thread says
    "step": ("load", "list", "draw", "compare"),
    "sealing": ("seen", "late", "alone", "unsigned", "absent"),
    "signature": ("right", "wrong", "unknown"),
    "said": ("seniority", "lottery", "reserve"),
    "outcome": ("offered", "reserve"),
}


def publish(world: World, home: Path) -> tuple[str, Path]:
    """A drawn round and its files; the address of its page, and their folder."""
    world.asking(size=2)
    day = world.draw(places=2)
    found = rounds.find(world.conn, PROGRAM, day)
    assert found is not None
    folder = publication.folder(home, world.profile, PROGRAM, day)
    publication.write(folder, publication.files(world.conn, found, LedgerFiles(home)))
    return f"/draws/{day}/", folder


def test_a_drawn_round_can_be_checked_on_its_page(
    world: World, browser: Pages, navegador: Pages, tmp_path: Path
) -> None:
    address, _ = publish(world, tmp_path)
    assert "Check this draw" in browser.get(address).main
    assert "Comprobar este sorteo" in navegador.get(address).main


@pytest.mark.parametrize("missing", ["manifest.json", "entries.csv", "beacon.json", "results.csv"])
def test_without_all_of_its_files_there_is_nothing_to_check(
    world: World, browser: Pages, tmp_path: Path, missing: str
) -> None:
    address, folder = publish(world, tmp_path)
    (folder / missing).unlink()
    assert "Check this draw" not in browser.get(address).main


def test_whatever_the_script_says_has_its_words_on_the_page(world: World, browser: Pages, tmp_path: Path) -> None:
    html = browser.get(publish(world, tmp_path)[0]).html
    codes = re.search(r"type Code =\n((?:  \| \"[a-z-]+\"\n?)+);", (SOURCES / "verify-fault.ts").read_text())
    assert codes is not None
    wanted = {f"fault-{code}" for code in re.findall(r'"([a-z-]+)"', codes[1])} | {"fault"}
    wanted |= {f"{name}-{end}" for name, ends in SEVERAL.items() for end in ends}
    script = (SOURCES / "verify.ts").read_text()
    wanted |= set(re.findall(r'words\("([a-z-]+)"', script)) | {"place", "place-line", "place-key"}
    wanted |= {"drand", "commit-reveal"}
    there = re.findall(r'<template data-for="([a-z-]+)"', html)
    assert sorted(there) == sorted(wanted), "each once, and none that nothing says"
