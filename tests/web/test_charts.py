"""Pictures of numbers: what is drawn is what was given, it stays on the sheet, and words say everything."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from fairgate.web import charts
from fairgate.web.charts import About, Bar, Group, Interval, Series

ABOUT = About("chances", "Chances by <size>", 'One in ten & "more"')
ROWS = [Bar("1 person", 0.1, "10%"), Bar("2 & more <people>", 0.25, "25%"), Bar("6 people", None, "fewer than 10")]
SPANS = [Interval("San Ysidro", 10, 50, 100, "10 – 50 – 100 days"), Interval("Laredo", None, None, None, "not shown")]
LINES = [Series("asked", (3, 5, None, 8)), Series("offered", (None, 1, None, 2))]
EVERY = {
    "bars": lambda rtl: charts.bars(ABOUT, ROWS, rtl=rtl),
    "columns": lambda rtl: charts.columns(ABOUT, ROWS, rtl=rtl),
    "grouped": lambda rtl: charts.grouped(ABOUT, ("a", "b"), [Group("x", tuple(ROWS[:2]))], rtl=rtl),
    "intervals": lambda rtl: charts.intervals(ABOUT, SPANS, rtl=rtl),
    "line": lambda rtl: charts.line(ABOUT, ("Mon", "Tue", "Wed", "Thu"), LINES, "{:g}".format, rtl=rtl),
    "steps": lambda rtl: charts.line(ABOUT, ("Mon", "Tue", "Wed", "Thu"), LINES, "{:g}".format, step=True, rtl=rtl),
}
SCSS = Path(__file__).parents[2] / "frontend/src"


def read(markup: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(markup)


def shapes(picture: ElementTree.Element, kind: str) -> list[dict[str, float]]:
    found = [each.attrib for each in picture.iter("rect") if each.attrib["class"] == kind]
    return [{name: float(value) for name, value in each.items() if name != "class"} for each in found]


def words(picture: ElementTree.Element) -> list[str]:
    return ["".join(each.itertext()) for each in picture.iter("text")]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("rtl", [False, True])
def test_every_picture_is_one_image_with_a_title_and_a_description(name: str, rtl: bool) -> None:
    picture = read(EVERY[name](rtl))
    assert picture.attrib["role"] == "img"
    ids = {each.attrib["id"]: each.text for each in picture if "id" in each.attrib}
    assert [ids[one] for one in picture.attrib["aria-labelledby"].split()] == [ABOUT.title, ABOUT.description]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("rtl", [False, True])
def test_everything_stays_on_the_sheet(name: str, rtl: bool) -> None:
    picture = read(EVERY[name](rtl))
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    assert width == charts.WIDTH
    for shape in picture.iter("rect"):
        x, y, wide, tall = (float(shape.attrib[key]) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width + 0.1
        assert -3 <= y <= y + tall <= height
    for each in picture.iter("text"):
        assert 0 <= float(each.attrib["x"]) <= width
        assert 10 <= float(each.attrib["y"]) <= height


def test_bars_are_as_long_as_their_values_and_a_hidden_one_has_only_words() -> None:
    picture = read(charts.bars(ABOUT, ROWS))
    assert [bar["width"] for bar in shapes(picture, "first")] == [144, 360]
    assert words(picture) == ["1 person", "10%", "2 & more <people>", "25%", "6 people", "fewer than 10"]
    assert [bar["width"] for bar in shapes(read(charts.bars(ABOUT, ROWS, most=1)), "first")] == [36, 90]


def test_columns_stand_on_the_axis_and_are_as_high_as_their_values() -> None:
    low, high = shapes(read(charts.columns(ABOUT, ROWS)), "first")
    assert low["y"] + low["height"] == high["y"] + high["height"]
    assert high["height"] == pytest.approx(2.5 * low["height"])


def test_grouped_bars_share_one_scale_and_each_series_is_named_and_filled_in_its_own_way() -> None:
    groups = [Group("Monday", (Bar("", 4, "4"), Bar("", 2, "2"))), Group("Tuesday", (Bar("", 1, "1"), Bar("", 0, "0")))]
    picture = read(charts.grouped(ABOUT, ("asked", "offered"), groups))
    assert words(picture) == ["asked", "offered", "Monday", "4", "2", "Tuesday", "1", "0"]
    asked, offered = ([bar["width"] for bar in shapes(picture, kind)[1:]] for kind in ("first", "second"))
    assert asked == [pytest.approx(4 * asked[1], abs=0.2), asked[1]]
    assert offered == [pytest.approx(2 * asked[1], abs=0.2), 0]


def test_an_interval_reaches_from_low_to_high_with_its_mark_in_the_middle() -> None:
    picture = read(charts.intervals(ABOUT, SPANS))
    (band,), (mark,) = shapes(picture, "second"), shapes(picture, "first")
    assert (band["x"], band["x"] + band["width"]) == (36, 360)
    assert mark["x"] + mark["width"] / 2 == 180


def test_a_line_breaks_where_a_value_is_missing_and_a_lone_point_can_be_seen() -> None:
    picture = read(charts.line(ABOUT, ("Mon", "Tue", "Wed", "Thu"), LINES, "{:g}".format))
    drawn = [each.attrib["d"] for each in picture.iter("path") if each.attrib["class"] in ("line first", "line second")]
    assert drawn[2:] == ["M0 159.8 L120 122.2 M360 66h.1", "M120 197.2h.1 M360 178.5h.1"]


def test_a_step_holds_its_value_until_the_next() -> None:
    drawn = charts.line(ABOUT, ("a", "b", "c"), [Series("", (0, 2, 2))], "{:g}".format, step=True)
    assert 'd="M0 168 H120V18 H240V18 H360V18"' in drawn


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 0.25, 0.5, 0.75, 1]),
        (7, [0, 2, 4, 6, 8]),
        (100, [0, 25, 50, 75, 100]),
        (101, [0, 50, 100, 150]),
        (1450, [0, 500, 1000, 1500]),
    ],
)
def test_the_axis_has_round_values_from_zero_to_the_largest(most: float, ticks: list[float]) -> None:
    said: list[float] = []
    charts.line(ABOUT, ("a", "b"), [Series("", (0, most))], lambda value: said.append(value) or "")
    assert said == pytest.approx(ticks)


@pytest.mark.parametrize("name", EVERY)
def test_from_right_to_left_it_is_the_mirror_image_with_the_same_words(name: str) -> None:
    left, right = read(EVERY[name](False)), read(EVERY[name](True))
    assert words(left) == words(right)
    assert right.attrib["direction"] == "rtl"
    for one, other in zip(left.iter("rect"), right.iter("rect"), strict=True):
        ends = float(one.attrib["x"]) + float(one.attrib["width"])
        assert float(other.attrib["x"]) == pytest.approx(charts.WIDTH - ends, abs=0.11)
    for one, other in zip(left.iter("text"), right.iter("text"), strict=True):
        assert float(other.attrib["x"]) == pytest.approx(charts.WIDTH - float(one.attrib["x"]), abs=0.11)


def test_a_long_label_is_broken_and_pushes_its_value_to_a_line_of_its_own() -> None:
    label = "Everyone who waited for the port of Brownsville and Matamoros for a long time"
    drawn = words(read(charts.bars(ABOUT, [Bar(label, 1, "12 – 34 – 56 days")])))
    assert " ".join(drawn[:-1]) == label
    assert max(map(len, drawn)) <= charts.LETTERS


def test_no_numbers_are_a_picture_too() -> None:
    for empty in (charts.bars(ABOUT, []), charts.columns(ABOUT, []), charts.grouped(ABOUT, ("a",), [])):
        assert read(empty).attrib["role"] == "img"
    assert read(charts.line(ABOUT, (), [Series("", ())], "{:g}".format)).attrib["role"] == "img"


def test_nothing_in_a_picture_is_styled_inline() -> None:
    """The content security policy forbids it; classes are in the style sheet."""
    for make in EVERY.values():
        assert "style=" not in make(False)


def luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_shapes_have_a_contrast_of_three_to_one_to_what_lies_around_them_and_words_of_four_and_a_half() -> None:
    ours = dict(re.findall(r"^\$([a-z-]+): (#[0-9a-f]{6});", (SCSS / "app.scss").read_text(), re.MULTILINE))
    track = re.search(r"^\$track: (#[0-9a-f]{6});", (SCSS / "charts.scss").read_text(), re.MULTILINE)
    assert track
    for ground in ("#ffffff", ours["paper"], track[1]):
        assert contrast(ours["ink"], ground) >= 4.5
        assert contrast(ours["teal"], ground) >= 3
        assert contrast(ours["brick"], ground) >= 3
