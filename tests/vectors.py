"""The known answers of RULES.md: where they lie and how they are read.

They come with the rules and not with this repository. The environment variable FAIRGATE_VECTORS names
their directory; without it they are looked for beside the repository.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
DIRECTORY = Path(os.environ.get("FAIRGATE_VECTORS", ROOT.parent / "shared" / "vectors"))

needed = pytest.mark.skipif(
    not DIRECTORY.is_dir(), reason="the rules' vectors are not here; name their directory in FAIRGATE_VECTORS"
)


def path(name: str) -> Path:
    return DIRECTORY / name


def read(name: str) -> Any:
    """The vectors in the JSON file `name`, or an empty list where there are no vectors."""
    return json.loads(path(name).read_bytes()) if DIRECTORY.is_dir() else []


def draws() -> list[Path]:
    """The bundles with known results, each a directory with an `expected.json` beside the bundle's files."""
    return sorted(DIRECTORY.glob("draw-*"))
