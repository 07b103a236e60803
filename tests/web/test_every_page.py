"""Every page, in every state and both languages; the client checks each of them (tests/pages.py)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from pages import Pages
from web_world import Group, World


def asked(world: World) -> Group:
    return world.asking(size=2)


def offered(world: World) -> Group:
    group = world.asking(size=2)
    world.draw(places=2)
    return group


def offered_and_moved(world: World) -> Group:
    group = world.asking(size=2)
    yesterday = world.day - timedelta(days=1)
    world.draw(yesterday, places=2)
    world.outage(yesterday, after=timedelta(hours=20), lasted=timedelta(hours=2, minutes=15))
    return group


def offered_and_paused(world: World) -> Group:
    group = offered(world)
    world.outage(world.day, after=timedelta(minutes=10), lasted=None)
    return group


def offered_and_not_yet_told(world: World) -> Group:
    group = offered(world)
    world.outage(world.day, after=timedelta(minutes=10), lasted=timedelta(minutes=20), told=False)
    return group


def too_late(world: World) -> Group:
    group = world.asking()
    world.draw(world.day - timedelta(days=2))
    return group


def confirmed(world: World) -> Group:
    group = offered(world)
    world.confirm(group)
    return group


def declined(world: World) -> Group:
    group = offered(world)
    world.decline(group)
    return group


def cancelled(world: World) -> Group:
    group = confirmed(world)
    world.cancel(group)
    return group


def arrived(world: World) -> Group:
    group = world.asking(size=3)
    world.draw(world.today, places=3)
    world.confirm(group, world.drawn_at(world.today))
    world.check_in(group)
    return group


def on_reserve(world: World) -> Group:
    world.asking(size=3, weeks=40)  # who waits longest takes all places there are
    world.asking(weeks=30)
    group = world.asking(size=4, weeks=0)
    world.draw(places=2)
    return group


def withdrawn(world: World) -> Group:
    group = world.asking()
    world.withdraw(group)
    return group


def withdrawn_for_good(world: World) -> Group:
    group = world.asking()
    world.withdraw(group, hours_ago=73)
    return group


STATES: list[tuple[Callable[[World], Group], str, str]] = [
    (World.group, "You have not asked for an appointment yet", "Todavía no ha pedido una cita"),
    (asked, "Asked since", "Pedida desde"),
    (offered, "You are offered a place", "Se le ofrece un lugar"),
    (offered_and_moved, "The time lost, 2 hours 15 minutes", "El tiempo perdido, 2 horas y 15 minutos"),
    (offered_and_paused, "Your deadline stands still.", "Su plazo está detenido."),
    (offered_and_not_yet_told, "Your deadline stands still.", "Su plazo está detenido."),
    (too_late, "The time to confirm is over", "El plazo para confirmar terminó"),
    (confirmed, "You have an appointment", "Usted tiene una cita"),
    (declined, "You did not take the place at San Ysidro", "Usted no tomó el lugar en San Ysidro"),
    (cancelled, "was cancelled", "se canceló"),
    (arrived, "Your group has arrived", "Su grupo ha llegado"),
    (on_reserve, "on the reserve list", "en la lista de reserva"),
    (withdrawn, "Bring my request back", "Recuperar mi solicitud"),
    (withdrawn_for_good, "You can ask again at any time", "Puede pedir de nuevo en cualquier momento"),
]
NAMES = [made.__name__ for made, *_ in STATES]


@pytest.mark.parametrize(("made", "english", "spanish"), STATES, ids=NAMES)
def test_where_somebody_stands(
    world: World, browser: Pages, navegador: Pages, made: Callable[[World], Group], english: str, spanish: str
) -> None:
    group = made(world)
    for person, words in ((browser, english), (navegador, spanish)):
        page = person.sign_in(group)
        assert page.path == "/me"
        assert words in page.main
        for path in (
            "/me/request",
            "/me/people",
            "/me/people/1",
            "/me/language",
            "/me/withdraw",
            "/me/decline",
            "/pass",
        ):
            assert person.get(path).status == 200
        for path in ("/me/confirm", "/me/cancel"):
            assert person.get(path).status in (200, 409)


def test_public_pages(world: World, browser: Pages, navegador: Pages) -> None:
    day = on_reserve(world) and world.day
    world.open(day + timedelta(days=1))
    for person in (browser, navegador):
        for path in ("/", "/how-the-draw-works", "/draws/", f"/draws/{day}/", f"/draws/{day + timedelta(days=1)}/"):
            assert person.get(path).status == 200
        assert person.get("/draws/2031-01-01/").status == 404
        assert person.get("/draws/2031-02-31/").status == 404
        assert person.get("/nothing-here").status == 404
    assert "Office of Arrivals" in browser.get("/").html
    assert "Citas de llegada" in navegador.get("/").h1


def test_an_empty_deployment_has_a_list_of_draws(world: World, browser: Pages) -> None:
    assert "There has been no draw yet." in browser.get("/draws/").main


def test_staff_pages(world: World, browser: Pages, navegador: Pages) -> None:
    arrived(world)
    get_user_model().objects.create_user("officer", password="a long enough password")
    for person, word in ((browser, "Checked in at"), (navegador, "Llegó a las")):
        assert person.get("/staff/").path == "/staff/sign-in?next=/staff/"
        person.send("/staff/sign-in", name="officer", password="a long enough password")
        assert "San Ysidro" in person.get("/staff/").main
        assert word in person.get("/staff/ports/SYS").main
        assert person.get("/staff/ports/BRO").status == 200
        assert person.get("/staff/ports/XXX").status == 404
