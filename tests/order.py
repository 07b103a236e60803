"""The order in which tests run: what takes longest first, so that in the end no worker is alone with it.

`script/test` hands out files in this order; the rest comes after, mostly short.
"""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent

LONGEST = (
    "crash/test_gate_killed.py",
    "crash/test_worker_killed.py",
    "cli/test_up.py",
    "sim/test_replay.py",
    "crash/test_silence.py",
    "browser/test_verify_bundles.py",
    "property/test_late_samples.py",
    "crash",
    "property/test_lifecycle_machine.py",
    "property/test_both_verifiers.py",
    "browser",
    "sim",
    "worker",
    "gate/test_funnel_machine.py",
    "attacks",
    "property",
    "race",
    "watch",
    "cli",
    "web",
)


def place(item: pytest.Item) -> int:
    """Where a test stands, by the first line that names its file or folder."""
    path = item.path.relative_to(TESTS)
    folders = {path.as_posix(), *(parent.as_posix() for parent in path.parents)}
    return next((number for number, name in enumerate(LONGEST) if name in folders), len(LONGEST))
