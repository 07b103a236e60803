"""Signing in with number and code, and what a wrong one is told."""

import pytest

from pages import Pages
from web_world import Group, World

ELSEWHERE = ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "me"]
WRONG = "This registration number and this access code do not belong together. Check both"


def test_number_and_code_are_read_as_people_write_them(world: World, browser: Pages) -> None:
    group = world.group()
    page = browser.send("/sign-in", number=f" {group.number.lower()} ", code=group.code.replace("-", " "))
    assert page.path == "/me"


def test_the_page_that_was_asked_for_comes_after_signing_in(world: World, browser: Pages) -> None:
    group = world.group()
    page = browser.get("/me/request")
    assert page.path == "/sign-in?next=/me/request"
    assert browser.send_form(page, number=group.number, code=group.code).path == "/me/request"


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "me"]
)
def test_nobody_is_sent_elsewhere(world: World, browser: Pages, elsewhere: str) -> None:
    group = world.group()
    page = browser.send(f"/sign-in?next={elsewhere}", number=group.number, code=group.code)
    assert page.path == "/me"


def test_a_wrong_code_and_an_unknown_number_are_told_the_same(world: World, browser: Pages) -> None:
    group, other = world.group(), world.group()
    for number, code in ((group.number, other.code), ("0000-0012", group.code)):
        page = browser.send("/sign-in", number=number, code=code)
        assert (page.status, page.errors) == (422, {"number": WRONG})


def test_what_is_typed_wrong_is_said_at_its_field(world: World, browser: Pages) -> None:
    page = browser.send("/sign-in", number="7K3M", code="")
    assert page.errors == {
        "number": "The registration number has 8 letters and digits, like 7K3M-9QXR",
        "code": "Enter your access code",
    }
    assert page.fields()["number"] == "7K3M"


def test_somebody_who_signs_out_is_signed_out(world: World, browser: Pages) -> None:
    browser.sign_in(world.group())
    page = browser.get("/me")
    assert browser.send_form(page, to="/sign-out").path == "/"
    assert browser.get("/me").path == "/sign-in?next=/me"


def test_a_cookie_that_we_did_not_write_opens_nothing(world: World, browser: Pages) -> None:
    group = world.group()
    browser.sign_in(group)
    token = browser.client.cookies["registration"].value
    body, tag = token.split(".")
    for forged in ("", "x", "x.y", f"{body}.{tag[::-1]}", f"{body[:-2]}AA.{tag}", f"{body}.", "é.é"):
        browser.client.cookies["registration"] = forged
        assert browser.get("/me").path == "/sign-in?next=/me"


def test_the_cookie_is_kept_from_scripts_and_other_sites(world: World, browser: Pages) -> None:
    browser.sign_in(world.group())
    cookie = browser.client.cookies["registration"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_the_language_is_switched_before_signing_in_and_kept(world: World) -> None:
    person = Pages("en")
    form = person.get("/sign-in")
    person.language = "es"
    page = person.get(next(e.attrs["href"] for e in form.all("a") if e.attrs.get("hreflang") == "es"))
    assert (page.path, page.h1) == ("/sign-in", "Entrar")
    assert person.sign_in(world.group(language="en")).h1 == "Su situación"


def test_an_unknown_language_is_no_page(world: World, browser: Pages) -> None:
    assert browser.get("/language/xx").status == 404


def test_a_registration_that_is_gone_is_asked_to_sign_in_again(world: World, browser: Pages) -> None:
    from django.conf import settings

    from fairgate.core import tokens

    gone = Group("7K3M-9QXR", "")
    token = tokens.sign(settings.FAIRGATE_KEYS, "session", {"number": gone.number, "until": 2**40})
    browser.client.cookies["registration"] = token
    assert browser.get("/me").path == "/sign-in?next=/me"
