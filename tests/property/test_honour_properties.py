"""Who was missing gets what the draw gives with the seed as it was drawn, and nobody else is touched."""

from collections.abc import Sequence
from hashlib import sha256

from hypothesis import assume, given
from hypothesis import strategies as st

from fairgate.core import bundle
from fairgate.core.draw import Entry, allocate, draw, next_from_reserve, seed_of
from fairgate.core.honoured import Share, draw_with, share_of
from sealed_rounds import Round, rounds


def take_out(world: Round, data: st.DataObject) -> tuple[Entry, list[Entry], bytes]:
    """One entry of the round, the list that was sealed without it, and that list's root."""
    assume(world.entries)
    missing = data.draw(st.sampled_from(world.entries))
    sealed = [entry for entry in world.entries if entry != missing]
    return missing, sealed, bundle.entries_root(sealed)


def by_hand(world: Round, seed: bytes, ticket: str) -> Share:
    """What a ticket of the whole list gets, gone through one entry after the other."""

    def lot(purpose: str, entry: Entry) -> tuple[bytes, str]:
        text = f"fairgate-draw/1|{purpose}|{seed.hex()}|{entry.ticket}"
        return sha256(text.encode()).digest(), entry.ticket

    n, d = world.manifest.seniority_share
    cap = {p.port: max(0, p.capacity - p.carry) for p in world.manifest.ports}
    used = dict.fromkeys(cap, 0)
    order = 0
    left = sorted(world.entries, key=lambda e: (-e.weeks, *lot("tie", e)))
    for phase in ("seniority", "lottery"):
        stay = []
        for entry in left:
            limit = {p: c * n // d for p, c in cap.items()} if phase == "seniority" else cap
            port = next((p for p in entry.ports if used[p] < limit[p]), None)
            if port is None:
                stay.append(entry)
                continue
            order += 1
            used[port] += entry.size
            if entry.ticket == ticket:
                return Share("offered", port, order, phase)
        left = sorted(stay, key=lambda e: lot("rank", e))
    return Share("reserve", None, [entry.ticket for entry in left].index(ticket) + 1, None)


@given(rounds(), st.data())
def test_who_was_missing_gets_what_the_whole_list_gives_with_the_same_seed(world: Round, data: st.DataObject) -> None:
    missing, sealed, root = take_out(world, data)
    share = share_of(missing.ticket, draw_with(world.manifest, root, sealed, missing, world.randomness))
    seed = seed_of(world.manifest, root, world.randomness)
    assert share == share_of(missing.ticket, allocate(world.manifest, world.entries, seed))
    assert share == by_hand(world, seed, missing.ticket)


@given(rounds(), st.data())
def test_who_stands_on_the_reserve_with_the_missing_line_took_nothing_from_anyone(
    world: Round, data: st.DataObject
) -> None:
    missing, sealed, root = take_out(world, data)
    drawn = draw(world.manifest, root, sealed, world.randomness)
    share = share_of(missing.ticket, draw_with(world.manifest, root, sealed, missing, world.randomness))
    assume(share.outcome == "reserve")
    again = draw_with(world.manifest, root, sealed, missing, world.randomness)
    assert again.offers == drawn.offers
    assert again.reserve == (*drawn.reserve[: share.order - 1], missing.ticket, *drawn.reserve[share.order - 1 :])


@given(rounds(), st.data())
def test_the_size_of_a_group_changes_nothing_about_what_it_gets(world: Round, data: st.DataObject) -> None:
    missing, sealed, root = take_out(world, data)
    shares = [
        share_of(missing.ticket, draw_with(world.manifest, root, sealed, missing._replace(size=size), world.randomness))
        for size in range(1, world.manifest.group_max + 1)
    ]
    assert len(set(shares)) == 1


@given(rounds(), st.data(), st.integers(0, 20))
def test_the_reserve_offers_the_missing_one_a_place_at_its_turn_and_everybody_else_what_they_would_have_had(
    world: Round, data: st.DataObject, cap: int
) -> None:
    assume(world.entries)
    missing = data.draw(st.sampled_from(world.entries))
    port = data.draw(st.sampled_from([p.port for p in world.manifest.ports]))
    without = [entry for entry in world.entries if entry != missing]

    def offered(reserve: Sequence[Entry], over: Sequence[str] = ()) -> list[Entry]:
        return next_from_reserve(reserve, (), port=port, used=0, cap=cap, over_capacity=over)

    given_out = offered(world.entries, [missing.ticket])
    assert [entry for entry in given_out if entry != missing] == offered(without)
    assert (missing in given_out) == (missing in offered(world.entries))
