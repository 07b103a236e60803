"""Both who check a bundle: `fairgate verify`, and verify.py, the file that is in every bundle.

verify.py belongs to no package, so it is loaded from its path.
"""

import importlib.util
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


def by_verify_py(folder: Path) -> tuple[int, str]:
    """The exit code that verify.py gives a bundle, and what it says."""
    try:
        return 0, verify.check(folder)
    except verify.Wrong as fault:
        return 1, str(fault)
    except ValueError as fault:
        return 2, str(fault)


def by_product(folder: Path, policy: Path | None = None) -> tuple[int, str]:
    """The exit code that `fairgate verify` gives a bundle, and what it refuses it for."""
    try:
        bundles.check(folder, policy, as_json=False)
    except CheckedAndFalse as fault:
        return 1, str(fault)
    except BadInput as fault:
        return 2, str(fault)
    return 0, ""
