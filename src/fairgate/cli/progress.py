"""Bars for long work: on standard error, and only where a person looks at it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int], None]


@contextmanager
def bar(what: str, total: int | None = None) -> Iterator[Advance]:
    """A bar that the block moves on by calling what it is given; without `total`, a sign that work goes on."""
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console  # noqa: PLC0415  a tenth of a second that only people wait for
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = [TextColumn("{task.description}"), BarColumn(), *([MofNCompleteColumn()] if total else [])]
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda steps: shown.advance(task, steps)


def halves(advance: Advance) -> Callable[[str, int, int], None]:
    """Progress of two stages, the second of which may never come, as hundredths of both."""
    shown: dict[str, int] = {}

    def progress(what: str, done: int, total: int) -> None:
        percent = 50 * done // max(total, 1)
        advance(percent - shown.get(what, 0))
        shown[what] = percent

    return progress
