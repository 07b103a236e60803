"""Pictures of numbers, drawn on the server as SVG: bars, columns, lines and intervals.

Plain data goes in, markup comes out; nothing is looked up, and every word comes from the caller, in the person's
language. What holds for all of them:

- A picture never stands alone: `figure.html` puts the table with the same numbers beside it.
- It has a title and a description for those who cannot see it, and counts as one image.
- What a shape means is written at it. Where shapes of several series stand together they differ in filling or dash
  as well as in colour; each has a contrast of 3:1 at least to what lies around it, words have 4.5:1.
- The sheet is 360 units wide and grows to `fg-chart`'s largest width, so words are 12 px high on the narrowest phone.
- Scales begin at zero. A number that is hidden or not known (None) has its words and no shape.
- With `rtl` it is the mirror image, for languages that are written from right to left.

Colours and lines are in frontend/src/charts.scss, which also says how they are printed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, log10
from textwrap import wrap

from markupsafe import Markup, escape

WIDTH = 360
LINE = 20  # from one line of words to the next
LETTERS = 44  # that surely fit beside each other
SERIES = ("first", "second", "third")
COLUMNS_MOST = 10
MARKS_MOST = 4  # words below a line's horizontal axis

Words = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class About:
    """`id` is unique on the page; `title` names the picture, `description` says what can be seen in it."""

    id: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Bar:
    """`text` is the value in words and stands at the shape; a value of None has no shape."""

    label: str
    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Bars that belong together, one for each series in the order of their names; their own labels are not shown."""

    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` over `middle` to `high` (p10, p50, p90); None where they are hidden. `text` says all three."""

    label: str
    low: float | None
    middle: float | None
    high: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """A line: a value for each place on the horizontal axis, None where there is a gap."""

    name: str
    values: tuple[float | None, ...]


def bars(about: About, rows: Sequence[Bar], *, most: float | None = None, rtl: bool = False) -> Markup:
    """Horizontal bars below their words. `most` is the value of a full bar; if not given, the largest."""
    sheet = _Sheet(rtl)
    scale = _scale(most, (row.value for row in rows))
    for row in rows:
        sheet.headed(row.label, row.text)
        sheet.track()
        if row.value is not None:
            sheet.rect(0, 0, scale(row.value) * WIDTH, 14, "first")
        sheet.down(28)
    return sheet.markup(about)


def grouped(
    about: About, names: Sequence[str], groups: Sequence[Group], *, most: float | None = None, rtl: bool = False
) -> Markup:
    """Horizontal bars of up to three series, those of one group below each other, each with its value behind it."""
    assert 1 <= len(names) <= len(SERIES), "more series than can be told apart"
    sheet = _Sheet(rtl)
    sheet.legend(names)
    scale = _scale(most, (bar.value for group in groups for bar in group.bars))
    room = WIDTH - 12 - 8 * max((len(bar.text) for group in groups for bar in group.bars), default=0)
    for group in groups:
        assert len(group.bars) == len(names), "a bar for each series"
        sheet.headed(group.label)
        for series, bar in zip(SERIES, group.bars, strict=False):
            width = 0.0 if bar.value is None else scale(bar.value) * room
            if bar.value is not None:
                sheet.rect(1, 1, width, 14, series)
            sheet.text(width + 8, 13, bar.text)
            sheet.down(18)
        sheet.down(12)
    return sheet.markup(about)


def columns(about: About, rows: Sequence[Bar], *, most: float | None = None, rtl: bool = False) -> Markup:
    """Vertical bars with their values on top and short labels below; ten at most, and no label over five letters."""
    assert len(rows) <= COLUMNS_MOST, "too many columns for a phone: use bars"
    sheet = _Sheet(rtl)
    height, step = 140, WIDTH / max(1, len(rows))
    scale = _scale(most, (row.value for row in rows))
    for place, row in enumerate(rows):
        middle, tall = (place + 0.5) * step, 0.0 if row.value is None else scale(row.value) * height
        if row.value is not None:
            sheet.rect(middle - step * 0.35, LINE + height - tall, step * 0.7, tall, "first")
        sheet.text(middle, LINE + height - tall - 6, row.text, "middle")
        sheet.text(middle, LINE + height + 18, row.label, "middle")
    sheet.rule(LINE + height, "axis")
    sheet.down(LINE + height + 26)
    return sheet.markup(about)


def line(
    about: About, marks: Sequence[str], series: Sequence[Series], said: Words, *, step: bool = False, rtl: bool = False
) -> Markup:
    """Lines over an axis of evenly spaced places; with `step` a value holds until the next one.

    `marks` are the words of each place, of which a few are shown; `said` puts a value of the vertical axis into words.
    """
    assert 1 <= len(series) <= len(SERIES), "more series than can be told apart"
    sheet = _Sheet(rtl)
    if len(series) > 1:
        sheet.legend([one.name for one in series], stroke=True)
    height, top = 150, 18
    ticks = _ticks(max((value for one in series for value in one.values if value is not None), default=0))
    for tick in ticks:
        sheet.rule(top + height * (1 - tick / ticks[-1]), "grid" if tick else "axis")
    wide = WIDTH / max(1, len(marks) if step else len(marks) - 1)
    for name, one in zip(SERIES, series, strict=False):
        assert len(one.values) == len(marks), "a value for each place"
        points = [
            None if value is None else (place * wide, top + height * (1 - value / ticks[-1]))
            for place, value in enumerate(one.values)
        ]
        if step and points and points[-1]:
            points.append((WIDTH, points[-1][1]))
        sheet.path(points, f"line {name}", step)
    for tick in ticks:
        sheet.text(0, top + height * (1 - tick / ticks[-1]) - 4, said(tick), kind="over")
    for place in _shown(len(marks)):
        end = place > 0 and place == len(marks) - 1
        anchor = "end" if end else "middle" if place and not step else "start"
        sheet.text(WIDTH if end else place * wide, top + height + 18, marks[place], anchor)
    sheet.down(top + height + 26)
    return sheet.markup(about)


def intervals(about: About, rows: Sequence[Interval], *, most: float | None = None, rtl: bool = False) -> Markup:
    """For each row a band from low to high with a mark at the middle, below the words for all three."""
    sheet = _Sheet(rtl)
    scale = _scale(most, (row.high for row in rows))
    for row in rows:
        sheet.headed(row.label, row.text)
        sheet.track()
        if row.low is not None and row.middle is not None and row.high is not None:
            low, middle, high = (scale(value) * WIDTH for value in (row.low, row.middle, row.high))
            sheet.rect(low, 0, max(2.0, high - low), 14, "second")
            sheet.rect(min(WIDTH - 6.0, max(0.0, middle - 3)), -3, 6, 20, "first")
        sheet.down(30)
    return sheet.markup(about)


@dataclass
class _Sheet:
    """Shapes and words as they are put down, from the top to the bottom; `down` begins a new line of them."""

    rtl: bool
    top: float = 0
    parts: list[str] = field(default_factory=list)

    def down(self, by: float) -> None:
        self.top += by

    def rect(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        at = _short(WIDTH - x - width if self.rtl else x)
        size = f'width="{_short(width)}" height="{_short(height)}"'
        self.parts.append(f'<rect class="{kind}" x="{at}" y="{_short(self.top + y)}" {size}/>')

    def track(self) -> None:
        """The whole length that a bar may have."""
        self.rect(0, 0, WIDTH, 14, "track")

    def rule(self, y: float, kind: str) -> None:
        at = _short(self.top + y)
        self.parts.append(f'<path class="{kind}" d="M0 {at}H{WIDTH}"/>')

    def text(self, x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> None:
        where = ("" if anchor == "start" else f' text-anchor="{anchor}"') + (f' class="{kind}"' if kind else "")
        at = f'x="{_short(self._across(x))}" y="{_short(self.top + y)}"'
        self.parts.append(f"<text {at}{where}>{escape(words)}</text>")

    def headed(self, label: str, text: str = "") -> None:
        """A label, and at the other end of its line the value in words; on a line of its own if they are too long."""
        lines = wrap(label, LETTERS) or [""]
        apart = text and len(lines[-1]) + len(text) + 2 > LETTERS
        for number, words in enumerate(lines, 1):
            self.text(0, 14, words)
            if text and not apart and number == len(lines):
                self.text(WIDTH, 14, text, "end")
            self.down(LINE)
        if apart:
            self.text(0, 14, text)
            self.down(LINE)

    def legend(self, names: Sequence[str], *, stroke: bool = False) -> None:
        for kind, name in zip(SERIES, names, strict=False):
            if stroke:
                self.path([(0, 8), (34, 8)], f"line {kind}", step=False)
            else:
                self.rect(1, 1, 32, 12, kind)
            self.text(42, 13, name)
            self.down(LINE)
        self.down(8)

    def path(self, points: Sequence[tuple[float, float] | None], kind: str, step: bool) -> None:
        """A line through the points, broken where there is none; a point between two gaps is a short stroke."""
        made = " ".join(self._strokes(points, step))
        if made:
            self.parts.append(f'<path class="{kind}" d="{made}"/>')

    def _strokes(self, points: Sequence[tuple[float, float] | None], step: bool) -> Iterator[str]:
        before: tuple[float, float] | None = None
        for place, point in enumerate(points):
            if point is not None:
                x, y = _short(self._across(point[0])), _short(self.top + point[1])
                alone = before is None and (place + 1 == len(points) or points[place + 1] is None)
                if before is None:
                    yield f"M{x} {y}" + ("h.1" if alone else "")
                else:
                    yield f"H{x}V{y}" if step else f"L{x} {y}"
            before = point

    def _across(self, x: float) -> float:
        return WIDTH - x if self.rtl else x

    def markup(self, about: About) -> Markup:
        names = f"{about.id}-title {about.id}-about"
        way = ' direction="rtl"' if self.rtl else ""
        head = (
            f'<svg class="fg-chart" viewBox="0 0 {WIDTH} {ceil(self.top)}" role="img" focusable="false"{way}'
            f' aria-labelledby="{escape(names)}">'
            f'<title id="{escape(about.id)}-title">{escape(about.title)}</title>'
            f'<desc id="{escape(about.id)}-about">{escape(about.description)}</desc>'
        )
        return Markup(f"{head}{''.join(self.parts)}</svg>")  # noqa: S704 - every word has been escaped


def _scale(most: float | None, values: Iterator[float | None]) -> Callable[[float], float]:
    """Values as a share of the largest; no shape is longer than the sheet."""
    found = most if most is not None else max((value for value in values if value is not None), default=0)
    return lambda value: min(1.0, max(0.0, value / found)) if found > 0 else 0.0


def _ticks(most: float) -> list[float]:
    """Three to six round values from zero to `most` or a little above it."""
    if most <= 0:
        return [0, 1]
    rough = most / 4
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return [step * count for count in range(ceil(most / step - 1e-9) + 1)]


def _shown(count: int) -> list[int]:
    """Places whose words are shown: the first, the last, and what fits between them at even distances."""
    if count <= MARKS_MOST:
        return list(range(count))
    gap = (count - 1) / (MARKS_MOST - 1)
    return [round(gap * number) for number in range(MARKS_MOST)]


def _short(value: float) -> str:
    """A number of one decimal at most, as short as it can be written."""
    return f"{round(value, 1) + 0.0:g}"
