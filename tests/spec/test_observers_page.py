"""The page for observers: what it tells them to type gives what it says."""

import re
import shutil
import subprocess

import pytest

from vectors import ROOT

PAGE = (ROOT / "docs" / "observers.md").read_text()
EXAMPLE = ROOT / "docs" / "rules" / "example" / "draw"


def blocks(heading: str) -> list[str]:
    """The indented blocks below a heading, without their indentation."""
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", part, flags=re.MULTILINE)
    return ["".join(line[4:] or "\n" for line in block.splitlines(keepends=True)).strip("\n") for block in found]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_the_draw_by_hand_gives_what_the_page_says() -> None:
    script, said = blocks("Check a draw by hand")[:2]
    ended = subprocess.run(["bash", "-c", script], cwd=EXAMPLE, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.splitlines() == said.splitlines()
    assert ended.stderr == ""


def test_what_it_computes_is_in_the_files() -> None:
    said = blocks("Check a draw by hand")[1]
    manifest, results = (EXAMPLE / "manifest.json").read_text(), (EXAMPLE / "results.csv").read_text()
    promised = re.findall("^promised (.*)$", said, flags=re.MULTILINE)
    assert promised == re.findall('"commitment":"([0-9a-f]*)"', manifest)
    lots = re.findall("^lot [0-9a-f]{64} ([0-9a-f]{32})$", said, flags=re.MULTILINE)
    lottery = [line[:32] for line in results.splitlines() if line.endswith("lottery") or ",reserve," in line]
    in_order = [ticket for ticket in lots if ticket in lottery]
    assert len(in_order) == 3
    assert in_order[0] == lottery[0], "whom the lots put first is offered the first place of the lottery"
