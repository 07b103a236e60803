"""The page of a draw, in each of its states, and that its numbers are those of the bundle."""

import json
import os
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.conf import settings
from django.utils import translation

from fairgate.commands.draw import Seed, seed
from fairgate.commands.postpone import Postpone, postpone
from fairgate.commands.rounds import SET_BACK, TOO_LATE, Void, void
from fairgate.commands.seal import Seal, seal
from fairgate.core.published.draw import TABLES
from fairgate.core.schedule import round_times
from fairgate.web import draw_shown
from notary import show_sealing
from pages import Page, Pages
from web_world import BEACON, PROGRAM, REVEALS, World

PAGE_MOST = 20 * 1024  # bytes; style sheet and scripts, some 15 kB, are part of the 50 of a first view


@pytest.fixture
def drawn(world: World) -> World:
    """A hundred and twenty groups asked, half of them for long, and ninety places were drawn."""
    return draw_places(world, groups=120, places=90)


def draw_places(world: World, *, groups: int, places: int) -> World:
    for number in range(groups):
        world.asking(size=1 + number % 2, weeks=30 if number % 4 < 2 else 2, names=f"Ana {number}")
    world.draw(places=places)
    world.publish(settings.FAIRGATE_HOME)
    return world


def sealed(world: World, *, days_later: int = 0) -> tuple[Callable[[], date], str]:
    """An open round with twenty places, what seals it when it closes, and the address of its page."""
    day = world.day + timedelta(days=days_later)
    world.open(day, places=20)

    def seal_it() -> date:
        at = round_times(world.profile.program(PROGRAM), day).closes_at
        act = Seal(PROGRAM, day, BEACON)
        world.must(seal(world.conn, [act], keys=world.keys, now=at, chance=os.urandom))
        return day

    return seal_it, f"/draws/{day}/"


def address(world: World) -> str:
    return f"/draws/{world.day}/"


def cells(page: Page, table: str) -> dict[str, list[str]]:
    """The rows of a figure's table by their first cells."""
    caption = page.one("caption", id=f"{table}-caption")
    whole = next(element for element in page.all("table") if caption in element.children)
    rows = [element for element in whole.children if element.tag == "tr"][1:]
    texts = [[cell.text.strip() for cell in row.children if cell.tag in ("td", "th")] for row in rows]
    return {first: rest for first, *rest in texts}


def test_a_drawn_round_tells_its_sums_and_shows_every_figure_with_table_and_files(
    world: World, browser: Pages, navegador: Pages
) -> None:
    drawn = draw_places(world, groups=240, places=180)
    for person in (browser, navegador):
        page = person.get(address(drawn))
        assert len([each for each in page.all("svg") if "fg-chart" in each.attrs.get("class", "")]) == 5
        links = {each.attrs["href"] for each in page.all("a")}
        for table in TABLES:
            assert {f"/data/draws/{drawn.day}/{table.name}.{ending}" for ending in ("csv", "json")} <= links
        assert {"/results", "/missing", "/how-the-draw-works"} <= links
    page = browser.get(address(drawn))
    assert "The draw is made." in page.main
    assert "Groups in the draw: 240." in page.main
    assert cells(page, "ports")["San Ysidro"][:2] == ["180", "0"]


def test_what_can_be_opened_has_a_name_of_its_own(drawn: World, browser: Pages) -> None:
    """Somebody who hears a list of them can tell them apart."""
    for path in (address(drawn), "/data/"):
        names = [" ".join(each.text.split()) for each in browser.get(path).all("summary")]
        assert len(set(names)) == len(names) > 3


def test_its_numbers_are_those_of_the_files(drawn: World, browser: Pages) -> None:
    folder = settings.FAIRGATE_HOME / "public" / "data" / "draws" / drawn.day.isoformat()
    written = json.loads((folder / "sizes.json").read_text())["rows"][-1]
    shown = cells(browser.get(address(drawn)), "sizes")["All"]
    assert shown[:4] == [str(written[key]) for key in ("groups", "seniority", "lottery", "reserve")]
    results = (settings.FAIRGATE_HOME / "public/draws" / drawn.day.isoformat() / "results.csv").read_text()
    assert written["lottery"] == results.count(",lottery\n")
    assert written["seniority"] == results.count(",seniority\n")


def test_numbers_below_ten_are_not_shown_and_the_page_says_that_the_files_are_exact(
    world: World, browser: Pages
) -> None:
    page = browser.get(address(draw_places(world, groups=40, places=20)))
    assert list(cells(page, "sizes")) == ["All"], "too few of each size were offered a place"
    rows = {name: row for name, row in cells(page, "weeks").items() if name != "All"}
    assert rows
    assert not [cell for row in rows.values() for cell in row[:4] if cell.isdigit() and 0 < int(cell) < 10]
    assert "Not shown: numbers from 1 to 9" in page.main
    assert "These files are exact" in page.main


def test_without_figures_that_can_be_read_the_page_has_all_the_rest(drawn: World, browser: Pages) -> None:
    place = settings.FAIRGATE_HOME / "public" / "data" / "draws" / drawn.day.isoformat() / "sizes.json"
    place.write_text(place.read_text().replace('"lottery"', '"by_lot"'))  # as another version called it
    page = browser.get(address(drawn))
    assert "The draw is made." in page.main
    assert "Places by port, in people" in page.main
    assert "results.csv" in {each.text for each in page.all("a")}


def test_every_file_of_the_bundle_that_is_there_is_named_and_said_what_it_is(drawn: World, browser: Pages) -> None:
    folder = settings.FAIRGATE_HOME / "public" / "draws" / drawn.day.isoformat()
    for name in ("checkpoint", "sealing.tlog-proof", "honoured.csv", "verify.py"):
        (folder / name).unlink(missing_ok=True)
        assert name not in {each.text for each in browser.get(address(drawn)).all("a")}
        (folder / name).write_text("there")
    found = {each.text: each.attrs["href"] for each in browser.get(address(drawn)).all("a")}
    for file in folder.iterdir():
        assert found[file.name] == f"/draws/{drawn.day}/{file.name}"


def test_the_first_view_stays_below_fifty_kibibytes(drawn: World, browser: Pages) -> None:
    answer = browser.client.get(address(drawn), headers={"accept-encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.content) < PAGE_MOST


def test_before_the_draw_it_says_what_is_fixed_and_what_comes_next(
    world: World, browser: Pages, navegador: Pages
) -> None:
    world.asking()
    tomorrow, path = sealed(world, days_later=1)
    assert "The list is still open." in browser.get(path).main
    tomorrow()
    page = browser.get(path)
    assert "The random value does not exist yet. It is made not before 11:30" in page.main
    assert cells(page, "ports")["San Ysidro"] == ["20", "0", "20"]
    assert not [each for each in page.all("svg") if "fg-chart" in each.attrs.get("class", "")]
    assert "La lista está sellada" in navegador.get(path).main


def test_when_the_random_value_is_due_it_does_not_say_that_there_is_none(world: World, browser: Pages) -> None:
    today, path = sealed(world)
    today()
    assert "is made by now and is awaited here" in browser.get(path).main
    at = round_times(world.profile.program(PROGRAM), world.day).seed_at
    show_sealing(world.conn, at - timedelta(minutes=1))
    world.must(seed(world.conn, [Seed(PROGRAM, world.day, REVEALS)], now=at, chance=os.urandom))
    assert "the random value is known" in browser.get(path).main


def test_a_round_whose_sealing_was_not_seen_in_time_says_that_its_value_was_put_off(
    world: World, browser: Pages
) -> None:
    tomorrow, path = sealed(world, days_later=1)
    day = tomorrow()
    late = round_times(world.profile.program(PROGRAM), day).seed_at + timedelta(minutes=1)
    world.must(postpone(world.conn, [Postpone(PROGRAM, day)], now=late, chance=os.urandom))
    page = browser.get(path)
    assert "observers had not signed in time" in page.main
    assert "It is made not before 11:45" in page.main
    assert "Times that it was put off" in page.main


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (TOO_LATE, "Su día había llegado antes de que se pudiera hacer el sorteo"),
        (SET_BACK, "Su lista era pública y se perdió con una base de datos"),
        ("The port burnt down", "The port burnt down"),
    ],
)
def test_why_the_machinery_voided_a_round_is_said_in_the_persons_language(
    world: World, navegador: Pages, why: str, said: str
) -> None:
    world.open(world.day, places=20)
    world.must(void(world.conn, [Void(PROGRAM, world.day, why)], now=world.now, chance=os.urandom))
    assert f"Motivo: {said}" in navegador.get(address(world)).main


def test_a_void_round_stays_with_its_reason(world: World, browser: Pages) -> None:
    world.open(world.day)
    world.must(void(world.conn, [Void(PROGRAM, world.day, "The port burnt down")], now=world.now, chance=os.urandom))
    page = browser.get(address(world))
    assert "This draw is void" in page.main
    assert "Reason: The port burnt down" in page.main
    assert "There are none: the draw was given up before its list was sealed." in page.main


def test_a_drawn_round_whose_figures_are_not_written_yet_has_a_page(world: World, browser: Pages) -> None:
    world.asking()
    world.draw(places=2)
    page = browser.get(address(world))
    assert page.status == 200
    assert "The draw is made." in page.main


@pytest.mark.usefixtures("_django")
@pytest.mark.parametrize(
    ("p", "words"),
    [
        (None, "too few groups"),
        (0.0, "fewer than 1 of 1,000 fair draws. That is a reason to ask."),
        (0.00099, "fewer than 1 of 1,000 fair draws. That is a reason to ask."),
        (0.001, "1 of 1,000 fair draws. It happens now and then."),
        (0.0059, "1 of 169 fair draws. It happens now and then."),
        (0.05, "5% of all fair draws. Nothing unusual."),
        (1.0, "100% of all fair draws. Nothing unusual."),
    ],
)
def test_a_p_value_is_a_sentence(p: float | None, words: str) -> None:
    with translation.override("en"):
        assert words in draw_shown.in_words(p)
