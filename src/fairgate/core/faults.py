"""What a log may say of an exception."""

import traceback
from pathlib import Path


def place(error: BaseException) -> str:
    """Where it happened: "draw.py:93", in our own code if it came from there.

    The message is left out on purpose: those of libraries quote rows, and rows are about people.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "fairgate" in frame.filename] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "nowhere"
