"""The page of the pass: there a moment after confirming, to be shown, printed, and read by a device."""

import gzip
import os
import re
from base64 import b64encode
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import zxingcpp
from django.conf import settings
from PIL import Image, ImageDraw

from fairgate.commands.issue_passes import issue_passes
from fairgate.core import receipts, revoked_note
from fairgate.core.note import NoteSigner, verified
from fairgate.core.passes import Validity, read_pass, validity
from fairgate.core.receipts import Signer
from fairgate.store import passes
from pages import Browser, Page, Pages
from web_world import Group, World

SEED = bytes(32)
SIGNER = Signer(SEED, "localhost/ledger")


@pytest.fixture(autouse=True)
def key(world: World) -> None:
    """The key that pages sign with."""
    file = Path(settings.FAIRGATE_HOME) / "keys" / "receipt.key"
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_bytes(b64encode(SEED))


@pytest.fixture
def confirmed(world: World) -> Group:
    group = world.asking(size=2)
    world.draw(places=2)
    world.confirm(group)
    return group


def issued(world: World) -> int:
    return len(issue_passes(world.conn, keys=world.keys, now=world.now, chance=os.urandom))


def text_on(page: Page) -> str:
    [found] = [e for e in page.all("code") if e.attrs.get("class") == "fg-receipt"]
    return found.text


def photographed(page: Page) -> str:
    """What a phone reads from the QR code on the page, drawn as a browser would."""
    [code] = [e for e in page.all("path") if e.attrs.get("stroke") == "#000"]
    side = int(page.one("svg", **{"class": "fg-qr"}).attrs["viewbox"].split()[2])
    picture = Image.new("L", (4 * side, 4 * side), 255)
    draw, x, y = ImageDraw.Draw(picture), 0.0, 0.0
    for op, *given in _steps(code.attrs["d"]):
        if op == "M":
            x, y = given
        elif op == "m":
            x, y = x + given[0], y + given[1]
        else:
            draw.rectangle((4 * x, 4 * (y - 0.5), 4 * (x + given[0]) - 1, 4 * (y + 0.5) - 1), fill=0)
            x += given[0]
    [found] = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return str(found.text)


def _steps(path: str) -> list[tuple[str, ...]]:
    found = re.findall(r"([Mmh])(-?[\d.]+)(?:[ ,]?(-?[\d.]+))?", path)
    return [(op, float(a), float(b)) if op != "h" else (op, float(a)) for op, a, b in found]


def test_after_confirming_the_pass_is_there_in_a_moment(world: World, browser: Pages, confirmed: Group) -> None:
    browser.sign_in(confirmed)
    page = browser.get(browser.get("/me").link("Your pass for the port"))
    assert page.h1 == "Your pass"
    assert "Your pass is being made." in page.main
    assert "San Ysidro" in page.main, "what is known is said meanwhile"
    assert issued(world) == 1
    page = browser.get(page.link("Load again"))
    assert "being made" not in page.main
    for words in ("San Ysidro", confirmed.number):
        assert words in page.main
    page = browser.get(page.link("What it says to the letter, and how anyone can check it"))
    assert "Counts until" in page.main


def test_it_is_a_signed_receipt_of_the_act_and_the_square_holds_the_same_text(
    world: World, browser: Pages, confirmed: Group
) -> None:
    issued(world)
    browser.sign_in(confirmed)
    page = browser.get("/pass")
    text = text_on(page)
    receipt = receipts.verify(text, {SIGNER.kid: SIGNER.public})
    found = read_pass(receipt)
    assert (found.number, found.port, found.date, found.size) == (confirmed.number, "SYS", world.day, 2)
    assert validity(found, world.now) is Validity.VALID
    kept = world.conn.execute("SELECT data FROM leaf WHERE index = %s", [receipt.leaf]).fetchone()
    assert kept is not None
    assert bytes(kept[0]) == receipt.leaf_data()
    assert photographed(page) == text


def test_the_receipt_of_every_act_has_its_square_too(world: World, browser: Pages, confirmed: Group) -> None:
    issued(world)
    browser.sign_in(confirmed)
    page = browser.get("/me/receipts")
    links = [e.attrs["href"] for e in page.all("a") if e.attrs.get("href", "").startswith("/me/receipts/")]
    assert len(links) == 5, "registered, requested, offered, confirmed, pass"
    for link in links:
        page = browser.get(link)
        assert photographed(page) == text_on(page)
    assert not browser.get("/me/receipts").all("svg", **{"class": "fg-qr"}), "the list of them stays light"


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_page_is_light_and_needs_no_script(world: World, confirmed: Group, language: str) -> None:
    issued(world)
    person = Pages(language)
    person.sign_in(confirmed)
    page = person.get("/pass")
    assert len(gzip.compress(page.html.encode())) < 6_000
    [image] = [e for e in page.elements if e.attrs.get("role") == "img"]
    assert image.attrs["aria-label"] == {"en": "QR code of your pass", "es": "Código QR de su pase"}[language]


def test_who_came_still_has_it_and_who_cancelled_has_none(world: World, browser: Pages, confirmed: Group) -> None:
    issued(world)
    browser.sign_in(confirmed)
    assert browser.get("/pass").all("svg", **{"class": "fg-qr"})
    world.cancel(confirmed)
    page = browser.get("/pass")
    assert "You have no appointment" in page.main
    assert not page.all("svg", **{"class": "fg-qr"})
    assert "pass" not in browser.get("/me").main.replace("The pass for your appointment was made.", "")


def test_a_group_that_was_checked_in_can_still_show_it(world: World, browser: Pages) -> None:
    group = at_the_port(world)
    world.check_in(group)
    browser.sign_in(group)
    assert browser.get("/pass").all("svg", **{"class": "fg-qr"})


def at_the_port(world: World) -> Group:
    """A group whose appointment is today, with a pass."""
    group = world.asking(size=3)
    world.draw(world.today, places=3)
    world.confirm(group, world.drawn_at(world.today))
    issued(world)
    return group


def time_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A day and a half later by the clock that decides; when that is."""
    later = world.now + timedelta(hours=36)
    monkeypatch.setattr("fairgate.store.clock.now", lambda _conn: later)
    return later


def test_who_was_checked_in_is_told_that_it_has_done_its_work(world: World, browser: Pages, navegador: Pages) -> None:
    group = at_the_port(world)
    browser.sign_in(group)
    assert "checked in" not in browser.get("/pass").main
    world.check_in(group)
    page = browser.get("/pass")
    assert "Your group was checked in. You can still show the pass until 06:00 on " in page.main
    assert page.main.count("Los Angeles time") == 2, "both times are those of the port"
    navegador.sign_in(group)
    assert "Se registró la llegada de su grupo." in navegador.get("/pass").main


def test_a_pass_that_has_expired_is_not_shown_as_if_it_counted(
    world: World, browser: Pages, navegador: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = at_the_port(world)
    world.check_in(group)
    for person in (browser, navegador):
        person.sign_in(group)
        assert person.get("/pass").all("svg", **{"class": "fg-qr"})
    later = time_goes_on(world, monkeypatch)
    for person, said in ((browser, "This pass does not count any more."), (navegador, "Este pase ya no vale.")):
        page = person.get("/pass")
        assert said in page.main
        assert not page.all("svg", **{"class": "fg-qr"})
        assert validity(read_pass(receipts.read(text_on(page))), later) is Validity.EXPIRED
    assert "Show this page on a phone" not in browser.get("/pass").main


def test_nobody_waits_for_a_pass_that_is_never_made(
    world: World, browser: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was checked in before it was made gets none: the page said for ever that it would be there in a moment."""
    group = world.asking(size=3)
    world.draw(world.today, places=3)
    world.confirm(group, world.drawn_at(world.today))
    browser.sign_in(group)
    assert "Your pass is being made." in browser.get("/pass").main
    world.check_in(group)
    assert issued(world) == 0
    page = browser.get("/pass")
    assert "being made" not in page.main
    assert "Your group was checked in. You need no pass any more." in page.main
    time_goes_on(world, monkeypatch)
    assert "The day of this appointment is over." in browser.get("/pass").main


def test_who_cancelled_is_told_of_the_copy_that_they_may_have(
    world: World, browser: Pages, navegador: Pages, confirmed: Group
) -> None:
    issued(world)
    world.cancel(confirmed)
    browser.sign_in(confirmed)
    assert "If you kept a pass of your last appointment: it does not count any more." in browser.get("/pass").main
    navegador.sign_in(confirmed)
    assert "ya no vale" in navegador.get("/pass").main
    other = world.asking()
    browser.sign_in(other)
    assert "does not count" not in browser.get("/pass").main


def test_who_has_nothing_is_told_so(world: World, browser: Pages, navegador: Pages) -> None:
    group = world.asking()
    for person in (browser, navegador):
        person.sign_in(group)
        page = person.get("/pass")
        assert page.status == 200
        assert not page.all("svg", **{"class": "fg-qr"})


def test_nobody_sees_a_pass_without_signing_in(browser: Pages) -> None:
    page = browser.get("/pass")
    assert page.h1 == "Sign in"
    assert browser.client.get("/pass")["Location"] == "/sign-in?next=/pass"


def test_the_list_of_revoked_passes_is_served_to_everyone(world: World) -> None:
    assert Browser.gating is not None
    assert Browser.gating.send("GET", "/revoked.json").status_code == 404
    many = frozenset(f"{n:016x}" for n in range(20_000))
    for ids in (frozenset(), many):
        found = passes.Revoked("localhost/ledger", world.now, ids)
        passes.publish(Path(settings.FAIRGATE_HOME), found)
        answer = Browser.gating.send("GET", "/revoked.json")
        assert answer.status_code == 200
        assert answer.content == found.to_bytes()
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"] == "public, max-age=5"


def test_so_is_the_signed_one(world: World) -> None:
    assert Browser.gating is not None
    assert Browser.gating.send("GET", "/revoked.note").status_code == 404
    ids = frozenset(f"{n:016x}" for n in range(20_000))
    signer = NoteSigner(b"l" * 32, "localhost/ledger")
    made = revoked_note.signed(signer, passes.Revoked("localhost/ledger", world.now, ids))
    passes.publish_note(Path(settings.FAIRGATE_HOME), made)
    answer = Browser.gating.send("GET", "/revoked.note")
    assert answer.status_code == 200
    assert answer.content == made
    found, note = revoked_note.parse("revoked.note", answer.content)
    assert found.appointments == ids
    assert verified(note, [signer.key])
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=5"
