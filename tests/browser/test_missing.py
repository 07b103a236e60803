"""The page "Not on the list?" and what somebody sees who was honoured, on a narrow and on a wide window."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fairgate.commands.honour import Honour, honour
from fairgate.core.lifecycle import Done
from fairgate.core.receipts import Signer
from fairgate.store import keys
from missing import receipt_of
from web_world import PROGRAM, Group

Meet = Callable[..., Any]


@pytest.mark.parametrize(("language", "title"), [("en", "Not on the list?"), ("es", "¿No está en la lista?")])
def test_the_page_can_be_read_on_a_narrow_and_on_a_wide_window(
    meet: Meet, site: Any, language: str, title: str
) -> None:
    person = meet(language)
    person.go("/missing")
    assert person.h1 == title
    person.look(f"missing-{language}")


def honoured(site: Any, *, places: int) -> Group:
    """Somebody who was left out of a drawn round, and showed the receipt of the request."""
    world = site.world
    group = world.asking(weeks=200)
    shift = "UPDATE request SET asked_at = asked_at + %s WHERE registration_id = %s"
    world.conn.execute(shift, [timedelta(days=9999), world.id_of(group)])
    day = world.draw(world.day - timedelta(days=places), places=places)
    world.conn.execute(shift, [-timedelta(days=9999), world.id_of(group)])
    signer: Signer = keys.load_signer(site.home, keys.origin(""), datetime.now(UTC))
    found = receipt_of(world, group.number, PROGRAM, signer)
    assert found is not None
    listed = keys.load_list(keys.list_path(site.home))
    acts = [Honour(PROGRAM, day, found.receipt)]
    [outcome] = honour(world.conn, acts, keys=world.keys, listed=listed, now=world.now, chance=lambda n: b"c" * n)
    assert isinstance(outcome, Done), outcome
    return group


def test_who_was_honoured_sees_it_everywhere(meet: Meet, site: Any) -> None:
    offered = honoured(site, places=2)
    site.world.asking(weeks=100)
    waiting = honoured(site, places=0)
    mistake = "You were missing from the list of this draw by our mistake."
    for group, words, result, name in (
        (
            waiting,
            "You stand on the reserve list, before number",
            "On the reserve list, before number",
            "missing-reserve",
        ),
        (offered, "You are offered a place", mistake, "missing-offered"),
    ):
        person = meet("en")
        person.sign_in(group)
        assert words in person.says
        person.look(name)
        person.go("/results")
        assert result in person.says
        person.look(f"{name}-results")
