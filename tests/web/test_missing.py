"""The page "Not on the list?", and what people and the public see of somebody who was honoured."""

import os
from datetime import timedelta

import pytest
from django.conf import settings

from fairgate.commands.honour import Honour, honour
from fairgate.core.honoured import write_honoured
from fairgate.core.lifecycle import Done
from fairgate.store import honoured, rounds
from fairgate.store.keys import list_path, load_list
from fairgate.web import database, receipts
from pages import Pages
from web_world import PROGRAM, Group, World


def test_the_page_says_in_both_languages_what_to_do_and_what_happens_by_rule(
    world: World, browser: Pages, navegador: Pages
) -> None:
    english, spanish = browser.get("/missing"), navegador.get("/missing")
    assert english.h1 == "Not on the list?"
    assert spanish.h1 == "¿No está en la lista?"
    for words in ("Office of Arrivals", "begins with FG1:", "23 hours", "Nobody else loses a place", "honoured.csv"):
        assert words in english.main
    for words in ("Oficina de Llegadas", "empieza con FG1:", "23 horas", "Nadie más pierde un lugar", "honoured.csv"):
        assert words in spanish.main
    assert not english.all("form")[1:], "it is read, and nothing is filled in"


def test_the_page_gives_the_contact_that_the_profile_has(world: World, browser: Pages) -> None:
    from fairgate.commands.load_profile import load_profile
    from fairgate.store import profiles
    from web_world import PROFILES

    texts = profiles.read_folder(PROFILES / "southwest-border")
    agency = 'agency = "Office of Arrivals, Southwest Border"'
    told = 'contact = "At the desk of any port, from 8:00 to 16:00."'
    texts["profile.toml"] = texts["profile.toml"].replace(agency, f"{agency}\n{told}")
    load_profile(world.conn, texts, now=world.now)
    assert "At the desk of any port, from 8:00 to 16:00." in browser.get("/missing").main


@pytest.mark.parametrize("path", ["/draws/", "/how-the-draw-works"])
def test_it_is_found_from_where_people_look(world: World, browser: Pages, path: str) -> None:
    assert "/missing" in [link.attrs["href"] for link in browser.get(path).all("a")]


def missing(world: World, *, places: int) -> Group:
    """Somebody who was left out of a drawn round, and showed the receipt of the request."""
    group = world.asking(weeks=30)
    shift = "UPDATE request SET asked_at = asked_at + %s WHERE registration_id = %s"
    world.conn.execute(shift, [timedelta(days=9999), world.id_of(group)])
    day = world.draw(places=places)
    world.conn.execute(shift, [-timedelta(days=9999), world.id_of(group)])
    leaf = world.conn.execute(
        "SELECT leaf FROM statement WHERE registration_id = %s AND kind = 'requested'", [world.id_of(group)]
    ).fetchone()
    assert leaf is not None
    with database.connection() as conn:
        receipt = receipts.find(conn, world.id_of(group), leaf[0])
    assert receipt is not None
    listed = load_list(list_path(settings.FAIRGATE_HOME))
    act = Honour(PROGRAM, day, receipt.text)
    [outcome] = honour(world.conn, [act], keys=world.keys, listed=listed, now=world.now, chance=os.urandom)
    assert isinstance(outcome, Done), outcome
    return group


def test_who_is_not_in_a_draw_is_led_to_the_page(world: World, browser: Pages) -> None:
    group = world.group()
    world.asking()
    world.draw()
    page = browser.send("/results", number=group.number, code=group.code)
    assert "/missing" in [link.attrs["href"] for link in page.all("a")]


def test_who_was_honoured_with_a_place_sees_it_like_an_offer_and_why(
    world: World, browser: Pages, navegador: Pages
) -> None:
    group = missing(world, places=2)
    page = browser.send("/results", number=group.number, code=group.code)
    assert "You were missing from the list of this draw by our mistake." in page.main
    assert "You were offered a place at San Ysidro." in page.main
    assert not [e for e in page.all("section") if "data-draw" in e.attrs], "no shard says so: the script keeps out"
    mine = browser.sign_in(group)
    assert "You are offered a place" in mine.main
    assert "by our mistake, and your receipt was honoured" in mine.main
    assert "por un error nuestro" in navegador.sign_in(group).main
    assert browser.get("/me/confirm").status == 200
    declining = browser.get("/me/decline")
    assert "The place was given to you in addition" in declining.main
    assert "the next group on the reserve list" not in declining.main


def test_who_was_honoured_with_a_position_on_the_reserve_sees_before_whom(world: World, browser: Pages) -> None:
    world.asking(weeks=20)
    group = missing(world, places=0)
    order = honoured.shares(world.conn, world.id_of(group))[rounds.newest(world.conn, PROGRAM, 1)[0].id].order
    words = f"You stand on the reserve list, before number {order}."
    assert words in browser.send("/results", number=group.number, code=group.code).main
    assert words in browser.sign_in(group).main


def test_the_page_of_the_draw_says_that_somebody_was_missing(world: World, browser: Pages) -> None:
    group = missing(world, places=2)
    found = rounds.find(world.conn, PROGRAM, world.day)
    assert found is not None
    folder = settings.FAIRGATE_HOME / "public" / "draws" / world.day.isoformat()
    folder.mkdir(parents=True)
    (folder / "honoured.csv").write_bytes(write_honoured(honoured.of_round(world.conn, found.id)))
    page = browser.get(f"/draws/{world.day}/")
    assert "showed a receipt: 1." in page.main
    assert f"/draws/{world.day}/honoured.csv" in [link.attrs["href"] for link in page.all("a")]
    assert group.number not in page.html
