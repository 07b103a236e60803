"""Every habit is a command in script/: it can be run, it parses, and it says how it is used when it is used wrongly."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = [path for path in sorted((ROOT / "script").iterdir()) if path.is_file()]


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_a_script_can_be_run_and_its_second_line_says_what_for(script: Path):
    first, second, *_ = script.read_text(encoding="utf-8").splitlines()
    assert os.access(script, os.X_OK)
    assert first.startswith("#!/usr/bin/env ")
    assert second.startswith(("# ", '"""'))
    if first.endswith("bash"):
        subprocess.run(["bash", "-n", script], check=True)


def test_set_up_again_does_nothing_and_says_so():
    for _ in range(2):
        done = subprocess.run([ROOT / "script" / "setup", "--dev"], capture_output=True, text=True, check=True)
    assert done.stdout == "setup: everything is in place\n"


def test_set_up_with_a_wrong_argument_says_how_it_is_used():
    done = subprocess.run([ROOT / "script" / "setup", "--all"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "usage: script/setup [--dev]\n")


def test_a_python_too_old_is_named(tmp_path: Path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac\n')
    old.chmod(0o755)
    (tmp_path / "tree" / "script").mkdir(parents=True)
    copy = tmp_path / "tree" / "script" / "setup"
    copy.write_bytes((ROOT / "script" / "setup").read_bytes())
    copy.chmod(0o755)
    done = subprocess.run(
        [copy], env=os.environ | {"PYTHON": str(old)}, capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 1
    assert "Python 3.9.2 is too old. Install Python 3.11 or later" in done.stderr


@pytest.mark.skipif(shutil.which("wrk") is None, reason="script/bench would install wrk")
@pytest.mark.parametrize("wrong", [["--fast"], ["--offers", "many"], ["table"]], ids=" ".join)
def test_a_bench_with_a_wrong_argument_says_how_it_is_used_and_starts_nothing(wrong: list[str]):
    done = subprocess.run([ROOT / "script" / "bench", *wrong], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: script/bench ")
