"""The pages of figures and ports with their pictures and tables, on a phone and on a desk."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest

from fairgate.core.deadlines import Outage
from fairgate.store import clock, evidence
from fairgate.worker import published

PAGES = {"figures": "/figures", "ports": "/ports", "port": "/ports/BRO", "data": "/data/"}

EDGE = 4  # pixels: words over lines have a white edge, which counts


@pytest.fixture(scope="module")
def told(site: Any) -> Any:
    """Two draws and an outage, and what the worker publishes of them."""
    world = site.world
    for number in range(60):
        world.asking(size=1 + number % 3, weeks=number % 40, names=f"Ana {number}")
    for ahead in (0, 1):
        world.draw(world.day - timedelta(days=1 - ahead), places=20)
    start = world.now - timedelta(days=3)
    evidence.add_outage(world.conn, Outage(start, start + timedelta(minutes=75), start + timedelta(hours=2)), world.now)
    assert published.publish(lambda: nullcontext(world.conn), site.home, clock.now)
    return site


@pytest.mark.parametrize("language", ["en", "es"])
def test_figures_can_be_read_on_a_small_screen_with_their_tables_open(
    meet: Callable[..., Any], told: Any, language: str
) -> None:
    person = meet(language)
    for name, path in PAGES.items():
        assert person.go(path) == 200
        person.look(name)
        for summary in person.page.locator("main summary").all():
            summary.click()
        person.look(f"{name}-tables")
    person.stayed_here()


def test_pictures_can_be_seen_in_colours_that_somebody_has_chosen(meet: Callable[..., Any], told: Any) -> None:
    """Light on dark: no word and no shape is left in a colour that is ours."""
    person = meet("en")
    person.page.emulate_media(forced_colors="active", color_scheme="dark")
    person.go("/figures")
    colours = """every => [...new Set(every.flatMap(one => {
        const style = getComputedStyle(one);
        return one.matches("text") ? [style.fill] : [style.fill, style.stroke];
    }))]"""
    canvas, words, grey = (_forced(person, name) for name in ("Canvas", "CanvasText", "GrayText"))
    assert len({canvas, words, grey}) == 3
    drawn = person.page.locator("svg.fg-chart")
    assert drawn.locator("text").evaluate_all(colours) == [words]
    assert set(drawn.locator("rect, path").evaluate_all(colours)) <= {canvas, words, grey, "none"}


def _forced(person: Any, name: str) -> str:
    """A system colour as the browser computes it."""
    script = "(body, name) => { body.style.fill = name; return getComputedStyle(body).fill; }"
    return str(person.page.locator("body").evaluate(script, name))


PAPER = 718  # pixels of a sheet of A4 between its margins


@pytest.mark.parametrize("language", ["en", "es"])
def test_tables_are_whole_on_paper(meet: Callable[..., Any], told: Any, language: str) -> None:
    person = meet(language)
    person.page.set_viewport_size({"width": PAPER, "height": 1000})
    person.page.emulate_media(media="print")
    for path in ("/figures", "/ports/BRO", f"/draws/{told.world.day}/", "/how-the-draw-works"):
        person.go(path)
        ends = "tables => tables.map(one => [one.caption.textContent, one.getBoundingClientRect().right])"
        cut = [found for found in person.page.locator("table").evaluate_all(ends) if found[1] > PAPER]
        assert cut == [], path


@pytest.mark.parametrize("language", ["en", "es"])
def test_words_in_pictures_of_figures_stay_inside_them(meet: Callable[..., Any], told: Any, language: str) -> None:
    person = meet(language)
    person.page.set_viewport_size({"width": 360, "height": 800})
    for path in ("/figures", "/ports"):
        person.go(path)
        pictures = person.page.locator("svg.fg-chart")
        assert pictures.count()
        for picture in pictures.all():
            box = picture.bounding_box()
            assert box is not None
            for words in picture.locator("text").all():
                at = words.bounding_box()
                assert at is not None
                assert at["height"] >= 12
                assert box["x"] - EDGE <= at["x"]
                assert at["x"] + at["width"] <= box["x"] + box["width"] + EDGE, words.text_content()


def test_a_table_is_there_for_programs_of_other_sites(meet: Callable[..., Any], told: Any) -> None:
    person = meet("en")
    answer = person.page.request.get(f"{told.url}/data/waits.csv")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.text().splitlines()[0] == "program,date,since,groups,p10,p50,p90,longest"
