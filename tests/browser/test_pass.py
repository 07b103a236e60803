"""The pass on a phone and on paper: what the screen shows is what an officer's device reads."""

import io
import os
from datetime import date, timedelta
from typing import Any

import zxingcpp
from PIL import Image

from fairgate.commands.issue_passes import issue_passes
from fairgate.core import receipts


def photographed(picture: bytes) -> list[str]:
    """The QR codes in a picture of the screen."""
    return [str(code.text) for code in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))]


def confirmed(site: Any) -> Any:
    world = site.world
    group = world.asking(size=2)
    world.draw(places=2)
    world.confirm(group)
    return group


def test_the_pass_is_awaited_shown_and_read_from_the_screen(site: Any, meet: Any) -> None:
    group = confirmed(site)
    person = meet("es", scripts=False)
    person.sign_in(group)
    person.look("standing-with-pass")
    person.page.get_by_role("button", name="Su pase para el puerto").click()
    person.look("pass-being-made")
    world = site.world
    assert len(issue_passes(world.conn, keys=world.keys, now=world.now, chance=os.urandom)) == 1
    person.page.get_by_role("button", name="Cargar de nuevo").click()
    person.look("pass")
    figure = person.page.locator(".fg-code")
    [text] = photographed(figure.screenshot())
    assert (receipts.read(text).kind, receipts.read(text).number) == ("pass", group.number)
    person.page.set_viewport_size({"width": 320, "height": 640})
    assert photographed(figure.screenshot()) == [text], "on the smallest phone"
    person.page.emulate_media(media="print")
    assert photographed(person.page.screenshot()) == [text], "on paper"
    assert not person.page.get_by_role("heading", level=2).filter(has_text="En el puerto").is_visible()
    assert person.page.get_by_text(group.number).first.is_visible()


def test_every_receipt_is_read_from_the_screen_too(site: Any, meet: Any) -> None:
    group = site.world.asking(size=3)
    person = meet("en", scripts=True)
    person.sign_in(group)
    person.page.get_by_role("link", name="Receipt for: You asked").first.click()
    person.look("receipt-with-code")
    text = person.page.locator(".fg-receipt").text_content()
    assert photographed(person.page.locator(".fg-code").screenshot()) == [text]


def with_pass(world: Any, day: date) -> Any:
    """A group with an appointment on this day, and its pass."""
    group = world.asking(size=2)
    world.draw(day, places=8)  # for those whom other tests let ask, too
    world.confirm(group, world.drawn_at(day))
    assert len(issue_passes(world.conn, keys=world.keys, now=world.drawn_at(day), chance=os.urandom)) == 1
    return group


def test_what_has_become_of_a_pass_is_said_before_anything_else(site: Any, meet: Any) -> None:
    world = site.world
    late, came, gave_up = (
        with_pass(world, day) for day in (world.today - timedelta(days=3), world.today, world.day + timedelta(days=1))
    )
    world.check_in(came)
    world.cancel(gave_up)
    said = {came: ("came", "Your group was checked in."), late: ("late", "This pass does not count any more.")}
    for group, (name, words) in {**said, gave_up: ("gave-up", "it does not count any more.")}.items():
        person = meet("en", scripts=False)
        person.sign_in(group)
        person.go("/pass")
        person.look(f"pass-{name}")
        assert person.page.get_by_text(words).is_visible()
        assert len(photographed(person.page.screenshot(full_page=True))) == (group is came)
