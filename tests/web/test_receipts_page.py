"""Receipts on pages: who acts in a browser holds the same in their hands as a program that was answered."""

import json
import os
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from fairgate.commands.record import record
from fairgate.core import receipts
from fairgate.core.lifecycle import Done, Fact
from fairgate.core.receipts import Signer
from fairgate.store import ledger
from pages import Browser, Page, Pages
from web_world import Group, World

SEED = bytes(32)  # of the gate in tests
SIGNER = Signer(SEED, "localhost/ledger")


@pytest.fixture(autouse=True)
def key(world: World) -> None:
    """Pages and gate have one key, as in the service."""
    file = Path(settings.FAIRGATE_HOME) / "keys" / "receipt.key"
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_bytes(b64encode(SEED))


@pytest.fixture
def offered(world: World) -> Group:
    group = world.asking(size=2)
    world.draw(places=2)
    return group


def leaves(world: World, group: Group) -> dict[str, int]:
    """The newest leaf of each kind that is on record about a group."""
    rows = ledger.history(world.conn, world.id_of(group))
    return {str(row["kind"]): int(str(row["leaf"])) for row in reversed(rows)}


def text_on(page: Page) -> str:
    [found] = [e for e in page.all("code") if e.attrs.get("class") == "fg-receipt"]
    return found.text


def api(method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
    assert Browser.gating is not None
    headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
    return Browser.gating.send(method, f"/api/v1{path}", headers=headers, **more)


def test_after_confirming_the_banner_leads_to_the_receipt(world: World, browser: Pages, offered: Group) -> None:
    browser.sign_in(offered)
    page = browser.send("/me/confirm")
    assert "Your place is confirmed." in page.main
    page = browser.get(page.link("See the receipt"))
    assert page.h1 == "Receipt"
    assert "You confirmed your place." in page.main
    assert "San Ysidro" in page.main
    receipt = receipts.verify(text_on(page), {SIGNER.kid: SIGNER.public})
    assert (receipt.kind, receipt.number) == ("confirmed", offered.number)
    assert receipt.leaf == leaves(world, offered)["confirmed"]


@pytest.mark.parametrize("act", ["/me/decline", "/me/withdraw", "/me/request"])
def test_every_act_of_a_browser_leads_to_its_receipt(world: World, browser: Pages, offered: Group, act: str) -> None:
    if act != "/me/decline":
        world.decline(offered)
    browser.sign_in(offered)
    page = browser.send(act, **({"port-1": "BRO"} if act == "/me/request" else {}))
    receipt = receipts.verify(text_on(browser.get(page.link("See the receipt"))), {SIGNER.kid: SIGNER.public})
    assert receipt.kind == {"/me/decline": "declined", "/me/withdraw": "withdrawn", "/me/request": "requested"}[act]


def test_the_page_has_the_text_that_a_program_was_given_to_the_byte(
    world: World, browser: Pages, offered: Group
) -> None:
    token = api("POST", "/session", json={"number": offered.number, "code": offered.code}).json()["token"]
    acts = [("/me/confirm", {}), ("/me/request", {"ports": ["SYS", "BRO"]})]
    given = [api("POST", path, token, json=said).json()["receipt"] for path, said in acts]
    browser.sign_in(offered)
    for text in given:
        address = f"/me/receipts/{receipts.read(text).leaf}"
        assert text_on(browser.get(address)) == text
        file = browser.client.get(f"{address}.txt")
        assert file.content.decode() == text
        assert file["Content-Type"] == "text/plain; charset=utf-8"


def test_each_line_of_the_history_leads_to_a_receipt_that_holds(
    world: World, browser: Pages, navegador: Pages, offered: Group
) -> None:
    world.confirm(offered)
    world.cancel(offered)
    for person in (browser, navegador):
        person.sign_in(offered)
        for path in ("/me", "/me/receipts"):
            page = person.get(path)
            links = re.findall(r'href="(/me/receipts/[0-9]+)"', page.html)
            assert len(links) == len(set(links)) == 5, "registered, requested, offered, confirmed, cancelled"
        for link in links:
            receipt = receipts.verify(text_on(person.get(link)), {SIGNER.kid: SIGNER.public})
            kept = world.conn.execute('SELECT data FROM leaf WHERE "index" = %s', [receipt.leaf]).fetchone()
            assert kept is not None
            assert bytes(kept[0]) == receipt.leaf_data()


def test_what_happened_without_being_asked_for_has_a_receipt_too(world: World, browser: Pages, offered: Group) -> None:
    browser.sign_in(offered)
    page = browser.get(f"/me/receipts/{leaves(world, offered)['offered']}")
    assert "You were offered a place." in page.main
    for name in ("Deadline to confirm", "Ticket in the draw", "Draw for"):
        assert name in page.main
    assert receipts.read(text_on(page)).facts["deadline"]


def test_the_page_says_to_the_letter_what_is_hashed(world: World, browser: Pages, offered: Group) -> None:
    browser.sign_in(offered)
    page = browser.get(f"/me/receipts/{leaves(world, offered)['requested']}")
    statement, salt, data = (e.text for e in page.all("code")[-3:])
    assert json.loads(statement)["kind"] == "requested"
    assert sha256(bytes.fromhex(salt) + statement.encode()).hexdigest() == data


def test_no_name_is_on_it(world: World, browser: Pages) -> None:
    group = world.group(names="Guadalupe")
    browser.sign_in(group)
    for index in leaves(world, group).values():
        assert "Guadalupe" not in browser.get(f"/me/receipts/{index}").html


def test_a_receipt_of_somebody_else_is_not_there(world: World, browser: Pages, offered: Group) -> None:
    browser.sign_in(world.group())
    missing = [*leaves(world, offered).values(), 10**9, 10**30]
    for index in missing:
        assert browser.get(f"/me/receipts/{index}").status == 404
        assert browser.client.get(f"/me/receipts/{index}.txt").status_code == 404


def test_nobody_sees_one_without_signing_in(world: World, browser: Pages, offered: Group) -> None:
    index = leaves(world, offered)["requested"]
    assert browser.get(f"/me/receipts/{index}").h1 == "Sign in"
    assert browser.client.get(f"/me/receipts/{index}.txt").status_code == 302


@pytest.mark.parametrize("said", ["confirmed.", "confirmed.x", "confirmed.-1", "confirmed." + "9" * 40, "confirmed"])
def test_a_cookie_that_names_no_leaf_gives_a_banner_without_link(
    world: World, browser: Pages, offered: Group, said: str
) -> None:
    browser.sign_in(offered)
    browser.client.cookies["done"] = said
    page = browser.get("/me")
    assert "Your place is confirmed." in page.main
    assert "See the receipt" not in page.main


PLACE: dict[str, Fact] = {"program": "arrival", "port": "SYS", "date": "2026-12-14", "time": "09:00", "size": 2}


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        ("extended", {**PLACE, "deadline": "2026-12-01T18:00:00Z"}, "10:00 on Tuesday 1 December 2026, Tijuana time"),
        ("extended", {**PLACE, "deadline": "paused"}, "The deadline stands still"),
        ("confirmed", {**PLACE, "how": "on time"}, "09:00, Los Angeles time"),
        ("pass", {"port": "NOG", "date": "2026-12-14", "slot": "08:00", "size": 2}, "08:00, Phoenix time"),
        ("lapsed", PLACE, "The offer ended because it was not confirmed in time."),
        ("missed", PLACE, "Your group did not come on the day."),
        ("checked in", PLACE, "Your group arrived and was checked in."),
        ("passed over", {"round": "2026-12-14", "ticket": "0" * 32, "why": "has a place"}, "You held a place already"),
        ("cancelled", {**PLACE, "why": "the port is closed"}, "the port is closed"),
        ("cancelled", {**PLACE, "why": "by holder"}, "You asked for it"),
        ("confirmed", {**PLACE, "how": "held"}, "because an earlier try had failed"),
        ("amended", {"size": 3, "language": "es"}, "Español"),
        ("restored", {"program": "arrival", "ports": ["NOG", "SYS"]}, "Nogales, San Ysidro"),
    ],
)
def test_whatever_is_on_record_is_said_in_words_and_signed(
    world: World, browser: Pages, kind: str, facts: dict[str, Fact], words: str
) -> None:
    group = world.asking()
    with world.conn.transaction():
        said = [(world.id_of(group), Done(kind, group.number, facts))]
        [done] = record(world.conn, said, now=world.now, chance=os.urandom)
    assert isinstance(done, Done)
    assert done.leaf is not None
    browser.sign_in(group)
    page = browser.get(f"/me/receipts/{done.leaf.index}")
    assert words in page.main
    assert text_on(page) == SIGNER.receipt(done)
