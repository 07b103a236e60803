"""The page "Was I offered a place?" in a browser: without scripts, and on a phone that looks again and remembers.

The rounds are far apart, because the tests share one world.
"""

import os
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from playwright.sync_api import expect

from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.seal import Seal, seal
from fairgate.core.schedule import round_times
from fairgate.store import publication, rounds, shards
from fairgate.store.ledger_files import LedgerFiles
from notary import show_sealing
from web_world import BEACON, PROGRAM, REVEALS, Group

Meet = Callable[..., Any]


def seal_round(site: Any, day: date) -> None:
    """Seal the round of a date, after those that other tests left sealed are drawn."""
    for left in rounds.newest(site.world.conn, PROGRAM, 100):
        if left.state == "sealed":
            draw_round(site, left.date)
    site.world.open(day, places=2)
    act = Seal(PROGRAM, day, BEACON)
    now = round_times(site.world.profile.program(PROGRAM), day).closes_at
    site.world.must(seal(site.world.conn, [act], keys=site.world.keys, now=now, chance=os.urandom))
    show_sealing(site.world.conn, now)


def draw_round(site: Any, day: date) -> None:
    """What the worker does on the day: the draw, and its shards."""
    world, times = site.world, round_times(site.world.profile.program(PROGRAM), day)
    world.must(seed(world.conn, [Seed(PROGRAM, day, REVEALS)], now=times.seed_at, chance=os.urandom))
    world.must(draw(world.conn, [Draw(PROGRAM, day)], now=times.draw_at, chance=os.urandom))
    found = rounds.find(world.conn, PROGRAM, day)
    results = publication.files(world.conn, found, LedgerFiles(site.home))["results.csv"]
    assert shards.write(shards.folder(site.home, world.profile, PROGRAM, day), results)


def look_up(person: Any, group: Group) -> None:
    person.go("/results")
    person.page.locator("#number").fill(group.number)
    person.page.locator("#code").fill(group.code)
    person.page.locator("main form button").click()


def test_without_scripts(meet: Meet, site: Any) -> None:
    world = site.world
    offered, reserve = world.asking(size=2, weeks=700), world.asking(weeks=0)
    for i in (5, 4, 3):
        day = world.day - timedelta(days=i)
        seal_round(site, day)
        draw_round(site, day)
        if i == 5:
            world.decline(offered)
    seal_round(site, world.day - timedelta(days=1))
    for language, words in (
        ("en", ("was i offered a place?", "You were offered a place at San Ysidro.", "on the reserve list")),
        ("es", ("¿se me ofreció un lugar?", "Se le ofreció un lugar en San Ysidro.", "de la lista de reserva")),
    ):
        person = meet(language)
        person.go("/results")
        assert person.h1.lower() == words[0]
        person.look("results")
        person.page.locator("main form button").click()
        person.look("results-errors")
        look_up(person, offered)
        assert words[1] in person.says
        person.look("results-offered")
        look_up(person, reserve)
        assert words[2] in person.says
        person.page.locator("details summary").click()
        person.look("results-reserve")
        assert person.page.locator("button:visible").count() == 0


def test_a_phone_on_the_day_loads_one_shard(meet: Meet, site: Any) -> None:
    """It looks too early, looks again, remembers, and the next time shows the answer without number and code."""
    group = site.world.asking(size=2, weeks=900)
    day = site.world.day + timedelta(days=20)
    seal_round(site, day)
    phone = meet("es", scripts=True)
    look_up(phone, group)
    panel = phone.page.locator(f"[data-draw='{day}']")
    shard = panel.get_attribute("data-shard")
    assert "Todavía no se ha sorteado" in panel.inner_text()
    phone.asked.clear()
    panel.get_by_role("button", name="Mirar otra vez").click()
    expect(panel.get_by_role("status")).to_contain_text("Todavía no se ha sorteado. Visto a las")
    phone.look("results-early")
    draw_round(site, day)
    panel.get_by_role("button", name="Mirar otra vez").click()
    expect(panel).to_contain_text("Se le ofreció un lugar en San Ysidro.")
    assert not panel.get_by_role("button", name="Mirar otra vez").is_visible()
    assert phone.asked == [f"{site.url}{shard}"] * 2
    phone.look("results-now-offered")


def test_a_phone_remembers_only_if_it_is_told_to(meet: Meet, site: Any) -> None:
    group = site.world.asking(size=2, weeks=1000)
    day = site.world.day + timedelta(days=40)
    seal_round(site, day)
    phone = meet("en", scripts=True)
    look_up(phone, group)
    panel = phone.page.locator(f"[data-draw='{day}']")
    ticket, shard = panel.get_attribute("data-ticket"), panel.get_attribute("data-shard")
    phone.go("/results")
    assert phone.page.evaluate("localStorage.length") == 0
    assert not phone.page.locator("[data-remembered]").is_visible()
    look_up(phone, group)
    phone.page.get_by_label("Remember my tickets on this phone").check()
    kept = phone.page.evaluate("JSON.stringify(localStorage)")
    assert ticket in kept
    assert group.number not in kept
    assert group.code not in kept
    phone.go("/results")
    remembered = phone.page.locator("[data-remembered]")
    expect(remembered.get_by_role("status").first).to_contain_text("Not drawn yet. Looked at")
    draw_round(site, day)
    phone.asked.clear()
    phone.go("/results")
    expect(remembered).to_contain_text("You were offered a place at San Ysidro.")
    shown = [url for url in phone.asked if "/results/" in url]
    assert f"{site.url}{shard}" in shown
    phone.look("results-remembered")
    phone.asked.clear()
    phone.go("/results")
    expect(remembered).to_contain_text("You were offered a place at San Ysidro.")
    assert f"{site.url}{shard}" not in phone.asked, "what is known is not loaded again"
    phone.press("Forget these tickets")
    assert phone.page.evaluate("localStorage.length") == 0
    assert not remembered.is_visible()


def test_unticking_forgets_too(meet: Meet, site: Any) -> None:
    group = site.world.asking(weeks=1)
    seal_round(site, site.world.day + timedelta(days=60))
    phone = meet("en", scripts=True)
    look_up(phone, group)
    box = phone.page.get_by_label("Remember my tickets on this phone")
    box.check()
    look_up(phone, group)
    assert box.is_checked()
    box.uncheck()
    assert phone.page.evaluate("localStorage.length") == 0


def test_a_bad_network_is_told(meet: Meet, site: Any) -> None:
    group = site.world.asking(weeks=1)
    day = site.world.day + timedelta(days=80)
    seal_round(site, day)
    phone = meet("en", scripts=True)
    look_up(phone, group)
    panel = phone.page.locator(f"[data-draw='{day}']")
    phone.page.wait_for_load_state("networkidle")  # a look that is under way takes no second one
    portal = {"status": 200, "body": "<h1>Welcome to our network</h1>", "content_type": "text/html"}
    phone.page.route("**/results/**", lambda route: route.fulfill(**portal))
    panel.get_by_role("button", name="Look again").click()
    expect(panel.get_by_role("status")).to_have_text("The result could not be loaded. Try again.")
    assert "Not drawn yet" in panel.inner_text()
