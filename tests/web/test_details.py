"""Correcting a registration on pages."""

import pytest

from fairgate.store import registrations
from pages import Pages
from web_world import World


def test_a_name_and_a_birth_date_are_corrected(world: World, browser: Pages) -> None:
    group = world.group(size=2, weeks=9)
    browser.sign_in(group)
    page = browser.send("/me/people/2", given_names="Añá <b> O'Neil")
    assert page.path == "/me/people"
    assert "Your details are changed." in page.main
    assert "Añá <b> O'Neil Pérez 2 May 1990" in page.main
    page = browser.send("/me/people/2", born_on="2/5/1988")
    assert "Añá <b> O'Neil Pérez 2 May 1988" in page.main
    people = registrations.people(world.conn, [world.id_of(group)])[world.id_of(group)]
    assert len({person.joined_at for person in people}) == 1, "the place in the line stays"


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"born_on": "31 2 1980"}, {"born_on": "Enter a real date as day, month and year, like 31 3 1980"}),
        ({"born_on": "soon"}, {"born_on": "Enter a real date as day, month and year, like 31 3 1980"}),
        ({"born_on": ""}, {"born_on": "Enter the birth date"}),
        ({"born_on": "1 1 2999"}, {"born_on": "The birth date must be in the past"}),
        ({"born_on": "1 1 1850"}, {"born_on": "The birth date is more than 130 years ago. Check the year"}),
        ({"given_names": "", "family_names": " "}, {"given_names": "Enter at least one name"}),
        ({"given_names": "x" * 201}, {"given_names": "A name may have 200 letters at most"}),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    world: World, browser: Pages, sent: dict[str, str], errors: dict[str, str]
) -> None:
    browser.sign_in(world.group())
    page = browser.send("/me/people/1", **sent)
    assert (page.status, page.errors) == (422, errors)


def test_a_person_who_is_not_in_the_group_has_no_page(world: World, browser: Pages) -> None:
    browser.sign_in(world.group(size=2))
    assert browser.get("/me/people/3").status == 404
    assert browser.get("/me/people/0").status == 404


def test_the_language_of_messages_is_changed(world: World, browser: Pages) -> None:
    group = world.group()
    browser.sign_in(group)
    page = browser.send("/me/language", language="es")
    assert "Español" in page.main
    page = browser.send("/me/language", language="tlh")
    assert (page.status, page.errors) == (422, {"language": "Choose a language from the list"})
