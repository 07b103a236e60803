"""What people see and do in a browser, without JavaScript, on a narrow and on a wide window.

The tests share one world. Each gives out a date of its own, and its group has waited the longest of those without
a place, so that it is offered one of the two places.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

Meet = Callable[..., Any]


def test_the_whole_way_from_the_start_page_to_the_appointment_without_scripts(meet: Meet, site: Any) -> None:
    group = site.world.asking(size=2, weeks=300)
    person = meet("en")
    person.go("/")
    person.look("start")
    person.press("Sign in")
    person.look("sign-in")
    person.press("Sign in")
    assert person.page.title() == "Error: Sign in – Fairgate"
    person.look("sign-in-errors")
    person.sign_in(group)
    person.look("standing")
    person.press("Change the ports")
    person.page.locator("#port-2").select_option(label="Nogales")
    person.look("ask")
    person.press("Save these ports")
    assert "Your request stands." in person.says
    person.look("standing-asked")
    site.world.draw(places=2)
    person.go("/me")
    person.look("standing-offered")
    person.press("See the offer and confirm")
    assert "Confirm by" in person.says
    person.look("confirm")
    person.press("Confirm this place")
    assert "Your place is confirmed." in person.says
    assert "You have an appointment" in person.says
    person.look("standing-confirmed")
    person.page.get_by_role("button", name="Sign out").click()
    assert person.h1 == "Arrival appointments"


def test_the_same_way_in_spanish(meet: Meet, site: Any) -> None:
    group = site.world.asking(size=1, weeks=500)
    persona = meet("en")
    persona.go("/sign-in")
    persona.page.get_by_role("link", name="Español").click()
    persona.language = "es"
    assert persona.h1 == "Entrar"
    persona.sign_in(group)
    persona.look("situacion")
    site.world.draw(site.world.day - timedelta(days=1), places=2)
    site.world.outage(site.world.day - timedelta(days=1), after=timedelta(hours=20), lasted=timedelta(hours=2))
    persona.go("/me")
    persona.look("situacion-oferta")
    persona.press("Ver la oferta y confirmar")
    assert "El tiempo perdido, 2 horas, se le devuelve." in persona.says
    persona.look("confirmar")
    persona.press("Rechazar la oferta")
    persona.look("rechazar")
    persona.press("Sí, rechazar la oferta")
    assert "Usted rechazó la oferta. Su solicitud sigue en pie." in persona.says
    persona.press("Retirar su solicitud")
    persona.look("retirar")
    persona.press("Sí, retirar mi solicitud")
    persona.look("retirada")
    persona.press("Recuperar mi solicitud")
    assert "Su solicitud está en pie de nuevo" in persona.says


def test_coming_too_late_is_explained(meet: Meet, site: Any) -> None:
    group = site.world.asking(weeks=600)
    site.world.draw(site.world.day - timedelta(days=3), places=2)
    for language, h1 in (("en", "The time to confirm is over"), ("es", "El plazo para confirmar terminó")):
        person = meet(language)
        person.sign_in(group)
        person.look("standing-late")
        assert person.go("/me/confirm") == 409
        assert person.h1 == h1
        person.look("too-late")


def test_details_are_corrected(meet: Meet, site: Any) -> None:
    person = meet("en")
    person.sign_in(site.world.group(size=3))
    person.press("See the people in your group")
    person.look("people")
    person.press("Correct Ana 0")
    person.page.locator("#born_on").fill("31 2 1990")
    person.press("Save")
    person.look("person-errors")
    person.go("/me/language")
    person.look("message-language")


def test_public_pages_and_pages_for_trouble(meet: Meet, site: Any) -> None:
    for language in ("en", "es"):
        person = meet(language)
        for name, path in (("how", "/how-the-draw-works"), ("draws", "/draws/"), ("missing", "/nothing-here")):
            person.go(path)
            person.look(name)
        person.go("/draws/")
        rounds = person.page.locator("main table a")
        if rounds.count():
            rounds.first.click()
            person.look("draw")


def test_an_officer_checks_a_group_in(meet: Meet, site: Any) -> None:
    world = site.world
    group = world.asking(size=2, weeks=400)
    world.draw(world.today, places=2)
    world.confirm(group, world.drawn_at(world.today))
    officer = meet("en")
    officer.go("/staff/")
    officer.look("staff-sign-in")
    officer.page.locator("#name").fill("officer")
    officer.page.locator("#password").fill("a long password")
    officer.press("Sign in")
    officer.look("staff-ports")
    officer.press("San Ysidro")
    officer.page.locator("#number").fill(group.number)
    officer.look("staff-port")
    officer.press("Check in")
    assert "The group is checked in." in officer.says
    officer.look("staff-checked-in")


def test_with_scripts_a_failed_form_moves_the_focus_to_its_faults(meet: Meet, site: Any) -> None:
    person = meet("en", scripts=True)
    person.go("/sign-in")
    person.press("Sign in")
    focused = person.page.evaluate("document.activeElement.className")
    assert "govuk-error-summary" in focused
    person.look("with-scripts")
