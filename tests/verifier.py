"""Both who check a bundle: `fairgate verify`, and verify.py, the file that is in every bundle.

verify.py belongs to no package, so it is loaded from its path.
"""

import importlib.util
import subprocess
import sys
from importlib import resources
from pathlib import Path
from types import ModuleType

from fairgate.cli import bundles
from fairgate.cli.faults import CheckedAndFalse
from fairgate.core.errors import BadInput

PATH = Path(str(resources.files("fairgate.store"))) / "bundled" / "verify.py"


def load(path: Path = PATH) -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


verify = load()


def run(*folders: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """verify.py as somebody runs it: with Python alone, without any installed package."""
    command = [sys.executable, "-I", "-S", str(PATH), *map(str, folders)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def by_verify_py(folder: Path) -> tuple[int, str]:
    """The exit code that verify.py gives a bundle, and what it says; within this process, as it is asked often."""
    try:
        words, _, _ = verify.check(folder)
    except verify.Wrong as fault:
        return 1, str(fault)
    except ValueError as fault:
        return 2, str(fault)
    return 0, words


def by_product(folder: Path, policy: Path | None = None, after: Path | None = None) -> tuple[int, str]:
    """The exit code that `fairgate verify` gives a bundle, and what it refuses it for."""
    try:
        bundles.check(folder, policy, after, as_json=False)
    except CheckedAndFalse as fault:
        return 1, str(fault)
    except BadInput as fault:
        return 2, str(fault)
    return 0, ""
