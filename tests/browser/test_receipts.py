"""A receipt on a phone: read, selected with one tap, and copied with every blank in it."""

from typing import Any

from fairgate.core import receipts


def test_a_receipt_is_selected_whole_and_copied_as_it_is(site: Any, meet: Any) -> None:
    group = site.world.asking(size=2)
    person = meet("en", scripts=True)
    person.sign_in(group)
    person.look("history-with-receipts")
    person.page.get_by_role("link", name="Receipt for: You asked").first.click()
    person.look("receipt")
    code = person.page.locator(".fg-receipt")
    code.click()
    copied = person.page.evaluate("getSelection().toString()")
    assert copied == code.text_content()
    assert receipts.read(copied).kind == "requested"
