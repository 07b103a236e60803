"""verify.py, the file that is in every bundle, as a module: it belongs to no package, so it is loaded from its path."""

import importlib.util
from importlib import resources
from pathlib import Path
from types import ModuleType

PATH = Path(str(resources.files("fairgate.store"))) / "bundled" / "verify.py"


def load(path: Path = PATH) -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


verify = load()


def verdict(folder: Path) -> tuple[int, str]:
    """The exit code that verify.py gives a bundle, and what it says."""
    try:
        return 0, verify.check(folder)
    except verify.Wrong as fault:
        return 1, str(fault)
    except ValueError as fault:
        return 2, str(fault)
