"""The page "Was I offered a place?": what it says to whom, and what it leaves for the script and for checking."""

import gzip
import os
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from fairgate.commands.backfill import Backfill, backfill
from fairgate.commands.rounds import Void, void
from fairgate.commands.seal import Seal, seal
from fairgate.core.schedule import round_times
from fairgate.store import publication, rounds, shards
from fairgate.store.ledger_files import LedgerFiles
from pages import Page, Pages
from web_world import BEACON, PROGRAM, Group, World


def publish(world: World) -> None:
    """What the worker does: the shards of every drawn round."""
    for found in rounds.unpublished(world.conn, 10):
        files = publication.files(world.conn, found, LedgerFiles(settings.FAIRGATE_HOME))
        if "results.csv" in files:
            place = shards.folder(settings.FAIRGATE_HOME, world.profile, found.program, found.date)
            shards.write(place, files["results.csv"])


def seal_round(world: World, day: date) -> None:
    world.open(day)
    now = round_times(world.profile.program(PROGRAM), day).closes_at
    world.must(seal(world.conn, [Seal(PROGRAM, day, BEACON)], keys=world.keys, now=now, chance=os.urandom))


def show(person: Pages, group: Group) -> Page:
    return person.send("/results", number=group.number, code=group.code)


@pytest.fixture
def groups(world: World) -> dict[str, Group]:
    """Of three groups one was offered a place, one is on the reserve, and one has asked for nothing."""
    offered = world.asking(size=2, weeks=40)  # takes all places there are
    reserve = world.asking(weeks=0)
    world.draw(places=2)
    publish(world)
    return {"offered": offered, "reserve": reserve, "absent": world.group()}


@pytest.mark.parametrize(
    ("who", "english", "spanish"),
    [
        ("offered", "You were offered a place at San Ysidro.", "Se le ofreció un lugar en San Ysidro."),
        ("reserve", "You are number 1 on the reserve list.", "Usted es el número 1 de la lista de reserva."),
        ("absent", "You are not in this draw.", "Usted no está en este sorteo."),
    ],
)
def test_number_and_code_show_what_the_draw_said(
    groups: dict[str, Group], browser: Pages, navegador: Pages, who: str, english: str, spanish: str
) -> None:
    for person, words in ((browser, english), (navegador, spanish)):
        page = show(person, groups[who])
        assert page.status == 200
        facts = [e.text for e in page.all("section") if "fg-fact" in e.attrs["class"] and "data-draw" in e.attrs]
        assert len(facts) == 1
        assert words in " ".join(facts[0].split())
        assert page.headers["Cache-Control"] == "no-store, private"


def test_who_is_offered_a_place_is_led_to_confirming(groups: dict[str, Group], browser: Pages) -> None:
    assert show(browser, groups["offered"]).link("See the offer and confirm") == "/me/confirm"


def test_the_page_leaves_everything_to_check_by_hand(groups: dict[str, Group], browser: Pages, tmp_path: Path) -> None:
    place = show(browser, groups["reserve"]).all("section", **{"data-said": "reserve,,1"})[0].attrs
    ticket, address = place["data-ticket"], place["data-shard"]
    day = place["data-draw"]
    assert address == f"/results/{day}/{sha256(ticket.encode()).hexdigest()[:3]}"
    assert f"{ticket},reserve,,1," in (tmp_path / "public" / address.removeprefix("/")).read_text().splitlines()


def test_neither_number_nor_code_is_left_for_scripts(groups: dict[str, Group], browser: Pages) -> None:
    page = show(browser, groups["offered"])
    group = groups["offered"]
    attributes = [value for e in page.elements for value in e.attrs.values()]
    assert not [value for value in attributes if group.number in value or group.code in value]
    assert group.code not in page.html


def test_who_is_signed_in_is_not_asked_again(groups: dict[str, Group], browser: Pages) -> None:
    browser.sign_in(groups["reserve"])
    page = browser.get("/results")
    assert "You are number 1 on the reserve list." in page.main
    assert not page.all("input", name="code")


def test_looking_at_results_signs_nobody_in(groups: dict[str, Group], browser: Pages) -> None:
    show(browser, groups["offered"])
    assert browser.get("/me").path.startswith("/sign-in")


def test_wrong_codes_are_told_as_at_sign_in(groups: dict[str, Group], browser: Pages) -> None:
    other = {"number": groups["offered"].number, "code": groups["reserve"].code}
    for fields in ({"number": "", "code": ""}, other):
        told = browser.send("/results", **fields)
        assert told.status == 422
        assert told.errors == browser.send("/sign-in", **fields).errors


def test_a_code_is_checked_even_of_somebody_who_is_signed_in(groups: dict[str, Group], browser: Pages) -> None:
    """Else whoever has one registration could tell the gate that guesses at others were right."""
    form = browser.get("/results")
    browser.sign_in(groups["reserve"])
    fields = {"number": groups["offered"].number, "code": groups["reserve"].code}
    assert browser.send_form(form, **fields).status == 422


def test_a_round_that_is_not_drawn_says_when_it_will_be(world: World, browser: Pages) -> None:
    group = world.asking()
    day = world.day + timedelta(days=1)
    seal_round(world, day)
    page = show(browser, group)
    assert "Not drawn yet The result is due at 12:00 on" in page.main
    assert page.all("section", **{"data-draw": day.isoformat(), "data-said": ""})
    world.must(void(world.conn, [Void(PROGRAM, day, "the list was wrong")], now=world.now, chance=os.urandom))
    assert "No draw for a date to come has been sealed yet." in show(browser, group).main


def test_drawn_and_not_published_yet_is_not_out_yet(world: World, browser: Pages) -> None:
    group = world.asking()
    world.draw()
    assert "Not drawn yet" in show(browser, group).main
    publish(world)
    assert "You were offered a place" in show(browser, group).main


def test_the_draws_of_many_days(world: World, browser: Pages) -> None:
    """A place to confirm and draws still to come stand first; of the rest there is a list; past dates are left out."""
    group = world.asking(size=2, weeks=40)
    past, first, second, third, last = (world.day - timedelta(days=i) for i in (23, 4, 3, 2, 1))
    for day in (past, first, second):
        world.draw(day, places=2)
        world.decline(group)
    world.draw(third, places=2)
    seal_round(world, last)
    publish(world)
    page = show(browser, group)
    assert [e.attrs["data-draw"] for e in page.all("section") if "data-draw" in e.attrs] == [str(third), str(last)]
    assert page.main.count("You were offered a place at San Ysidro.") == 3
    assert [e.attrs["href"] for e in page.all("a") if "table" in e.parents] == [f"/draws/{second}/", f"/draws/{first}/"]


def test_a_place_that_was_declined_is_not_to_be_confirmed(
    groups: dict[str, Group], browser: Pages, world: World
) -> None:
    world.decline(groups["offered"])
    assert "What has become of it is on your own page." in show(browser, groups["offered"]).main


def test_a_place_that_came_down_the_list_is_told(groups: dict[str, Group], browser: Pages, world: World) -> None:
    world.decline(groups["offered"])
    assert "your own page says so" in show(browser, groups["reserve"]).main
    drawn = rounds.find(world.conn, PROGRAM, world.day)
    assert drawn is not None
    world.must(backfill(world.conn, [Backfill(drawn.id, "SYS")], now=world.now, chance=os.urandom))
    page = show(browser, groups["reserve"])
    assert (
        "You are number 1 on the reserve list. Since then a place has come free, and it is offered to you." in page.main
    )


def test_the_empty_form_may_be_kept_by_the_browser_alone(world: World) -> None:
    answer = Client(headers={"host": "127.0.0.1"}).get("/results")
    assert answer.headers["Cache-Control"] == "private, max-age=600"
    assert "Cookie" in answer.headers["Vary"]
    assert Client(headers={"host": "127.0.0.1"}).post("/results").headers["Cache-Control"] == "no-store, private"


def test_other_pages_lead_here(world: World, browser: Pages) -> None:
    for path in ("/", "/draws/"):
        assert browser.get(path).link("Was I offered a place?") == "/results"


def test_page_style_and_script_weigh_less_than_50_kibibytes(groups: dict[str, Group], browser: Pages) -> None:
    from fairgate.web.environment import STATIC, asset

    page = show(browser, groups["offered"]).html.encode()
    files = [(STATIC / Path(asset(name)).name).read_bytes() for name in ("app.css", "app.js")]
    weight = sum(len(gzip.compress(data)) for data in (page, *files))
    assert weight < 25 * 1024, f"{weight} bytes"
