"""The page that explains the draw: its example is a real draw, and shows what there is to explain."""

import re
from hashlib import sha256

import pytest

from fairgate.core.bundle import Manifest
from fairgate.core.draw import Entry
from fairgate.web.twelve import FAMILIES, PORTS, by_ticket, example
from fairgate.web.views import how
from pages import Pages
from web_world import World

ADDRESS = "/how-the-draw-works"
HALF = (1, 2)
SHARES = [HALF, (0, 1), (1, 1), (3, 10)]


def by_hand(manifest: Manifest, entries: list[Entry], seed: bytes) -> tuple[list[tuple[str, str]], list[str]]:
    """Offers (ticket, port) and reserve, as the rules on paper say it: docs/rules/draw.md, "Allocation"."""

    def hashed(purpose: str, ticket: str) -> str:
        return sha256(f"fairgate-draw/1|{purpose}|{seed.hex()}|{ticket}".encode()).hexdigest()

    n, d = manifest.seniority_share
    cap = {port.port: port.capacity - port.carry for port in manifest.ports}
    used = dict.fromkeys(cap, 0)
    offers: list[tuple[str, str]] = []

    def give(order: list[Entry], limit: dict[str, int]) -> list[Entry]:
        rest = []
        for entry in order:
            port = next((port for port in entry.ports if used[port] < limit[port]), None)
            if port is None:
                rest.append(entry)
            else:
                offers.append((entry.ticket, port))
                used[port] += entry.size
        return rest

    seniors = sorted(entries, key=lambda entry: (-entry.weeks, hashed("tie", entry.ticket)))
    rest = give(seniors, {port: places * n // d for port, places in cap.items()})
    reserve = give(sorted(rest, key=lambda entry: hashed("rank", entry.ticket)), cap)
    return offers, [entry.ticket for entry in reserve]


@pytest.mark.parametrize("share", SHARES)
def test_the_example_is_the_draw_that_the_rules_give(share: tuple[int, int]) -> None:
    found = example(share)
    offers, reserve = by_hand(found.manifest, [family.entry for family in FAMILIES], found.seed)
    assert [(offer.ticket, offer.port) for offer in found.drawn.offers] == offers
    assert list(found.drawn.reserve) == reserve


def test_there_is_something_of_everything_in_it() -> None:
    """So that the page has nothing to explain that cannot be seen."""
    found = example(HALF)
    assert len(FAMILIES) == 12
    phases = [offer.phase for offer in found.drawn.offers]
    assert {"seniority", "lottery"} == set(phases)
    assert len(found.drawn.reserve) >= 3
    lottery = [offer for offer in found.drawn.offers if offer.phase == "lottery"]
    assert [offer for offer in lottery if by_ticket(offer.ticket).size >= 5], "a large family with a lot"
    assert [offer for offer in lottery if by_ticket(offer.ticket).ports[0] != offer.port], "a second choice"
    assert max(found.drawn.carry_out.values()) >= 2, "a port that takes too many"
    assert [port for port in PORTS if port.carry], "and one that pays back"
    weeks = [family.weeks for family in FAMILIES]
    assert len(set(weeks)) < len(weeks), "families that waited equally long"


def test_the_place_that_comes_free_goes_to_the_first_of_the_reserve_that_named_the_port() -> None:
    lapse = example(HALF).lapse
    assert lapse is not None
    wanting = [by_ticket(ticket) for ticket in example(HALF).drawn.reserve if lapse.port in by_ticket(ticket).ports]
    assert lapse.following == (wanting[0],)
    assert example(HALF).drawn.reserve[0] != wanting[0].ticket, "somebody above did not name it"


def test_one_week_more_makes_another_fingerprint() -> None:
    assert example(HALF).root != example(HALF).other_root


def test_the_page_tells_it_in_both_languages(world: World, browser: Pages, navegador: Pages) -> None:
    found = example(world.profile.program("arrival").seniority_share)
    for person in (browser, navegador):
        page = person.get(ADDRESS)
        for value in (found.root, found.other_root, found.seed, found.manifest.hash()):
            assert value.hex() in page.main
        for family in FAMILIES:
            assert family.name in page.main
            assert family.number not in page.html
        assert {"/missing", "/draws/", "/ledger/checkpoint"} <= {link.attrs["href"] for link in page.all("a")}
        assert len([svg for svg in page.all("svg") if "fg-chart" in svg.attrs.get("class", "")]) == 1
    assert "The Diallo family, 5 people, found 1 place left at River." in browser.get(ADDRESS).main
    assert "La familia Diallo, 5 personas, encontró 1 lugar en Río." in navegador.get(ADDRESS).main


def test_the_line_to_compute_a_lot_gives_the_lot(world: World, browser: Pages) -> None:
    shown = browser.get(ADDRESS).main
    (text,) = re.findall(r"printf '([^']+)' \| sha256sum", shown)
    assert f"is {sha256(text.encode()).hexdigest()}." in shown


@pytest.mark.parametrize("share", SHARES)
def test_every_share_of_places_for_those_who_wait_can_be_told(
    world: World, browser: Pages, monkeypatch: pytest.MonkeyPatch, share: tuple[int, int]
) -> None:
    told = how._example
    monkeypatch.setattr(how, "_example", lambda _, days, language: told(share, days, language))
    page = browser.get(ADDRESS)
    headings = [heading.text.strip() for heading in page.all("h3") if re.match(r"\d+\. ", heading.text.strip())]
    assert [int(heading.split(".")[0]) for heading in headings] == list(range(1, len(headings) + 1))
    assert ("First those who have waited longest" in page.main) is (share[0] > 0)


def test_its_first_view_is_light(world: World, browser: Pages) -> None:
    answer = browser.client.get(ADDRESS, headers={"accept-encoding": "gzip"})
    assert len(answer.content) < 20 * 1024
