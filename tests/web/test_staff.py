"""The officers' console."""

import pytest

from fairgate.store import offers, requests
from pages import Pages
from web_world import PROGRAM, Group, World


@pytest.fixture
def expected(world: World) -> Group:
    group = world.asking(size=3)
    world.draw(world.today, places=3)
    world.confirm(group, world.drawn_at(world.today))
    return group


def test_a_group_is_checked_in_by_its_number(world: World, expected: Group, officer: Pages) -> None:
    page = officer.get("/staff/ports/SYS")
    assert "0 of 3 people are checked in." in page.main
    page = officer.send("/staff/ports/SYS", number=expected.number.lower())
    assert "The group is checked in." in page.main
    assert "3 of 3 people are checked in." in page.main
    owner = world.id_of(expected)
    assert offers.history(world.conn, owner)[0].state == "checked_in"
    assert requests.of(world.conn, [owner])[owner, PROGRAM].state == "fulfilled"


def test_a_scan_sent_twice_is_the_same_answer(expected: Group, officer: Pages) -> None:
    for _ in range(2):
        page = officer.send("/staff/ports/SYS", number=expected.number)
        assert "The group is checked in." in page.main


def test_why_a_group_is_not_checked_in_is_said(world: World, expected: Group, officer: Pages) -> None:
    future = world.asking(size=1)
    world.draw(places=1)
    world.confirm(future)
    without = world.group()
    told = {
        ("SYS", "0000-0012"): "No group has this number",
        ("SYS", without.number): "This group has no appointment",
        ("BRO", expected.number): "The appointment of this group is at San Ysidro",
        (
            "SYS",
            "0000-0013",
        ): "A letter or digit of the registration number is wrong. Compare it with what you were given",
        ("SYS", ""): "Enter the number of the group",
    }
    for (port, number), fault in told.items():
        assert officer.send(f"/staff/ports/{port}", number=number).errors == {"number": fault}
    page = officer.send("/staff/ports/SYS", number=future.number)
    assert page.errors["number"].startswith("The appointment of this group is on ")


def test_only_staff_see_the_console(world: World, browser: Pages) -> None:
    browser.sign_in(world.group())
    for path in ("/staff/", "/staff/ports/SYS"):
        assert browser.get(path).path.startswith("/staff/sign-in")


def test_a_wrong_password_is_told_plainly(world: World, browser: Pages) -> None:
    page = browser.send("/staff/sign-in", name="officer", password="wrong")
    assert page.errors == {"name": "This name and this password do not belong together. Check both"}
    assert page.one("input", id="password").attrs.get("value", "") == ""


def test_staff_sign_out(officer: Pages) -> None:
    assert officer.send_form(officer.get("/staff/"), to="/staff/sign-out").path == "/staff/sign-in"
    assert officer.get("/staff/").path.startswith("/staff/sign-in")


def test_accounts_are_made_with_a_password_worth_the_name(world: World, browser: Pages) -> None:
    from fairgate.core.errors import BadInput
    from fairgate.web import accounts

    with pytest.raises(BadInput, match="password: "):
        accounts.add("guard", "short")
    accounts.add("guard", "a long enough password")
    accounts.add("guard", "another long password")
    assert browser.send("/staff/sign-in", name="guard", password="another long password").path == "/staff/"
